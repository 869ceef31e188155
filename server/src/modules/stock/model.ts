/**
 * Scarce stock: what of a product may be sold, what orders keep of it until they are paid, and how much of it one member
 * may take. Pure.
 */
import {
  type BookId,
  type Instant,
  type MemberId,
  type OrderId,
  ok,
  type ProductId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'

export interface StockRow {
  readonly productId: ProductId
  readonly bookId: BookId
  /** Cards that may be sold in all. */
  readonly count: bigint
  /** In orders that are not paid yet. */
  readonly reserved: bigint
  readonly sold: bigint
  /** null: no limit. */
  readonly perMember: number | null
  readonly unpaidSeconds: number
  readonly changedAt: Instant
}

export interface StockMemberRow {
  readonly productId: ProductId
  readonly memberId: MemberId
  readonly bookId: BookId
  readonly taken: bigint
}

export const reservationStates = ['reserved', 'sold', 'returned'] as const

export interface ReservationRow {
  readonly orderId: OrderId
  readonly productId: ProductId
  readonly memberId: MemberId | null
  readonly bookId: BookId
  readonly quantity: number
  readonly state: (typeof reservationStates)[number]
}

export function leftOfStock({
  count,
  reserved,
  sold,
}: Pick<StockRow, 'count' | 'reserved' | 'sold'>): bigint {
  return count - reserved - sold
}

/**
 * Refusals: `stock.member_required`, `stock.limit_reached` with what the member may still take, `stock.sold_out` with what
 * is left.
 */
export function checkStock(
  stock: StockRow,
  quantity: number,
  member: Pick<StockMemberRow, 'taken'> | undefined,
): Result<void> {
  const { perMember } = stock
  if (perMember !== null) {
    if (member === undefined)
      return refused(
        refusal('stock.member_required', 'One may take only so many: the order needs a member.'),
      )
    const open = BigInt(perMember) - member.taken
    if (BigInt(quantity) > open) return refused(limitReached(perMember, open))
  }
  const left = leftOfStock(stock)
  if (BigInt(quantity) <= left) return ok(undefined)
  return refused(
    refusal('stock.sold_out', left === 0n ? 'It is sold out.' : `Only ${left} are left.`, {
      data: { left: Number(left) },
    }),
  )
}

function limitReached(perMember: number, open: bigint) {
  const max = open > 0n ? Number(open) : 0
  return refusal(
    'stock.limit_reached',
    `One member may take ${perMember}; ${max} are left to him.`,
    {
      data: { allowed: { min: max > 0 ? 1 : 0, max } },
    },
  )
}
