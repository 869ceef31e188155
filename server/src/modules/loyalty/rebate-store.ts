/** Budget lines, rebates and debts of cards in rounds. */
import type {
  BookId,
  BusinessDate,
  CampaignId,
  CardId,
  Fen,
  Instant,
  Lane,
  Uuid,
  VoucherId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  instantArray,
  intArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Finder, Shelf } from '../../platform/lanes/index.ts'

export interface BudgetLineRow {
  readonly id: Uuid
  readonly bookId: BookId
  readonly campaignId: CampaignId
  readonly period: BusinessDate
  readonly opened: Fen
  readonly returned: Fen
  readonly status: 'open' | 'closed'
  readonly createdAt: Instant
}

export interface RebateRow {
  /** Of the command that gave it; `line` counts what it gave. */
  readonly id: Uuid
  readonly line: number
  readonly bookId: BookId
  readonly campaignId: CampaignId
  readonly version: number
  readonly budgetLine: Uuid
  readonly cardId: CardId
  readonly form: 'bonus' | 'voucher'
  readonly source: 'load' | 'payment' | 'month' | 'presale'
  readonly sourceId: Uuid
  readonly period: BusinessDate
  /** What the rule counts, net of what went back since. */
  readonly base: Fen
  readonly amount: Fen
  readonly setOff: Fen
  readonly reversed: Fen
  readonly voucherId: VoucherId | null
  readonly createdAt: Instant
}

export interface DebtRow {
  readonly cardId: CardId
  readonly bookId: BookId
  readonly amount: Fen
}

export const budgetLines: Shelf<BudgetLineRow> = {
  name: 'budget_line',
  keyOf: (row) => row.id,
  load: loadBudgetLines,
  insert: insertBudgetLines,
  update: updateBudgetLines,
}

/** All budget lines of a campaign, in its home lane. */
export const linesOfCampaign: Finder<BudgetLineRow> = {
  name: 'budget lines of a campaign',
  shelf: budgetLines,
  find: async (sql, lane, keys) =>
    (await findBudgetLines(sql, lane, keys)).map((row) => ({ key: row.campaignId, row })),
}

export const rebates: Shelf<RebateRow> = {
  name: 'rebate',
  keyOf: rebateKey,
  load: loadRebates,
  insert: insertRebates,
  update: updateRebates,
}

/** What was given in the lane for a load, payment or pre-sale. */
export const rebatesOfSource: Finder<RebateRow> = {
  name: 'rebates of a source',
  shelf: rebates,
  find: async (sql, lane, keys) =>
    (await findRebatesOfSources(sql, lane, keys)).map((row) => ({ key: row.sourceId, row })),
}

/** What of a card's rebates still stands, the newest first. */
export const rebatesOfCard: Finder<RebateRow> = {
  name: 'standing rebates of a card',
  shelf: rebates,
  find: async (sql, lane, keys) =>
    (await findRebatesOfCards(sql, lane, keys)).map((row) => ({ key: row.cardId, row })),
}

export const debts: Shelf<DebtRow> = {
  name: 'rebate_debt',
  keyOf: (row) => row.cardId,
  load: loadDebts,
  insert: insertDebts,
  update: updateDebts,
}

/** A campaign gives a card at most once for the same thing. */
export function rebateKey(
  row: Pick<RebateRow, 'campaignId' | 'sourceId' | 'period' | 'cardId'>,
): string {
  return [row.campaignId, row.sourceId, row.period, row.cardId].join(':')
}

