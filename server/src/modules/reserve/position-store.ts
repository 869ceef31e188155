/** The daily position of the reserve, and what an issuer says of itself. */
import type { BookId, BusinessDate, Fen, Instant } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { codeOf } from '../../platform/db-faults.ts'
import type { DoneBy } from './custody-store.ts'
import type { ProfileFacts } from './model.ts'

export interface ProfileRow extends ProfileFacts, DoneBy {
  readonly bookId: BookId
  readonly number: number
  readonly businessBegan: BusinessDate | null
  readonly at: Instant
  readonly approverKeyId: string | null
  readonly approverOwner: string | null
  /** Null: no second person has agreed yet. */
  readonly approvedAt: Instant | null
  /** When the first version was given. */
  readonly firstAt: Instant
}

/** How often a number that another version took meanwhile is given up for the next one. */
const attempts = 20

type NewProfile = Omit<
  ProfileRow,
  'number' | 'firstAt' | 'approverKeyId' | 'approverOwner' | 'approvedAt'
>

/** The next version. The first one counts at once; a change waits for a second person. */
export async function insertProfile(sql: Sql, row: NewProfile): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await sql`
        insert into reserve_profile
          (book_id, number, issuer_class, last_year_revenue, top_up_deposit, business_began, key_id, owner, at,
            approver_key_id, approver_owner, approved_at)
        select
          ${row.bookId}::uuid, coalesce(max(number), 0) + 1, ${row.issuerClass}, ${row.lastYearRevenue}::bigint,
          ${row.topUpDeposit}::boolean, ${row.businessBegan}::date, ${row.keyId}::uuid, ${row.owner},
          ${new Date(row.at)}::timestamptz,
          case when max(number) is null then ${row.keyId}::uuid end,
          case when max(number) is null then ${row.owner}::text end,
          case when max(number) is null then ${new Date(row.at)}::timestamptz end
        from reserve_profile
        where book_id = ${row.bookId}`
      return
    } catch (error) {
      if (codeOf(error) !== '23505' || attempt === attempts) throw error
    }
  }
}

/** False: somebody else was first. */
export async function approveProfile(
  sql: Sql,
  { bookId, number }: Pick<ProfileRow, 'bookId' | 'number'>,
  second: DoneBy & { readonly at: Instant },
): Promise<boolean> {
  const done = await sql`
    update reserve_profile
    set
      approver_key_id = ${second.keyId}, approver_owner = ${second.owner},
      approved_at = ${new Date(second.at)}::timestamptz
    where book_id = ${bookId}
      and number = ${number}
      and approved_at is null`
  return done.count === 1
}

/** The last version that counts; `newest`: the last one, whether it counts or waits. */
export async function selectProfile(
  sql: Sql,
  bookId: BookId,
  which: 'counting' | 'newest' = 'counting',
): Promise<ProfileRow | undefined> {
  const [row] = await sql<ProfileRow[]>`
    select
      book_id as "bookId", number, issuer_class as "issuerClass", last_year_revenue as "lastYearRevenue",
      top_up_deposit as "topUpDeposit", business_began as "businessBegan", key_id as "keyId", owner, at,
      approver_key_id as "approverKeyId", approver_owner as "approverOwner", approved_at as "approvedAt",
      (select min(at) from reserve_profile as first where first.book_id = ${bookId}) as "firstAt"
    from reserve_profile
    where book_id = ${bookId}
      and (${which === 'newest'} or approved_at is not null)
    order by number desc
    limit 1`
  return row
}

export interface PositionRow {
  readonly bookId: BookId
  readonly day: BusinessDate
  readonly rule: string | null
  readonly baseDay: BusinessDate | null
  readonly base: Fen | null
  readonly ratioBp: number | null
  readonly required: Fen
  readonly custody: Fen
  readonly bank: Fen | null
  readonly guarantees: Fen
  readonly shortfall: Fen
  readonly carry: Fen
  readonly decrease: Fen
  readonly outflow: Fen
  readonly at: Instant
}

/** False: another process wrote that day. */
export async function insertPosition(sql: Sql, row: PositionRow): Promise<boolean> {
  const done = await sql`
    insert into reserve_position
      (book_id, day, rule, base_day, base, ratio_bp, required, custody, bank, guarantees, shortfall, carry, decrease,
        outflow, at)
    values (
      ${row.bookId}, ${row.day}::date, ${row.rule}, ${row.baseDay}::date, ${row.base}::bigint,
      ${row.ratioBp}::int, ${row.required}, ${row.custody}, ${row.bank}::bigint, ${row.guarantees}, ${row.shortfall},
      ${row.carry}, ${row.decrease}, ${row.outflow}, ${new Date(row.at)}::timestamptz
    )
    on conflict do nothing`
  return done.count === 1
}

/** The bank's statements of a day came in after its position was written. */
export function updateBank(
  sql: Sql,
  row: Pick<PositionRow, 'bookId' | 'day' | 'bank' | 'shortfall'>,
): Promise<unknown> {
  return sql`
    update reserve_position
    set bank = ${row.bank}::bigint, shortfall = ${row.shortfall}
    where book_id = ${row.bookId}
      and day = ${row.day}`
}

export interface PositionFilter {
  readonly from?: BusinessDate | undefined
  /** The last day. */
  readonly to?: BusinessDate | undefined
  readonly limit: number
}

/** The newest first. */
export function selectPositions(
  sql: Sql,
  bookId: BookId,
  { from, to, limit }: PositionFilter,
): Promise<PositionRow[]> {
  return sql<PositionRow[]>`
    select
      book_id as "bookId", day, rule, base_day as "baseDay", base, ratio_bp as "ratioBp", required, custody, bank,
      guarantees, shortfall, carry, decrease, outflow, at
    from reserve_position
    where book_id = ${bookId}
      and day >= ${from ?? '1970-01-01'}
      and day <= ${to ?? '9999-12-31'}
    order by day desc
    limit ${limit}`
}

/** How much is reported since that day already. */
export async function selectAlerted(
  sql: Sql,
  bookId: BookId,
  afterDay: BusinessDate,
): Promise<Fen> {
  const [row] = await sql<{ amount: Fen }[]>`
    select amount
    from reserve_alerted
    where book_id = ${bookId}
      and after_day = ${afterDay}`
  return row?.amount ?? 0n
}

/** Never less than before. */
export function raiseAlerted(
  sql: Sql,
  bookId: BookId,
  afterDay: BusinessDate,
  amount: Fen,
): Promise<unknown> {
  return sql`
    insert into reserve_alerted (book_id, after_day, amount)
    values (${bookId}, ${afterDay}::date, ${amount})
    on conflict (book_id, after_day) do update
    set amount = greatest(reserve_alerted.amount, excluded.amount)`
}
