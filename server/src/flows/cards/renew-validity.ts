/** Cards of products that say so are prolonged by themselves when their time is over, without an act of their holder. */
import {
  addMonths,
  businessDateOf,
  endOfDay,
  type Instant,
  issuerOfBook,
  type Mode,
  modeOfBook,
  refusal,
} from '@lika/contract'
import { checkCard, type Expiring, selectExpiring } from '../../modules/cards/index.ts'
import type { FlowContext } from '../context.ts'
import { changed, commandOnCard } from './on-card.ts'
import { executeOnCards } from './repeat.ts'

/** Cards that are renewed at one time, of one product version in one lane. */
const atOnce = 200

/**
 * Renews every card of a mode whose time is over; answers how many. The refusals of single cards (closed meanwhile) are
 * no matter; a card that is missed is found again.
 */
export async function renewValidity(context: FlowContext, mode: Mode): Promise<number> {
  const { engine, database, programs } = context
  const products = await programs.renewing()
  let renewed = 0
  for (const lane of engine.lanesOf(mode)) {
    for (const product of products) {
      for (;;) {
        const now = engine.now(mode)
        const due = await selectExpiring(database.sql, lane, product, now, atOnce)
        const done = await Promise.all(
          due.map((card) => renew(context, card, product.renewalMonths)),
        )
        const count = done.filter((one) => one).length
        renewed += count
        if (count < atOnce) break
      }
    }
  }
  return renewed
}

/** The business key is the expiry that is over, so that however many sweepers there are it is moved once. */
async function renew(
  context: FlowContext,
  { id, bookId, expiresAt }: Expiring,
  months: number,
): Promise<boolean> {
  const caller = { issuerId: issuerOfBook(bookId), mode: modeOfBook(bookId), book: bookId }
  const key = `renewal ${id} ${expiresAt}`
  const asked = { cardId: id, operation: 'card.extended', key, input: {} }
  const command = commandOnCard(context, caller, asked, () => (on) => {
    const { card, now } = on
    const allowed = checkCard(card, 'extend', now, 'ignored')
    if (!allowed.ok) return allowed
    if (card.expiresAt === null || card.expiresAt > now)
      return { ok: false, final: false, refusal: notDue }
    const renewedTo = renewedExpiry(card.expiresAt, months, now)
    const more = { previousExpiresAt: card.expiresAt, renewed: true }
    return changed(on, 'card.extended', { ...card, expiresAt: renewedTo }, more)
  })
  if (!command.ok) return false
  const done = await executeOnCards((one) => context.engine.execute(one), command.value)
  return done.status === 'done'
}

const notDue = refusal('card.has_no_expiry', 'The card is not due for renewal.')

/**
 * Counted from the day on which it was valid last, as often as it takes to lie in the future: a sweeper that was away for
 * long takes nothing from the holder.
 */
export function renewedExpiry(expiresAt: Instant, months: number, now: Instant): Instant {
  const lastDay = businessDateOf(expiresAt - 1)
  for (let times = 1; ; times += 1) {
    const until = endOfDay(addMonths(lastDay, months * times))
    if (until > now) return until
  }
}
