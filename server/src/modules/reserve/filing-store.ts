/** Filings with authorities and licences, in the fields of their forms; nothing is changed, a renewal is a new one. */
import type { BookId, BusinessDate, Id, Instant } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import type { DoneBy } from './custody-store.ts'

/** 单用途卡发卡企业备案 with the commerce authority; 支付业务许可 of the central bank. Two regimes, not two filings of one card. */
export const filingForms = ['mofcom_single_purpose', 'pboc_payment_licence'] as const
export type FilingForm = (typeof filingForms)[number]

export interface FilingRow extends DoneBy {
  readonly id: Id<'filing'>
  readonly bookId: BookId
  readonly form: FilingForm
  readonly number: string
  readonly authority: string
  readonly filedOn: BusinessDate
  /** The last day; null: without end. */
  readonly validTo: BusinessDate | null
  readonly fields: Readonly<Record<string, string>>
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly at: Instant
}

/** undefined: done; else what has that reference, or that number on that day, already. */
export async function insertFiling(sql: Sql, row: FilingRow): Promise<Id<'filing'> | undefined> {
  const done = await sql`
    insert into filing
      (id, book_id, form, number, authority, filed_on, valid_to, fields, reference, metadata, key_id, owner, at)
    values (
      ${row.id}, ${row.bookId}, ${row.form}, ${row.number}, ${row.authority}, ${row.filedOn}::date,
      ${row.validTo}::date, ${JSON.stringify(row.fields)}::text::jsonb, ${row.reference},
      ${JSON.stringify(row.metadata)}::text::jsonb, ${row.keyId}, ${row.owner}, ${new Date(row.at)}::timestamptz
    )
    on conflict do nothing`
  if (done.count === 1) return undefined
  const [other] = await sql<{ id: Id<'filing'> }[]>`
    select id
    from filing
    where book_id = ${row.bookId}
      and (reference = ${row.reference}
        or (form = ${row.form} and number = ${row.number} and filed_on = ${row.filedOn}::date))`
  return other?.id
}

export interface FilingFilter {
  readonly id?: string | undefined
  readonly reference?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export function selectFilings(
  sql: Sql,
  bookId: BookId,
  { id, reference, before, limit }: FilingFilter,
): Promise<FilingRow[]> {
  return sql<FilingRow[]>`
    select
      id, book_id as "bookId", form, number, authority, filed_on as "filedOn", valid_to as "validTo", fields,
      reference, metadata, key_id as "keyId", owner, at
    from filing
    where book_id = ${bookId}
      and (${id ?? null}::uuid is null or id = ${id ?? null}::uuid)
      and (${reference ?? null}::text is null or reference = ${reference ?? null}::text)
      and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
    order by id desc
    limit ${limit}`
}

/** The last of each form: what it renews no longer counts. */
export function selectStandingFilings(sql: Sql, bookId: BookId): Promise<FilingRow[]> {
  return sql<FilingRow[]>`
    select distinct on (form)
      id, book_id as "bookId", form, number, authority, filed_on as "filedOn", valid_to as "validTo", fields,
      reference, metadata, key_id as "keyId", owner, at
    from filing
    where book_id = ${bookId}
    order by form, filed_on desc, id desc`
}
