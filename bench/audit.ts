/** Whether the book still holds after the load: the product's own auditor over everything. */
import type { BookId } from '../contract/src/index.ts'
import { Auditor } from '../server/src/modules/ledger/index.ts'
import type { Database } from '../server/src/platform/db.ts'
import { uuidArray } from '../server/src/platform/db-array.ts'

export interface Audited {
  readonly clean: boolean
  readonly entries: number
  readonly transfers: number
  readonly accounts: number
  /** The first row that is wrong. */
  readonly wrong: string | null
}

export async function audit(database: Database): Promise<Audited> {
  const { sql } = database
  const auditor = new Auditor({
    database,
    ownerBooks: async (owner, lane, ids) => {
      const wanted = uuidArray(ids)
      const rows = await (owner === 'card'
        ? sql<Owner[]>`
            select id, book_id as book
            from card
            where lane = ${lane}
              and id = any(${wanted}::uuid[])`
        : sql<Owner[]>`
            select id, book_id as book
            from merchant
            where id = any(${wanted}::uuid[])`)
      return new Map(rows.map(({ id, book }) => [id, book]))
    },
  })
  const { ok, checked, firstWrong } = await auditor.verify({ book: undefined })
  return {
    clean: ok,
    entries: checked['entries'] ?? 0,
    transfers: checked['transfers'] ?? 0,
    accounts: checked['accounts'] ?? 0,
    wrong: firstWrong === null ? null : JSON.stringify(firstWrong),
  }
}

type Owner = { id: string; book: BookId }
