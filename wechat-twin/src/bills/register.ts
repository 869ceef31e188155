/** Hangs the trade bill and the fund bill of a merchant's day into the twin. */
import type { Refund } from '../kernel/refunds.ts'
import { object, oneOf, optional, text } from '../kernel/shape.ts'
import { formatDay, startOfDay } from '../kernel/time.ts'
import type { Trade } from '../kernel/trades.ts'
import type { Twin } from '../kernel/twin.ts'
import { fundBill } from './fund-bill.ts'
import { billDate, offer } from './offers.ts'
import { type BilledRefund, type BilledTrade, type TradeBillType, tradeBill } from './trade-bill.ts'

const tarType = optional(oneOf('GZIP'))

const tradeQuery = object({
  sub_mchid: optional(text({ max: 32 })),
  bill_date: billDate,
  bill_type: optional(
    oneOf(
      'ALL',
      'SUCCESS',
      'REFUND',
      'RECHARGE_REFUND',
      'ALL_SPECIAL',
      'SUC_SPECIAL',
      'REF_SPECIAL',
    ),
  ),
  tar_type: tarType,
})

const fundQuery = object({
  bill_date: billDate,
  account_type: optional(oneOf('BASIC', 'OPERATION', 'FEES')),
  tar_type: tarType,
})

export function register(twin: Twin): void {
  offer(twin, 'trade', {
    path: '/v3/bill/tradebill',
    shape: tradeQuery,
    make: ({ mchid, date, query }) => {
      const type = typeOf(query.bill_type ?? 'ALL')
      const [trades, refunds] = type === undefined ? [[], []] : dayOf(twin, mchid, date)
      return tradeBill(type ?? 'ALL', trades, refunds, twin.settings.now.feePpm)
    },
  })
  offer(twin, 'fund', {
    path: '/v3/bill/fundflowbill',
    shape: fundQuery,
    // Everything moves on the basic account: the others have no bill.
    make: ({ mchid, date, query }) =>
      fundBill(
        (query.account_type ?? 'BASIC') === 'BASIC'
          ? twin.trades.movementsOfDay.all(`${mchid}|${date}`)
          : [],
      ),
  })
}

/** Coupons that were charged up, and merchants of special kinds, do not exist here. */
function typeOf(type: string): TradeBillType | undefined {
  return type === 'ALL' || type === 'SUCCESS' || type === 'REFUND' ? type : undefined
}

function dayOf(twin: Twin, mchid: string, date: string): [BilledTrade[], BilledRefund[]] {
  const { billHour } = twin.settings.now
  const ready = (startOfDay(date) ?? 0) + 86_400_000 + billHour * 3_600_000
  const paid = twin.trades.byMerchant
    .all(mchid)
    .filter(({ paid_at }) => paid_at !== undefined && formatDay(paid_at) === date)
  const back = twin.refunds.ofMerchant
    .all(mchid)
    .filter(({ created_at }) => formatDay(created_at) === date)
    .flatMap((refund) => {
      const trade = twin.trades.find(mchid, refund.out_trade_no)
      return trade === undefined ? [] : [billedRefund(trade, refund, ready)]
    })
  return [paid.map(billedTrade), back]
}

function billedTrade(trade: Trade): BilledTrade {
  return {
    mchid: trade.mchid,
    appid: trade.appid,
    device_id: trade.device_id ?? '',
    transaction_id: trade.transaction_id ?? '',
    out_trade_no: trade.out_trade_no,
    openid: trade.payer_openid ?? '',
    trade_type: trade.trade_type,
    bank_type: trade.bank_type ?? '',
    description: trade.description,
    attach: trade.attach ?? '',
    total: trade.total,
    fee: trade.fee,
    paid_at: trade.paid_at ?? 0,
  }
}

/** As the refund stood when the bill was written. */
function billedRefund(trade: Trade, refund: Refund, ready: number): BilledRefund {
  const { refund_id, created_at, succeeded_at } = refund
  const isDone = succeeded_at !== undefined && succeeded_at <= ready
  const revoked = trade.state === 'REVOKED'
  return {
    trade: billedTrade(trade),
    refund_id,
    // What was taken back by the order's number has no other of the merchant's.
    out_refund_no: revoked ? trade.out_trade_no : refund.out_refund_no,
    amount: refund.refund,
    fee: refund.fee_return,
    asked_at: created_at,
    succeeded_at: isDone ? succeeded_at : undefined,
    status: isDone ? 'SUCCESS' : unfinished[refund.status],
    revoked,
  }
}

const unfinished = {
  PROCESSING: 'PROCESSING',
  SUCCESS: 'PROCESSING',
  CLOSED: 'FAIL',
  ABNORMAL: 'CHANGE',
} as const
