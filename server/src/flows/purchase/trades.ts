/** What becomes of the numbers under which an order may be paid: opened, to be closed, closed. Commands without legs. */
import { type OrderId, type Result, refusal, refused, type WechatAppId } from '@lika/contract'
import {
  isSameInvitation,
  mayBePaid,
  mostTrades,
  moved,
  type OrderRow,
  outTradeNo,
  type TradeRow,
} from '../../modules/orders/index.ts'
import type { Command, Decision, Json, UnclaimedCommand } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { type Kept, keptStock, returnKept } from '../stock/keep.ts'
import { orderBody } from './facts.ts'
import { commandOnOrder, type OnOrder, type OrderAsked, putOrder, putTrade } from './on-order.ts'

type Context = Pick<FlowContext, 'engine' | 'database'>
type Book = OrderRow['bookId']

/** What WeChat is asked for: everything in which two invitations may differ. */
export type InvitationAsked = Pick<
  TradeRow,
  'accountId' | 'mchid' | 'scene' | 'appid' | 'payerDigest'
>

/** What the caller says, by which a repeat of his key is compared; what that comes to may be something else by then. */
export interface InvitationSaid extends Pick<TradeRow, 'scene'> {
  readonly order: OrderRow
  readonly appId?: WechatAppId | undefined
  readonly key: string
}

/** WeChat raises an earlier end by itself. */
const leastMs = 60_000

/**
 * The number under which the buyer is asked to pay this way: the one that there is, where it is asked for in the same
 * way, else a new one; then the others are to be closed before it is used, so that two open pages charge once. The
 * outcome has it as `trade`. Refusals: `order.not_found` and those of `comesTo` (not final), `order.wrong_status`, `order.review_pending`,
 * `order.expired`, `order.too_many_invitations`.
 */
export function inviteCommand(
  context: Context,
  book: Book,
  { order: seen, scene, appId, key }: InvitationSaid,
  comesTo: (order: OrderRow) => Promise<Result<InvitationAsked>>,
): Result<Command> {
  const input = { scene, app: appId ?? null }
  const said = { orderId: seen.id, seen, operation: 'order.paying', key, input }
  return commandOnOrder(context, book, said, async (order) => {
    const asked = await comesTo(order)
    return { decide: (on) => (asked.ok ? invite(on, asked.value) : { ...asked, final: false }) }
  })
}

function invite(on: OnOrder, asked: InvitationAsked): Decision {
  const { order, trades, now } = on
  const paying = moved(order, 'invite')
  if (!paying.ok) return paying
  if (order.review === 'pending')
    return refused(refusal('order.review_pending', 'A second person has to agree to it first.'))
  if (now + leastMs > order.expiresAt)
    return refused(refusal('order.expired', 'The order can no longer be paid: make a new one.'))
  const standing = trades.findLast(({ state }) => state === 'asked' || state === 'open')
  if (standing !== undefined && isReusable(standing, asked)) return told(paying.value, standing.n)
  const n = order.trades + 1
  if (n > mostTrades)
    return refused(
      refusal('order.too_many_invitations', `It was asked for in ${mostTrades} ways already.`),
    )
  for (const other of trades) if (mayBePaid(other)) putTrade(on, { ...other, state: 'closing' })
  putTrade(on, {
    ...asked,
    orderId: order.id,
    n,
    bookId: order.bookId,
    amount: order.total,
    expiresAt: order.expiresAt,
    state: 'asked',
    transactionId: null,
    paidAt: null,
    paidBy: null,
    askedAt: now,
    invitation: null,
  })
  const after: OrderRow = { ...paying.value, trades: n, accountId: asked.accountId }
  putOrder(on, after)
  return told(after, n)
}

/** A page outside WeChat is bound to the address of the buyer, which nobody keeps: it is asked for anew. */
function isReusable(standing: TradeRow, asked: InvitationAsked): boolean {
  return asked.scene !== 'h5' && isSameInvitation(standing, asked)
}

function told(order: OrderRow, trade: number): Decision {
  const body = { ...orderBody(order), trade }
  return { ok: true, value: { kind: 'order.paying', version: 1, body } }
}

/**
 * WeChat has it, and `invitation` is what the buyer is handed. Refusals, not final: `order.superseded` where he was asked in
 * another way meanwhile.
 */
