/** Cards that were redeemed for money, in rounds and for those who ask; and the sales and loads that they go back to. */
import type {
  AccountId,
  BookId,
  CardId,
  CommandId,
  Fen,
  Instant,
  Lane,
  RedemptionId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, instantArray, textArray, uuidArray } from '../../platform/db-array.ts'
import type { Json, Shelf } from '../../platform/lanes/index.ts'
import type { FundingRow } from './store.ts'

export const redemptionReasons = ['cooling_off', 'consumer', 'operator', 'withdrawal'] as const
export type RedemptionReason = (typeof redemptionReasons)[number]

export const payoutMethods = ['original_route', 'same_name_account'] as const
export type PayoutMethod = (typeof payoutMethods)[number]

/** Money that goes back the way it came. */
export interface PayoutRoute {
  readonly fundingId: CommandId
  readonly method: FundingRow['method']
  readonly amount: Fen
}

export interface RedemptionRow {
  readonly id: RedemptionId
  readonly bookId: BookId
  readonly cardId: CardId
  readonly reason: RedemptionReason
  readonly payoutMethod: PayoutMethod
  readonly principalReturned: Fen
  readonly fee: Fen
  readonly bonusForfeited: Fen
  /** As in the journal entry. */
  readonly outcome: { readonly [member: string]: Json | undefined }
  readonly routes: readonly PayoutRoute[]
  readonly personId: string
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly createdAt: Instant
}

export const redemptions: Shelf<RedemptionRow> = {
  name: 'redemption',
  keyOf: (row) => row.id,
  load: async () => [],
  insert: insertRedemptions,
}

function insertRedemptions(sql: Sql, lane: Lane, rows: readonly RedemptionRow[]): Promise<unknown> {
  return sql`
    insert into redemption
      (lane, id, book_id, card_id, reason, payout_method, principal_returned, fee, bonus_forfeited, outcome,
        routes, person_id, reference, metadata, created_at)
    select
      ${lane}, id, book_id, card_id, reason, payout_method, principal_returned, fee, bonus_forfeited, outcome,
      routes, person_id, reference, metadata, created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${textArray(rows.map((row) => row.payoutMethod))}::text[],
      ${bigintArray(rows.map((row) => row.principalReturned))}::bigint[],
      ${bigintArray(rows.map((row) => row.fee))}::bigint[],
      ${bigintArray(rows.map((row) => row.bonusForfeited))}::bigint[],
      ${textArray(rows.map((row) => JSON.stringify(row.outcome)))}::jsonb[],
      ${textArray(rows.map((row) => JSON.stringify(row.routes.map(routeJson))))}::jsonb[],
      ${uuidArray(rows.map((row) => row.personId))}::uuid[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (id, book_id, card_id, reason, payout_method, principal_returned, fee, bonus_forfeited, outcome, routes,
        person_id, reference, metadata, created_at)`
}

function routeJson({ fundingId, method, amount }: PayoutRoute) {
  return { funding_id: fundingId, method, amount: String(amount) }
}

export type RedemptionView = Pick<
  RedemptionRow,
  'id' | 'bookId' | 'outcome' | 'reference' | 'metadata' | 'createdAt'
>

/** undefined: there is none in that book. */
export async function selectRedemption(
  sql: Sql,
  lane: Lane,
  book: BookId,
  id: RedemptionId,
): Promise<RedemptionView | undefined> {
  const [row] = await sql<RedemptionView[]>`
    select id, book_id as "bookId", outcome, reference, metadata, created_at as "createdAt"
    from redemption
    where lane = ${lane}
      and id = ${id}`
  return row?.bookId === book ? row : undefined
}

export type PaidIn = Pick<FundingRow, 'id' | 'method' | 'amount' | 'personId'>

/**
 * How what came onto these principal accounts was paid, the newest first. Cards of a batch were paid for together: they
 * have no funding of their own.
 */
export function selectFundings(
  sql: Sql,
  lane: Lane,
  principals: readonly AccountId[],
): Promise<PaidIn[]> {
  return sql<PaidIn[]>`
    select funding.id, method, funding.amount, person_id as "personId"
    from transfer
    join journal
      on journal.lane = ${lane}
      and journal.seq = transfer.seq
      and journal.month = transfer.month
    join funding
      on funding.lane = ${lane}
      and funding.id = journal.command_id
    where transfer.lane = ${lane}
      and credit_account = any(${uuidArray(principals)}::uuid[])
      and credit_balance is not null
    order by transfer.seq desc`
}
