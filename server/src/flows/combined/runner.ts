/**
 * Looks after everything of combined payments that is under way at WeChat, whoever began it and whatever died since; and
 * takes in what WeChat tells by itself.
 */
import {
  asId,
  type BookId,
  laneOfId,
  type Mode,
  modeOfBook,
  type WechatAccountId,
} from '@lika/contract'
import {
  type CallRow,
  dueCalls,
  findCombined,
  findCombinedRefund,
  idOfOutNumber,
  leaseCall,
  postponeCall,
} from '../../modules/combined/index.ts'
import type { Refund, Trade } from '../../modules/wechat/index.ts'
import { type LegContext, lookAfter, takeIn } from './leg.ts'
import { lookAfterRefund, takeInRefund } from './refund-leg.ts'

const atOnce = 20
/** How long a process that died keeps the others from a call, in the time of the book. */
const leaseMs = 60_000

/** Looks once after each call that is due. Answers how many there were. */
export async function lookAfterCombined(context: LegContext, mode: Mode): Promise<number> {
  const { sql } = context.database
  const looked = await Promise.all(
    context.engine.lanesOf(mode).map(async (lane) => {
      const due = await dueCalls(sql, lane, context.engine.now(mode), atOnce)
      await Promise.all(due.map((call) => lookOnce(context, call)))
      return due.length
    }),
  )
  return looked.reduce((sum, count) => sum + count, 0)
}

async function lookOnce(context: LegContext, call: CallRow): Promise<void> {
  const { sql } = context.database
  const now = context.engine.now(modeOfBook(call.bookId))
  const mine = await leaseCall(sql, call, now + leaseMs)
  if (mine === undefined) return
  try {
    const again = await look(context, mine)
    if (again !== undefined) await postponeCall(sql, mine, again)
  } catch (error) {
    context.legLog.error({ err: error, subject: call.subjectId }, 'asked again later')
  }
}

/** A call whose subject has ended went with the command that ended it. */
async function look(context: LegContext, call: CallRow) {
  const { sql } = context.database
  if (call.kind === 'refund') {
    const row = await findCombinedRefund(sql, call.bookId, call.subjectId)
    return row && lookAfterRefund(context, row, call)
  }
  const row = await findCombined(sql, call.bookId, asId(call.subjectId))
  return row && lookAfter(context, row, call)
}

/** What WeChat tells of a payment. `foreign`: the number is not one of a combined payment of that account. */
export async function learnTrade(
  context: LegContext,
  { book, accountId }: { readonly book: BookId; readonly accountId: WechatAccountId },
  trade: Trade,
): Promise<'in_book' | 'later' | 'foreign'> {
  const id = idOfOutNumber('trade', trade.outTradeNo)
  if (id === undefined || !isLane(context, id, book)) return 'foreign'
  const row = await findCombined(context.database.sql, book, asId(id))
  if (row === undefined || row.accountId !== accountId) return 'foreign'
  const isNews = row.status !== 'succeeded' || trade.state === 'refunded'
  // Of what has failed nobody asks any more: it has to be told again.
  return isNews && (await takeIn(context, row, trade)) === 'later' ? 'later' : 'in_book'
}

/** As `learnTrade`, of a refund under any of its numbers. */
export async function learnRefund(
  context: LegContext,
  { book, accountId }: { readonly book: BookId; readonly accountId: WechatAccountId },
  refund: Refund,
): Promise<'in_book' | 'differs' | 'foreign'> {
  const id = idOfOutNumber('refund', refund.outRefundNo)
  if (id === undefined || !isLane(context, id, book)) return 'foreign'
  const row = await findCombinedRefund(context.database.sql, book, id)
  const sale = row && (await findCombined(context.database.sql, book, row.combinedId))
  if (row === undefined || sale?.accountId !== accountId) return 'foreign'
  if (refund.outTradeNo !== sale.outTradeNo) return 'foreign'
  const taken = await takeInRefund(context, row, refund)
  return taken === 'differs' ? 'differs' : 'in_book'
}

function isLane({ engine }: LegContext, id: string, book: BookId): boolean {
  return engine.lanesOf(modeOfBook(book)).includes(laneOfId(id))
}
