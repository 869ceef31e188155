/** The frame of every command on one order: its lane, what it reads, whose it is; the flow's own file has the decision. */
import {
  type BookId,
  type CommandId,
  type Instant,
  issuerOfBook,
  type Lane,
  laneOfId,
  modeOfBook,
  type OrderId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { type AccountKindName, accountId } from '../../modules/ledger/index.ts'
import {
  type OrderRefundRow,
  type OrderRow,
  orderById,
  orderRefunds,
  orders,
  type TradeRow,
  tradeKey,
  trades,
} from '../../modules/orders/index.ts'
import {
  type Command,
  type Decision,
  type Json,
  type Read,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { Desks } from '../payments/desks.ts'
import { knownAtFirst, NotPrepared } from '../prepared.ts'

export const orderNotFound = refusal('order.not_found', 'No order has this id here (ord_…).')

/** An order under the lock of its lane, with what it has at WeChat. */
export interface OnOrder {
  readonly view: View
  readonly now: Instant
  readonly lane: Lane
  readonly order: OrderRow
  readonly desks: Desks
  /** The numbers that it has at WeChat, in order. */
  readonly trades: readonly TradeRow[]
  readonly refunds: readonly OrderRefundRow[]
}

export type DecideOrder = (on: OnOrder) => Decision

export interface Prepared {
  readonly decide: DecideOrder
  readonly lanes?: readonly Lane[]
  readonly reads?: readonly Read[]
}

export interface OrderAsked {
  readonly orderId: OrderId
  /** As it was seen just now, by whoever has; else it is looked at first. */
  readonly seen?: OrderRow | undefined
  readonly operation: string
  readonly key: string
  readonly input: Json
}

/**
 * A command on an order. `prepare` is given the order as it was seen before the round, for every attempt anew; where it
 * has moved on meanwhile the command is prepared again. Refusals: `order.not_found`, then those of the decision.
 */
export function commandOnOrder(
  context: Pick<FlowContext, 'engine' | 'database'>,
  book: BookId,
  { orderId, operation, key, input, seen: before }: OrderAsked,
  prepare: (seen: OrderRow, commandId: CommandId) => Prepared | Promise<Prepared>,
): Result<Command> {
  const lane = laneOfId(orderId)
  if (!context.engine.lanesOf(modeOfBook(book)).includes(lane)) return refused(orderNotFound)
  const look = () => orderById(context.database.sql, orderId)
  const see = before === undefined ? look : knownAtFirst(before, look)
  return ok({
    book,
    operation,
    key,
    input: { order: orderId, asked: input },
    homeLane: () => lane,
    plan: async (commandId) => {
      const seen = await see()
      if (seen?.bookId !== book) return nothingThere(lane)
      const { decide, lanes = [], reads = [] } = await prepare(seen, commandId)
      return {
        lanes: [...new Set([lane, ...lanes])],
        reads: [...readsOf(seen), ...reads],
        decide: (view, now) => {
          const order = view.get(orders, orderId)
          if (order === undefined) return { ok: false, final: false, refusal: orderNotFound }
          if (!isAsSeen(order, seen)) throw new NotPrepared(`what became of ${orderId} meanwhile`)
          return decide({
            view,
            now,
            lane,
            order,
            desks: new Desks(view),
            trades: countedTo(order.trades).map((n) => gotten(view.get(trades, keyOf(order, n)))),
            refunds: countedTo(order.refunds).map((n) =>
              gotten(view.get(orderRefunds, keyOf(order, n))),
            ),
          })
        },
      }
    },
  })
}

function nothingThere(lane: Lane) {
  const decision: Decision = { ok: false, final: false, refusal: orderNotFound }
  return { lanes: [lane], reads: [], decide: () => decision }
}

/** One more than there are, so that the next can be made. */
function readsOf(order: OrderRow): Read[] {
  const lane = laneOfId(order.id)
  return [
    read(orders, lane, order.id),
    ...countedTo(order.trades + 1).map((n) => read(trades, lane, keyOf(order, n))),
    ...countedTo(order.refunds + 1).map((n) => read(orderRefunds, lane, keyOf(order, n))),
  ]
}

function isAsSeen(order: OrderRow, seen: OrderRow): boolean {
  return (
    order.trades === seen.trades &&
    order.refunds === seen.refunds &&
    order.cardIds.length === seen.cardIds.length
  )
}

function keyOf({ id: orderId }: OrderRow, n: number): string {
  return tradeKey({ orderId, n })
}

function countedTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}

function gotten<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Error('a number of an order has no row')
  return row
}

/** The account of the order's issuer in the order's lane. */
export function ownAccount(
  { order, lane }: Pick<OnOrder, 'order' | 'lane'>,
  kind: AccountKindName,
) {
  return accountId(issuerOfBook(order.bookId), kind, lane)
}

export function putOrder({ view, lane }: OnOrder, order: OrderRow): void {
  view.put(orders, lane, order)
}

export function putTrade({ view, lane }: OnOrder, trade: TradeRow): void {
  view.put(trades, lane, trade)
}

export function putRefund({ view, lane }: OnOrder, refund: OrderRefundRow): void {
  view.put(orderRefunds, lane, refund)
}
