/** Charters and their SQL. A version is never changed or taken back: what a buyer was shown stays as it was. */
import type { BookId, CharterId, Instant } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import { codeOf } from '../../platform/db-faults.ts'
import { rowTogether } from '../../platform/together.ts'

export interface Charter {
  readonly id: CharterId
  readonly bookId: BookId
  /** Counts from 1 in its book; the last one is shown to buyers. */
  readonly version: number
  readonly title: string
  /** SHA-256 of the text. */
  readonly digest: Uint8Array
  /** null: the text is kept elsewhere. */
  readonly document: string | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly publishedAt: Instant
}

/** How often a version that was taken meanwhile is given up for the next one. */
const attempts = 20

/** The next version of its book, or the charter that has the reference already. */
export async function publishCharter(
  sql: Sql,
  charter: Omit<Charter, 'version'>,
): Promise<{ published: Charter } | { existing: CharterId }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const version = await insertCharter(sql, charter)
      if (version !== undefined) return { published: { ...charter, version } }
      const filter = { reference: charter.reference ?? undefined, limit: 1 }
      const [existing] = await selectCharters(sql, charter.bookId, filter)
      if (existing !== undefined) return { existing: existing.id }
    } catch (error) {
      const isTaken = codeOf(error) === '23505'
      if (!isTaken || attempt === attempts) throw error
    }
  }
}

/** undefined: its reference is taken. Two at once may come to the same version: then one fails on uq_charter_version. */
async function insertCharter(
  sql: Sql,
  charter: Omit<Charter, 'version'>,
): Promise<number | undefined> {
  const { id, bookId, title, digest, document, reference, metadata, publishedAt } = charter
  const [row] = await sql<{ version: number }[]>`
    insert into charter (id, book_id, version, title, digest, document, reference, metadata, published_at)
    select
      ${id}::uuid, ${bookId}::uuid, coalesce(max(version), 0) + 1, ${title}, ${digest}::bytea,
      ${document}::text, ${reference}, ${JSON.stringify(metadata)}::text::jsonb,
      ${new Date(publishedAt)}::timestamptz
    from charter
    where book_id = ${bookId}
    on conflict on constraint uq_charter_reference do nothing
    returning version`
  return row?.version
}

export async function selectCharter(
  sql: Sql,
  book: BookId,
  id: CharterId,
): Promise<Charter | undefined> {
  const [row] = await sql<Charter[]>`
    select
      id, book_id as "bookId", version, title, digest, document, reference, metadata,
      published_at as "publishedAt"
    from charter
    where id = ${id}
      and book_id = ${book}`
  return row
}

export interface CharterFilter {
  readonly reference?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export function selectCharters(
  sql: Sql,
  book: BookId,
  { reference, before, limit }: CharterFilter,
): Promise<Charter[]> {
  return sql<Charter[]>`
    select
      id, book_id as "bookId", version, title, digest, document, reference, metadata,
      published_at as "publishedAt"
    from charter
    where book_id = ${book}
      and (${reference ?? null}::text is null or reference = ${reference ?? null}::text)
      and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
    order by id desc
    limit ${limit}`
}

/** The one that buyers are shown now. Whoever asks at the same time asks in one statement. */
export const latestCharter = rowTogether(
  (sql, books: readonly BookId[]) => sql<{ book: BookId; id: CharterId }[]>`
    select book, latest.id
    from unnest(${uuidArray(books)}::uuid[]) as book
    cross join lateral (
      select id
      from charter
      where book_id = book
      order by version desc
      limit 1
    ) as latest`,
  ({ book }) => book,
)
