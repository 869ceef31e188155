/** What was paid at a till in a mini-program is reported to WeChat as handed over: the goods are taken along. */
import { type Mode, modeOfBook } from '@lika/contract'
import {
  type CombinedRow,
  type DueDelivery,
  findCombined,
  takeDueDeliveries,
  writeDelivery,
} from '../../modules/combined/index.ts'
import type { FlowContext } from '../context.ts'
import { inTime, notDue, notTold, shippingPausesMs, type Told, tellDelivered } from '../shipping.ts'

const atOnce = 64
/** In a row while there is much to tell. */
const mostVisits = 20

interface Log {
  error(details: object, sentence: string): void
}

export async function reportManyTillDeliveries(
  context: FlowContext,
  mode: Mode,
  log: Log,
): Promise<void> {
  for (let visit = 0; visit < mostVisits; visit += 1)
    if ((await reportTillDeliveries(context, mode, log)) < atOnce) return
}

/** Tells WeChat of some that are due. Answers how many there were. */
export async function reportTillDeliveries(
  context: FlowContext,
  mode: Mode,
  log: Log,
): Promise<number> {
  const { engine, database } = context
  const lanes = engine.lanesOf(mode)
  const now = engine.now(mode)
  const due = await takeDueDeliveries(database.sql, lanes, now, shippingPausesMs, atOnce)
  await Promise.all(
    due.map((one) =>
      report(context, one).catch((error: unknown) =>
        log.error({ err: error, subject: one.id }, 'a delivery at a till: tried again later'),
      ),
    ),
  )
  return due.length
}

async function report(context: FlowContext, { id, bookId }: DueDelivery): Promise<void> {
  const { sql } = context.database
  const row = await findCombined(sql, bookId, id)
  if (row === undefined) return
  const now = context.engine.now(modeOfBook(bookId))
  const told = row.wechatRefunded >= row.wechatAmount ? notDue : await tell(context, row)
  await writeDelivery(sql, id, inTime(told, now, row.endedAt ?? row.createdAt))
}

async function tell(context: FlowContext, row: CombinedRow): Promise<Told> {
  const { bookId: book, accountId, merchantId, appid, memberId, payerDigest, outTradeNo } = row
  const account = await context.payAccounts.find(book, accountId)
  if (account === undefined) return notTold('there is no such merchant number any more')
  const merchant = await context.merchants.findMerchant(book, merchantId)
  return tellDelivered(context, {
    book,
    appid,
    memberId,
    payerDigest,
    mchid: account.mchid,
    outTradeNo,
    item: merchant?.name ?? '收银',
    goods: 'picked_up',
    at: context.engine.now(modeOfBook(book)),
  })
}
