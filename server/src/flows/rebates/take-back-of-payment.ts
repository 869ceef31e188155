/** Which rebates a refund or a cancelled payment takes back: those of the payment, and those of the month in which it was made. */
import { businessDateOf, type CardId, type Fen, laneOfId } from '@lika/contract'
import {
  isAboutMerchant,
  isRunning,
  ofTrigger,
  type RebateRow,
  rebateKey,
  wholeRun,
} from '../../modules/loyalty/index.ts'
import type { PaymentRow } from '../../modules/payments/index.ts'
import type { View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import type { Desks } from '../payments/desks.ts'
import { lineOf } from '../payments/line-of-card.ts'
import type { ShownAllocation } from '../payments/outcomes.ts'
import { type Lost, monthOf, prepareTakeBack, type TakeBack, takenBackBody } from './take-back.ts'

/** `cards`: those that paid and all their successors. undefined: no campaign of the book ever gave anything. */
export async function takeBackOfPayment(
  context: FlowContext,
  payment: PaymentRow,
  cards: readonly CardId[],
): Promise<TakeBack | undefined> {
  const { id, bookId: book, createdAt } = payment
  const lanes = [...new Set([laneOfId(id), ...cards.map(laneOfId)])]
  const known = await context.loyalty.inForce(book)
  const month = monthOf(businessDateOf(createdAt))
  const expected = cards.flatMap((cardId) => [
    ...ofTrigger(known, 'window').map(({ campaignId }) => ({
      lane: laneOfId(cardId),
      key: rebateKey({ campaignId, sourceId: id, period: wholeRun, cardId }),
    })),
    ...ofTrigger(known, 'month').map(({ campaignId }) => ({
      lane: laneOfId(cardId),
      key: rebateKey({ campaignId, sourceId: cardId, period: month, cardId }),
    })),
  ])
  return prepareTakeBack(context, {
    book,
    sources: [
      ...lanes.map((lane) => ({ lane, id })),
      ...cards.map((cardId) => ({ lane: laneOfId(cardId), id: cardId })),
    ],
    expected,
    lineOf: (cardId) => lineOf(context, cardId),
  })
}

/** `given`: what went back to which card. Answers what of it the outcome tells. */
export function takeBackRebates(
  view: View,
  desks: Desks,
  payment: PaymentRow,
  given: readonly ShownAllocation[],
  takeBack: TakeBack | undefined,
) {
  if (takeBack === undefined) return {}
  const refunded = new Map<CardId, Fen>()
  for (const { cardId, subBalance, amount } of given)
    if (subBalance === 'principal') refunded.set(cardId, (refunded.get(cardId) ?? 0n) + amount)
  const all = [...refunded.values()].reduce((sum, amount) => sum + amount, 0n)
  const perCard = new Map(refunded)
  const lost: Lost = (rebate, { terms }, holder) => {
    if (rebate.source === 'payment') return all
    const counted = isOfMonth(rebate, payment)
    const wasAbout =
      isAboutMerchant(terms, payment.merchantId) && isRunning(terms, payment.createdAt)
    return counted && wasAbout ? (perCard.get(holder) ?? 0n) : 0n
  }
  return takenBackBody(takeBack.run(view, desks, lost, refunded))
}

function isOfMonth({ source, period }: RebateRow, { createdAt }: PaymentRow): boolean {
  return source === 'month' && period === monthOf(businessDateOf(createdAt))
}
