/**
 * Taking an entry of the ledger back by its reversal: one person asks with a reason, another agrees. Only entries that
 * people made by hand: what cards and tills did is undone by their own commands, which know more than two sides.
 */
import {
  asId,
  type CommandId,
  type Fen,
  formatId,
  formatInstant,
  type Id,
  laneOfId,
  monthOfId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { secondPerson } from '../../modules/access/index.ts'
import { cards } from '../../modules/cards/index.ts'
import { accountReads, kindOfAccount } from '../../modules/ledger/index.ts'
import {
  accountsOfBook,
  type CorrectionRow,
  correctionOfEntry,
  corrections,
  custodyMovements,
  type EntryToCorrect as Entry,
  guaranteesOfBook,
  readEntryToCorrect,
  selectCorrection,
} from '../../modules/reserve/index.ts'
import { type Command, read } from '../../platform/lanes/index.ts'
import { lawOf } from '../cards/law.ts'
import type { FlowContext } from '../context.ts'
import { cardAccountsOf, cardsOf, makeCorrection } from './correct-make.ts'
import type { ReserveCaller } from './desk.ts'
import { prepareOutflow } from './outflow.ts'

/** Entries that people made by hand. */
const correctable = ['custody.moved', 'adjustment.created']

const entryNotFound = refusal('entry.not_found', 'No entry has this id here (ent_…).')
const correctionNotFound = refusal(
  'correction.not_found',
  'No correction has this id here (corr_…).',
)

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
