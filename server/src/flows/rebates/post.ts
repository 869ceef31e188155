/**
 * Posting what is earned after the fact: a cash-back when its window has closed, a month's rebate on its business day.
 * Each is a command of its own that counts the payments anew under the lock, so that a refund in the same moment is
 * either in it or takes it back.
 */
import {
  type BusinessDate,
  type CardId,
  type Fen,
  type Instant,
  issuerOfBook,
  laneOfId,
  type PaymentId,
  refusal,
  refused,
  type Uuid,
} from '@lika/contract'
import { cards } from '../../modules/cards/index.ts'
import { accountId, accounts } from '../../modules/ledger/index.ts'
import {
  debts,
  entitlement,
  isAboutProduct,
  type Promised,
  type RebateRow,
} from '../../modules/loyalty/index.ts'
import { type PaymentRow, payments } from '../../modules/payments/index.ts'
import { checkCardBalance } from '../../modules/policy/index.ts'
import { type Command, type Decision, read, type View } from '../../platform/lanes/index.ts'
import { type Law, lawOf } from '../cards/law.ts'
import { termsOfCard } from '../cards/on-card.ts'
import type { FlowContext } from '../context.ts'
import { Desks } from '../payments/desks.ts'
import { lineOf } from '../payments/line-of-card.ts'
import { NotPrepared } from '../prepared.ts'
import { grant } from './grant.ts'
import { Purse } from './purse.ts'

export interface Earned {
  readonly promised: Promised
  readonly line: Uuid
  /** Of the command: the same for the same thing, whenever it is posted. */
  readonly key: string
  /** Any card of the line whose newest one gets it. */
  readonly cardId: CardId
  readonly payments: readonly PaymentId[]
  /** Whether only what cards of this line paid counts, or all that the payments took of principal. */
  readonly ofCard: boolean
  readonly source: Extract<RebateRow['source'], 'payment' | 'month'>
  readonly period?: BusinessDate
}

const nothing = refusal('campaign.not_running', 'There is nothing to give.')

/**
 * Refusals: `campaign.not_running` where nothing is due or the card takes nothing any more (leaves nothing),
 * `policy.card_limit`, `campaign.budget_spent` (final: a rebate that was missed is not made up for).
 */
export async function postCommand(context: FlowContext, earned: Earned): Promise<Command> {
  const { promised, key, cardId } = earned
  const lane = laneOfId(cardId)
  const purse = new Purse(context, promised, earned.line, lane)
  const law = await lawOf(context, issuerOfBook(promised.book))
  return {
    book: promised.book,
    operation: 'rebate.granted',
    key,
    input: { campaign: promised.campaignId },
    weight: 'bulk',
    homeLane: () => lane,
    plan: async () => {
      const line = await lineOf(context, cardId)
      const holder = line.at(-1) ?? cardId
      const homes = earned.payments.map(laneOfId)
      return {
        lanes: [...new Set([lane, ...purse.lanes(), ...homes])],
        reads: [
          ...earned.payments.map((id) => read(payments, laneOfId(id), id)),
          ...line.map((id) => read(cards, lane, id)),
          read(accounts, lane, accountId(holder, 'card_principal', lane)),
          read(accounts, lane, accountId(holder, 'card_bonus', lane)),
          read(debts, lane, holder),
          ...purse.reads(),
        ],
        decide: (view, now) =>
          decide(context, view, { ...earned, purse, law, lineIds: line, holder }, now),
      }
    },
  }
}

interface Asked extends Earned {
  readonly purse: Purse
  readonly law: Law
  readonly lineIds: readonly CardId[]
  readonly holder: CardId
}

function decide(context: FlowContext, view: View, asked: Asked, now: Instant): Decision {
  const { promised, purse, law, holder } = asked
  const lane = laneOfId(holder)
  const card = view.get(cards, holder)
  if (card === undefined) return { ok: false, final: false, refusal: nothing }
  if (card.replacedBy !== null) throw new NotPrepared(`the successor of ${holder}`)
  const base = baseOf(view, asked)
  const amount = entitlement(promised.terms.rule, base)
  const takes = card.state !== 'closed' && isAboutProduct(promised.terms, card.productId)
  if (amount === 0n || !takes) return { ok: false, final: false, refusal: nothing }
  const desks = new Desks(view)
  const has = (kind: 'card_principal' | 'card_bonus') =>
    desks.in(lane).account(accountId(holder, kind, lane)).balance
  const limit = checkCardBalance(law.at(now), {
    registered: termsOfCard(context, card).registered,
    carriedFen: has('card_principal') + has('card_bonus'),
    addedFen: amount,
  })
  if (!limit.ok) return limit
  if (purse.draw(view, desks, amount) < amount)
    return refused(refusal('campaign.budget_spent', 'The budget of the campaign is spent.'))
  const { source, period, payments: ids } = asked
  const sourceId = source === 'month' ? holder : ids[0]
  if (sourceId === undefined) throw new Error('a rebate of no payment')
  const ground = { cardId: holder, lane, source, sourceId, base, now, amount }
  const row = grant(view, desks, purse, { ...ground, ...(period !== undefined && { period }) }, 0)
  return { ok: true, value: { kind: 'rebate.granted', version: 1, body: bodyOf(row) } }
}

/** What the payments took of principal and did not give back, as it is under the lock. */
function baseOf(view: View, { payments: ids, ofCard, lineIds }: Asked): Fen {
  const rows = ids.flatMap((id) => view.get(payments, id) ?? [])
  return rows.reduce((sum, row) => sum + principalOf(row, ofCard ? lineIds : undefined), 0n)
}

/** Of one payment, by these cards or by all of them. */
export function principalOf(
  { status, allocations }: Pick<PaymentRow, 'status' | 'allocations'>,
  only?: readonly CardId[],
): Fen {
  if (status === 'cancelled') return 0n
  return allocations
    .filter((one) => one.subBalance === 'principal' && (only?.includes(one.cardId) ?? true))
    .reduce((sum, { amount, refunded }) => sum + amount - refunded, 0n)
}

export function bodyOf(row: RebateRow) {
  return {
    rebateId: row.id,
    campaignId: row.campaignId,
    cardId: row.cardId,
    source: row.source,
    ...(row.source === 'payment' ? { paymentId: row.sourceId } : {}),
    ...(row.source === 'load' ? { loadId: row.sourceId } : {}),
    ...(row.source === 'month' ? { period: row.period } : {}),
    baseFen: String(row.base),
    amountFen: String(row.amount),
    setOffFen: String(row.setOff),
  }
}
