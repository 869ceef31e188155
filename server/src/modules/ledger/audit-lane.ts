/**
 * Audits the journal of one lane and everything under it, in its order, a slice at a time: each slice is a short
 * transaction that sees one moment, so that commands may go on running. The last slice is the one that reaches the end
 * of the lane in its own moment; there the rows that still change are compared.
 */
import type { AccountId, BookId, Lane } from '@lika/contract'
import type { Database, Sql } from '../../platform/db.ts'
import { emptyHead } from '../../platform/lanes/index.ts'
import { KnownBalances } from './audit-balances.ts'
import { type EntryInPlace, isAsWritten, lineToBlame } from './audit-blame.ts'
import { checkCutRows, checkCutsAtEnd } from './audit-cuts.ts'
import { checkEntry, guardedIn } from './audit-entry.ts'
import { HoldReplay, holdRecordsOf } from './audit-holds.ts'
import { readAccountsById, readHoldsById } from './audit-row-store.ts'
import {
  type AuditedEntry,
  type AuditedTransfer,
  findOutside,
  type LaneEnd,
  readEntriesToAudit,
  readLaneEnd,
  readTransfersToAudit,
  seeOneMoment,
} from './audit-store.ts'
import { lostInTransit } from './audit-transits.ts'
import { BookIsWrong, wrongAccount, wrongEntry, wrongLane, wrongTransfer } from './audit-types.ts'
import { accountKinds, kindOfAccount, ownerOf } from './chart.ts'
import { inParts } from './closings.ts'

/** The book of each of these owners that exists. */
export type OwnerBooks = (
  owner: 'card' | 'merchant',
  lane: Lane,
  ids: readonly string[],
) => Promise<ReadonlyMap<string, BookId>>

export interface LaneAuditOptions {
  /** Of which book entries are looked at; undefined: of all. */
  readonly book: BookId | undefined
  /** All lanes of its pool: where the other halves of its commands may lie. */
  readonly lanes: readonly Lane[]
  readonly ownerBooks: OwnerBooks | undefined
  readonly from: { readonly seq: bigint; readonly digest: Uint8Array } | undefined
  /** Entries in one slice. */
  readonly slice: number
  readonly mostBalances: number
}

export class LaneAudit {
  readonly checked = { entries: 0, transfers: 0 }
  /** An entry that is not as it was written, though nothing shows yet which of its rows was changed. */
  suspect: EntryInPlace | undefined
  /** A command of which another lane knows nothing, or not enough: that lane may tell more exactly. */
  crossing: BookIsWrong | undefined
  readonly #lane: Lane
  readonly #options: LaneAuditOptions
  readonly #balances: KnownBalances
  readonly #holds: HoldReplay
  /** Summed accounts whose owner was looked up; forgotten now and then. */
  readonly #summed = new Set<string>()
  #seq: bigint
  #head: Uint8Array

  constructor(lane: Lane, options: LaneAuditOptions) {
    const { from, mostBalances } = options
    this.#lane = lane
    this.#options = options
    this.#balances = new KnownBalances(lane, from === undefined, mostBalances)
    this.#holds = new HoldReplay(lane, from === undefined)
    this.#seq = from?.seq ?? 0n
    this.#head = from?.digest ?? emptyHead
  }

  /** @throws BookIsWrong */
  async run(database: Database): Promise<void> {
    for (let isAtEnd = false; !isAtEnd; ) {
      isAtEnd = await database.transaction(async (sql) => {
        await seeOneMoment(sql)
        return this.#slice(sql)
      })
    }
  }

