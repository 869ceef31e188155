/** `lika settlements …`: what merchants are owed, line by line, as a file, and what two people add to it. */
import { Option } from 'commander'
import type { Call, PageOptions } from '../call.ts'
import { download } from '../files.ts'
import { day, yuan } from '../option-values.ts'
import { at, body, type Labels, type Lika } from '../verbs.ts'

const columns = [
  'id',
  'merchant_id',
  'from_day',
  'to_day',
  'net',
  'commission',
  'payable',
  'pay_on',
  'status',
]
const lineColumns = ['at', 'kind', 'reference', 'source', 'amount', 'lane', 'seq', 'line']
const adjustmentColumns = ['id', 'merchant_id', 'amount', 'reason', 'status', 'reference']

type Filter = PageOptions & { merchant?: string; status?: string; day?: string }
type File = { format: string; output?: string }
type Adjust = Labels & { merchant: string; amount: number; reason: string }

export function addSettlements(lika: Lika): void {
  const { say } = lika
  const settlements = lika.noun('settlements', '结算单', 'statements of merchants')
  lika
    .list(settlements, 'list', '列出结算单', 'list statements')
    .option('--merchant <merchant>', say('只列此商户', 'only those of the merchant'))
    .option('--status <status>', say('只列此状态', 'only those'))
    .option('--day <day>', say('账期止于此日', 'whose cycle ends on that day'), day)
    .action(
      lika.action((call, options: Filter) => {
        const { merchant, status, day: to } = options
        const filter = { merchant_id: merchant, status, to_day: to }
        return call.list('/v1/settlements', options, columns, filter)
      }),
    )
  lika
    .verb(settlements, 'show <settlement>', '查看结算单', 'show a statement')
    .action(
      lika.action(async (call, settlement: string) =>
        call.show(await call.get(at`/v1/settlements/${settlement}`)),
      ),
    )
  lika
    .list(settlements, 'lines <settlement>', '逐笔列出', 'list its lines')
    .action(
      lika.action((call, settlement: string, options: PageOptions) =>
        call.list(at`/v1/settlements/${settlement}/lines`, options, lineColumns),
      ),
    )
  addFile(lika, settlements)
  lika
    .verb(settlements, 'run', '结算已日切的各日', 'settle every day that is closed')
    .option('--through <day>', say('至此日为止', 'up to that day'), day)
    .action(
      lika.action(async (call, { through }: { through?: string }) =>
        call.show(await call.post('/v1/settlements/run', body({ through }))),
      ),
    )
  addAdjustments(lika, settlements)
}

function addFile(lika: Lika, settlements: ReturnType<Lika['noun']>): void {
  const { say } = lika
  const file = lika
    .verb(settlements, 'file <settlement>', '取结算单文件', 'fetch it as a file')
    .addOption(
      new Option('--format <format>', say('格式', 'format'))
        .choices(['csv', 'xlsx', 'pdf'])
        .default('csv'),
    )
    .option('--output <file>', say('写入的新文件，- 为标准输出', 'the new file; - is stdout'))
    .action(
      lika.action((call, settlement: string, { format, output }: File) => {
        const path = at`/v1/settlements/${settlement}/file`
        return download(call, { path, query: { format }, accept: '*/*' }, output)
      }),
    )
  lika.examples(file, 'settlements file stl_… --format pdf --output statement.pdf')
}

function addAdjustments(lika: Lika, settlements: ReturnType<Lika['noun']>): void {
  const { say } = lika
  const path = '/v1/settlements/adjustments'
  const adjust = lika.labels(
    lika.write(settlements, 'adjust', '提出调整；须由另一人批准', 'propose an adjustment'),
  )
  adjust
    .requiredOption('--merchant <merchant>', say('商户', 'merchant'))
    .requiredOption('--amount <yuan>', say('加付，负数为扣减', 'more; below 0: less'), yuan)
    .requiredOption('--reason <text>', say('原因', 'reason'))
    .action(
      lika.action(async (call, options: Adjust) => {
        const { merchant, amount, reason, reference, metadata } = options
        const sent = body({ merchant_id: merchant, amount, reason, reference, metadata })
        call.show(await call.make(path, sent))
      }),
    )
  lika.examples(adjust, 'settlements adjust --merchant merch_… --amount=-3.21 --reason 多收退回')
  const decide = (verb: 'approve' | 'reject', zh: string, en: string) =>
    lika
      .write(settlements, `${verb} <adjustment>`, zh, en)
      .action(
        lika.action(async (call: Call, adjustment: string) =>
          call.show(
            await call.make(`${at`/v1/settlements/adjustments/${adjustment}`}/${verb}`, {}),
          ),
        ),
      )
  decide('approve', '批准调整', 'approve an adjustment')
  decide('reject', '驳回调整', 'reject an adjustment')
  lika
    .list(settlements, 'adjustments', '列出调整', 'list adjustments')
    .option('--merchant <merchant>', say('只列此商户', 'only those of the merchant'))
    .option('--status <status>', say('只列此状态', 'only those'))
    .action(
      lika.action((call, options: Filter) => {
        const { merchant, status } = options
        return call.list(path, options, adjustmentColumns, { merchant_id: merchant, status })
      }),
    )
  lika
    .verb(settlements, 'adjustment <adjustment>', '查看调整', 'show an adjustment')
    .action(
      lika.action(async (call, adjustment: string) =>
        call.show(await call.get(at`/v1/settlements/adjustments/${adjustment}`)),
      ),
    )
  lika
    .verb(
      settlements,
      'position <merchant>',
      '查看商户资金的所在',
      "show where a merchant's money is",
    )
    .action(
      lika.action(async (call, merchant: string) =>
        call.show(await call.get(at`/v1/merchants/${merchant}/position`)),
      ),
    )
  lika
    .verb(settlements, 'margins <merchant>', '查看留存的保证金', 'show what is withheld')
    .action(
      lika.action(async (call, merchant: string) =>
        call.show(await call.get(at`/v1/merchants/${merchant}/margins`)),
      ),
    )
}
