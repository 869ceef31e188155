/** `lika payments …` and `lika refunds …`: spending, cancelling, giving back. */
import { channels } from '@lika/contract'
import { type Command, Option } from 'commander'
import type { Call, PageOptions } from '../call.ts'
import type { JsonObject } from '../json.ts'
import { onlyStdin, several, toInstant, yuan } from '../option-values.ts'
import { readSources, type Source, sourceOptions } from '../sources.ts'
import { at, body, type Labels, type Lika } from '../verbs.ts'

/** What payments and holds are made of. */
export type Spend = Labels & {
  amount: number
  merchant: string
  store?: string
  terminal?: string
  channel?: string
  dryRun?: true
  notAfter?: string
}

/** The options of payments and holds. @returns the sources in the order typed. */
export function spendOptions(lika: Lika, command: Command): () => readonly Source[] {
  const sources = chargeOptions(lika, command)
  command.option('--dry-run', lika.say('只试算', 'only say what would happen'))
  return sources
}

/** Those of everything that takes money at a till. @returns the sources in the order typed. */
export function chargeOptions(lika: Lika, command: Command): () => readonly Source[] {
  const { say } = lika
  lika
    .labels(command, true)
    .requiredOption('--amount <yuan>', say('金额（元）', 'amount in yuan'), yuan)
    .requiredOption('--merchant <merchant>', say('商户', 'merchant'))
    .option('--store <store>', say('门店', 'store'))
    .option('--terminal <terminal>', say('终端', 'terminal'))
    .addOption(
      new Option('--channel <channel>', say('渠道', 'how the buyer came')).choices(channels),
    )
    .option(
      '--secret <->',
      say('卡密从标准输入读取（默认即是）', 'read secrets from stdin, as without'),
      onlyStdin,
    )
    .option('--not-after <time>', say('过时作废', 'refused when it arrives later'), toInstant)
  return sourceOptions(lika, command)
}

/** The body of payments and holds; secrets are read here. */
export async function spendBody(
  call: Call,
  options: Spend,
  sources: readonly Source[],
): Promise<JsonObject> {
  return body({
    amount: options.amount,
    currency: 'CNY',
    merchant_id: options.merchant,
    store_id: options.store,
    terminal_id: options.terminal,
    channel: options.channel,
    reference: options.reference,
    sources: await readSources(call, sources),
    dry_run: options.dryRun,
    not_after: options.notAfter,
    metadata: options.metadata,
  })
}

/** The answer to a dry run looks like that of a payment. */
export function remarkOnDryRun(call: Call, { dryRun }: Spend): void {
  if (dryRun) call.world.note(call.say('仅为试算，未扣款。', 'Only a dry run: nothing was taken.'))
}

const columns = [
  'id',
  'status',
  'amount',
  'refunded_amount',
  'reference',
  'receipt_number',
  'created_at',
]

export function addPayments(lika: Lika): void {
  const { say } = lika
  const payments = lika.noun('payments', '消费', 'payments')

  const create = lika.write(payments, 'create', '消费', 'pay')
  const sources = spendOptions(lika, create)
  create.option(
    '--voucher <voucher>',
    say('代金券，可多次，先于卡扣款', 'a voucher, repeatable; it pays before the cards'),
    several((voucher) => voucher),
  )
  create.action(
    lika.action(async (call, options: Spend & { voucher?: string[] }) => {
      const sent = await spendBody(call, options, sources())
      const { voucher: vouchers } = options
      call.show(await call.make('/v1/payments', body({ ...sent, vouchers })))
      remarkOnDryRun(call, options)
    }),
  )
  lika.examples(
    create,
    'payments create --amount 12.50 --merchant merch_… --card card_… --reference A-1001',
    'payments create --amount 80 --merchant merch_… --card card_a…=50 --card card_b…=30 --reference A-1002',
    'payments create --amount 9.90 --merchant merch_… --number 9… --reference A-1003',
    'payments create --amount 20 --merchant merch_… --pay-code - --reference A-1004',
  )

  lika
    .list(payments, 'list', '查找消费', 'find payments')
    .option('--reference <text>', say('业务单号', 'reference'))
    .option('--merchant <merchant>', say('商户', 'merchant'))
    .action(
      lika.action((call, options: PageOptions & { reference?: string; merchant?: string }) => {
        const { reference, merchant } = options
        return call.list('/v1/payments', options, columns, { reference, merchant_id: merchant })
      }),
    )
  lika
    .verb(payments, 'show <payment>', '查看消费', 'show a payment')
    .action(
      lika.action(async (call, payment: string) =>
        call.show(await call.get(at`/v1/payments/${payment}`)),
      ),
    )
  addUndoing(lika, payments)
}

function addUndoing(lika: Lika, payments: Command): void {
  const { say } = lika
  lika
    .write(payments, 'cancel <payment>', '冲正', 'cancel a payment')
    .action(
      lika.action(async (call, payment: string) =>
        call.show(await call.make(at`/v1/payments/${payment}/cancel`, {})),
      ),
    )
  lika
    .write(
      payments,
      'cancel-reference',
      '按业务单号冲正，即使消费尚未到达',
      'cancel by reference, even before the payment arrives',
    )
    .requiredOption('--merchant <merchant>', say('商户', 'merchant'))
    .requiredOption('--reference <text>', say('业务单号', 'reference'))
    .action(
      lika.action(async (call, options: { merchant: string; reference: string }) => {
        const { merchant, reference } = options
        call.show(await call.make('/v1/payments/cancel', { merchant_id: merchant, reference }))
      }),
    )

  const refund = lika.labels(
    lika.write(payments, 'refund <payment>', '退款', 'refund a payment'),
    true,
  )
  refund
    .requiredOption('--amount <yuan>', say('金额（元）', 'amount in yuan'), yuan)
    .option('--reason <text>', say('原因', 'why'))
    .action(
      lika.action(
        async (call, payment: string, options: Labels & { amount: number; reason?: string }) => {
          const { amount, reason, reference, metadata } = options
          const sent = body({ amount, reference, reason, metadata })
          call.show(await call.make(at`/v1/payments/${payment}/refunds`, sent))
        },
      ),
    )
  lika.examples(refund, 'payments refund pay_… --amount 3.20 --reference R-1 --reason 退货')
}

export function addRefunds(lika: Lika): void {
  const refunds = lika.noun('refunds', '退款', 'refunds')
  lika
    .verb(refunds, 'show <refund>', '查看退款', 'show a refund')
    .action(
      lika.action(async (call, refund: string) =>
        call.show(await call.get(at`/v1/refunds/${refund}`)),
      ),
    )
}
