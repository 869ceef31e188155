/** Everything that the database holds of a book, as text: what must be the same before and after. */
import type { BookId } from '@lika/contract'
import type { Sql } from '../../server/src/platform/db.ts'

/** Rows that move by themselves, or by what other books do in the same lanes. */
const movesByItself = new Set([
  'combined_call',
  'consumer',
  'cut',
  'day_flow',
  'guess',
  'import_file',
  'lane',
  'test_clock',
  'webhook_cursor',
  'webhook_lease',
])

/** By table: the rows of the book; `around`: also all rows of tables without books, which others share. */
export async function rowsOf(
  sql: Sql,
  book: BookId,
  around = false,
): Promise<Record<string, string[]>> {
  const tables = await sql<{ name: string; has_book: boolean }[]>`
    select relname as name, exists (
      select from pg_attribute where attrelid = pg_class.oid and attname = 'book_id'
    ) as has_book
    from pg_class
    where relnamespace = 'lika'::regnamespace
      and relkind in ('r', 'p')
      and not relispartition
    order by relname`
  const rows: Record<string, string[]> = {}
  for (const { name, has_book: hasBook } of tables) {
    if (movesByItself.has(name) || (!hasBook && !around)) continue
    const condition = hasBook ? `where book_id = '${book}'` : ''
    const found = await sql.unsafe<{ text: string }[]>(
      `select one::text as text from lika.${name} as one ${condition} order by 1`,
    )
    rows[name] = found.map(({ text }) => text)
  }
  return rows
}
