/**
 * A load is given back, in part or whole: its money leaves the card for the account of what is owed to whoever paid.
 * First the bonus that came with it is taken back by the published formula (docs/rebates.md); what of it was spent is
 * kept of the money.
 */
import {
  asId,
  type CardId,
  type Fen,
  fenToJson,
  formatId,
  formatInstant,
  formatYuan,
  type Id,
  type Instant,
  issuerOfBook,
  laneOfId,
  modeOfBook,
  monthOfId,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  cards,
  checkCard,
  type LoadRow,
  loadRefunds,
  loadRests,
  selectLoad,
} from '../../modules/cards/index.ts'
import { accountId, accountReads } from '../../modules/ledger/index.ts'
import { mondayOf, ofTrigger, type Promised, rebateKey } from '../../modules/loyalty/index.ts'
import { checkRefundWindow } from '../../modules/policy/index.ts'
import {
  type Command,
  type Decision,
  type NameState,
  type Plan,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import { type CardCaller, claimedInput } from '../cards/caller.ts'
import {
  type Body,
  balanceBody,
  balanceFrom,
  currency,
  fenIn,
  presentBalance,
  textIn,
} from '../cards/facts.ts'
import { type Law, lawOf } from '../cards/law.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { Desks } from '../payments/desks.ts'
import { lineOf } from '../payments/line-of-card.ts'
import { NotPrepared } from '../prepared.ts'
import { presentTakenBack } from './present.ts'
import { type Lost, prepareTakeBack, type TakeBack, takenBackBody } from './take-back.ts'

export interface LoadRefundInput {
  readonly loadId: Id<'load'>
  readonly amount: Fen
  /** The caller's own number, unique among its refunds of loads. */
  readonly reference: string
  readonly reason?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

export const loadNotFound = refusal('load.not_found', 'No load has this id here (load_…).')

/**
 * Refusals:
 *
 * 1. `load.not_found` (leaves nothing)
 * 2. `reference.already_used`
 * 3. the states of the card that has the money now: it is active, frozen or expired
 * 4. `refund.exceeds_load`, with what is allowed: what is left of the load and available on the card
 * 5. `policy.refund_too_late`
 */
export async function loadRefundCommand(
  context: FlowContext,
  { book, issuerId }: CardCaller,
  input: LoadRefundInput,
  key: string,
): Promise<Result<Command>> {
  const lane = laneOfId(input.loadId)
  const { engine, database } = context
  if (!engine.lanesOf(modeOfBook(book)).includes(lane)) return refused(loadNotFound)
  const month = monthOfId(input.loadId)
  const load = await selectLoad(database.sql, lane, month, book, input.loadId)
  if (load === undefined) return refused(loadNotFound)
  const law = await lawOf(context, issuerId)
  return ok({
    book,
    operation: 'load.refunded',
    key,
    input: claimedInput(input),
    homeLane: () => lane,
    name: { kind: nameKinds.loadRefund, name: input.reference },
    plan: (_, name) => prepareLoadRefund(context, book, { input, law, load, taken: takenBy(name) }),
  })
}

/** The plan of a refund of a load, which may be part of a command that does more. */
export async function prepareLoadRefund(
  context: FlowContext,
  book: CardCaller['book'],
  asked: Omit<Asked, 'takeBack' | 'holder'>,
): Promise<Plan> {
  const { load } = asked
  const lane = laneOfId(load.cardId)
  const line = await lineOf(context, load.cardId)
  const holder = line.at(-1) ?? load.cardId
  const takeBack = await prepareTakeBack(context, {
    book,
    sources: [{ lane, id: load.id }],
    expected: expectedClaims(await context.loyalty.inForce(book), load, holder),
    lineOf: (cardId) => lineOf(context, cardId),
  })
  return {
    lanes: [...new Set([lane, ...(takeBack?.lanes() ?? [])])],
    reads: [
      ...line.map((id) => read(cards, lane, id)),
      ...accountReads(lane, [
        accountId(holder, 'card_principal', lane),
        accountId(holder, 'card_bonus', lane),
      ]),
      read(loadRests, lane, load.id),
      ...(takeBack?.reads ?? []),
    ],
    decide: (view, now) => decide(view, { ...asked, takeBack, holder }, now),
  }
}

/** What may be claimed for the load in this very moment. */
function expectedClaims(known: readonly Promised[], { id, at }: LoadRow, cardId: CardId) {
  return ofTrigger(known, 'claim').map(({ campaignId }) => ({
    lane: laneOfId(cardId),
    key: rebateKey({ campaignId, sourceId: id, period: mondayOf(at), cardId }),
  }))
}

function takenBy(name: NameState): Refusal | undefined {
  if (name === 'own') return undefined
  const detail = 'The reference belongs to another refund of a load.'
  if (name === 'cancelled') return refusal('reference.already_used', detail)
  const data = { existing_id: formatId('load_refund', name.takenBy) }
  return refusal('reference.already_used', detail, { data })
}

interface Asked {
  readonly input: LoadRefundInput
  readonly law: Law
  readonly load: LoadRow
  readonly taken: Refusal | undefined
  readonly takeBack: TakeBack | undefined
  /** The card that has the money, as it was known before the round. */
  readonly holder: CardId
}

function decide(view: View, asked: Asked, now: Instant): Decision {
  const { input, law, load, taken, holder } = asked
  if (taken !== undefined) return refused(taken)
  const card = view.get(cards, holder)
  if (card === undefined) throw new Error(`the card ${holder} of a load is gone`)
  if (card.replacedBy !== null) throw new NotPrepared(`the successor of ${holder}`)
  const allowed = checkCard(card, 'redeem', now, 'ignored')
  if (!allowed.ok) return allowed
  const lane = laneOfId(holder)
  const desks = new Desks(view)
  const principal = accountId(holder, 'card_principal', lane)
  desks.in(lane).releaseExpired([principal, accountId(holder, 'card_bonus', lane)], now)
  const back = view.get(loadRests, load.id)?.refunded ?? 0n
  const left = smaller(load.amount - back, desks.in(lane).available(principal))
  if (input.amount > left) return refused(exceeds(left))
  const lawful = checkRefundWindow(law.at(now), { paidAt: load.at, now })
  return lawful.ok ? refund(view, desks, asked, back, now) : lawful
}

function exceeds(left: Fen): Refusal {
  const detail = `Of the load ${formatYuan(left)} yuan are left on the card.`
  return refusal('refund.exceeds_load', detail, {
    data: { allowed: { min: left > 0n ? 1 : 0, max: fenToJson(left) } },
  })
}

function smaller(one: Fen, other: Fen): Fen {
  return one < other ? one : other
}

function refund(view: View, desks: Desks, asked: Asked, before: Fen, now: Instant): Decision {
  const { input, load, takeBack, holder } = asked
  const { amount, reference, reason, metadata } = input
  const lane = laneOfId(holder)
  const desk = desks.in(lane)
  const issuer = issuerOfBook(view.bookId)
  const principal = accountId(holder, 'card_principal', lane)
  const bonus = accountId(holder, 'card_bonus', lane)
  // What the issuer gave by hand with the load goes back in proportion; the sums of parts are those of the whole.
  const due = proportion(load, before + amount) - proportion(load, before)
  const gift = smaller(due, desk.available(bonus))
  if (gift > 0n)
    desk.transfer({ debit: bonus, credit: accountId(issuer, 'bonus_expense', lane), amount: gift })
  const spent = smaller(due - gift, amount)
  if (spent > 0n)
    desk.transfer({
      debit: principal,
      credit: accountId(issuer, 'bonus_expense', lane),
      amount: spent,
    })
  const refundable = new Map([[holder, amount - spent]])
  const lost: Lost = () => amount
  const taken = takeBack?.run(view, desks, lost, refundable) ?? []
  const paidOut = refundable.get(holder) ?? 0n
  if (paidOut > 0n)
    desk.transfer({
      debit: principal,
      credit: accountId(issuer, 'redemption_payable', lane),
      amount: paidOut,
    })
  const id = asId<'load_refund'>(view.commandId)
  const body: Body = {
    loadRefundId: id,
    loadId: load.id,
    cardId: holder,
    amountFen: String(amount),
    paidOutFen: String(paidOut),
    deductedFen: String(amount - paidOut),
    bonusReversedFen: String(gift),
    method: load.method,
    ...takenBackBody(taken),
    balance: balanceBody({
      principal: desk.account(principal).balance,
      bonus: desk.account(bonus).balance,
      held: desk.account(principal).held + desk.account(bonus).held,
    }),
    ...desks.records(),
  }
  const { _holds: _, ...outcome } = body
  view.put(loadRests, lane, { loadId: load.id, bookId: view.bookId, refunded: before + amount })
  view.put(loadRefunds, lane, {
    id,
    bookId: view.bookId,
    loadId: load.id,
    cardId: holder,
    amount,
    paidOut,
    deducted: amount - paidOut,
    outcome,
    reference,
    reason: reason ?? null,
    metadata: metadata ?? null,
    createdAt: now,
  })
  return { ok: true, value: { kind: 'load.refunded', version: 1, body } }
}

/** Of the bonus that was given by hand, for so much of the load; half a fen is rounded up. */
function proportion({ amount, bonus }: LoadRow, refunded: Fen): Fen {
  return amount === 0n ? 0n : (bonus * refunded * 2n + amount) / (amount * 2n)
}

export function presentLoadRefund(
  body: Body,
  at: Instant,
  {
    reference,
    reason,
    metadata,
  }: Pick<LoadRefundInput, 'reference'> & {
    readonly reason?: string | null | undefined
    readonly metadata?: Readonly<Record<string, string>> | null | undefined
  },
) {
  return {
    id: formatId('load_refund', textIn(body, 'loadRefundId')),
    load_id: formatId('load', textIn(body, 'loadId')),
    card_id: formatId('card', textIn(body, 'cardId')),
    amount: fenToJson(fenIn(body, 'amountFen')),
    paid_out: fenToJson(fenIn(body, 'paidOutFen')),
    deducted: fenToJson(fenIn(body, 'deductedFen')),
    bonus_reversed: fenToJson(fenIn(body, 'bonusReversedFen')),
    currency,
    ...presentTakenBack(body),
    balance: presentBalance(balanceFrom(body['balance'])),
    reference,
    reason: reason ?? null,
    metadata: { ...metadata },
    created_at: formatInstant(at),
  }
}
