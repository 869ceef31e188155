/** Corrections of ledger entries: who asked for which reversal, why, and who agreed. */
import type { AccountId, BookId, CommandId, Fen, Id, Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import type { Finder, Shelf } from '../../platform/lanes/index.ts'
import { rowsJson } from './rows-json.ts'

export const correctionStates = ['proposed', 'made', 'rejected'] as const
export type CorrectionState = (typeof correctionStates)[number]

export interface CorrectionRow {
  readonly id: Id<'correction'>
  readonly bookId: BookId
  readonly entryCommandId: CommandId
  readonly entrySeq: bigint
  readonly reason: string
  readonly state: CorrectionState
  readonly proposerKeyId: string
  readonly proposerOwner: string
  readonly proposedAt: Instant
  readonly deciderKeyId: string | null
  readonly deciderOwner: string | null
  readonly decidedAt: Instant | null
}

export const corrections: Shelf<CorrectionRow> = {
  name: 'ledger_correction',
  keyOf: (row) => row.id,
  load: (sql, lane, ids) => select(sql, lane, { ids }),
  insert: insertCorrections,
  update: updateCorrections,
}

/** Those of an entry that were not rejected. */
export const correctionOfEntry: Finder<CorrectionRow> = {
  name: 'ledger_correction of entry',
  shelf: corrections,
  find: async (sql, lane, entries) =>
    (await select(sql, lane, { entries })).map((row) => ({ key: row.entryCommandId, row })),
}

function select(
  sql: Sql,
  lane: Lane,
  { ids, entries }: { ids?: readonly string[]; entries?: readonly string[] },
): Promise<CorrectionRow[]> {
  return sql<CorrectionRow[]>`
    select
      id, book_id as "bookId", entry_command_id as "entryCommandId", entry_seq as "entrySeq", reason, state,
      proposer_key_id as "proposerKeyId", proposer_owner as "proposerOwner", proposed_at as "proposedAt",
      decider_key_id as "deciderKeyId", decider_owner as "deciderOwner", decided_at as "decidedAt"
    from ledger_correction
    where lane = ${lane}
      and (${ids === undefined ? null : uuidArray(ids)}::uuid[] is null
        or id = any(${uuidArray(ids ?? [])}::uuid[]))
      and (${entries === undefined ? null : uuidArray(entries)}::uuid[] is null
        or (entry_command_id = any(${uuidArray(entries ?? [])}::uuid[]) and state <> 'rejected'))`
}

function insertCorrections(sql: Sql, lane: Lane, rows: readonly CorrectionRow[]): Promise<unknown> {
  return sql`
    insert into ledger_correction
      (lane, id, book_id, entry_command_id, entry_seq, reason, state, proposer_key_id, proposer_owner, proposed_at)
    select
      ${lane}, id, "bookId", "entryCommandId", "entrySeq", reason, state, "proposerKeyId", "proposerOwner",
      "proposedAt"
    from jsonb_to_recordset(${rowsJson(rows)}::text::jsonb) as fresh (
      id uuid, "bookId" uuid, "entryCommandId" uuid, "entrySeq" bigint, reason text, state text,
      "proposerKeyId" uuid, "proposerOwner" text, "proposedAt" timestamptz
    )`
}

function updateCorrections(sql: Sql, lane: Lane, rows: readonly CorrectionRow[]): Promise<unknown> {
  return sql`
    update ledger_correction
    set
      state = changed.state, decider_key_id = changed."deciderKeyId", decider_owner = changed."deciderOwner",
      decided_at = changed."decidedAt"
    from jsonb_to_recordset(${rowsJson(rows)}::text::jsonb) as changed (
      id uuid, state text, "deciderKeyId" uuid, "deciderOwner" text, "decidedAt" timestamptz
    )
    where ledger_correction.lane = ${lane}
      and ledger_correction.id = changed.id`
}

/** The newest first, of one lane. */
export function selectCorrections(
  sql: Sql,
  lane: Lane,
  bookId: BookId,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<CorrectionRow[]> {
  return sql<CorrectionRow[]>`
    select
      id, book_id as "bookId", entry_command_id as "entryCommandId", entry_seq as "entrySeq", reason, state,
      proposer_key_id as "proposerKeyId", proposer_owner as "proposerOwner", proposed_at as "proposedAt",
      decider_key_id as "deciderKeyId", decider_owner as "deciderOwner", decided_at as "decidedAt"
    from ledger_correction
    where lane = ${lane}
      and book_id = ${bookId}
      and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
    order by id desc
    limit ${limit}`
}

export async function selectCorrection(
  sql: Sql,
  lane: Lane,
  bookId: BookId,
  id: string,
): Promise<CorrectionRow | undefined> {
  const rows = await select(sql, lane, { ids: [id] })
  return rows.find((row) => row.bookId === bookId)
}

/** An entry with its transfers in their order, as what takes it back needs them. */
export interface EntryToCorrect {
  readonly commandId: CommandId
  readonly seq: bigint
  readonly kind: string
  readonly body: string
  readonly transfers: readonly {
    readonly debit: AccountId
    readonly credit: AccountId
    readonly amount: Fen
  }[]
}

/** undefined: the book has no such entry in that lane, or it was refused. */
export async function readEntryToCorrect(
  sql: Sql,
  lane: Lane,
  bookId: BookId,
  commandId: CommandId,
  month: number,
): Promise<EntryToCorrect | undefined> {
  const [entry] = await sql<Omit<EntryToCorrect, 'transfers'>[]>`
    select command_id as "commandId", seq, kind, body::text
    from journal
    where lane = ${lane}
      and command_id = ${commandId}
      and month = ${month}
      and book_id = ${bookId}
      and not refused`
  if (entry === undefined) return undefined
  const transfers = await sql<{ debit: AccountId; credit: AccountId; amount: Fen }[]>`
    select debit_account as debit, credit_account as credit, amount
    from transfer
    where lane = ${lane}
      and seq = ${entry.seq}
      and month = ${month}
    order by line`
  return { ...entry, transfers }
}