  async #slice(sql: Sql): Promise<boolean> {
    const end = await readLaneEnd(sql, this.#lane)
    if (end === undefined) throw wrongLane(this.#lane, 'it is missing')
    const { entries, lines, isLast } = await this.#read(sql)
    const transfers = [...lines.values()].flat()
    await this.#balances.learn(sql, guardedIn(transfers), this.#seq + 1n)
    this.#checkInOrder(entries, lines, transfers)
    const ours = entries.filter((entry) => this.#isOurs(entry))
    await this.#checkRows(sql, ours, lines)
    if (isLast) await this.#checkEnd(sql, end)
    return isLast
  }

  /** The next entries with their transfers, no more of either than fit into memory. */
  async #read(sql: Sql) {
    const { slice } = this.#options
    const found = await readEntriesToAudit(sql, this.#lane, this.#seq, slice)
    const until = found.at(-1)?.seq ?? this.#seq
    const transfers = await readTransfersToAudit(sql, this.#lane, this.#seq, until, mostTransfers)
    const cutOff = transfers.length === mostTransfers ? transfers.at(-1)?.seq : undefined
    const entries = cutOff === undefined ? found : found.filter((entry) => entry.seq < cutOff)
    const isLast = cutOff === undefined && found.length < slice
    const [first] = found
    if (entries.length > 0 || first === undefined)
      return { entries, lines: Map.groupBy(transfers, ({ seq }) => seq), isLast }
    const all = await readTransfersToAudit(sql, this.#lane, this.#seq, first.seq, null)
    return { entries: [first], lines: Map.groupBy(all, ({ seq }) => seq), isLast }
  }

  #isOurs(entry: AuditedEntry): boolean {
    return this.#options.book === undefined || entry.bookId === this.#options.book
  }

  #checkInOrder(
    entries: readonly AuditedEntry[],
    lines: ReadonlyMap<bigint, AuditedTransfer[]>,
    nearby: readonly AuditedTransfer[],
  ): void {
    for (const entry of entries) {
      if (entry.seq !== this.#seq + 1n)
        throw wrongEntry(this.#lane, this.#seq + 1n, 'it is missing although later ones are there')
      const place = { entry, lines: lines.get(entry.seq) ?? [], previous: this.#head }
      if (this.#isOurs(entry)) this.#checkOurs(place, nearby)
      // Of others nothing is looked at or said, but their part of the chain carries ours.
      else if (!isAsWritten(place.previous, entry, place.lines))
        throw wrongEntry(this.#lane, entry.seq, 'the chain of digests is broken here')
      this.#seq = entry.seq
      this.#head = entry.digest
    }
  }

  #checkOurs(place: EntryInPlace, nearby: readonly AuditedTransfer[]): void {
    this.checked.entries += 1
    this.checked.transfers += place.lines.length
    try {
      const isRight = checkEntry(place, this.#balances, this.#holds, this.#summed, nearby)
      if (!isRight) this.suspect ??= place
    } catch (error) {
      throw this.resolve(error)
    }
  }

  /**
   * After a suspect the next thing that is wrong tells which of its rows was changed: a balance that breaks across it
   * misses a transfer of it.
   */
  resolve(error: unknown): unknown {
    const { suspect } = this
    if (suspect === undefined || !(error instanceof BookIsWrong) || error.isProven) return error
    const { broken } = error
    if (broken !== undefined && broken.after < suspect.entry.seq)
      return lineToBlame(suspect, broken.account)
    return this.verdictOnSuspect() ?? error
  }

  verdictOnSuspect(): BookIsWrong | undefined {
    if (this.suspect === undefined) return undefined
    const { seq } = this.suspect.entry
    return wrongEntry(this.#lane, seq, 'it was changed: its digest says otherwise')
  }

  /** Rows that the entries of a slice made or changed. */
  async #checkRows(
    sql: Sql,
    entries: readonly AuditedEntry[],
    lines: ReadonlyMap<bigint, AuditedTransfer[]>,
  ): Promise<void> {
    try {
      await this.#checkAccounts(sql, entries, lines)
      const holds = this.#holds.takeToCompare()
      for (const some of inParts(holds, rowsAtOnce))
        this.#holds.compare(some, await readHoldsById(sql, this.#lane, some), false)
      await this.#checkOwners(entries, lines)
      this.crossing ??= await lostInTransit(sql, this.#lane, this.#options.lanes, entries, lines)
      await checkCutRows(sql, this.#lane, entries)
    } catch (error) {
      throw this.resolve(error)
    }
  }

  async #checkAccounts(
    sql: Sql,
    entries: readonly AuditedEntry[],
    lines: ReadonlyMap<bigint, AuditedTransfer[]>,
  ): Promise<void> {
    const touched = new Map<AccountId, AuditedEntry>()
    for (const entry of entries) {
      for (const id of guardedIn(lines.get(entry.seq) ?? [])) touched.set(id, entry)
      if (entry.refused) continue
      for (const { accountId } of holdRecordsOf(entry) ?? []) touched.set(accountId, entry)
    }
    const rows = await readAccountsById(sql, this.#lane, [...touched.keys()])
    const byId = new Map(rows.map((row) => [row.id, row]))
    for (const [id, entry] of touched) {
      const row = byId.get(id)
      if (row === undefined)
        throw wrongAccount(this.#lane, id, `it is missing; the entry ${entry.seq} changed it`)
      if (row.bookId !== entry.bookId)
        throw wrongAccount(this.#lane, id, `the entry ${entry.seq} is of another book`, 'book_id')
      if (row.seq < entry.seq)
        throw wrongAccount(this.#lane, id, `the entry ${entry.seq} changed it later`, 'seq')
    }
  }

  /** Both sides of a transfer belong to the book: merchants here, cards where their accounts are looked at. */
  async #checkOwners(
    entries: readonly AuditedEntry[],
    lines: ReadonlyMap<bigint, AuditedTransfer[]>,
  ): Promise<void> {
    const { ownerBooks } = this.#options
    if (this.#summed.size > mostSummed) this.#summed.clear()
    const fresh = new Map<string, { entry: AuditedEntry; line: AuditedTransfer; column: string }>()
    for (const entry of entries) {
      for (const line of lines.get(entry.seq) ?? []) {
        for (const side of ['debit', 'credit'] as const) {
          const id = line[side]
          if (!isOfMerchant(id) || this.#summed.has(id)) continue
          this.#summed.add(id)
          fresh.set(id, { entry, line, column: `${side}_account` })
        }
      }
    }
    if (ownerBooks === undefined || fresh.size === 0) return
    const books = await ownerBooks('merchant', this.#lane, [...fresh.keys()].map(ownerOf))
    for (const [id, { entry, line, column }] of fresh) {
      if (books.get(ownerOf(id)) === entry.bookId) continue
      const at = { lane: this.#lane, seq: entry.seq, line: line.line }
      throw wrongTransfer(at, 'the book has no such merchant', column)
    }
  }

  async #checkEnd(sql: Sql, end: LaneEnd): Promise<void> {
    const lane = this.#lane
    const isHead = Buffer.compare(end.head, this.#head) === 0
    if (end.seq !== this.#seq) {
      if (isHead) throw wrongLane(lane, `its last entry is ${this.#seq}`, 'next_seq')
      if (end.seq > this.#seq) throw wrongEntry(lane, this.#seq + 1n, 'it is missing at the end')
      throw wrongEntry(lane, end.seq + 1n, 'the lane has not come to it')
    }
    const outside = await findOutside(sql, lane, end.seq)
    if (outside !== undefined) throw wrongTransfer({ lane, ...outside }, 'there is no such entry')
    if (!isHead)
      throw this.verdictOnSuspect() ?? wrongLane(lane, 'not that of its last entry', 'head')
    try {
      const { open } = this.#holds
      for (const some of inParts(open, rowsAtOnce))
        this.#holds.compare(some, await readHoldsById(sql, lane, some), true)
      if (this.#options.book === undefined) await checkCutsAtEnd(sql, end)
    } catch (error) {
      throw this.resolve(error)
    }
  }
}

const rowsAtOnce = 5_000
const mostTransfers = 20_000
const mostSummed = 200_000

function isOfMerchant(id: string): boolean {
  const kind = kindOfAccount(id)
  return kind !== undefined && accountKinds[kind].owner === 'merchant'
}
