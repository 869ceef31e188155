/** The reversal of an entry itself: its transfers the other way round, where the reserve, the caps and the balances bear it. */
import {
  type AccountId,
  asId,
  businessDateOf,
  type Fen,
  formatYuan,
  laneOfId,
  ok,
  type Result,
  refusal,
  refused,
  type Uuid,
} from '@lika/contract'
import { cards } from '../../modules/cards/index.ts'
import {
  accountId,
  accountKinds,
  kindOfAccount,
  LedgerDesk,
  ownerOf,
} from '../../modules/ledger/index.ts'
import { checkCardBalance } from '../../modules/policy/index.ts'
import {
  accountsOfBook,
  custodyAccounts,
  custodyMovements,
  type EntryToCorrect as Entry,
} from '../../modules/reserve/index.ts'
import type { Decision, View } from '../../platform/lanes/index.ts'
import type { Law } from '../cards/law.ts'
import { termsOfCard } from '../cards/on-card.ts'
import type { FlowContext } from '../context.ts'
import { doneBy, type ReserveCaller } from './desk.ts'
import { checkOutflow, type Prepared } from './outflow.ts'

export interface Making {
  readonly context: FlowContext
  readonly caller: ReserveCaller
  readonly law: Law
  readonly entry: Entry
  readonly prepared: Result<Prepared> | undefined
  readonly body: { readonly correctionId: string; readonly entryId: string }
}

export function makeCorrection(making: Making, view: View, now: number): Decision {
  const { entry, prepared, body } = making
  const lane = laneOfId(entry.commandId)
  const desk = new LedgerDesk(view, lane)
  if (entry.kind === 'custody.moved') {
    if (prepared !== undefined && !prepared.ok)
      return { ok: false, final: false, refusal: prepared.refusal }
    const moved = reverseMovement(making, view, now, prepared?.ok ? prepared.value : undefined)
    if (!moved.ok) return moved
  } else {
    desk.releaseExpired(cardAccountsOf(entry), now)
    const allowed = checkCards(making, view, now, desk)
    if (!allowed.ok) return allowed
  }
  for (const { debit, credit, amount } of entry.transfers.toReversed())
    desk.transfer({ debit: credit, credit: debit, amount })
  const holds = desk.records.length === 0 ? {} : { _holds: desk.records }
  return ok({ kind: 'ledger.corrected', version: 1, body: { ...body, ...holds } })
}

/** The account, and the movement beside it that takes the other one back. */
function reverseMovement(
  { entry, caller, body }: Making,
  view: View,
  now: number,
  prepared: Prepared | undefined,
): Result<void> {
  const lane = laneOfId(entry.commandId)
  const movement = view.get(custodyMovements, entry.commandId)
  const account = view
    .find(accountsOfBook, view.bookId)
    .find((one) => one.id === movement?.accountId)
  if (movement === undefined || account === undefined)
    throw new Error(`the movement of ${entry.commandId} is not there`)
  const amount = -movement.amount
  if (prepared !== undefined) {
    // A deposit that the bank never showed covered nothing: without it nothing is missing.
    const isUnseen = !movement.settled && prepared.unconfirmed.has(account.id)
    const asked = {
      kind: 'reversal',
      amount: -amount,
      confirms: isUnseen ? movement.amount : 0n,
    }
    const allowed = checkOutflow(view, now, account, asked, prepared)
    if (!allowed.ok) return allowed
  }
  const isPayout = movement.kind === 'redemption_payout'
  view.put(custodyAccounts, lane, {
    ...account,
    balance: account.balance + amount,
    redemptionsPaid: account.redemptionsPaid - (isPayout ? amount : 0n),
  })
  // One that the bank never showed takes its reversal with it; one that it showed waits for the bank to show that too.
  view.put(custodyMovements, lane, { ...movement, settled: true })
  view.put(custodyMovements, lane, {
    id: asId<'movement'>(view.commandId),
    bookId: view.bookId,
    accountId: account.id,
    kind: 'reversal',
    amount,
    day: businessDateOf(now),
    reference: null,
    metadata: null,
    causeId: body.correctionId,
    settled: !movement.settled,
    at: now,
    ...doneBy(caller),
  })
  return ok(undefined)
}

/** Whether the cards of an adjustment can bear its opposite: what it took comes onto them, what it gave leaves them. */
function checkCards(making: Making, view: View, now: number, desk: LedgerDesk): Result<void> {
  for (const { debit, credit, amount } of making.entry.transfers) {
    for (const [account, change] of [
      [debit, amount],
      [credit, -amount],
    ] as const) {
      const allowed = isOfCard(account)
        ? checkCard(making, view, now, desk, { account, change })
        : ok(undefined)
      if (!allowed.ok) return allowed
    }
  }
  return ok(undefined)
}

function checkCard(
  { context, law, entry }: Making,
  view: View,
  now: number,
  desk: LedgerDesk,
  { account, change }: { readonly account: AccountId; readonly change: Fen },
): Result<void> {
  const card = view.get(cards, ownerOf(account))
  if (card === undefined || card.state === 'closed' || card.state === 'replaced')
    return refused(refusal('correction.not_possible', 'The card is closed or was replaced.'))
  const available = desk.available(account)
  if (change < 0n)
    return available >= -change
      ? ok(undefined)
      : refused(refusal('funds.insufficient', `${formatYuan(available)} yuan are available.`))
  const { registered } = termsOfCard(context, card)
  const carriedFen = carriedOn(desk, entry)
  return checkCardBalance(law.at(now), { registered, carriedFen, addedFen: change })
}

function isOfCard(account: AccountId): boolean {
  const kind = kindOfAccount(account)
  return kind !== undefined && accountKinds[kind].owner === 'card'
}

/** Principal and bonus of the card that was adjusted. */
function carriedOn(desk: LedgerDesk, entry: Entry): Fen {
  return cardAccountsOf(entry).reduce((sum, one) => sum + desk.account(one).balance, 0n)
}

/** Both sub-balances of every card that the entry touches. */
export function cardAccountsOf(entry: Entry): AccountId[] {
  const lane = laneOfId(entry.commandId)
  return cardsOf(entry).flatMap((card) => [
    accountId(card, 'card_principal', lane),
    accountId(card, 'card_bonus', lane),
  ])
}

export function cardsOf({ transfers }: Entry): Uuid[] {
  const accounts = transfers.flatMap(({ debit, credit }) => [debit, credit])
  return [...new Set(accounts.filter(isOfCard).map(ownerOf))]
}
