/** `lika filings …`: filings with authorities and licences, in the fields of their forms. */
import { download } from '../files.ts'
import type { JsonObject } from '../json.ts'
import { objectsAt } from '../json.ts'
import { day, objectFile } from '../option-values.ts'
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'

type Filing = Labels & {
  form: string
  number: string
  authority: string
  filed: string
  until?: string
  fields?: JsonObject
}

const columns = ['id', 'form', 'number', 'authority', 'filed_on', 'valid_to']
const fieldColumns = ['zh', 'name', 'value', 'filled_by']

export function addFilings(lika: Lika): void {
  const { say } = lika
  const filings = lika.noun('filings', '备案与许可', 'filings and licences')
  const add = lika
    .labels(lika.verb(filings, 'add', '登记备案', 'put a filing on record'))
    .requiredOption('--form <form>', 'mofcom_single_purpose | pboc_payment_licence')
    .requiredOption('--number <number>', say('备案号或许可证号', 'its number'))
    .requiredOption('--authority <name>', say('备案机关', 'with whom'))
    .requiredOption('--filed <day>', say('备案日期', 'since when'), day)
    .option('--until <day>', say('有效期至', 'its last day'), day)
    .option('--fields <file>', say('表内栏目（JSON）', 'the fields of the form, JSON'), objectFile)
  add.action(
    lika.action(async (call, options: Filing) => {
      const { form, number, authority, filed, until, fields, reference, metadata } = options
      const given = { form, number, authority, filed_on: filed, valid_to: until }
      call.show(await call.post('/v1/filings', body({ ...given, fields, reference, metadata })))
    }),
  )
  lika
    .listCreated(filings, 'list', '列出备案', 'list filings')
    .action(
      lika.action((call, options: ListOptions) =>
        call.list('/v1/filings', options, columns, { reference: options.reference }),
      ),
    )
  lika
    .verb(filings, 'show <filing>', '查看备案', 'show a filing')
    .action(
      lika.action(async (call, filing: string) =>
        call.show(await call.get(at`/v1/filings/${filing}`)),
      ),
    )
  lika
    .verb(filings, 'form <filing>', '按表格栏目导出', 'the filing in the fields of its form')
    .option('--output <file>', say('CSV 文件；- 为标准输出', 'CSV, into this file; - is stdout'))
    .action(
      lika.action(async (call, filing: string, { output }: { output?: string }) => {
        const path = at`/v1/filings/${filing}/form`
        if (output !== undefined) return download(call, { path, accept: 'text/csv' }, output)
        const answer = await call.get(path)
        if (call.options.json) return call.showText(answer)
        return call.showRows(objectsAt(answer.body, 'fields'), fieldColumns)
      }),
    )
}
