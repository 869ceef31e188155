/** `lika status`, `lika openapi`, `lika bulk`: the server as a whole. */
import { Option } from 'commander'
import type { Answer } from '../client.ts'
import { NotInOrder, UsageError } from '../failures.ts'
import { download } from '../files.ts'
import { isList, type Json, memberAt, objectsAt, parseJson, textAt } from '../json.ts'
import { readTextFile } from '../option-values.ts'
import type { Lika } from '../verbs.ts'

export function addServer(lika: Lika): void {
  const { say, program } = lika
  lika.verb(program, 'status', '服务器是否正常', 'whether the server is well').action(
    lika.action(async (call) => {
      const ask = (path: string): Promise<Answer> =>
        call.send({ method: 'GET', path, alsoAnswers: [503], once: true, timeoutSeconds: 10 })
      const health = await ask('/healthz')
      const ready = await ask('/readyz')
      if (!call.options.json) call.world.print(`/healthz ${health.status}`)
      if (!call.options.json) call.world.print(`/readyz ${ready.status}`)
      const wrong = objectsAt(ready.body, 'checks')
      if (call.options.json || wrong.length === 0) call.show(ready)
      for (const check of call.options.json ? [] : wrong) {
        call.world.print(`  ${['name', 'detail'].map((m) => textAt(check, m) ?? '').join(': ')}`)
      }
      if (health.status === 503 || ready.status === 503) {
        throw new NotInOrder(say('服务器未就绪。', 'The server is not ready.'))
      }
    }, 'none'),
  )

  lika
    .verb(program, 'openapi', '打印 OpenAPI 文档', 'print the OpenAPI document')
    .option('--output <file>', say('写入新文件', 'into a new file'))
    .action(
      lika.action(
        (call, { output }: { output?: string }) =>
          download(call, { path: '/openapi.json' }, output),
        'none',
      ),
    )
  addBulk(lika)
}

function addBulk(lika: Lika): void {
  const { say, program } = lika
  const bulk = lika
    .verb(program, 'bulk <file>', '一次执行至多 500 项操作', 'run up to 500 operations at once')
    .addOption(
      new Option('--on-error <what>', say('出错时', 'when one is refused'))
        .choices(['stop', 'continue', 'atomic'])
        .default('stop'),
    )
    .action(
      lika.action(async (call, file: string, { onError }: { onError: string }) => {
        const operations = operationsIn(file, lika)
        const answer = await call.post('/v1/bulk', { on_error: onError, operations })
        const results = objectsAt(answer.body, 'results')
        if (call.options.json) call.showText(answer)
        else call.showRows(results, ['status', 'body.id', 'body.code', 'body.detail'])
        const refused = results.filter((result) => Number(memberAt(result, 'status')) >= 400).length
        if (refused > 0) {
          const all = results.length
          throw new NotInOrder(
            say(`${all} 项中 ${refused} 项被拒绝。`, `Refused: ${refused} of ${all} operations.`),
          )
        }
      }),
    )
  lika.examples(bulk, 'bulk operations.json --on-error atomic', 'bulk - < operations.json')
}

/** The file is the list `[{path,idempotency_key,body}]`. */
function operationsIn(file: string, { say }: Lika): readonly Json[] {
  const operations = parseJson(readTextFile(file))
  if (isList(operations)) return operations
  throw new UsageError(
    say(
      '文件应为 JSON 列表 [{path,idempotency_key,body}]。',
      'The file is a JSON list [{path,idempotency_key,body}].',
    ),
  )
}
