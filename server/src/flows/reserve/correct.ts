/**
 * Taking an entry of the ledger back by its reversal: one person asks with a reason, another agrees. Only entries that
 * people made by hand: what cards and tills did is undone by their own commands, which know more than two sides.
 */
import {
  type AccountId,
  asId,
  businessDateOf,
  type CommandId,
  type Fen,
  formatId,
  formatInstant,
  formatYuan,
  type Id,
  laneOfId,
  monthOfId,
  ok,
  type Result,
  refusal,
  refused,
  type Uuid,
} from '@lika/contract'
import { secondPerson } from '../../modules/access/index.ts'
import { cards } from '../../modules/cards/index.ts'
import {
  accountId,
  accountKinds,
  accountReads,
  kindOfAccount,
  LedgerDesk,
  ownerOf,
} from '../../modules/ledger/index.ts'
import { checkCardBalance } from '../../modules/policy/index.ts'
import {
  accountsOfBook,
  type CorrectionRow,
  correctionOfEntry,
  corrections,
  custodyAccounts,
  custodyMovements,
  guaranteesOfBook,
  readEntryToCorrect,
  selectCorrection,
} from '../../modules/reserve/index.ts'
import { type Command, type Decision, read, type View } from '../../platform/lanes/index.ts'
import { type Law, lawOf } from '../cards/law.ts'
import { termsOfCard } from '../cards/on-card.ts'
import type { FlowContext } from '../context.ts'
import { checkOutflow, type Prepared, prepareOutflow } from './custody.ts'
import { doneBy, type ReserveCaller } from './desk.ts'

/** Entries that people made by hand. */
const correctable = ['custody.moved', 'adjustment.created']

const entryNotFound = refusal('entry.not_found', 'No entry has this id here (ent_…).')
const correctionNotFound = refusal(
  'correction.not_found',
  'No correction has this id here (corr_…).',
)

type Entry = NonNullable<Awaited<ReturnType<typeof readEntryToCorrect>>>

/** Refusals: `entry.not_found`, `correction.not_possible`, `correction.already_asked`. */
export async function proposeCorrection(
  context: FlowContext,
  caller: ReserveCaller,
  entryId: string,
  reason: string,
  key: string,
): Promise<Result<Command>> {
  const lane = laneOfId(entryId)
  const commandId: CommandId = asId(entryId)
  const entry = await entryOf(context, caller, commandId)
  if (entry === undefined) return refused(entryNotFound)
  return ok({
    book: caller.book,
    operation: 'ledger.correction_proposed',
    key,
    input: { entryId, reason },
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(correctionOfEntry, lane, commandId)],
      decide: (view, now) => {
        if (!correctable.includes(entry.kind) || entry.transfers.length === 0)
          return refused(
            refusal('correction.not_possible', `An entry of ${entry.kind} is undone otherwise.`, {
              data: { kinds: correctable },
            }),
          )
        const [other] = view.find(correctionOfEntry, commandId)
        if (other !== undefined)
          return refused(
            refusal('correction.already_asked', 'The entry is being corrected already.', {
              data: { existing_id: formatId('correction', other.id) },
            }),
          )
        const id: Id<'correction'> = asId(view.commandId)
        view.put(corrections, lane, {
          id,
          bookId: view.bookId,
          entryCommandId: commandId,
          entrySeq: entry.seq,
          reason,
          state: 'proposed',
          proposerKeyId: caller.keyId,
          proposerOwner: caller.owner,
          proposedAt: now,
          deciderKeyId: null,
          deciderOwner: null,
          decidedAt: null,
        })
        const body = { correctionId: id, entryId: commandId }
        return ok({ kind: 'ledger.correction_proposed', version: 1, body })
      },
    }),
  })
}

/**
 * The second person decides. Refusals: `correction.not_found`, `correction.not_pending`, `approval.same_person`; of an
 * approval also `reserve.not_ready`, `funds.insufficient`, `policy.reserve_short`, `policy.card_limit`,
 * `correction.not_possible` for a card that is closed.
 */