function loadBudgetLines(sql: Sql, lane: Lane, ids: readonly string[]): Promise<BudgetLineRow[]> {
  return sql<BudgetLineRow[]>`
    select
      id, book_id as "bookId", campaign_id as "campaignId", period, opened, returned, status,
      created_at as "createdAt"
    from budget_line
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

export function findBudgetLines(
  sql: Sql,
  lane: Lane,
  campaigns: readonly string[],
): Promise<BudgetLineRow[]> {
  return sql<BudgetLineRow[]>`
    select
      id, book_id as "bookId", campaign_id as "campaignId", period, opened, returned, status,
      created_at as "createdAt"
    from budget_line
    where lane = ${lane}
      and campaign_id = any(${uuidArray(campaigns)}::uuid[])
    order by period`
}

function insertBudgetLines(sql: Sql, lane: Lane, rows: readonly BudgetLineRow[]): Promise<unknown> {
  return sql`
    insert into budget_line
      (lane, id, book_id, campaign_id, period, opened, returned, status, created_at)
    select ${lane}, id, book_id, campaign_id, period, opened, returned, status, created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.campaignId))}::uuid[],
      ${textArray(rows.map((row) => row.period))}::date[],
      ${bigintArray(rows.map((row) => row.opened))}::bigint[],
      ${bigintArray(rows.map((row) => row.returned))}::bigint[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh (id, book_id, campaign_id, period, opened, returned, status, created_at)`
}

function updateBudgetLines(sql: Sql, lane: Lane, rows: readonly BudgetLineRow[]): Promise<unknown> {
  return sql`
    update budget_line
    set opened = changed.opened, returned = changed.returned, status = changed.status
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${bigintArray(rows.map((row) => row.opened))}::bigint[],
      ${bigintArray(rows.map((row) => row.returned))}::bigint[],
      ${textArray(rows.map((row) => row.status))}::text[]
    ) as changed (id, opened, returned, status)
    where budget_line.lane = ${lane}
      and budget_line.id = changed.id`
}

function loadRebates(sql: Sql, lane: Lane, keys: readonly string[]): Promise<RebateRow[]> {
  const parts = keys.map((key) => key.split(':'))
  const part = (index: number) => parts.map((some) => some[index] ?? null)
  return sql<RebateRow[]>`
    select
      id, line, book_id as "bookId", campaign_id as "campaignId", version, budget_line as "budgetLine",
      card_id as "cardId", form, source, source_id as "sourceId", period, base, amount, set_off as "setOff",
      reversed, voucher_id as "voucherId", created_at as "createdAt"
    from rebate
    join unnest(
      ${uuidArray(part(0))}::uuid[],
      ${uuidArray(part(1))}::uuid[],
      ${textArray(part(2))}::date[],
      ${uuidArray(part(3))}::uuid[]
    ) as wanted (campaign_id, source_id, period, card_id) using (campaign_id, source_id, period, card_id)
    where lane = ${lane}`
}

export function findRebatesOfSources(
  sql: Sql,
  lane: Lane,
  sources: readonly string[],
): Promise<RebateRow[]> {
  return sql<RebateRow[]>`
    select
      id, line, book_id as "bookId", campaign_id as "campaignId", version, budget_line as "budgetLine",
      card_id as "cardId", form, source, source_id as "sourceId", period, base, amount, set_off as "setOff",
      reversed, voucher_id as "voucherId", created_at as "createdAt"
    from rebate
    where lane = ${lane}
      and source_id = any(${uuidArray(sources)}::uuid[])
    order by id, line`
}

function findRebatesOfCards(sql: Sql, lane: Lane, cards: readonly string[]): Promise<RebateRow[]> {
  return sql<RebateRow[]>`
    select
      id, line, book_id as "bookId", campaign_id as "campaignId", version, budget_line as "budgetLine",
      card_id as "cardId", form, source, source_id as "sourceId", period, base, amount, set_off as "setOff",
      reversed, voucher_id as "voucherId", created_at as "createdAt"
    from rebate
    where lane = ${lane}
      and card_id = any(${uuidArray(cards)}::uuid[])
      and reversed < amount
    order by id desc, line desc`
}

function insertRebates(sql: Sql, lane: Lane, rows: readonly RebateRow[]): Promise<unknown> {
  return sql`
    insert into rebate (
      lane, id, line, book_id, campaign_id, version, budget_line, card_id, form, source, source_id, period,
      base, amount, set_off, reversed, voucher_id, created_at
    )
    select
      ${lane}, id, line, book_id, campaign_id, version, budget_line, card_id, form, source, source_id, period,
      base, amount, set_off, reversed, voucher_id, created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${intArray(rows.map((row) => row.line))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.campaignId))}::uuid[],
      ${intArray(rows.map((row) => row.version))}::int[],
      ${uuidArray(rows.map((row) => row.budgetLine))}::uuid[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${textArray(rows.map((row) => row.form))}::text[],
      ${textArray(rows.map((row) => row.source))}::text[],
      ${uuidArray(rows.map((row) => row.sourceId))}::uuid[],
      ${textArray(rows.map((row) => row.period))}::date[],
      ${bigintArray(rows.map((row) => row.base))}::bigint[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${bigintArray(rows.map((row) => row.setOff))}::bigint[],
      ${bigintArray(rows.map((row) => row.reversed))}::bigint[],
      ${uuidArray(rows.map((row) => row.voucherId))}::uuid[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh (
      id, line, book_id, campaign_id, version, budget_line, card_id, form, source, source_id, period, base,
      amount, set_off, reversed, voucher_id, created_at
    )`
}

function updateRebates(sql: Sql, lane: Lane, rows: readonly RebateRow[]): Promise<unknown> {
  return sql`
    update rebate
    set base = changed.base, reversed = changed.reversed
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${intArray(rows.map((row) => row.line))}::int[],
      ${bigintArray(rows.map((row) => row.base))}::bigint[],
      ${bigintArray(rows.map((row) => row.reversed))}::bigint[]
    ) as changed (id, line, base, reversed)
    where rebate.lane = ${lane}
      and rebate.id = changed.id
      and rebate.line = changed.line`
}

export function loadDebts(sql: Sql, lane: Lane, cards: readonly string[]): Promise<DebtRow[]> {
  return sql<DebtRow[]>`
    select card_id as "cardId", book_id as "bookId", amount
    from rebate_debt
    where lane = ${lane}
      and card_id = any(${uuidArray(cards)}::uuid[])`
}

function insertDebts(sql: Sql, lane: Lane, rows: readonly DebtRow[]): Promise<unknown> {
  return sql`
    insert into rebate_debt (lane, card_id, book_id, amount)
    select ${lane}, card_id, book_id, amount
    from unnest(
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[]
    ) as fresh (card_id, book_id, amount)`
}

function updateDebts(sql: Sql, lane: Lane, rows: readonly DebtRow[]): Promise<unknown> {
  return sql`
    update rebate_debt
    set amount = changed.amount
    from unnest(
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[]
    ) as changed (card_id, amount)
    where rebate_debt.lane = ${lane}
      and rebate_debt.card_id = changed.card_id`
}
