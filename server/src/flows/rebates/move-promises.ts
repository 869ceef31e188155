/** What follows a card to its successor beside its money: vouchers, and what its holder owes of rebates. */
import type { CardId, Lane } from '@lika/contract'
import { debts } from '../../modules/loyalty/index.ts'
import { vouchers, vouchersOfCard } from '../../modules/vouchers/index.ts'
import { type Read, read, type View } from '../../platform/lanes/index.ts'

export function readsOfPromises(lane: Lane, cardId: CardId): Read[] {
  return [read(vouchersOfCard, lane, cardId), read(debts, lane, cardId)]
}

export function movePromises(view: View, lane: Lane, from: CardId, to: CardId): void {
  for (const voucher of view.find(vouchersOfCard, from))
    view.put(vouchers, lane, { ...voucher, cardId: to })
  const debt = view.get(debts, from)
  if (debt === undefined || debt.amount === 0n) return
  view.put(debts, lane, { ...debt, amount: 0n })
  view.put(debts, lane, { ...debt, cardId: to })
}