export async function decideCorrection(
  context: FlowContext,
  caller: ReserveCaller,
  id: Id<'correction'>,
  isApproved: boolean,
  key: string,
): Promise<Result<Command>> {
  const lane = laneOfId(id)
  const { engine, database } = context
  if (!engine.lanesOf(caller.mode).includes(lane)) return refused(correctionNotFound)
  const known = await selectCorrection(database.sql, lane, caller.book, id)
  const entry = known && (await entryOf(context, caller, known.entryCommandId))
  if (entry === undefined) return refused(correctionNotFound)
  const law = await lawOf(context, caller.issuerId)
  const isOutflow = entry.kind === 'custody.moved' && signedOf(entry) > 0n
  return ok({
    book: caller.book,
    operation: isApproved ? 'ledger.corrected' : 'ledger.correction_rejected',
    key,
    input: { id, isApproved },
    homeLane: () => lane,
    plan: async () => {
      const prepared = isOutflow ? await prepareOutflow(context, caller) : undefined
      return {
        lanes: [lane],
        reads: [read(corrections, lane, id), ...readsOf(entry, caller, lane)],
        decide: (view, now) => {
          const row = view.get(corrections, id)
          if (row === undefined || row.bookId !== view.bookId)
            return { ok: false, final: false, refusal: correctionNotFound }
          if (row.state !== 'proposed')
            return refused(refusal('correction.not_pending', `The correction was ${row.state}.`))
          const first = { keyId: row.proposerKeyId, owner: row.proposerOwner }
          const other = secondPerson(first, caller)
          if (!other.ok) return other
          view.put(corrections, lane, {
            ...row,
            state: isApproved ? 'made' : 'rejected',
            deciderKeyId: caller.keyId,
            deciderOwner: caller.owner,
            decidedAt: now,
          })
          const body = { correctionId: id, entryId: entry.commandId }
          if (!isApproved) return ok({ kind: 'ledger.correction_rejected', version: 1, body })
          return makeCorrection({ context, caller, law, entry, prepared, body }, view, now)
        },
      }
    },
  })
}

interface Making {
  readonly context: FlowContext
  readonly caller: ReserveCaller
  readonly law: Law
  readonly entry: Entry
  readonly prepared: Result<Prepared> | undefined
  readonly body: { readonly correctionId: string; readonly entryId: string }
}

function makeCorrection(making: Making, view: View, now: number): Decision {
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
function cardAccountsOf(entry: Entry): AccountId[] {
  const lane = laneOfId(entry.commandId)
  return cardsOf(entry).flatMap((card) => [
    accountId(card, 'card_principal', lane),
    accountId(card, 'card_bonus', lane),
  ])
}

function cardsOf({ transfers }: Entry): Uuid[] {
  const accounts = transfers.flatMap(({ debit, credit }) => [debit, credit])
  return [...new Set(accounts.filter(isOfCard).map(ownerOf))]
}

function readsOf(entry: Entry, { book }: ReserveCaller, lane: number) {
  if (entry.kind === 'custody.moved')
    return [
      read(custodyMovements, lane, entry.commandId),
      read(accountsOfBook, lane, book),
      read(guaranteesOfBook, lane, book),
    ]
  return [
    ...accountReads(lane, cardAccountsOf(entry)),
    ...cardsOf(entry).map((card) => read(cards, lane, card)),
  ]
}

/** Above zero: it put money onto the custody account, and its reversal takes it off. */
function signedOf({ transfers }: Entry): Fen {
  return transfers.reduce((sum, { debit, credit, amount }) => {
    if (kindOfAccount(debit) === 'custody') return sum + amount
    return kindOfAccount(credit) === 'custody' ? sum - amount : sum
  }, 0n)
}

async function entryOf(
  { database, engine }: FlowContext,
  { book, mode }: ReserveCaller,
  commandId: CommandId,
): Promise<Entry | undefined> {
  const lane = laneOfId(commandId)
  if (!engine.lanesOf(mode).includes(lane)) return undefined
  return readEntryToCorrect(database.sql, lane, book, commandId, monthOfId(commandId))
}

export function presentCorrection(row: CorrectionRow) {
  return {
    id: formatId('correction', row.id),
    entry_id: formatId('entry', row.entryCommandId),
    reason: row.reason,
    status: row.state,
    proposed_by: row.proposerOwner,
    proposed_at: formatInstant(row.proposedAt),
    decided_by: row.deciderOwner,
    decided_at: row.decidedAt === null ? null : formatInstant(row.decidedAt),
  }
}
