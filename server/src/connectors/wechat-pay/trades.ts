/** Orders, refunds and transfers as WeChat writes them, read into the words of the port. */
import type {
  Refund,
  RefundState,
  Trade,
  TradeState,
  TransferBill,
  TransferState,
} from '../../modules/wechat/index.ts'
import { all, fenIn, instantIn, listIn, textIn } from './json.ts'

export const tradeStates = new Map<string, TradeState>([
  ['SUCCESS', 'paid'],
  ['REFUND', 'refunded'],
  ['NOTPAY', 'not_paid'],
  ['CLOSED', 'closed'],
  ['REVOKED', 'revoked'],
  ['USERPAYING', 'paying'],
  ['PAYERROR', 'failed'],
])

/** The answer of a query, and the plain text of a callback. Undefined: not what is documented. */
export function tradeIn(body: unknown): Trade | undefined {
  const outTradeNo = textIn(body, 'out_trade_no')
  const state = tradeStates.get(textIn(body, 'trade_state') ?? '')
  const mchid = textIn(body, 'mchid')
  const appid = textIn(body, 'appid')
  if (!outTradeNo || !state || !mchid || !appid) return undefined
  return whole({
    outTradeNo,
    state,
    mchid,
    appid,
    transactionId: textIn(body, 'transaction_id'),
    openid: textIn(body, 'payer', 'openid'),
    amount: fenIn(body, 'amount', 'total'),
    paidAt: instantIn(body, 'success_time'),
  })
}

/** Each order of a combined one. */
export function combinedTradesIn(body: unknown): readonly Trade[] | undefined {
  const appid = textIn(body, 'combine_appid')
  const openid = textIn(body, 'combine_payer_info', 'openid')
  const parts = listIn(body, 'sub_orders')
  if (!appid || parts.length === 0) return undefined
  return all(parts, (part) => {
    const outTradeNo = textIn(part, 'out_trade_no')
    const state = tradeStates.get(textIn(part, 'trade_state') ?? '')
    const mchid = textIn(part, 'mchid')
    if (!outTradeNo || !state || !mchid) return undefined
    return whole({
      outTradeNo,
      state,
      mchid,
      appid,
      transactionId: textIn(part, 'transaction_id'),
      openid,
      amount: fenIn(part, 'amount', 'total_amount'),
      paidAt: instantIn(part, 'success_time'),
    })
  })
}

/** What was paid says by which transaction, how much and when, or nothing can be booked. */
export function whole(trade: Trade): Trade | undefined {
  const isPaid = trade.state === 'paid' || trade.state === 'refunded'
  const lacks =
    trade.transactionId === undefined || trade.amount === undefined || trade.paidAt === undefined
  return isPaid && lacks ? undefined : trade
}

const refundStates = new Map<string, RefundState>([
  ['SUCCESS', 'succeeded'],
  ['CLOSED', 'closed'],
  ['PROCESSING', 'processing'],
  ['ABNORMAL', 'abnormal'],
])

/** `status` in answers, `refund_status` in callbacks. */
export function refundIn(body: unknown): Refund | undefined {
  const outRefundNo = textIn(body, 'out_refund_no')
  const outTradeNo = textIn(body, 'out_trade_no')
  const refundId = textIn(body, 'refund_id')
  const state = refundStates.get(textIn(body, 'status') ?? textIn(body, 'refund_status') ?? '')
  const amount = fenIn(body, 'amount', 'refund')
  if (!outRefundNo || !outTradeNo || !refundId || !state || amount === undefined) return undefined
  const succeededAt = instantIn(body, 'success_time')
  return { outRefundNo, outTradeNo, refundId, state, amount, succeededAt }
}

const transferStates = new Map<string, TransferState>([
  ['ACCEPTED', 'accepted'],
  ['PROCESSING', 'processing'],
  ['WAIT_USER_CONFIRM', 'waiting_for_user'],
  // Spelt as it is served, and as it ought to be.
  ['TRANSFERING', 'transferring'],
  ['TRANSFERRING', 'transferring'],
  ['SUCCESS', 'succeeded'],
  ['FAIL', 'failed'],
  ['CANCELING', 'cancelling'],
  ['CANCELLED', 'cancelled'],
])

export function transferIn(body: unknown): TransferBill | undefined {
  const outBillNo = textIn(body, 'out_bill_no')
  const transferBillNo = textIn(body, 'transfer_bill_no')
  const state = transferStates.get(textIn(body, 'state') ?? '')
  if (!outBillNo || !transferBillNo || !state) return undefined
  return {
    outBillNo,
    transferBillNo,
    state,
    packageInfo: textIn(body, 'package_info'),
    failReason: textIn(body, 'fail_reason'),
  }
}
