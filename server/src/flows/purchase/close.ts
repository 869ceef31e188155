/**
 * An order is closed: at WeChat first, then here. A payment that came in the last moment wins; then the order is not
 * closed but delivered.
 */
import { type OrderId, ok, type Result, refusal, refused } from '@lika/contract'
import { findOrder, type OrderRow, outTradeNo, selectTradesOf } from '../../modules/orders/index.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { executePrepared } from '../prepared.ts'
import { closeTrade } from './learn.ts'
import { closeCommand } from './trades.ts'

type Done = Extract<Executed, { status: 'done' }>

/**
 * Refusals: `order.not_found`, `order.wrong_status` (also where it was paid in the last moment), `busy` where WeChat does
 * not answer: nothing can be paid for it newly, the same key goes on, and if nobody asks again it is closed all the same.
 */
export async function closeOrder(
  context: FlowContext,
  book: OrderRow['bookId'],
  orderId: OrderId,
  key: string,
  execute: (command: Command) => Promise<Executed>,
): Promise<Result<Done>> {
  const first = closeCommand(context, book, orderId, { key, isLast: false })
  if (!first.ok) return first
  const begun = await executePrepared(execute, first.value)
  if (begun.status === 'refused') return refused(begun.refusal)
  if (begun.kind === 'order.closed') return ok(begun)
  const { sql } = context.database
  for (const trade of await selectTradesOf(sql, orderId))
    if (trade.state === 'closing') await closeTrade(context, trade, outTradeNo(trade))
  const last = await finishClosing(context, book, orderId)
  if (last.ok || last.refusal.code === 'busy') return last
  const order = await findOrder(sql, book, orderId)
  if (order === undefined || order.status === 'created' || order.status === 'paying')
    return refused(silent)
  return last
}

const silent = refusal('busy', 'WeChat does not answer; ask again with the same key.', {
  retryAfterSeconds: 2,
})

/** Once, however often it is tried: the order is closed where nothing of it can be paid any more. */
export async function finishClosing(
  context: FlowContext,
  book: OrderRow['bookId'],
  orderId: OrderId,
): Promise<Result<Done>> {
  const command = closeCommand(context, book, orderId, { key: orderId, isLast: true })
  if (!command.ok) return command
  const closed = await executePrepared((one) => context.engine.execute(one), command.value)
  return closed.status === 'done' ? ok(closed) : refused(closed.refusal)
}
