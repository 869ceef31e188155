/** Fetches the bills that are due, day by day, of every merchant number: from ten in the morning after the day. */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  dayMs,
  endOfDay,
  type Mode,
  modeOfBook,
} from '@lika/contract'
import { lastBilledDay, readyAfterMs } from '../../modules/bills/index.ts'
import { addDays } from '../../modules/policy/index.ts'
import type { PayAccount } from '../../modules/wechat/index.ts'
import type { FlowContext } from '../context.ts'
import { type BillLog, reconcileBills } from './reconcile.ts'

/** WeChat keeps bills for three months. */
const oldestDays = 90
/** Of one account at a time, so that one that was away for long does not keep the others waiting. */
const atOnce = 3

/** Answers how many days were reconciled. */
export async function reconcileDue(
  context: FlowContext,
  log: BillLog,
  mode: Mode,
  accounts: readonly PayAccount[],
): Promise<number> {
  let done = 0
  for (const account of accounts) {
    if (modeOfBook(account.book) !== mode) continue
    try {
      done += await reconcileAccount(context, log, account)
    } catch (error) {
      log.error({ err: error, account: account.id }, 'bills of WeChat Pay: tried again later')
    }
  }
  return done
}

async function reconcileAccount(
  context: FlowContext,
  log: BillLog,
  { id: accountId, book, mchid, createdAt }: PayAccount,
): Promise<number> {
  let done = 0
  for (const day of await dueDays(context, { accountId, book, createdAt })) {
    if (!(await reconcileBills(context, log, { book, accountId, mchid, day }))) break
    done += 1
  }
  return done
}

async function dueDays(
  { engine, database }: FlowContext,
  {
    accountId,
    book,
    createdAt,
  }: { accountId: PayAccount['id']; book: BookId; createdAt: PayAccount['createdAt'] },
): Promise<BusinessDate[]> {
  const now = engine.now(modeOfBook(book))
  const last = await lastBilledDay(database.sql, accountId)
  const oldest = businessDateOf(now - oldestDays * dayMs)
  const next = last === undefined ? businessDateOf(createdAt) : addDays(last, 1)
  const days: BusinessDate[] = []
  for (
    let day = next > oldest ? next : oldest;
    endOfDay(day) + readyAfterMs <= now && days.length < atOnce;
    day = addDays(day, 1)
  )
    days.push(day)
  return days
}
