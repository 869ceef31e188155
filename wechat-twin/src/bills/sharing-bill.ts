/**
 * The profit-sharing bill (分账账单): what receivers got and gave back on a day. Its columns are recalled from the
 * description of the interface, not copied from a bill; what failed is not in it.
 */
import { object, oneOf, optional, text } from '../kernel/shape.ts'
import { formatDay, formatSpaced } from '../kernel/time.ts'
import type { Twin } from '../kernel/twin.ts'
import type { SharingBook } from '../sharing/book.ts'
import { payerOf } from '../sharing/receivers.ts'
import { type BillTable, sumOf, yuan } from './csv.ts'
import { billDate, offer } from './offers.ts'

const sharingBillHeader = [
  '分账时间',
  '分账发起方',
  '分账方',
  '微信订单号',
  '微信分账/回退单号',
  '分账明细单号',
  '商户分账/回退单号',
  '订单金额',
  '分账接收方',
  '分账金额',
  '业务类型',
  '处理状态',
  '分账描述',
  '备注',
]

const sharingBillSummary = ['总笔数', '分账笔数', '分账总金额', '回退笔数', '回退总金额']

export interface BilledShare {
  at: number
  mchid: string
  transaction_id: string
  /** WeChat's number of the share or the return. */
  order_id: string
  detail_id: string
  out_no: string
  total: number
  receiver: string
  amount: number
  kind: '分账' | '解冻' | '分账回退'
  description: string
}

function sharingBill(shares: readonly BilledShare[]): BillTable {
  const sorted = [...shares].sort((a, b) => a.at - b.at)
  const back = shares.filter(({ kind }) => kind === '分账回退')
  const given = shares.filter(({ kind }) => kind !== '分账回退')
  return {
    header: sharingBillHeader,
    rows: sorted.map((share) => [
      formatSpaced(share.at),
      share.mchid,
      share.mchid,
      share.transaction_id,
      share.order_id,
      share.detail_id,
      share.out_no,
      yuan(share.total),
      share.receiver,
      yuan(share.amount),
      share.kind,
      'SUCCESS',
      share.description,
      '',
    ]),
    summaryHeader: sharingBillSummary,
    summary: [
      String(shares.length),
      String(given.length),
      yuan(sumOf(given, ({ amount }) => amount)),
      String(back.length),
      yuan(sumOf(back, ({ amount }) => amount)),
    ],
  }
}

const queryShape = object({
  sub_mchid: optional(text({ max: 32 })),
  bill_date: billDate,
  tar_type: optional(oneOf('GZIP')),
})

export function registerSharingBill(twin: Twin, book: SharingBook): void {
  offer(twin, 'sharing', {
    path: '/v3/profitsharing/bills',
    shape: queryShape,
    ownerOf: (merchant, { sub_mchid }) => payerOf(twin, merchant, sub_mchid),
    make: ({ mchid, date }) => sharingBill(sharesOf(twin, book, mchid, date)),
  })
}

function sharesOf(twin: Twin, book: SharingBook, mchid: string, date: string): BilledShare[] {
  const totalOf = (transaction: string) => twin.trades.findByTransaction(transaction)?.total ?? 0
  const given = book.ordersOf.all(mchid).flatMap((order) =>
    order.receivers
      .filter(
        ({ result, finish_time }) => result === 'SUCCESS' && formatDay(finish_time ?? 0) === date,
      )
      .map(({ account, amount, description, detail_id, finish_time }) => ({
        at: finish_time ?? 0,
        mchid,
        transaction_id: order.transaction_id,
        order_id: order.order_id,
        detail_id,
        out_no: order.out_order_no,
        total: totalOf(order.transaction_id),
        receiver: account,
        amount,
        kind: account === mchid ? ('解冻' as const) : ('分账' as const),
        description,
      })),
  )
  const back = book.returnsBy
    .all(mchid)
    .filter(
      ({ result, finish_time }) => result === 'SUCCESS' && formatDay(finish_time ?? 0) === date,
    )
    .map((order) => {
      const transaction_id = book.orderById.first(order.order_id)?.transaction_id ?? ''
      return {
        at: order.finish_time ?? 0,
        mchid,
        transaction_id,
        order_id: order.return_id,
        detail_id: '',
        out_no: order.out_return_no,
        total: totalOf(transaction_id),
        receiver: order.return_mchid,
        amount: order.amount,
        kind: '分账回退' as const,
        description: order.description,
      }
    })
  return [...given, ...back]
}
