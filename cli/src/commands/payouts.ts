/** `lika payouts …`, `lika payout-batches …`: money for merchants, put together by one person, let go by another. */
import type { PageOptions } from '../call.ts'
import { day } from '../option-values.ts'
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'

const batchColumns = ['id', 'status', 'payouts', 'open', 'amount', 'reference', 'created_at']
const payoutColumns = [
  'id',
  'status',
  'amount',
  'merchant_id',
  'settlement_id',
  'bank_serial',
  'reason',
  'attention',
]

type Create = Labels & { due?: string }
type Batches = ListOptions & { status?: string }
type Payouts = PageOptions & {
  status?: string
  batch?: string
  settlement?: string
  merchant?: string
  attention?: boolean
}
type Repost = Labels & { despiteAttention?: boolean }
type Outcome = { is: string; serial?: string; reason: string }

export function addPayoutBatches(lika: Lika): void {
  const { say } = lika
  const batches = lika.noun('payout-batches', '付款批次', 'payout batches')
  const create = lika.labels(
    lika.verb(batches, 'create', '汇集到期应付款；须由另一人放行', 'put together what is due'),
  )
  create
    .option('--due <day>', say('到期日不晚于此日，默认今天', 'due by that day; today'), day)
    .action(
      lika.action(async (call, { due, reference, metadata }: Create) =>
        call.show(
          await call.post('/v1/payout_batches', body({ pay_on: due, reference, metadata })),
        ),
      ),
    )
  lika.examples(create, 'payout-batches create --due 2026-11-11')
  lika
    .listCreated(batches, 'list', '列出付款批次', 'list payout batches')
    .option('--status <status>', say('只列此状态', 'only those'))
    .action(
      lika.action((call, options: Batches) => {
        const { status, reference } = options
        return call.list('/v1/payout_batches', options, batchColumns, { status, reference })
      }),
    )
  lika
    .verb(batches, 'show <batch>', '查看付款批次', 'show a payout batch')
    .action(
      lika.action(async (call, batch: string) =>
        call.show(await call.get(at`/v1/payout_batches/${batch}`)),
      ),
    )
  lika
    .verb(batches, 'release <batch>', '放行，送交银行', 'let it go to the bank')
    .action(
      lika.action(async (call, batch: string) =>
        call.show(await call.post(at`/v1/payout_batches/${batch}/release`, {})),
      ),
    )
  lika
    .verb(batches, 'cancel <batch>', '取消未放行的批次', 'call it off before it is released')
    .action(
      lika.action(async (call, batch: string) =>
        call.show(await call.post(at`/v1/payout_batches/${batch}/cancel`, {})),
      ),
    )
}

export function addPayouts(lika: Lika): void {
  const { say } = lika
  const payouts = lika.noun('payouts', '付款', 'payouts to merchants')
  lika
    .list(payouts, 'list', '列出付款', 'list payouts')
    .option('--status <status>', say('只列此状态', 'only those'))
    .option('--batch <batch>', say('只列此批次', 'only those of the batch'))
    .option('--settlement <settlement>', say('只列此结算单', 'only those of the statement'))
    .option('--merchant <merchant>', say('只列此商户', 'only those to the merchant'))
    .option('--attention', say('只列需要人工核对的', 'only those at which a person has to look'))
    .action(
      lika.action((call, options: Payouts) => {
        const { status, batch, settlement, merchant, attention } = options
        return call.list('/v1/payouts', options, payoutColumns, {
          status,
          batch_id: batch,
          settlement_id: settlement,
          merchant_id: merchant,
          attention: attention === true ? 'true' : undefined,
        })
      }),
    )
  lika
    .verb(payouts, 'show <payout>', '查看付款与银行的答复', 'show a payout and what the bank said')
    .action(
      lika.action(async (call, payout: string) =>
        call.show(await call.get(at`/v1/payouts/${payout}`)),
      ),
    )
  lika
    .labels(
      lika.verb(
        payouts,
        'repost <payout>',
        '重付失败或退回的付款',
        'make it anew in a batch of its own',
      ),
    )
    .option(
      '--despite-attention',
      say('已向银行核实款项未到账', 'the bank was asked: the money did not arrive'),
    )
    .action(
      lika.action(async (call, payout: string, options: Repost) => {
        const { despiteAttention, reference, metadata } = options
        const sent = body({ despite_attention: despiteAttention, reference, metadata })
        call.show(await call.post(at`/v1/payouts/${payout}/repost`, sent))
      }),
    )
  const outcome = lika.verb(
    payouts,
    'outcome <payout>',
    '登记银行另行告知的结果',
    'say what became of it, as the bank told otherwise',
  )
  outcome
    .requiredOption('--is <outcome>', 'confirmed, failed, returned')
    .requiredOption('--reason <text>', say('依据', 'how that is known'))
    .option('--serial <number>', say('银行流水号', "the bank's number of the payment"))
    .action(
      lika.action(async (call, payout: string, { is, serial, reason }: Outcome) => {
        const sent = body({ outcome: is, bank_serial: serial, reason })
        call.show(await call.post(at`/v1/payouts/${payout}/outcome`, sent))
      }),
    )
  lika.examples(outcome, 'payouts outcome pout_… --is failed --reason "银行电话答复：未受理"')
}
