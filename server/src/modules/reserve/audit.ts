/**
 * What the auditor checks of the reserve: that custody accounts hold what moved on them, that every movement is the
 * transfer of its own journal entry, and that no day on which too little was set aside was passed over in silence.
 */
import type { Fen } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  type AuditCheck,
  type AuditedSlice,
  type AuditSlice,
  accountKinds,
} from '../ledger/index.ts'

/** The amount of each movement is what its entry moved on the custody account; of its account, all of them are the balance. */
export const custodyCheck: AuditCheck = {
  name: 'custody_movements',
  slice: async (sql, asked): Promise<AuditedSlice> => {
    const rows = await findMovements(sql, asked)
    const wrong = rows.flatMap((row) => {
      const why = whyWrong(row)
      if (why === undefined) return []
      return [{ table: why.table, lane: asked.lane, key: `id = '${why.id}'`, ...why.found }]
    })[0]
    const next = rows.length === asked.limit ? rows.at(-1)?.id : undefined
    return { rows: rows.length, next, wrong }
  },
}

interface Movement {
  readonly id: string
  readonly accountId: string
  readonly amount: Fen
  /** What its entry moved onto the custody account; null: there is no such entry. */
  readonly transferred: Fen | null
  readonly balance: Fen | null
  readonly ofAccount: Fen
}

function whyWrong(row: Movement) {
  const { id, accountId, amount, transferred, balance, ofAccount } = row
  if (transferred !== amount) {
    const why = `its journal entry moved ${transferred ?? 'no'} fen on the custody account`
    return { table: 'custody_movement', id, found: { column: 'amount', why } }
  }
  if (balance === ofAccount) return undefined
  const why = `its movements sum up to ${ofAccount} fen`
  return { table: 'custody_account', id: accountId, found: { column: 'balance', why } }
}

function findMovements(sql: Sql, { lane, book, after, limit }: AuditSlice): Promise<Movement[]> {
  const kind = accountKinds.custody.number
  return sql<Movement[]>`
    with piece as (
      select id, account_id, amount
      from custody_movement
      where lane = ${lane}
        and (${book ?? null}::uuid is null or book_id = ${book ?? null}::uuid)
        and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
      order by id
      limit ${limit}
    )
    select
      piece.id, piece.account_id as "accountId", piece.amount, entry.amount as transferred,
      custody_account.balance, coalesce(total.amount, 0)::bigint as "ofAccount"
    from piece
    left join custody_account
      on custody_account.lane = ${lane}
      and custody_account.id = piece.account_id
    left join lateral (
      select sum(
        case
          when ('x' || right(debit_account::text, 4))::bit(16)::int >> 10 = ${kind}::int then transfer.amount
          when ('x' || right(credit_account::text, 4))::bit(16)::int >> 10 = ${kind}::int then -transfer.amount
        end
      )::bigint as amount
      from journal
      join transfer
        on transfer.lane = ${lane}
        and transfer.seq = journal.seq
        and transfer.month = journal.month
      where journal.lane = ${lane}
        and journal.command_id = piece.id
        and not journal.refused
    ) as entry on true
    left join (
      select account_id, sum(amount) as amount
      from custody_movement
      where lane = ${lane}
        and account_id in (select account_id from piece)
      group by account_id
    ) as total
      on total.account_id = piece.account_id
    order by piece.id`
}

/** A day on which less was set aside than had to be has a case behind it. */
export const reserveCheck: AuditCheck = {
  name: 'reserve_positions',
  slice: async (sql, asked): Promise<AuditedSlice> => {
    const rows = await findPositions(sql, asked)
    const wrong = rows.flatMap((row) => {
      const why = whyPositionWrong(row)
      if (why === undefined) return []
      const key = `book_id = '${row.bookId}' and day = '${row.day}'`
      return [{ table: 'reserve_position', lane: asked.lane, key, ...why }]
    })[0]
    const last = rows.at(-1)
    const next = rows.length === asked.limit && last ? `${last.bookId} ${last.day}` : undefined
    return { rows: rows.length, next, wrong }
  },
}

interface Position {
  readonly bookId: string
  readonly day: string
  readonly required: Fen
  readonly custody: Fen
  readonly bank: Fen | null
  readonly guarantees: Fen
  readonly shortfall: Fen
  readonly hasCase: boolean
}

function whyPositionWrong(row: Position): { column: string; why: string } | undefined {
  const { required, custody, bank, guarantees, shortfall, hasCase } = row
  const lower = bank !== null && bank < custody ? bank : custody
  const short = required - guarantees - lower
  if (shortfall !== (short > 0n ? short : 0n))
    return { column: 'shortfall', why: `${short} fen were missing` }
  if (shortfall > 0n && !hasCase)
    return { column: 'shortfall', why: 'no case tells of what was missing' }
  return undefined
}

/** Of the books whose cases lie in that lane: each has its custody accounts or its cases in one. */
function findPositions(sql: Sql, { lane, book, after, limit }: AuditSlice): Promise<Position[]> {
  const [afterBook = null, afterDay = null] = after?.split(' ') ?? []
  return sql<Position[]>`
    select
      position.book_id as "bookId", position.day, required, custody, bank, guarantees, shortfall,
      exists (
        select
        from reserve_case
        where reserve_case.lane = ${lane}
          and reserve_case.book_id = position.book_id
          and reserve_case.kind = 'reserve_short'
          and reserve_case.day <= position.day
      ) as "hasCase"
    from reserve_position as position
    where (${book ?? null}::uuid is null or position.book_id = ${book ?? null}::uuid)
      and (${afterBook}::uuid is null or (position.book_id, position.day) > (${afterBook}::uuid, ${afterDay}::date))
      and exists (
        select
        from custody_account
        where custody_account.lane = ${lane}
          and custody_account.book_id = position.book_id
      )
    order by position.book_id, position.day
    limit ${limit}`
}
