/** One payment as a query answers it and as its notification tells it. */
import { formatTime } from '../kernel/time.ts'
import { stateWords, type Trade } from '../kernel/trades.ts'

export function tradeAnswer(trade: Trade): Record<string, unknown> {
  const paid = trade.transaction_id !== undefined
  return {
    ...(paid && { transaction_id: trade.transaction_id }),
    amount: {
      total: trade.total,
      currency: 'CNY',
      ...(paid && { payer_total: trade.total, payer_currency: 'CNY' }),
    },
    mchid: trade.mchid,
    appid: trade.appid,
    out_trade_no: trade.out_trade_no,
    trade_type: trade.trade_type,
    trade_state: trade.state,
    trade_state_desc: stateWords[trade.state],
    attach: trade.attach ?? '',
    ...(paid && {
      bank_type: trade.bank_type,
      success_time: formatTime(trade.paid_at ?? 0),
      payer: { openid: trade.payer_openid },
      promotion_detail: [],
    }),
    ...(trade.device_id !== undefined && { scene_info: { device_id: trade.device_id } }),
  }
}
