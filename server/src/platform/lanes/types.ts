/**
 * The words of the lane engine: a command is one atomic step on lanes, made of what it reads and a pure decision;
 * shelves are kinds of rows with identity, lines are rows that are only appended under a journal entry.
 */
import type { BookId, CommandId, Instant, Lane, Refusal } from '@lika/contract'
import type { Sql } from '../db.ts'

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [member: string]: Json | undefined }

/** A kind of row that commands read and change. Each function is one set-based statement with `lane = $n`. */
export interface Shelf<Row> {
  readonly name: string
  /** Unique within the shelf over all lanes. */
  keyOf(row: Row): string
  load(sql: Sql, lane: Lane, keys: readonly string[]): Promise<readonly Row[]>
  insert(sql: Sql, lane: Lane, rows: readonly Row[]): Promise<unknown>
  update?(sql: Sql, lane: Lane, rows: readonly Row[]): Promise<unknown>
  remove?(sql: Sql, lane: Lane, keys: readonly string[]): Promise<unknown>
}

/** Another way to the rows of a shelf: by a key that is not theirs, such as the holds of an account. */
export interface Finder<Row> {
  readonly name: string
  readonly shelf: Shelf<Row>
  find(
    sql: Sql,
    lane: Lane,
    keys: readonly string[],
  ): Promise<readonly { readonly key: string; readonly row: Row }[]>
}

export type LineValue = string | number | bigint | null

/** A line under a journal entry, as it goes to its table and into the entry's digest. */
export interface Line {
  readonly seq: bigint
  /** Counts the lines of the entry, from 0. */
  readonly line: number
  readonly month: number
  readonly bookId: BookId
  readonly values: readonly LineValue[]
}

/** Rows that are only ever appended, under the entry of the command that made them. */
export interface Lines {
  readonly name: string
  insert(sql: Sql, lane: Lane, lines: readonly Line[]): Promise<unknown>
}

/** One row, or the rows that a finder finds, declared before the round. */
export interface Read {
  readonly from: Shelf<unknown> | Finder<unknown>
  readonly lane: Lane
  readonly key: string
}

export function read<Row>(from: Shelf<Row> | Finder<Row>, lane: Lane, key: string): Read {
  return { from, lane, key }
}

/** What a decision sees and stages. Rows are immutable values: a change puts another row in place. */
export interface View {
  readonly commandId: CommandId
  readonly bookId: BookId
  /** yyyymm of the command id: the partition of its entry and of all that carries a month. */
  readonly month: number
  /** undefined: there is none. @throws when it was not declared. */
  get<Row>(shelf: Shelf<Row>, key: string): Row | undefined
  /** What was found at the start of the round, with every later change; not what was inserted since. */
  find<Row>(finder: Finder<Row>, key: string): readonly Row[]
  put<Row>(shelf: Shelf<Row>, lane: Lane, row: Row): void
  remove<Row>(shelf: Shelf<Row>, key: string): void
  append(lines: Lines, lane: Lane, values: readonly LineValue[]): void
  /** The number that this command's journal entry will have in that lane. */
  seq(lane: Lane): bigint
}

/** What a command did, as data: `body` holds ids, digests and amounts, never a secret, a name or free text. */
export interface Outcome {
  readonly kind: string
  readonly version: number
  readonly body: { readonly [member: string]: Json | undefined }
}

export type Decision =
  | { readonly ok: true; readonly value: Outcome }
  | {
      readonly ok: false
      readonly refusal: Refusal
      /** False: nothing is journaled and the key stays free (what was named does not exist). */
      readonly final?: boolean
      /** What the refusal leaves behind all the same. */
      readonly marks?: (view: View) => void
    }

export interface Plan {
  /** Every lane that it touches; the home lane of the command is one of them. */
  readonly lanes: readonly Lane[]
  readonly reads: readonly Read[]
  /** Pure: no clock, I/O or randomness. What it throws is a fault of this command alone. */
  decide(view: View, now: Instant): Decision
}

/** Whose the outside name of a command is: its own, one that was cancelled, or another command's. */
export type NameState = 'own' | 'cancelled' | { readonly takenBy: CommandId }

export interface Command {
  readonly book: BookId
  /** With `key` it identifies the claim; the kind under which a refusal is journaled. */
  readonly operation: string
  readonly key: string
  /** What the caller sent, in canonical form: the same key with another input is refused. */
  readonly input: Json
  /** Asked only when the key is new; a repeat goes where the first went. */
  homeLane(): Lane
  readonly weight?: 'till' | 'bulk'
  /** How many rows it writes, roughly; 1 unless said. */
  readonly size?: number
  readonly notAfter?: Instant | undefined
  /** A name from outside that only one command may have: a merchant's order number. */
  readonly name?: { readonly kind: number; readonly name: string }
  plan(commandId: CommandId, name: NameState): Plan | Promise<Plan>
}

/** What has the same effect however often it runs, so that nobody has to find it again by a key. */
export type UnclaimedCommand = Omit<Command, 'key' | 'input' | 'name'>

export type Executed =
  | {
      readonly status: 'done'
      readonly commandId: CommandId
      readonly at: Instant
      readonly kind: string
      readonly body: { readonly [member: string]: Json | undefined }
      readonly replayed: boolean
    }
  | { readonly status: 'refused'; readonly refusal: Refusal; readonly replayed: boolean }
