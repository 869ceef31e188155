/**
 * The auditor: recomputes the books from the journal and names the first row that is wrong. It uses little memory and
 * only short transactions, and may run while commands do. What it relies on is the digest chain of each lane: who
 * changes a row must recompute every digest behind it, and the heads that others keep.
 */
import { type BookId, type Lane, modeOfBook } from '@lika/contract'
import type { Database } from '../../platform/db.ts'
import { laneStart, moveCursor, readCursor, readFrom } from '../../platform/lanes/tail-store.ts'
import { auditAccounts, auditHolds } from './audit-accounts.ts'
import { checkClosings } from './audit-cuts.ts'
import { LaneAudit, type OwnerBooks } from './audit-lane.ts'
import { findStrayLanes, type LaneEnd, readLaneEnds, seeOneMoment } from './audit-store.ts'
import { type AuditCheck, type AuditReport, BookIsWrong, rowOf } from './audit-types.ts'
import { readCutBefore } from './day-store.ts'

export interface AuditorOptions {
  readonly database: Database
  /** Who owns what; left out where there are no cards and merchants, as in tests of the ledger alone. */
  readonly ownerBooks?: OwnerBooks
  readonly checks?: readonly AuditCheck[]
  /** Entries in one slice. */
  readonly slice?: number
  /** Balances kept in memory. */
  readonly mostBalances?: number
}

export interface AuditAsked {
  /** undefined: the whole installation. */
  readonly book: BookId | undefined
  /** From the last cut that was found right, instead of the beginning. */
  readonly sinceVerifiedCut?: boolean
}

/** Of the cursor of the last cut up to which a lane was found right. */
const verifiedCursor = 'auditor'
const checkRows = 1_000

export class Auditor {
  readonly #options: AuditorOptions
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: AuditorOptions) {
    this.#options = options
  }

  /** One audit at a time; others wait for it. */
  verify(asked: AuditAsked): Promise<AuditReport> {
    const mine = this.#last.then(() => this.#verify(asked))
    this.#last = mine.catch(() => undefined)
    return mine
  }

  async #verify(asked: AuditAsked): Promise<AuditReport> {
    const checked: Record<string, number> = {
      lanes: 0,
      entries: 0,
      transfers: 0,
      accounts: 0,
      holds: 0,
      closings: 0,
    }
    for (const { name } of this.#options.checks ?? []) checked[name] = 0
    const count = (name: string, rows: number) => {
      checked[name] = (checked[name] ?? 0) + rows
    }
    try {
      await this.#all(asked, count)
      return { ok: true, checked, firstWrong: null }
    } catch (error) {
      if (!(error instanceof BookIsWrong)) throw error
      return { ok: false, checked, firstWrong: error.row }
    }
  }

  async #all(asked: AuditAsked, count: (name: string, rows: number) => void): Promise<void> {
    const { sql } = this.#options.database
    const ends = await readLaneEnds(sql)
    const mode = asked.book === undefined ? undefined : modeOfBook(asked.book)
    const lanes = ends.filter(({ pool }) => mode === undefined || pool === mode)
    let crossing: BookIsWrong | undefined
    for (const end of lanes) {
      const siblings = ends.filter(({ pool }) => pool === end.pool).map(({ lane }) => lane)
      const found = await this.#lane(end, siblings, asked, count)
      crossing ??= found
    }
    if (crossing !== undefined) throw crossing
    if (asked.book !== undefined) return
    const [stray] = await findStrayLanes(sql)
    if (stray !== undefined) {
      const { table, lane } = stray
      throw new BookIsWrong(rowOf(table, lane, `lane = ${lane}`, 'there is no such lane', 'lane'))
    }
    for (const { lane, seq } of lanes) await this.#remember(lane, seq)
  }

  async #lane(
    { lane, pool }: LaneEnd,
    lanes: readonly Lane[],
    { book, sinceVerifiedCut = false }: AuditAsked,
    count: (name: string, rows: number) => void,
  ): Promise<BookIsWrong | undefined> {
    const {
      database,
      ownerBooks,
      checks = [],
      slice = 1_000,
      mostBalances = 200_000,
    } = this.#options
    const from = sinceVerifiedCut ? await readCursor(database.sql, verifiedCursor, lane) : undefined
    const options = { book, lanes, ownerBooks, from, slice, mostBalances }
    const audit = new LaneAudit(lane, options)
    try {
      await audit.run(database)
    } finally {
      count('lanes', 1)
      count('entries', audit.checked.entries)
      count('transfers', audit.checked.transfers)
    }
    try {
      count('holds', await auditHolds(database, lane, book))
      count('accounts', await auditAccounts(database, lane, book, ownerBooks, pool === 'test'))
    } catch (error) {
      throw audit.resolve(error)
    }
    const suspect = audit.verdictOnSuspect()
    if (suspect !== undefined) throw suspect
    count('closings', await checkClosings(database.sql, lane, book, from?.seq ?? 0n))
    for (const check of checks) count(check.name, await this.#check(check, lane, book))
    return audit.crossing
  }

  async #check(check: AuditCheck, lane: Lane, book: BookId | undefined): Promise<number> {
    let rows = 0
    for (let after: string | undefined; ; ) {
      const from = after
      const done = await this.#options.database.transaction(async (sql) => {
        await seeOneMoment(sql)
        return check.slice(sql, { lane, book, after: from, limit: checkRows })
      })
      rows += done.rows
      if (done.wrong !== undefined) throw new BookIsWrong(done.wrong)
      if (done.next === undefined) return rows
      after = done.next
    }
  }

  /** Up to its last cut a lane was found right: the next audit may begin there. */
  async #remember(lane: Lane, seq: bigint): Promise<void> {
    const { sql } = this.#options.database
    const cut = await readCutBefore(sql, lane, seq)
    if (cut === undefined) return
    const before = (await readCursor(sql, verifiedCursor, lane)) ?? laneStart
    const [entry] = await readFrom(sql, lane, cut.seq, 0, 1)
    if (entry?.seq === cut.seq && cut.seq > before.seq)
      await moveCursor(sql, verifiedCursor, lane, before, entry)
  }
}
