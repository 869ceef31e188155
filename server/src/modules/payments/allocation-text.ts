/** Allocations as their tables keep them: JSON with short names and amounts as numbers, which fen always fit. */
import { type CardId, fenToJson, type VoucherId } from '@lika/contract'
import type { Allocation, PaidFrom } from './model.ts'

export type StoredAllocations = readonly {
  readonly card: CardId
  readonly kind: PaidFrom
  readonly voucher?: VoucherId
  readonly amount: number
  readonly refunded: number
  readonly balance: number
}[]

export function allocationsText(allocations: readonly Allocation[]): string {
  return JSON.stringify(
    allocations.map(({ cardId, subBalance, voucherId, amount, refunded, balanceAfter }) => ({
      card: cardId,
      kind: subBalance,
      ...(voucherId === undefined ? {} : { voucher: voucherId }),
      amount: fenToJson(amount),
      refunded: fenToJson(refunded),
      balance: fenToJson(balanceAfter),
    })),
  )
}

export function allocationsFrom(stored: StoredAllocations): Allocation[] {
  return stored.map(({ card, kind, voucher, amount, refunded, balance }) => ({
    cardId: card,
    subBalance: kind,
    ...(voucher === undefined ? {} : { voucherId: voucher }),
    amount: BigInt(amount),
    refunded: BigInt(refunded),
    balanceAfter: BigInt(balance),
  }))
}
