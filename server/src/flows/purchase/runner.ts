/**
 * What is done about orders from time to time: WeChat is asked about numbers that should have been heard of, refunds are
 * pursued, what can no longer be paid is closed, seals that are over are said to be, deliveries are reported. Everything here
 * can be done twice.
 */
import { laneOfId, type Mode, modeOfBook } from '@lika/contract'
import {
  type Due,
  findOrderRefund,
  findTrade,
  lookAgainMs,
  type OrderPlace,
  outTradeNo,
  selectExpired,
  selectUnsealed,
  takeDueRefunds,
  takeDueShippings,
  takeDueTrades,
} from '../../modules/orders/index.ts'
import type { FlowContext } from '../context.ts'
import { executePrepared } from '../prepared.ts'
import { shippingPausesMs } from '../shipping.ts'
import { finishClosing } from './close.ts'
import { askTrade, closeTrade } from './learn.ts'
import { pursueRefund } from './refund-leg.ts'
import { reportShipping } from './shipping.ts'
import { completeCommand } from './unseal.ts'

interface Log {
  error(details: object, sentence: string): void
}

/** In one visit, of each kind; the next visit takes the next. */
const atOnce = 64
const pauses = Array.from({ length: 8 }, (_, looks) => lookAgainMs(looks))

/** Visits in a row while there is much to do: after an outage of WeChat there is. */
const mostVisits = 20

export async function tendManyOrders(context: FlowContext, mode: Mode, log: Log): Promise<void> {
  for (let visit = 0; visit < mostVisits; visit += 1)
    if ((await tendOrders(context, mode, log)) < atOnce) return
}

/** One visit of everything in a mode. Answers how much there was to do. */
export async function tendOrders(context: FlowContext, mode: Mode, log: Log): Promise<number> {
  const { engine, database } = context
  const lanes = engine.lanesOf(mode)
  const now = engine.now(mode)
  const { sql } = database
  const attempt = attempter(log)
  const trades = await takeDueTrades(sql, lanes, now, pauses, atOnce)
  await Promise.all(trades.map((due) => attempt('a payment', () => tendTrade(context, due))))
  const expired = await selectExpired(sql, lanes, now, atOnce)
  await Promise.all(expired.map((one) => attempt('an order', () => expire(context, one))))
  const refunds = await takeDueRefunds(sql, lanes, now, pauses, atOnce)
  await Promise.all(refunds.map((due) => attempt('a refund', () => tendRefund(context, due))))
  const unsealed = await selectUnsealed(sql, lanes, now, atOnce)
  await Promise.all(unsealed.map((one) => attempt('a seal', () => complete(context, one))))
  const shippings = await takeDueShippings(sql, lanes, now, shippingPausesMs, atOnce)
  await Promise.all(
    shippings.map((due) => attempt('a delivery', () => reportShipping(context, due))),
  )
  const others = expired.length + unsealed.length + shippings.length
  return trades.length + refunds.length + others
}

/** What goes wrong with one thing is tried again later, and keeps nothing else from being done. */
function attempter(log: Log) {
  return async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      log.error({ err: error }, `${what} of an order: tried again later`)
    }
  }
}

/** What can no longer be paid is closed; of anything else WeChat is asked what became of it. */
async function tendTrade(context: FlowContext, { orderId, n }: Due): Promise<void> {
  const trade = await findTrade(context.database.sql, orderId, n)
  if (trade === undefined) return
  const isOver = context.engine.now(modeOfBook(trade.bookId)) >= trade.expiresAt
  const no = outTradeNo(trade)
  if (trade.state === 'closing' || isOver) await closeTrade(context, trade, no)
  else await askTrade(context, trade, no)
}

/** Its time is over: closed, unless something of it may still be paid; that is closed first, in its own turn. */
async function expire(context: FlowContext, { bookId, orderId }: OrderPlace): Promise<void> {
  await finishClosing(context, bookId, orderId)
}

async function tendRefund(context: FlowContext, { lane, orderId, n }: Due): Promise<void> {
  const row = await findOrderRefund(context.database.sql, lane, orderId, n)
  if (row !== undefined) await pursueRefund(context, row)
}

async function complete(context: FlowContext, { bookId, orderId }: OrderPlace): Promise<void> {
  const command = completeCommand(context, bookId, orderId)
  if (command.ok) await executePrepared((one) => context.engine.execute(one), command.value)
}

/** Asks WeChat for every refund of the order that nobody has asked for yet: right after the command that wrote it down. */
export async function pursueRefundsOf(
  context: FlowContext,
  { orderId, n }: { readonly orderId: OrderPlace['orderId']; readonly n: number },
): Promise<void> {
  const row = await findOrderRefund(context.database.sql, laneOfId(orderId), orderId, n)
  if (row?.state === 'asked') await pursueRefund(context, row)
}
