/**
 * Card numbers of other systems in the directory: each stands for one card of the book. They are taken in the round that
 * makes the card, so that of two imports with the same number one fails as a whole and asks again.
 */
import type { BookId, CardId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { byteaArray, intArray, uuidArray } from '../../platform/db-array.ts'
import { bucketOf, type Shelf } from '../../platform/lanes/index.ts'

export interface NumberRow {
  readonly bookId: BookId
  /** Of the name, as the directory keeps it. */
  readonly digest: Uint8Array
  readonly cardId: CardId
}

/** The kind of these names in the directory: `nameKinds.cardNumber`, which callers hand in. */
export function importedNumbers(kind: number): Shelf<NumberRow> {
  return {
    name: 'imported number',
    keyOf: ({ bookId, digest }) => numberKey(bookId, digest),
    load: (sql, _lane, keys) => loadNumbers(sql, kind, keys),
    insert: (sql, _lane, rows) => insertNumbers(sql, kind, rows),
    remove: (sql, _lane, keys) => deleteNumbers(sql, kind, keys),
  }
}

export function numberKey(book: BookId, digest: Uint8Array): string {
  return `${book} ${Buffer.from(digest).toString('hex')}`
}

/** Whether a round failed because another card got one of the numbers meanwhile. */
export function isImportedNumberTaken(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'constraint_name' in error &&
    error.constraint_name === 'pk_directory'
  )
}

/** Which of these digests stand for a card of the book already. */
export async function findTaken(
  sql: Sql,
  kind: number,
  book: BookId,
  digests: readonly Uint8Array[],
): Promise<ReadonlySet<string>> {
  const keys = digests.map((digest) => numberKey(book, digest))
  const found = await loadNumbers(sql, kind, keys)
  return new Set(found.map((row) => numberKey(row.bookId, row.digest)))
}

function loadNumbers(sql: Sql, kind: number, keys: readonly string[]): Promise<NumberRow[]> {
  const { buckets, books, digests } = columnsOf(keys)
  return sql<NumberRow[]>`
    select directory.book_id as "bookId", directory.name_digest as digest, directory.id as "cardId"
    from unnest(
      ${intArray(buckets)}::int[],
      ${uuidArray(books)}::uuid[],
      ${byteaArray(digests)}::bytea[]
    ) as wanted (bucket, book_id, name_digest)
    join directory using (bucket, book_id, name_digest)
    where kind = ${kind}`
}

/** In the order of the key, so that two rounds cannot wait for each other. */
function insertNumbers(sql: Sql, kind: number, rows: readonly NumberRow[]): Promise<unknown> {
  return sql`
    insert into directory (bucket, book_id, kind, name_digest, id)
    select bucket, book_id, ${kind}, name_digest, id
    from unnest(
      ${intArray(rows.map((row) => bucketOf(row.digest)))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${byteaArray(rows.map((row) => row.digest))}::bytea[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[]
    ) as fresh (bucket, book_id, name_digest, id)
    order by bucket, book_id, name_digest`
}

function deleteNumbers(sql: Sql, kind: number, keys: readonly string[]): Promise<unknown> {
  const { buckets, books, digests } = columnsOf(keys)
  return sql`
    delete from directory
    using unnest(
      ${intArray(buckets)}::int[],
      ${uuidArray(books)}::uuid[],
      ${byteaArray(digests)}::bytea[]
    ) as freed (bucket, book_id, name_digest)
    where directory.bucket = freed.bucket
      and directory.book_id = freed.book_id
      and directory.name_digest = freed.name_digest
      and directory.kind = ${kind}`
}

function columnsOf(keys: readonly string[]) {
  const parts = keys.map((key) => {
    const [book = '', digest = ''] = key.split(' ')
    return { book, digest: Buffer.from(digest, 'hex') }
  })
  return {
    books: parts.map(({ book }) => book),
    digests: parts.map(({ digest }) => digest),
    buckets: parts.map(({ digest }) => bucketOf(digest)),
  }
}
