/** What WeChat Pay tells us by itself, handed to whoever asked for it: orders, payments at tills, red packets. */
import type { BookId, WechatAccountId } from '@lika/contract'
import type { PayNotice, Refund, Trade } from '../modules/wechat/index.ts'
import { asItIsNow } from './abnormal-refunds.ts'
import * as combined from './combined/runner.ts'
import type { FlowContext } from './context.ts'
import { learnTrade } from './purchase/learn.ts'
import { learnRefund } from './purchase/refund-leg.ts'
import { learnTransfer } from './red-packets/learn.ts'

/** Of which account it was told. */
export interface ToldOf {
  readonly book: BookId
  readonly accountId: WechatAccountId
}

/** `in_book`: now or before, or nothing that has to be. */
export type NoticeTaken = 'in_book' | 'differs' | 'foreign' | 'later'

interface Log {
  error(details: object, sentence: string): void
}

export async function takeNotice(
  context: FlowContext,
  log: Log,
  told: ToldOf,
  notice: PayNotice,
): Promise<NoticeTaken> {
  switch (notice.kind) {
    case 'trade':
      return takeTrade(context, log, told, notice.trade)
    case 'combined': {
      const taken = await Promise.all(
        notice.trades.map((trade) => takeTrade(context, log, told, trade)),
      )
      return taken.find((one) => one !== 'in_book') ?? 'in_book'
    }
    case 'refund':
      return takeRefund(context, log, told, notice.refund)
    case 'transfer':
      await learnTransfer(context, log, told, notice.bill)
      return 'in_book'
    // Nothing here waits for them, and the notice need not come again.
    case 'other':
      return 'in_book'
  }
}

/** By callback, query or bill alike. */
export async function takeTrade(
  context: FlowContext,
  log: Log,
  told: ToldOf,
  trade: Trade,
): Promise<NoticeTaken> {
  const learnt = await learnTrade(context, told.book, told.accountId, trade)
  if (learnt === 'nothing_new') return 'in_book'
  if (learnt !== 'foreign') return learnt
  return combined.learnTrade({ ...context, legLog: log }, told, trade)
}

export async function takeRefund(
  context: FlowContext,
  log: Log,
  told: ToldOf,
  given: Refund,
): Promise<NoticeTaken> {
  const refund = await asItIsNow(context, told, given)
  if (refund === undefined) return 'later'
  const learnt = await learnRefund(context, told.book, told.accountId, refund)
  if (learnt === 'nothing_new') return 'in_book'
  if (learnt !== 'foreign') return learnt
  return combined.learnRefund({ ...context, legLog: log }, told, refund)
}
