/**
 * What orders do with scarce stock, each in the order's own command: an order keeps what it wants while it can be paid,
 * sells it when it is paid, gives it back when it is closed. All of it happens in the lane of the stock.
 */
import {
  type BookId,
  type Lane,
  type MemberId,
  type OrderId,
  ok,
  type ProductId,
  type Result,
} from '@lika/contract'
import {
  checkStock,
  type ReservationRow,
  reservations,
  type StockMemberRow,
  stockMemberKey,
  stockMembers,
  stocks,
} from '../../modules/stock/index.ts'
import { type Read, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { laneOfStock } from './places.ts'

type Context = Pick<FlowContext, 'database' | 'members'>

/** A scarce product that somebody wants to buy. */
export interface Wanted {
  readonly lane: Lane
  readonly productId: ProductId
  /** Whoever is one person counts as one; a guest as nobody, for each visit makes another. */
  readonly memberId: MemberId | undefined
  readonly reads: readonly Read[]
}

/** undefined: the product has no limited stock. */
export async function wantedStock(
  { database, members }: Context,
  book: BookId,
  productId: ProductId | undefined,
  member: MemberId | undefined,
): Promise<Wanted | undefined> {
  const lane = productId && (await laneOfStock(database, productId))
  if (productId === undefined || lane === undefined) return undefined
  const person = member && (await members.canonical(member))
  const isNobody = person === undefined || (await members.isGuest(book, person))
  const memberId = isNobody ? undefined : person
  return { lane, productId, memberId, reads: readsOf(lane, productId, memberId) }
}

function readsOf(lane: Lane, productId: ProductId, memberId: MemberId | null | undefined): Read[] {
  const ofMember = memberId
    ? [read(stockMembers, lane, stockMemberKey({ productId, memberId }))]
    : []
  return [read(stocks, lane, productId), ...ofMember]
}

/**
 * Keeps so many for the order. Answers how long, in milliseconds; undefined: there is no limit after all. Refusals:
 * `stock.member_required`, `stock.limit_reached`, `stock.sold_out`.
 */
export function keepStock(
  view: View,
  { lane, productId, memberId }: Wanted,
  { orderId, quantity }: { readonly orderId: OrderId; readonly quantity: number },
): Result<number | undefined> {
  const stock = view.get(stocks, productId)
  if (stock === undefined || stock.bookId !== view.bookId) return ok(undefined)
  const counter = memberId && counterOf(view, productId, memberId)
  const enough = checkStock(stock, quantity, counter)
  if (!enough.ok) return enough
  const more = BigInt(quantity)
  view.put(stocks, lane, { ...stock, reserved: stock.reserved + more })
  if (counter !== undefined)
    view.put(stockMembers, lane, { ...counter, taken: counter.taken + more })
  const { bookId } = view
  view.put(reservations, lane, {
    orderId,
    productId,
    memberId: memberId ?? null,
    bookId,
    quantity,
    state: 'reserved',
  })
  return ok(stock.unpaidSeconds * 1_000)
}

function counterOf(view: View, productId: ProductId, memberId: MemberId): StockMemberRow {
  const { bookId } = view
  const key = stockMemberKey({ productId, memberId })
  return view.get(stockMembers, key) ?? { productId, memberId, bookId, taken: 0n }
}

/** What an order keeps of scarce stock. */
export interface Kept {
  readonly orderId: OrderId
  readonly lane: Lane
  readonly reads: readonly Read[]
}

/** undefined: nothing, as its product has no limited stock. */
export async function keptStock(
  { database }: Pick<Context, 'database'>,
  orderId: OrderId,
  productId: ProductId,
): Promise<Kept | undefined> {
  const lane = await laneOfStock(database, productId)
  if (lane === undefined) return undefined
  const [row] = await reservations.load(database.sql, lane, [orderId])
  if (row === undefined) return undefined
  const reads = [read(reservations, lane, orderId), ...readsOf(lane, productId, row.memberId)]
  return { orderId, lane, reads }
}

/** It is paid: what was kept is sold. Once, however often it is said. */
export function sellKept(view: View, kept: Kept | undefined): void {
  const row = openIn(view, kept)
  if (row === undefined || kept === undefined) return
  const stock = view.get(stocks, row.productId)
  if (stock === undefined) return
  const some = BigInt(row.quantity)
  const { reserved, sold } = stock
  view.put(stocks, kept.lane, { ...stock, reserved: reserved - some, sold: sold + some })
  view.put(reservations, kept.lane, { ...row, state: 'sold' })
}

/** It will not be delivered: what was kept is there for others, and the member may take again. Once. */
export function returnKept(view: View, kept: Kept | undefined): void {
  const row = openIn(view, kept)
  if (row === undefined || kept === undefined) return
  const stock = view.get(stocks, row.productId)
  if (stock === undefined) return
  const some = BigInt(row.quantity)
  view.put(stocks, kept.lane, { ...stock, reserved: stock.reserved - some })
  view.put(reservations, kept.lane, { ...row, state: 'returned' })
  if (row.memberId === null) return
  const counter = counterOf(view, row.productId, row.memberId)
  view.put(stockMembers, kept.lane, { ...counter, taken: counter.taken - some })
}

function openIn(view: View, kept: Kept | undefined): ReservationRow | undefined {
  const row = kept && view.get(reservations, kept.orderId)
  return row?.state === 'reserved' ? row : undefined
}
