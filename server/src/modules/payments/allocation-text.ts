/** Allocations as their tables keep them: JSON with short names and amounts as numbers, which fen always fit. */
import { type CardId, fenToJson, type SubBalance } from '@lika/contract'
import type { Allocation } from './model.ts'

export type StoredAllocations = readonly {
  readonly card: CardId
  readonly kind: SubBalance
  readonly amount: number
  readonly refunded: number
  readonly balance: number
}[]

export function allocationsText(allocations: readonly Allocation[]): string {
  return JSON.stringify(
    allocations.map(({ cardId, subBalance, amount, refunded, balanceAfter }) => ({
      card: cardId,
      kind: subBalance,
      amount: fenToJson(amount),
      refunded: fenToJson(refunded),
      balance: fenToJson(balanceAfter),
    })),
  )
}

export function allocationsFrom(stored: StoredAllocations): Allocation[] {
  return stored.map(({ card, kind, amount, refunded, balance }) => ({
    cardId: card,
    subBalance: kind,
    amount: BigInt(amount),
    refunded: BigInt(refunded),
    balanceAfter: BigInt(balance),
  }))
}