export function openedCommand(
  context: Context,
  book: Book,
  trade: Pick<TradeRow, 'orderId' | 'n'>,
  { invitation, seen }: { readonly invitation: Json; readonly seen: OrderRow },
): Result<UnclaimedCommand> {
  const opened = { ...onceFor(trade, 'order_trade.opened'), seen }
  return onTrade(context, book, opened, (row) =>
    row.state === 'asked' || row.state === 'open'
      ? { ...row, state: 'open', invitation }
      : undefined,
  )
}

/** It will never be paid. Refusals, not final: `order.superseded` for one that was paid. */
export function closedCommand(
  context: Context,
  book: Book,
  trade: Pick<TradeRow, 'orderId' | 'n'>,
): Result<Command> {
  return onTrade(context, book, onceFor(trade, 'order_trade.closed'), (row) =>
    row.state === 'paid' ? undefined : { ...row, state: 'closed' },
  )
}

/** WeChat never had it. Refusals, not final: `order.superseded` for one that WeChat has taken meanwhile. */
export function neverOpenedCommand(
  context: Context,
  book: Book,
  trade: Pick<TradeRow, 'orderId' | 'n'>,
): Result<Command> {
  return onTrade(context, book, onceFor(trade, 'order_trade.closed'), (row) =>
    row.state === 'asked' ? { ...row, state: 'closed' } : undefined,
  )
}

/** It is closed at WeChat before anything else. Refusals, not final: `order.superseded` for one that is at its end. */
export function closingCommand(
  context: Context,
  book: Book,
  trade: Pick<TradeRow, 'orderId' | 'n'>,
): Result<Command> {
  return onTrade(context, book, onceFor(trade, 'order_trade.closing'), (row) =>
    mayBePaid(row) ? { ...row, state: 'closing' } : undefined,
  )
}

/** A command that has one effect on a number, however often it is wanted. */
function onceFor(trade: Pick<TradeRow, 'orderId' | 'n'>, operation: string): OnTrade {
  return { ...trade, operation, key: outTradeNo(trade) }
}

interface OnTrade extends Pick<TradeRow, 'orderId' | 'n'>, Omit<OrderAsked, 'input'> {}

function onTrade(
  context: Context,
  book: Book,
  { n, ...asked }: OnTrade,
  change: (row: TradeRow) => TradeRow | undefined,
): Result<Command> {
  return commandOnOrder(context, book, { ...asked, input: {} }, () => ({
    decide: (on) => {
      const row = on.trades[n - 1]
      const changed = row && change(row)
      if (changed === undefined) return { ok: false, final: false, refusal: superseded }
      putTrade(on, changed)
      return {
        ok: true,
        value: { kind: asked.operation, version: 1, body: { orderId: asked.orderId, trade: n } },
      }
    },
  }))
}

export const superseded = refusal(
  'order.superseded',
  'The buyer was asked to pay in another way meanwhile, or has paid.',
)

/**
 * Closes the order where nothing of it can be paid any more (`order.closed`), else has its numbers closed first
 * (`order.closing`). Refusals: `order.not_found`, `order.wrong_status`.
 */
export function closeCommand(
  context: Context,
  book: Book,
  orderId: OrderId,
  { key, isLast }: { readonly key: string; readonly isLast: boolean },
): Result<Command> {
  const operation = isLast ? 'order.closed' : 'order.closing'
  const asked = { orderId, operation, key, input: {} }
  return commandOnOrder(context, book, asked, async (seen) => {
    const kept = await keptStock(context, orderId, seen.productId)
    const more = kept === undefined ? {} : { lanes: [kept.lane], reads: kept.reads }
    return { ...more, decide: (on) => closeIn(on, isLast, kept) }
  })
}

function closeIn(on: OnOrder, isLast: boolean, kept: Kept | undefined): Decision {
  const closed = moved(on.order, 'close')
  if (!closed.ok) return isLast ? { ...closed, final: false } : closed
  const open = on.trades.filter(mayBePaid)
  if (open.length > 0 && isLast) return { ok: false, final: false, refusal: stillOpen }
  for (const trade of open) putTrade(on, { ...trade, state: 'closing' })
  const after = open.length > 0 ? on.order : closed.value
  putOrder(on, after)
  if (open.length === 0) returnKept(on.view, kept)
  const kind = open.length > 0 ? 'order.closing' : 'order.closed'
  return { ok: true, value: { kind, version: 1, body: orderBody(after) } }
}

const stillOpen = refusal('order.wrong_status', 'The order can still be paid at WeChat.')
