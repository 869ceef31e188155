/** What the auditor checks of rebates: that each says what its journal entry moved out of the budget of its campaign. */
import type { Fen } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { type AuditCheck, type AuditedSlice, type AuditSlice, accountId } from '../ledger/index.ts'

/** Onto a card as bonus, onto a voucher, and set off against a debt: together the amount of the rebate. */
export const rebateCheck: AuditCheck = {
  name: 'rebates',
  slice: async (sql, asked): Promise<AuditedSlice> => {
    const rows = await findSums(sql, asked)
    const wrong = rows.flatMap(({ id, given, moved }) => {
      if (given === moved) return []
      const why = `its entry moved ${moved} fen out of the budget`
      return [{ table: 'rebate', lane: asked.lane, key: `id = '${id}'`, column: 'amount', why }]
    })[0]
    const ids = new Set(rows.map(({ id }) => id))
    const next = ids.size === asked.limit ? rows.at(-1)?.id : undefined
    return { rows: rows.length, next, wrong }
  },
}

interface Sums {
  readonly id: string
  readonly given: Fen
  readonly moved: Fen
}

/** By command and budget line: one command may give of several. The month of an entry lies in the time of its id. */
function findSums(sql: Sql, { lane, book, after, limit }: AuditSlice): Promise<Sums[]> {
  const share = accountId('00000000-0000-7000-8000-000000000000', 'rebate_budget', lane).slice(32)
  return sql<Sums[]>`
    with chosen as (
      select distinct id
      from rebate
      where lane = ${lane}
        and (${book ?? null}::uuid is null or book_id = ${book ?? null}::uuid)
        and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
      order by id
      limit ${limit}
    ), given as (
      select rebate.id, budget_line, sum(amount)::bigint as amount
      from chosen
      join rebate on rebate.lane = ${lane} and rebate.id = chosen.id
      group by rebate.id, budget_line
    )
    select given.id, given.amount as given, coalesce(moved.amount, 0)::bigint as moved
    from given
    cross join lateral (
      select to_char(
        to_timestamp(
          ('x' || left(replace(given.id::text, '-', ''), 12))::bit(48)::bigint / 1000.0
        ) at time zone 'UTC',
        'YYYYMM'
      )::int as month
    ) as made
    left join lateral (
      select sum(transfer.amount) as amount
      from journal
      join transfer
        on transfer.lane = ${lane}
        and transfer.seq = journal.seq
        and transfer.month = journal.month
      where journal.lane = ${lane}
        and journal.month = made.month
        and journal.command_id = given.id
        and debit_account = (left(given.budget_line::text, 32) || ${share}::text)::uuid
        and ('x' || right(credit_account::text, 4))::bit(16)::int >> 10 in (2, 25, 28)
    ) as moved on true
    order by given.id`
}
