/** What the auditor answers, and how other modules add checks of their own rows. */
import type { AccountId, BookId, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'

/** The first row that is not as the journal says. */
export interface WrongRow {
  readonly table: string
  readonly lane: Lane
  /** The rest of its primary key as SQL would ask for it: `seq = 17 and line = 0`. */
  readonly key: string
  /** Where it can be told. */
  readonly column?: string
  readonly why: string
}

export interface AuditReport {
  readonly ok: boolean
  /** How many rows of what were looked at. */
  readonly checked: Readonly<Record<string, number>>
  readonly firstWrong: WrongRow | null
}

/**
 * A check that a module adds. Its rows are looked at in slices, each in a short transaction that sees one moment.
 */
export interface AuditCheck {
  /** What its rows are called in `checked`. */
  readonly name: string
  /** At most `limit` rows of a lane behind `after`, in any fixed order; of one book where it is named. */
  slice(sql: Sql, asked: AuditSlice): Promise<AuditedSlice>
}

export interface AuditSlice {
  readonly lane: Lane
  readonly book: BookId | undefined
  readonly after: string | undefined
  readonly limit: number
}

export interface AuditedSlice {
  readonly rows: number
  /** Where the next slice begins; undefined: this was the last. */
  readonly next: string | undefined
  readonly wrong?: WrongRow | undefined
}

export interface Broken {
  readonly account: AccountId
  readonly after: bigint
}

/** Thrown inside the auditor when a row is wrong: nothing behind it needs to be looked at. */
export class BookIsWrong extends Error {
  readonly row: WrongRow
  /** The account whose balance does not follow from the one before it, and the entry that made that (0: none). */
  readonly broken: Broken | undefined
  /** The digest says that it is this row and no other. */
  readonly isProven: boolean

  constructor(row: WrongRow, broken?: Broken, isProven = false) {
    super(`${row.table} ${row.key} in lane ${row.lane}: ${row.why}`)
    this.name = 'BookIsWrong'
    this.row = row
    this.broken = broken
    this.isProven = isProven
  }
}

export function wrongEntry(lane: Lane, seq: bigint, why: string, column?: string): BookIsWrong {
  return new BookIsWrong(rowOf('journal', lane, `seq = ${seq}`, why, column))
}

export function wrongTransfer(
  at: { lane: Lane; seq: bigint; line: number },
  why: string,
  column?: string,
  broken?: Broken,
): BookIsWrong {
  const key = `seq = ${at.seq} and line = ${at.line}`
  return new BookIsWrong(rowOf('transfer', at.lane, key, why, column), broken)
}

export function wrongAccount(lane: Lane, id: string, why: string, column?: string): BookIsWrong {
  return new BookIsWrong(rowOf('account', lane, `id = '${id}'`, why, column))
}

export function wrongHold(
  at: { lane: Lane; id: string; line: number },
  why: string,
  column?: string,
): BookIsWrong {
  const key = `id = '${at.id}' and line = ${at.line}`
  return new BookIsWrong(rowOf('hold', at.lane, key, why, column))
}

export function wrongLane(lane: Lane, why: string, column?: string): BookIsWrong {
  return new BookIsWrong(rowOf('lane', lane, `lane = ${lane}`, why, column))
}

export function rowOf(
  table: string,
  lane: Lane,
  key: string,
  why: string,
  column: string | undefined,
): WrongRow {
  return { table, lane, key, ...(column !== undefined && { column }), why }
}
