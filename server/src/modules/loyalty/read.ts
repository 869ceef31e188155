/** What campaigns have given, as finance reads it: outside rounds, over all lanes. */
import type { BookId, BusinessDate, CampaignId, CardId, Fen, Lane, Uuid } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, uuidArray } from '../../platform/db-array.ts'
import { accountId } from '../ledger/index.ts'
import type { Campaign } from './campaign-store.ts'
import { wholeRun } from './model.ts'
import type { PresaleRow } from './presale-store.ts'
import { findBudgetLines, type RebateRow } from './rebate-store.ts'

export interface Spent {
  /** The Monday of the week; null where the campaign does not give by the week. */
  readonly period: BusinessDate | null
  readonly status: 'open' | 'closed'
  readonly opened: Fen
  readonly granted: Fen
  readonly left: Fen
  readonly returned: Fen
}

/** All lines of a campaign. What was given is what was put in, less what is left in the lanes and what came back. */
export async function selectBudget(
  sql: Sql,
  { id, homeLane }: Pick<Campaign, 'id' | 'homeLane'>,
  lanes: readonly Lane[],
): Promise<Spent[]> {
  const lines = await findBudgetLines(sql, homeLane, [id])
  const left = await selectLeft(sql, lines, lanes)
  return lines.map(({ id: line, period, status, opened, returned }) => {
    const rest = left.get(line) ?? 0n
    return {
      period: period === wholeRun ? null : period,
      status,
      opened,
      granted: opened - returned - rest,
      left: rest,
      returned,
    }
  })
}

async function selectLeft(
  sql: Sql,
  lines: readonly { readonly id: Uuid }[],
  lanes: readonly Lane[],
): Promise<Map<string, Fen>> {
  const shares = lines.flatMap(({ id }) =>
    lanes.map((lane) => ({ id, lane, account: accountId(id, 'rebate_budget', lane) })),
  )
  const rows = await sql<{ account: string; balance: Fen }[]>`
    select account.id as account, balance
    from unnest(
      ${intArray(shares.map(({ lane }) => lane))}::int[],
      ${uuidArray(shares.map(({ account }) => account))}::uuid[]
    ) as wanted (lane, id)
    join account using (lane, id)`
  const balances = new Map(rows.map(({ account, balance }) => [account, balance]))
  const left = new Map<string, Fen>()
  for (const { id, account } of shares)
    left.set(id, (left.get(id) ?? 0n) + (balances.get(account) ?? 0n))
  return left
}

export interface RebateFilter {
  readonly id?: Uuid | undefined
  readonly campaignId?: CampaignId | undefined
  readonly cardId?: CardId | undefined
  /** The last one of the page before: its id and line. */
  readonly before?: { readonly id: string; readonly line: number } | undefined
  readonly limit: number
}

/** The newest first. */
export function selectRebates(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  { id, campaignId, cardId, before, limit }: RebateFilter,
): Promise<RebateRow[]> {
  return sql<RebateRow[]>`
    select newest.*
    from unnest(${intArray(lanes)}::int[]) as wanted (lane)
    cross join lateral (
      select
        id, line, book_id as "bookId", campaign_id as "campaignId", version, budget_line as "budgetLine",
        card_id as "cardId", form, source, source_id as "sourceId", period, base, amount, set_off as "setOff",
        reversed, voucher_id as "voucherId", created_at as "createdAt"
      from rebate
      where rebate.lane = wanted.lane
        and book_id = ${book}
        ${id === undefined ? sql`` : sql`and id = ${id}`}
        ${campaignId === undefined ? sql`` : sql`and campaign_id = ${campaignId}`}
        ${cardId === undefined ? sql`` : sql`and card_id = ${cardId}`}
        ${before === undefined ? sql`` : sql`and (id, line) < (${before.id}::uuid, ${before.line}::int)`}
      order by id desc, line desc
      limit ${limit}
    ) as newest
    order by id desc, line desc
    limit ${limit}`
}

export interface PresaleFilter {
  readonly campaignId?: CampaignId | undefined
  readonly status?: PresaleRow['status'] | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first, over all lanes. */
export function selectPresales(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  { campaignId, status, before, limit }: PresaleFilter,
): Promise<PresaleRow[]> {
  return sql<PresaleRow[]>`
    select newest.*
    from unnest(${intArray(lanes)}::int[]) as wanted (lane)
    cross join lateral (
      select
        id, book_id as "bookId", campaign_id as "campaignId", version, product_id as "productId",
        product_version as "productVersion", price, face, method, funding_reference as "fundingReference",
        person_id as "personId", charter_id as "charterId", status, card_id as "cardId", reference, metadata,
        created_at as "createdAt"
      from presale
      where presale.lane = wanted.lane
        and book_id = ${book}
        ${campaignId === undefined ? sql`` : sql`and campaign_id = ${campaignId}`}
        ${status === undefined ? sql`` : sql`and status = ${status}`}
        ${before === undefined ? sql`` : sql`and id < ${before}`}
      order by id desc
      limit ${limit}
    ) as newest
    order by id desc
    limit ${limit}`
}

/** Campaigns that have ended and whose money has not all come home yet. */
export function selectToCallHome(
  sql: Sql,
  book: BookId,
): Promise<Pick<Campaign, 'id' | 'book' | 'homeLane'>[]> {
  return sql`
    select id, book_id as book, home_lane as "homeLane"
    from campaign
    where book_id = ${book}
      and status = 'ended'
      and exists (
        select 1
        from budget_line
        where lane = home_lane
          and campaign_id = campaign.id
          and budget_line.status = 'open'
      )`
}
