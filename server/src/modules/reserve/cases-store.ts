/** Cases: their rows in rounds and for those who ask. */
import type { BookId, BusinessDate, Fen, Id, Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'
import { differenceKinds } from './matching.ts'
import { rowsJson } from './rows-json.ts'

/** What is wrong beside the differences between bank and books. */
const alarmKinds = [
  /** What was put into suspense and is not cleared yet. */
  'suspense_open',
  /** The bank's statement of a day has not come. */
  'statement_missing',
  /** The closing balance of a statement does not follow from the books and the differences known. */
  'balance_gap',
  /** Money left the reserve, and nobody is owed less for it. */
  'outflow_unmatched',
  /** Less is set aside than must be. */
  'reserve_short',
  /** A filing, a licence or a guarantee ends soon, or has ended. */
  'expiry_near',
  /** The business must be filed, or a quarter reported, soon. */
  'filing_due',
  /** WeChat's bill has a payment or a refund that the books do not know, and cannot learn. */
  'wechat_unknown_row',
  /** The bill and the books do not say the same of a payment or a refund. */
  'wechat_row_differs',
  /** The books have a payment of the day that is not in its bill. */
  'wechat_missing_row',
  /** WeChat's bill of funds does not follow from its bill of trades. */
  'wechat_fund_gap',
] as const

export const caseKinds = [...differenceKinds, ...alarmKinds] as const
export type CaseKind = (typeof caseKinds)[number]

export const caseStates = ['open', 'proposed', 'resolved'] as const
export type CaseState = (typeof caseStates)[number]

/**
 * `match`: they belong together as they are. `suspend`: the books follow the bank, against 待查款项. `write_off`: the same
 * against 余额调整, where it is known for what it was, such as a fee or interest. `dismiss`: nothing is moved.
 */
export const caseActions = ['match', 'suspend', 'write_off', 'dismiss'] as const
export type CaseAction = (typeof caseActions)[number]

export interface CaseRow {
  readonly id: Id<'case'>
  readonly bookId: BookId
  readonly kind: CaseKind
  readonly day: BusinessDate
  readonly accountId: Id<'custody'> | null
  readonly movementId: Id<'movement'> | null
  readonly lines: readonly (readonly [statementId: string, line: number])[]
  readonly amount: Fen
  readonly subject: string | null
  readonly state: CaseState
  readonly action: CaseAction | null
  readonly reason: string | null
  readonly proposerKeyId: string | null
  readonly proposerOwner: string | null
  readonly proposedAt: Instant | null
  readonly resolverKeyId: string | null
  readonly resolverOwner: string | null
  readonly resolvedAt: Instant | null
  readonly openedAt: Instant
}

/** What may be done about a case of each kind. */
export const actionsOf = {
  amount_differs: ['suspend', 'write_off'],
  day_differs: ['match'],
  split_lines: ['match'],
  doubled_line: ['suspend'],
  unknown_inflow: ['suspend', 'write_off'],
  unknown_outflow: ['suspend', 'write_off'],
  missing_line: ['suspend', 'dismiss'],
  suspense_open: ['write_off', 'dismiss'],
  statement_missing: ['dismiss'],
  balance_gap: ['dismiss'],
  outflow_unmatched: ['dismiss'],
  reserve_short: ['dismiss'],
  expiry_near: ['dismiss'],
  filing_due: ['dismiss'],
  wechat_unknown_row: ['dismiss'],
  wechat_row_differs: ['dismiss'],
  wechat_missing_row: ['dismiss'],
  wechat_fund_gap: ['dismiss'],
} as const satisfies Record<CaseKind, readonly CaseAction[]>

export const cases: Shelf<CaseRow> = {
  name: 'reserve_case',
  keyOf: (row) => row.id,
  load: loadCases,
  insert: insertCases,
  update: updateCases,
}

function loadCases(sql: Sql, lane: Lane, ids: readonly string[]): Promise<CaseRow[]> {
  return sql<CaseRow[]>`
    select
      id, book_id as "bookId", kind, day, account_id as "accountId", movement_id as "movementId", lines, amount,
      subject, state, action, reason, proposer_key_id as "proposerKeyId", proposer_owner as "proposerOwner",
      proposed_at as "proposedAt", resolver_key_id as "resolverKeyId", resolver_owner as "resolverOwner",
      resolved_at as "resolvedAt", opened_at as "openedAt"
    from reserve_case
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function insertCases(sql: Sql, lane: Lane, rows: readonly CaseRow[]): Promise<unknown> {
  return sql`
    insert into reserve_case
      (lane, id, book_id, kind, day, account_id, movement_id, lines, amount, subject, state, opened_at)
    select
      ${lane}, id, "bookId", kind, day, "accountId", "movementId", lines, amount, subject, state, "openedAt"
    from jsonb_to_recordset(${rowsJson(rows)}::text::jsonb) as fresh (
      id uuid, "bookId" uuid, kind text, day date, "accountId" uuid, "movementId" uuid, lines jsonb, amount bigint,
      subject text, state text, "openedAt" timestamptz
    )`
}

function updateCases(sql: Sql, lane: Lane, rows: readonly CaseRow[]): Promise<unknown> {
  return sql`
    update reserve_case
    set
      state = changed.state, action = changed.action, reason = changed.reason,
      proposer_key_id = changed."proposerKeyId", proposer_owner = changed."proposerOwner",
      proposed_at = changed."proposedAt", resolver_key_id = changed."resolverKeyId",
      resolver_owner = changed."resolverOwner", resolved_at = changed."resolvedAt"
    from jsonb_to_recordset(${rowsJson(rows)}::text::jsonb) as changed (
      id uuid, state text, action text, reason text, "proposerKeyId" uuid, "proposerOwner" text,
      "proposedAt" timestamptz, "resolverKeyId" uuid, "resolverOwner" text, "resolvedAt" timestamptz
    )
    where reserve_case.lane = ${lane}
      and reserve_case.id = changed.id`
}

export interface CaseFilter {
  readonly state?: CaseState | undefined
  readonly kind?: CaseKind | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export function selectCases(
  sql: Sql,
  lane: Lane,
  bookId: BookId,
  { state, kind, before, limit }: CaseFilter,
): Promise<CaseRow[]> {
  return sql<CaseRow[]>`
    select
      id, book_id as "bookId", kind, day, account_id as "accountId", movement_id as "movementId", lines, amount,
      subject, state, action, reason, proposer_key_id as "proposerKeyId", proposer_owner as "proposerOwner",
      proposed_at as "proposedAt", resolver_key_id as "resolverKeyId", resolver_owner as "resolverOwner",
      resolved_at as "resolvedAt", opened_at as "openedAt"
    from reserve_case
    where lane = ${lane}
      and book_id = ${bookId}
      and (${state ?? null}::text is null or state = ${state ?? null}::text)
      and (${kind ?? null}::text is null or kind = ${kind ?? null}::text)
      and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
    order by id desc
    limit ${limit}`
}

export async function selectCase(
  sql: Sql,
  lane: Lane,
  bookId: BookId,
  id: string,
): Promise<CaseRow | undefined> {
  const rows = await loadCases(sql, lane, [id])
  return rows.find((row) => row.bookId === bookId)
}

/** Whether somebody still has to look at a case of that kind, about that subject where one is given. */
export async function hasOpenCase(
  sql: Sql,
  lane: Lane,
  bookId: BookId,
  kind: CaseKind,
  subject: string | null,
): Promise<boolean> {
  const [row] = await sql<{ found: boolean }[]>`
    select exists (
      select
      from reserve_case
      where lane = ${lane}
        and book_id = ${bookId}
        and kind = ${kind}
        and state <> 'resolved'
        and (${subject}::text is null or subject = ${subject}::text)
    ) as found`
  return row?.found === true
}
