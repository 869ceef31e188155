/**
 * Replays what the journal says about holds: opened, captured, released, each exactly once. Keeps in memory only the
 * holds that are open; one that is used up never changes again, so its row is compared then and there.
 */
import {
  type AccountId,
  asId,
  type BookId,
  type Fen,
  type Instant,
  type Lane,
  laneOfId,
} from '@lika/contract'
import type { HoldToAudit } from './audit-row-store.ts'
import type { AuditedEntry } from './audit-store.ts'
import { wrongAccount, wrongEntry, wrongHold } from './audit-types.ts'
import { leftOf } from './model.ts'
import { holdKey } from './store.ts'

/** A record of `_holds`, read back: see LedgerDesk. */
export interface HoldRecordRead {
  readonly operation: 'open' | 'capture' | 'release'
  readonly accountId: AccountId
  readonly id: string
  readonly line: number
  readonly amount: Fen
  /** Of a hold that is opened. */
  readonly expiresAt: Instant | undefined
}

interface Replayed {
  readonly id: string
  readonly line: number
  readonly bookId: BookId
  readonly accountId: AccountId
  readonly amount: Fen
  captured: Fen
  released: Fen
  readonly expiresAt: Instant
  readonly seq: bigint
}

/** The hold records of an entry that concern its lane. undefined: they are not of the form in which they are written. */
export function holdRecordsOf(
  entry: Pick<AuditedEntry, 'lane' | 'body'>,
): HoldRecordRead[] | undefined {
  if (!entry.body.includes('"_holds"')) return []
  const body: unknown = JSON.parse(entry.body)
  if (typeof body !== 'object' || body === null || !('_holds' in body)) return []
  const listed: unknown = body._holds
  if (!Array.isArray(listed)) return undefined
  const records: HoldRecordRead[] = []
  for (const one of listed) {
    const record = readRecord(one)
    if (record === undefined) return undefined
    if (laneOfId(record.accountId) === entry.lane) records.push(record)
  }
  return records
}

function readRecord(given: unknown): HoldRecordRead | undefined {
  if (!Array.isArray(given)) return undefined
  const parts: readonly unknown[] = given
  const [operation, accountId, id, line, amount, expiresAt] = parts
  if (operation !== 'open' && operation !== 'capture' && operation !== 'release') return undefined
  if (typeof accountId !== 'string' || typeof id !== 'string' || typeof line !== 'number')
    return undefined
  if (typeof amount !== 'string' || !/^\d+$/.test(amount)) return undefined
  if ((operation === 'open') !== (typeof expiresAt === 'number')) return undefined
  return {
    operation,
    accountId: asId<'account'>(accountId),
    id,
    line,
    amount: BigInt(amount),
    expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined,
  }
}

export class HoldReplay {
  readonly #lane: Lane
  /** False: it began behind a cut, so that holds may turn up that were opened before. */
  readonly #isWhole: boolean
  readonly #open = new Map<string, Replayed>()
  readonly #held = new Map<string, Fen>()
  /** Opened or used up since rows were compared last. */
  #toCompare = new Map<string, Replayed>()

  constructor(lane: Lane, isWhole: boolean) {
    this.#lane = lane
    this.#isWhole = isWhole
  }

  /** What open holds set aside on an account; 0 where it is not known. */
  heldOn(accountId: string): Fen {
    return this.#held.get(accountId) ?? 0n
  }

  /** @throws BookIsWrong for a record that does not follow from those before it. */
  apply(entry: AuditedEntry, record: HoldRecordRead): void {
    const key = holdKey(record)
    if (record.operation === 'open') this.#opened(entry, record, key)
    else this.#used(entry, record, key)
  }

  #used(entry: AuditedEntry, record: HoldRecordRead, key: string): void {
    const hold = this.#open.get(key)
    if (hold === undefined) {
      if (!this.#isWhole) return
      throw wrongEntry(
        this.#lane,
        entry.seq,
        `${record.operation} of a hold that is not open: ${key}`,
        'body',
      )
    }
    if (record.operation === 'capture') hold.captured += record.amount
    else hold.released += record.amount
    this.#add(hold.accountId, -record.amount)
    if (leftOf(hold) < 0n || record.amount === 0n || hold.accountId !== record.accountId)
      throw wrongEntry(
        this.#lane,
        entry.seq,
        `${record.operation} is not in the hold ${key}`,
        'body',
      )
    if (leftOf(hold) > 0n) return
    this.#open.delete(key)
    this.#toCompare.set(key, hold)
  }

  #opened(entry: AuditedEntry, record: HoldRecordRead, key: string): void {
    if (this.#open.has(key) || record.amount === 0n)
      throw wrongEntry(this.#lane, entry.seq, `the hold ${key} is opened twice or empty`, 'body')
    const hold: Replayed = {
      id: record.id,
      line: record.line,
      bookId: entry.bookId,
      accountId: record.accountId,
      amount: record.amount,
      captured: 0n,
      released: 0n,
      expiresAt: record.expiresAt ?? 0,
      seq: entry.seq,
    }
    this.#open.set(key, hold)
    this.#toCompare.set(key, hold)
    this.#add(record.accountId, record.amount)
  }

  #add(accountId: string, amount: Fen): void {
    const held = this.heldOn(accountId) + amount
    if (held === 0n) this.#held.delete(accountId)
    else this.#held.set(accountId, held)
  }

  /** The holds whose rows can be compared by now, and no longer wait for it. */
  takeToCompare(): Replayed[] {
    const taken = [...this.#toCompare.values()]
    this.#toCompare = new Map()
    return taken
  }

  get open(): Replayed[] {
    return [...this.#open.values()]
  }

  /**
   * Compares holds with their rows. What was captured and released is compared for those that are used up, and for
   * all of them at `isQuiet`, when the rows are read at the very entry up to which was replayed.
   */
  compare(holds: readonly Replayed[], rows: readonly HoldToAudit[], isQuiet: boolean): void {
    const byKey = new Map(rows.map((row) => [holdKey(row), row]))
    for (const hold of holds) {
      const at = { lane: this.#lane, id: hold.id, line: hold.line }
      const row = byKey.get(holdKey(hold))
      if (row === undefined) throw wrongHold(at, `it is missing; the entry ${hold.seq} opened it`)
      const column = firstDifference(hold, row, isQuiet || leftOf(hold) === 0n)
      if (column !== undefined) throw wrongHold(at, 'it is not as the journal says', column)
    }
  }

  /** Whether a balance still covers what is set aside. */
  assertCovered(accountId: string, balance: Fen): void {
    if (balance >= this.heldOn(accountId)) return
    throw wrongAccount(this.#lane, accountId, `${this.heldOn(accountId)} are held of ${balance}`)
  }
}

function firstDifference(hold: Replayed, row: HoldToAudit, isFinal: boolean): string | undefined {
  if (row.bookId !== hold.bookId) return 'book_id'
  if (row.accountId !== hold.accountId) return 'account_id'
  if (row.amount !== hold.amount) return 'amount'
  if (row.expiresAt !== hold.expiresAt || row.expiryIsFiner) return 'expires_at'
  if (row.seq !== hold.seq) return 'seq'
  if (!isFinal) return undefined
  if (row.captured !== hold.captured) return 'captured'
  return row.released === hold.released ? undefined : 'released'
}
