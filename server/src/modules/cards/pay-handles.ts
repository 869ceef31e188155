/** The eight digits by which pay codes name a card; given when the first code is asked for. */
import type { CardId, Lane } from '@lika/contract'
import { randomDigits } from '../../platform/crypto/random.ts'
import type { Sql } from '../../platform/db.ts'
import { handleDigits } from './pay-code.ts'

const attempts = 20

/** The handle of a card, made where it has none yet. */
export async function payHandleOf(sql: Sql, lane: Lane, cardId: CardId): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const known = await selectHandle(sql, lane, cardId)
    if (known !== undefined) return known
    await insertHandle(sql, lane, cardId, Number(randomDigits(handleDigits)))
  }
  throw new Error(`the handles of lane ${lane} are used up`)
}

/** The card that pay codes with this handle name; undefined: none. */
export async function cardOfHandle(
  sql: Sql,
  lane: Lane,
  handle: number,
): Promise<CardId | undefined> {
  const [row] = await sql<{ cardId: CardId }[]>`
    select card_id as "cardId"
    from pay_handle
    where lane = ${lane}
      and handle = ${handle}`
  return row?.cardId
}

async function selectHandle(sql: Sql, lane: Lane, cardId: CardId): Promise<number | undefined> {
  const [row] = await sql<{ handle: number }[]>`
    select handle
    from pay_handle
    where lane = ${lane}
      and card_id = ${cardId}`
  return row?.handle
}

/** Does nothing where the handle is taken, or the card got one meanwhile. */
async function insertHandle(sql: Sql, lane: Lane, cardId: CardId, handle: number): Promise<void> {
  await sql`
    insert into pay_handle (lane, handle, card_id)
    values (${lane}, ${handle}, ${cardId})
    on conflict do nothing`
}
