/** The cards that a batch or an import made, read in pages by the jobs that go over all of them. */
import type { AccountId, CardId, Fen, Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, uuidArray } from '../../platform/db-array.ts'
import { accountId } from '../ledger/index.ts'

export interface SealedCard {
  readonly id: CardId
  readonly number: string
  readonly expiresAt: Instant | null
  /** null: destroyed already. */
  readonly sealed: Uint8Array | null
}

/** A page of a batch's cards in one lane, by id. */
export function selectSealedCards(
  sql: Sql,
  lane: Lane,
  batchId: string,
  { after, limit }: CardPage,
): Promise<SealedCard[]> {
  return sql<SealedCard[]>`
    select card.id, card.number, card.expires_at as "expiresAt", card_seal.sealed
    from card
    left join card_seal
      on card_seal.lane = ${lane}
      and card_seal.card_id = card.id
    where card.lane = ${lane}
      and card.batch_id = ${batchId}
      and card.id > ${after}
    order by card.id
    limit ${limit}`
}

export interface CardPage {
  readonly after: string
  readonly limit: number
}

/** Before the first page. */
export const beforeFirstCard = '00000000-0000-0000-0000-000000000000'

/** How many cards a batch has. */
export async function countOfBatch(
  sql: Sql,
  lanes: readonly Lane[],
  batchId: string,
): Promise<number> {
  const [row] = await sql<{ count: bigint }[]>`
    select count(*) as count
    from card
    where lane = any(${intArray(lanes)}::int[])
      and batch_id = ${batchId}`
  return Number(row?.count ?? 0n)
}

/** A page of an import's cards in one lane, by id. */
export async function selectImportedCards(
  sql: Sql,
  lane: Lane,
  importId: string,
  { after, limit }: CardPage,
): Promise<CardId[]> {
  const rows = await sql<{ id: CardId }[]>`
    select id
    from card
    where lane = ${lane}
      and import_id = ${importId}
      and id > ${after}
    order by id
    limit ${limit}`
  return rows.map(({ id }) => id)
}

export interface Opening {
  readonly principal: Fen
  readonly bonus: Fen
}

/**
 * What an import put on each of these cards from the account `migration` of their issuer. Transfers never change, so this
 * may be read outside of a round.
 */
export async function selectOpenings(
  sql: Sql,
  lane: Lane,
  migration: AccountId,
  ids: readonly CardId[],
): Promise<ReadonlyMap<CardId, Opening>> {
  const accounts = ids.flatMap((id) => [
    accountId(id, 'card_principal', lane),
    accountId(id, 'card_bonus', lane),
  ])
  // Account by account in the order of the index, whatever the planner knows of tables that have just grown.
  const rows = await sql<{ account: AccountId; amount: Fen }[]>`
    select wanted.account, opening.amount
    from unnest(${uuidArray(accounts)}::uuid[]) as wanted (account)
    cross join lateral (
      select amount
      from transfer
      where lane = ${lane}
        and credit_account = wanted.account
        and credit_balance is not null
        and debit_account = ${migration}
      order by seq
      limit 1
    ) as opening`
  const byAccount = new Map(rows.map(({ account, amount }) => [account, amount]))
  const of = (id: CardId, kind: 'card_principal' | 'card_bonus') =>
    byAccount.get(accountId(id, kind, lane)) ?? 0n
  return new Map(
    ids.map((id) => [id, { principal: of(id, 'card_principal'), bonus: of(id, 'card_bonus') }]),
  )
}
