/**
 * Balances at the end of business days: what was written at the cut of each lane and nothing else, so that the same
 * question always has the same answer and no long read is needed for it.
 */
import type { AccountId, BookId, BusinessDate, Fen, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { laneStart, readCursor } from '../../platform/lanes/tail-store.ts'
import {
  type AccountKindName,
  accountId,
  accountKindNames,
  accountKinds,
  kindOfAccount,
} from './chart.ts'
import { closingsCursor, controlAccount, totalsBefore } from './closings.ts'
import { readOpenDay } from './day-store.ts'

/** Running totals of both sides since the beginning. */
export interface Sides {
  readonly debits: bigint
  readonly credits: bigint
}

/** Which account: of an owner and a kind, kept in every lane; or the control account of the kind in the book. */
export interface DayAccount {
  readonly kind: AccountKindName
  /** undefined: the control account. */
  readonly owner: string | undefined
}

/**
 * Whether every lane has closed that day and its closing balances are written. A lane that stood still on that day
 * counts as closed once a later day is open in it.
 */
export async function isDayClosed(
  sql: Sql,
  lanes: readonly Lane[],
  day: BusinessDate,
): Promise<boolean> {
  const closed = await Promise.all(lanes.map((lane) => isClosedIn(sql, lane, day)))
  return closed.every(Boolean)
}

async function isClosedIn(sql: Sql, lane: Lane, day: BusinessDate): Promise<boolean> {
  const openDay = await readOpenDay(sql, lane)
  if (openDay === undefined || openDay <= day) return false
  const [cut] = await sql<{ seq: bigint }[]>`
    select seq
    from cut
    where lane = ${lane}
      and day <= ${day}
    order by day desc
    limit 1`
  const written = (await readCursor(sql, closingsCursor, lane)) ?? laneStart
  return cut === undefined || written.seq >= cut.seq
}

/** The totals of every kind of the book at the end of that day, over all lanes; for days that are closed. */
export async function kindsAtClose(
  sql: Sql,
  book: BookId,
  lanes: readonly Lane[],
  day: BusinessDate,
): Promise<Map<AccountKindName, Sides>> {
  const kinds = accountKindNames()
  const all = new Map<AccountKindName, Sides>()
  const found = await Promise.all(
    lanes.map((lane) => {
      const ids = kinds.map((kind) => controlAccount(book, accountKinds[kind].number, lane))
      return totalsBefore(sql, lane, dayAfter(day), ids)
    }),
  )
  for (const [id, sides] of found.flatMap((totals) => [...totals])) {
    const kind = kindOfAccount(id)
    if (kind !== undefined) all.set(kind, plus(all.get(kind), sides))
  }
  return all
}

/** The same of one account. */
export async function accountAtClose(
  sql: Sql,
  book: BookId,
  { kind, owner }: DayAccount,
  lanes: readonly Lane[],
  day: BusinessDate,
): Promise<Sides> {
  let sum: Sides = { debits: 0n, credits: 0n }
  for (const lane of lanes) {
    const id: AccountId | string =
      owner === undefined
        ? controlAccount(book, accountKinds[kind].number, lane)
        : accountId(owner, kind, lane)
    const totals = await totalsBefore(sql, lane, dayAfter(day), [id])
    const found = totals.get(id)
    if (found !== undefined) sum = plus(sum, found)
  }
  return sum
}

/** On the normal side of the kind. */
export function normalBalance(kind: AccountKindName, sides: Sides | undefined): Fen {
  if (sides === undefined) return 0n
  const { debits, credits } = sides
  return accountKinds[kind].normal === 'debit' ? debits - credits : credits - debits
}

function plus(sum: Sides | undefined, { debits, credits }: Sides): Sides {
  return { debits: (sum?.debits ?? 0n) + debits, credits: (sum?.credits ?? 0n) + credits }
}

function dayAfter(day: BusinessDate): BusinessDate {
  return new Date(Date.parse(`${day}T00:00:00.000Z`) + 86_400_000).toISOString().slice(0, 10)
}
