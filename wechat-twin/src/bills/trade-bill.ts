/**
 * The trade bill (交易账单) of a day as a function of its payments and refunds. A payment stands on the day it was paid, a
 * refund on the day it was accepted, whatever became of it later.
 */
import { formatSpaced } from '../kernel/time.ts'
import { type BillTable, percent, sumOf, yuan } from './csv.ts'

export type TradeBillType = 'ALL' | 'SUCCESS' | 'REFUND'

export interface BilledTrade {
  mchid: string
  appid: string
  device_id: string
  transaction_id: string
  out_trade_no: string
  openid: string
  trade_type: string
  bank_type: string
  description: string
  attach: string
  total: number
  fee: number
  paid_at: number
}

export interface BilledRefund {
  trade: BilledTrade
  refund_id: string
  out_refund_no: string
  amount: number
  /** What of the fee came back with it. */
  fee: number
  asked_at: number
  /** Undefined where the payer did not have it when the bill was written. */
  succeeded_at: number | undefined
  status: 'SUCCESS' | 'PROCESSING' | 'FAIL' | 'CHANGE'
  /** A payment by code that was taken back instead of refunded. */
  revoked: boolean
}

const head = [
  '交易时间',
  '公众账号ID',
  '商户号',
  '特约商户号',
  '设备号',
  '微信订单号',
  '商户订单号',
  '用户标识',
  '交易类型',
  '交易状态',
  '付款银行',
  '货币种类',
  '应结订单金额',
  '代金券金额',
]
const refundTimes = ['退款申请时间', '退款成功时间']
const refundColumns = [
  '微信退款单号',
  '商户退款单号',
  '退款金额',
  '充值券退款金额',
  '退款类型',
  '退款状态',
]
const goods = ['商品名称', '商户数据包', '手续费', '费率']

export const tradeBillHeaders: Record<TradeBillType, readonly string[]> = {
  ALL: [...head, ...refundColumns, ...goods, '订单金额', '申请退款金额', '费率备注'],
  SUCCESS: [...head, ...goods, '订单金额', '费率备注'],
  REFUND: [
    ...head,
    ...refundTimes,
    ...refundColumns,
    ...goods,
    '订单金额',
    '申请退款金额',
    '费率备注',
  ],
}

const tradeBillSummary = [
  '总交易单数',
  '应结订单总金额',
  '退款总金额',
  '充值券退款总金额',
  '手续费总金额',
  '订单总金额',
  '申请退款总金额',
]

export function tradeBill(
  type: TradeBillType,
  trades: readonly BilledTrade[],
  refunds: readonly BilledRefund[],
  feePpm: number,
): BillTable {
  const paid = type === 'REFUND' ? [] : trades
  const back = type === 'SUCCESS' ? [] : refunds
  const rows = [
    ...paid.map((trade) => ({
      at: trade.paid_at,
      no: trade.out_trade_no,
      row: paidRow(type, trade, feePpm),
    })),
    ...back.map((refund) => ({
      at: refund.asked_at,
      no: refund.refund_id,
      row: refundRow(type, refund, feePpm),
    })),
  ]
  rows.sort((a, b) => a.at - b.at || (a.no < b.no ? -1 : 1))
  const fees = sumOf(paid, ({ fee }) => fee) - sumOf(back, ({ fee }) => fee)
  const total = yuan(sumOf(paid, (trade) => trade.total))
  const refunded = yuan(sumOf(back, ({ amount }) => amount))
  return {
    header: tradeBillHeaders[type],
    rows: rows.map(({ row }) => row),
    summaryHeader: tradeBillSummary,
    summary: [String(rows.length), total, refunded, '0.00', yuan(fees, 5), total, refunded],
  }
}

function paidRow(type: TradeBillType, trade: BilledTrade, feePpm: number): string[] {
  const none = type === 'ALL' ? ['0', '0', '0.00', '0.00', '', ''] : []
  const asked = type === 'ALL' ? ['0.00'] : []
  return [
    ...opening(trade, trade.paid_at, 'SUCCESS', yuan(trade.total)),
    ...none,
    trade.description,
    trade.attach,
    yuan(trade.fee, 5),
    percent(feePpm),
    yuan(trade.total),
    ...asked,
    '',
  ]
}

function refundRow(type: TradeBillType, refund: BilledRefund, feePpm: number): string[] {
  const { trade, amount, fee, revoked } = refund
  const succeeded = refund.succeeded_at === undefined ? '' : formatSpaced(refund.succeeded_at)
  const times = type === 'REFUND' ? [formatSpaced(refund.asked_at), succeeded] : []
  return [
    ...opening(trade, refund.asked_at, revoked ? 'REVOKED' : 'REFUND', '0.00'),
    ...times,
    refund.refund_id,
    refund.out_refund_no,
    yuan(amount),
    '0.00',
    'ORIGINAL',
    refund.status,
    trade.description,
    trade.attach,
    yuan(-fee, 5),
    percent(feePpm),
    '0.00',
    yuan(amount),
    '',
  ]
}

function opening(trade: BilledTrade, at: number, state: string, settled: string): string[] {
  const { appid, mchid, device_id, transaction_id, out_trade_no, openid } = trade
  return [
    formatSpaced(at),
    appid,
    mchid,
    '0',
    device_id,
    transaction_id,
    out_trade_no,
    openid,
    trade.trade_type,
    state,
    trade.bank_type,
    'CNY',
    settled,
    '0.00',
  ]
}
