/** What campaigns give in the command of a payment: for what it took of principal, to the first of its cards. */
import { cards } from '../../modules/cards/index.ts'
import type { RebateRow } from '../../modules/loyalty/index.ts'
import type { PaymentRow } from '../../modules/payments/index.ts'
import type { View } from '../../platform/lanes/index.ts'
import type { Desks } from '../payments/desks.ts'
import { NotPrepared } from '../prepared.ts'
import type { Gifts } from './gifts.ts'
import { principalOf } from './post.ts'

export function giveFor(view: View, desks: Desks, gifts: Gifts, payment: PaymentRow): RebateRow[] {
  const card = view.get(cards, gifts.cardId)
  const base = principalOf(payment)
  if (card === undefined || base === 0n) return []
  if (card.replacedBy !== null) throw new NotPrepared(`the successor of ${gifts.cardId}`)
  const about = { base, product: card.productId, now: payment.createdAt }
  return gifts.draw(view, desks, about).post({ source: 'payment', sourceId: payment.id })
}
