/**
 * Audits the rows of accounts and holds the other way round: each says what the journal made of it, and none is there
 * that no entry made. Row, transfers and holds of a slice are read at one moment, so commands may go on running.
 */
import { asId, type BookId, type Lane } from '@lika/contract'
import type { Database, Sql } from '../../platform/db.ts'
import { holdRecordsOf } from './audit-holds.ts'
import type { OwnerBooks } from './audit-lane.ts'
import {
  type AccountToAudit,
  type LastBalance,
  readAccountsToAudit,
  readBalancesBefore,
  readBodies,
  readHoldsToAudit,
  sumOpenHolds,
} from './audit-row-store.ts'
import { seeOneMoment } from './audit-store.ts'
import { BookIsWrong, wrongAccount, wrongHold } from './audit-types.ts'
import { accountKinds, kindOfAccount, ownerOf } from './chart.ts'

const rowsAtOnce = 2_000
const firstId = '00000000-0000-0000-0000-000000000000'
const beyondAll = 9_223_372_036_854_775_807n

/** Answers how many accounts the lane has. @throws BookIsWrong */
export async function auditAccounts(
  database: Database,
  lane: Lane,
  book: BookId | undefined,
  ownerBooks: OwnerBooks | undefined,
  /** Cards of test mode may have been thrown away; their accounts stay. */
  mayBeGone: boolean,
): Promise<number> {
  let checked = 0
  for (let after: string = firstId; ; ) {
    const rows = await database.transaction(async (sql) => {
      await seeOneMoment(sql)
      const some = await readAccountsToAudit(sql, lane, book, after, rowsAtOnce)
      await checkAccounts(sql, lane, some)
      return some
    })
    await checkCards(lane, rows.filter(isOfCard), ownerBooks, mayBeGone)
    checked += rows.length
    const last = rows.at(-1)
    if (last === undefined || rows.length < rowsAtOnce) return checked
    after = last.id
  }
}

async function checkAccounts(sql: Sql, lane: Lane, rows: readonly AccountToAudit[]): Promise<void> {
  const ids = rows.map((row) => row.id)
  const [balances, holds] = await Promise.all([
    readBalancesBefore(sql, lane, ids, beyondAll),
    sumOpenHolds(sql, lane, ids),
  ])
  const lastOf = new Map(balances.map((row) => [row.id, row]))
  const heldOn = new Map(holds.map((row) => [row.id, row.held]))
  for (const row of rows) checkAccount(lane, row, lastOf.get(row.id), heldOn.get(row.id) ?? 0n)
  await checkTouch(
    sql,
    lane,
    rows.filter((row) => row.seq !== lastOf.get(row.id)?.seq),
  )
}

function checkAccount(
  lane: Lane,
  row: AccountToAudit,
  last: LastBalance | undefined,
  held: bigint,
): void {
  const kind = kindOfAccount(row.id)
  if (kind === undefined || !accountKinds[kind].guarded)
    throw wrongAccount(lane, row.id, 'it is not the id of a guarded account', 'id')
  if (last === undefined)
    throw new BookIsWrong(wrongAccount(lane, row.id, 'no transfer made it').row, {
      account: row.id,
      after: 0n,
    })
  if (row.balance !== last.balance) {
    const why = `the transfers make ${last.balance}, not ${row.balance}`
    throw new BookIsWrong(wrongAccount(lane, row.id, why, 'balance').row, {
      account: row.id,
      after: last.seq,
    })
  }
  if (row.held !== held)
    throw wrongAccount(lane, row.id, `open holds make ${held}, not ${row.held}`, 'held')
  if (row.seq < last.seq)
    throw wrongAccount(lane, row.id, `the entry ${last.seq} changed it later`, 'seq')
}

/** These were changed last by an entry without a transfer of theirs: it must have changed a hold on them. */
async function checkTouch(sql: Sql, lane: Lane, rows: readonly AccountToAudit[]): Promise<void> {
  if (rows.length === 0) return
  const bodies = await readBodies(sql, lane, [...new Set(rows.map((row) => row.seq))])
  const bySeq = new Map(bodies.map((entry) => [entry.seq, entry]))
  for (const row of rows) {
    const entry = bySeq.get(row.seq)
    const records = entry && holdRecordsOf({ lane, body: entry.body })
    if (records?.some((record) => record.accountId === row.id) === true) continue
    throw wrongAccount(lane, row.id, `the entry ${row.seq} did not change it`, 'seq')
  }
}

function isOfCard({ id }: AccountToAudit): boolean {
  const kind = kindOfAccount(id)
  return kind !== undefined && accountKinds[kind].owner === 'card'
}

async function checkCards(
  lane: Lane,
  rows: readonly AccountToAudit[],
  ownerBooks: OwnerBooks | undefined,
  mayBeGone: boolean,
): Promise<void> {
  if (ownerBooks === undefined || rows.length === 0) return
  const books = await ownerBooks('card', lane, [...new Set(rows.map((row) => ownerOf(row.id)))])
  const lost = rows.find((row) => {
    const book = books.get(ownerOf(row.id))
    return book === undefined ? !mayBeGone : book !== row.bookId
  })
  if (lost !== undefined) throw wrongAccount(lane, lost.id, 'the book has no such card')
}

/** Answers how many holds the lane has. @throws BookIsWrong */
export async function auditHolds(
  database: Database,
  lane: Lane,
  book: BookId | undefined,
): Promise<number> {
  let checked = 0
  for (let after = { id: firstId, line: -1 }; ; ) {
    const rows = await database.transaction(async (sql) => {
      await seeOneMoment(sql)
      const some = await readHoldsToAudit(sql, lane, book, after, rowsAtOnce)
      await checkOrigins(sql, lane, some)
      return some
    })
    checked += rows.length
    const last = rows.at(-1)
    if (last === undefined || rows.length < rowsAtOnce) return checked
    after = last
  }
}

async function checkOrigins(
  sql: Sql,
  lane: Lane,
  holds: readonly { id: string; line: number; seq: bigint }[],
): Promise<void> {
  if (holds.length === 0) return
  const bodies = await readBodies(sql, lane, [...new Set(holds.map((hold) => hold.seq))])
  const opened = new Set(
    bodies.flatMap(({ seq, body }) =>
      (holdRecordsOf({ lane, body }) ?? [])
        .filter((record) => record.operation === 'open')
        .map((record) => `${seq} ${record.id} ${record.line}`),
    ),
  )
  for (const { id, line, seq } of holds) {
    if (!opened.has(`${seq} ${id} ${line}`))
      throw wrongHold({ lane, id: asId(id), line }, `the entry ${seq} did not open it`)
  }
}
