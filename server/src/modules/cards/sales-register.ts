/**
 * Every sale and load of a book, as registers of the law list them. Read lane by lane in pieces of a fixed number of
 * rows, so that no statement is long, however many other issuers share the lane.
 */
import type { BookId, CommandId, Fen, Instant, Lane, Uuid } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import type { FundingRow } from './store.ts'

export interface SaleRow {
  readonly id: CommandId
  readonly at: Instant
  readonly cardId: Uuid | null
  readonly batchId: Uuid | null
  readonly numberLast4: string | null
  /** null: of a batch, whose cards are not listed singly. */
  readonly registered: boolean | null
  readonly method: FundingRow['method']
  /** Of the payment. */
  readonly paymentReference: string | null
  readonly ownReference: string | null
  readonly personId: Uuid | null
  readonly agentId: Uuid | null
  readonly amount: Fen
  readonly bonus: Fen
}

export interface SalesAsked {
  readonly from: Instant
  /** Not included. */
  readonly until: Instant
  /** Only those of which a buyer is on record. */
  readonly withBuyer: boolean
}

const rowsAtOnce = 2_000

/** The sales of a lane behind the id `after`, by their ids, in pieces. */
export async function* salesOf(
  sql: Sql,
  lane: Lane,
  bookId: BookId,
  asked: SalesAsked,
  after: string,
): AsyncGenerator<SaleRow> {
  for (let behind = after; ; ) {
    const [last] = await sql<{ id: string }[]>`
      select max(id::text) as id
      from (
        select id
        from funding
        where lane = ${lane}
          and id > ${behind}
        order by id
        limit ${rowsAtOnce}
      ) as piece`
    if (last === undefined || last.id === null) return
    yield* await selectPiece(sql, lane, bookId, asked, { behind, upTo: last.id })
    behind = last.id
  }
}

function selectPiece(
  sql: Sql,
  lane: Lane,
  bookId: BookId,
  { from, until, withBuyer }: SalesAsked,
  { behind, upTo }: { behind: string; upTo: string },
): Promise<SaleRow[]> {
  return sql<SaleRow[]>`
    select
      funding.id, funding.at, funding.card_id as "cardId", funding.batch_id as "batchId",
      right(card.number, 4) as "numberLast4", product_version.registered, funding.method,
      funding.reference as "paymentReference", funding.own_reference as "ownReference",
      funding.person_id as "personId", funding.agent_id as "agentId", funding.amount, funding.bonus
    from funding
    left join card
      on card.lane = ${lane}
      and card.id = funding.card_id
    left join product_version
      on product_version.product_id = card.product_id
      and product_version.version = card.product_version
    where funding.lane = ${lane}
      and funding.id > ${behind}
      and funding.id <= ${upTo}
      and funding.book_id = ${bookId}
      and funding.at >= ${new Date(from)}
      and funding.at < ${new Date(until)}
      and (not ${withBuyer}::boolean or funding.person_id is not null)
    order by funding.id`
}
