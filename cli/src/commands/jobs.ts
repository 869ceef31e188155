/** `lika jobs …`: long work on the server, watched from here. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Call } from '../call.ts'
import type { Answer } from '../client.ts'
import { NotInOrder } from '../failures.ts'
import { download } from '../files.ts'
import { memberAt, textAt } from '../json.ts'
import { formatMember } from '../members.ts'
import { duration } from '../option-values.ts'
import { at, type Lika } from '../verbs.ts'

export function addJobs(lika: Lika): void {
  const { say } = lika
  const jobs = lika.noun('jobs', '任务', 'jobs')
  lika
    .verb(jobs, 'show <job>', '查看任务', 'show a job')
    .action(
      lika.action(async (call, job: string) => call.show(await call.get(at`/v1/jobs/${job}`))),
    )

  const wait = lika
    .verb(
      jobs,
      'wait <job>',
      '等待任务结束；失败时退出码为 1',
      'wait for its end; exit 1 when it failed',
    )
    .option(
      '--for <time>',
      say('最长等待，默认不限', 'at most so long; without: for ever'),
      duration,
    )
    .action(
      lika.action(async (call, job: string, options: { for?: number }) =>
        finish(call, await call.get(at`/v1/jobs/${job}`), options.for),
      ),
    )
  lika.examples(wait, 'jobs wait job_… --for 10m')

  const file = lika
    .verb(
      jobs,
      'file <job>',
      '取任务的文件（age 加密，只能取一次）',
      'fetch its file (age, handed out once)',
    )
    .requiredOption(
      '--output <file>',
      say('写入的新文件，- 为标准输出', 'the new file; - is stdout'),
    )
    .action(
      lika.action((call, job: string, { output }: { output: string }) => {
        const request = { path: at`/v1/jobs/${job}/file`, accept: '*/*', once: true }
        return download(call, request, output)
      }),
    )
  lika.examples(file, 'jobs file job_… --output cards.csv.age')
}

/** `--wait` for commands that start a job. */
export function waitOption(lika: Lika, command: Command): Command {
  return command.option('--wait', lika.say('等待任务结束', 'wait until the job has ended'))
}

/** Shows the job that was started, or waits for its end and shows that. */
export async function waitForJob(call: Call, started: Answer, wait: boolean | undefined) {
  if (wait !== true) return call.show(started)
  if (call.options.verbose) call.world.note(String(textAt(started.body, 'id')))
  return finish(call, started, undefined)
}

const firstPauseMs = 100
const longestPauseMs = 2_000
/** Short jobs end without a word. */
const pauseBeforeProgressMs = 1_000

/** Asks until the job has ended, progress on stderr. @throws NotInOrder when it failed, or when it
 * runs on after `seconds`. */
async function finish(call: Call, first: Answer, seconds: number | undefined): Promise<void> {
  const deadline = performance.now() + (seconds ?? Number.POSITIVE_INFINITY) * 1000
  let answer = first
  let told = ''
  for (let wait = firstPauseMs; !isEnded(answer); wait = Math.min(wait * 2, longestPauseMs)) {
    const progress = progressOf(answer)
    if (progress !== told && wait > pauseBeforeProgressMs) call.world.note(progress)
    if (wait > pauseBeforeProgressMs) told = progress
    if (performance.now() + wait > deadline) {
      call.show(answer)
      throw new NotInOrder(call.say('任务尚未结束。', 'The job has not ended yet.'))
    }
    await pause(wait)
    answer = await call.get(at`/v1/jobs/${textAt(first.body, 'id') ?? ''}`)
  }
  call.show(answer)
  remarkOnResult(call, answer)
  if (textAt(answer.body, 'status') === 'failed') {
    throw new NotInOrder(call.say('任务失败。', 'The job failed.'))
  }
}

/** Where the file and the rejected rows of the job are. */
function remarkOnResult(call: Call, { body }: Answer): void {
  const importId = textAt(body, 'result.import_id')
  const rejected = memberAt(body, 'result.rejected')
  const isBadFile = textAt(body, 'error.code') === 'import.bad_file'
  if (importId !== undefined && (isBadFile || (typeof rejected === 'number' && rejected > 0))) {
    const command = `lika imports errors ${importId}`
    call.world.note(call.say(`被拒绝的行：${command}`, `The rows that were rejected: ${command}`))
  }
  if (memberAt(body, 'result.file') === true) {
    const command = `lika jobs file ${textAt(body, 'id') ?? ''} --output cards.csv.age`
    call.world.note(
      call.say(`取文件（仅一次）：${command}`, `Its file, given out once: ${command}`),
    )
  }
}

/** `4000/100000` */
function progressOf({ body }: Answer): string {
  return ['done', 'total'].map((name) => formatMember(name, memberAt(body, name), body)).join('/')
}

function isEnded(answer: Answer): boolean {
  return ['succeeded', 'failed'].includes(textAt(answer.body, 'status') ?? 'failed')
}
