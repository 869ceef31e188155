/** V2 paths that demand the merchant's certificate: `/secapi/pay/reverse` and `/secapi/pay/refund`. */
import type { Trade } from '../kernel/trades.ts'
import type { Twin } from '../kernel/twin.ts'
import { type V2Call, V2Refusal, v2Route } from './gate.ts'
import { findTrade, tradeOf } from './micropay.ts'
import { decideReverse } from './model.ts'

const oneNumber = {
  transaction_id: { max: 32, optional: true },
  out_trade_no: { max: 32, pattern: /^[0-9A-Za-z_\-|*]+$/, optional: true },
} as const
const fee = { max: 10, pattern: /^[1-9]\d*$/ }

export function registerSecapi(twin: Twin): void {
  v2Route(
    twin,
    '/secapi/pay/reverse',
    { kind: 'v2.reverse', members: oneNumber, certificate: true },
    (call) => reverse(twin, call),
  )
  v2Route(
    twin,
    '/secapi/pay/refund',
    {
      kind: 'refund.create',
      certificate: true,
      // No notify_url: what V2 tells of refunds is sealed otherwise, and nobody here needs it.
      members: {
        ...oneNumber,
        out_refund_no: { max: 64, pattern: /^[0-9A-Za-z_\-|*@]+$/ },
        total_fee: fee,
        refund_fee: fee,
        refund_fee_type: { max: 8, pattern: /^CNY$/, optional: true },
        refund_desc: { max: 80, optional: true },
        refund_account: {
          max: 30,
          pattern: /^REFUND_SOURCE_(UNSETTLED|RECHARGE)_FUNDS$/,
          optional: true,
        },
      },
    },
    (call) => refund(twin, call),
  )
}

/** `recall` says whether it has to be asked again. */
function reverse(twin: Twin, call: V2Call) {
  const trade = findTrade(twin, call)
  const decision = decideReverse(trade, twin.clock.now(), twin.settings.now.reverseDays)
  if (decision.act === 'refuse') throw new V2Refusal(decision.code, undefined, { recall: 'N' })
  if (trade === undefined || decision.act === 'done') return { recall: 'N' }
  const recalls = Number(trade.more?.['recalls'] ?? 0)
  if (recalls > 0) {
    twin.trades.change(trade, { more: { ...trade.more, recalls: recalls - 1 } })
    throw new V2Refusal('SYSTEMERROR', undefined, { recall: 'Y' })
  }
  if (decision.act === 'refund') payBack(twin, call, trade)
  twin.trades.change(trade, { state: 'REVOKED' })
  return { recall: 'N' }
}

function payBack(twin: Twin, { merchant }: V2Call, trade: Trade): void {
  twin.refunds.accept(merchant, {
    out_trade_no: trade.out_trade_no,
    out_refund_no: `REVERSE@${trade.out_trade_no}`,
    refund: trade.total,
    total: trade.total,
  })
}

function refund(twin: Twin, call: V2Call) {
  const trade = tradeOf(twin, call)
  const done = twin.refunds.accept(call.merchant, {
    out_trade_no: trade.out_trade_no,
    out_refund_no: call.get('out_refund_no') ?? '',
    refund: Number(call.get('refund_fee')),
    total: Number(call.get('total_fee')),
  })
  return {
    transaction_id: done.transaction_id,
    out_trade_no: done.out_trade_no,
    out_refund_no: done.out_refund_no,
    refund_id: done.refund_id,
    refund_fee: done.refund,
    total_fee: done.total,
    fee_type: 'CNY',
    cash_fee: done.total,
    cash_refund_fee: done.refund,
  }
}
