/**
 * Money that goes back to cards, whatever became of them: lost, frozen, expired and closed ones still receive it, and
 * for a replaced one its successor does.
 */
import { type CardId, type Lane, laneOfId, type SubBalance } from '@lika/contract'
import { cards, loadCards } from '../../modules/cards/index.ts'
import { accounts } from '../../modules/ledger/index.ts'
import { accountOf, type PaymentRow, payments, type Share } from '../../modules/payments/index.ts'
import { type Read, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { NotPrepared } from '../prepared.ts'
import { type Desks, giveToCard } from './desks.ts'
import { isKnown } from './hold-lines.ts'
import type { ShownAllocation } from './outcomes.ts'

/** What a command reads that gives money of the payment back. The payment's own lane is the first. */
export async function readsOfPayment(
  context: FlowContext,
  payment: Pick<PaymentRow, 'id' | 'allocations'>,
): Promise<{ readonly lanes: readonly Lane[]; readonly reads: readonly Read[] }> {
  const home = laneOfId(payment.id)
  const lines = await Promise.all(
    [...new Set(payment.allocations.map(({ cardId }) => cardId))].map((id) => lineOf(context, id)),
  )
  const ids = lines.flat()
  const holders = lines.flatMap((line) => line.slice(-1))
  const reads = [
    read(payments, home, payment.id),
    ...ids.map((id) => read(cards, laneOfId(id), id)),
    ...holders.flatMap((id) => [readAccount(id, 'principal'), readAccount(id, 'bonus')]),
  ]
  return { lanes: [...new Set([home, ...ids.map(laneOfId)])], reads }
}

function readAccount(cardId: CardId, subBalance: SubBalance): Read {
  return read(accounts, laneOfId(cardId), accountOf(cardId, subBalance))
}

/** The card and all its successors, the last of which has the money. */
async function lineOf({ database }: FlowContext, cardId: CardId): Promise<CardId[]> {
  const line: CardId[] = []
  for (let next: CardId | null = cardId; next !== null; ) {
    line.push(next)
    const [card]: { replacedBy: CardId | null }[] = await loadCards(database.sql, laneOfId(next), [
      next,
    ])
    next = card?.replacedBy ?? null
  }
  return line
}

/** Gives each share to its sub-balance of the card that has the money now. */
export function giveBackToCards(
  view: View,
  desks: Desks,
  payment: PaymentRow,
  shares: readonly Share[],
): ShownAllocation[] {
  const parties = {
    book: view.bookId,
    merchantId: payment.merchantId,
    home: laneOfId(payment.id),
  }
  return shares.map(({ subBalance, amount, ...share }) => {
    const cardId = holderOf(view, share.cardId, subBalance)
    const balanceAfter = giveToCard(desks, parties, { cardId, subBalance, amount })
    return { cardId, subBalance, amount, balanceAfter }
  })
}

/** @throws NotPrepared when the card was replaced since the reads were chosen. */
function holderOf(view: View, cardId: CardId, subBalance: SubBalance): CardId {
  let holder = cardId
  for (;;) {
    const id = holder
    if (!isKnown(() => view.get(cards, id))) throw new NotPrepared(`the successor of ${cardId}`)
    const next = view.get(cards, id)?.replacedBy ?? null
    if (next === null) break
    holder = next
  }
  const account = accountOf(holder, subBalance)
  if (!isKnown(() => view.get(accounts, account)))
    throw new NotPrepared(`the accounts of ${holder}`)
  return holder
}
