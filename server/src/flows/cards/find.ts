/** Finding cards: by id, now or at a past instant, by what is printed on them, and as lists over all lanes. */
import {
  type BookId,
  type CardId,
  type Instant,
  type Lane,
  laneOf,
  laneOfId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  balanceAt,
  type CardFilter,
  type CardView,
  isRightSecret,
  isUnchangedSince,
  normalizeNumber,
  readCards,
  selectCardIds,
} from '../../modules/cards/index.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import type { CardCaller } from './caller.ts'
import { cardNotFound } from './on-card.ts'

type Finding = Pick<FlowContext, 'database' | 'engine'>

/** Refusals: `card.not_found`. */
export async function findCard(
  context: Finding,
  caller: CardCaller,
  cardId: CardId,
): Promise<Result<CardView>> {
  const [found] = await readViews(context, caller, [cardId])
  return found === undefined ? refused(cardNotFound) : ok(found)
}

/**
 * The card as it is now with the balance that it had at the end of that instant. When a hold ended is not kept by time:
 * before the last change of the card, what was set aside then counts as available.
 * Refusals: `card.not_found` also before it was made, `date.out_of_range` for the future.
 */
export async function findCardAt(
  context: Finding,
  caller: CardCaller,
  cardId: CardId,
  at: Instant,
): Promise<Result<CardView>> {
  const found = await findCard(context, caller, cardId)
  if (!found.ok) return found
  if (at > context.engine.now(caller.mode))
    return refused(refusal('date.out_of_range', 'at must not lie in the future.'))
  const { card } = found.value
  if (at < card.createdAt) return refused(cardNotFound)
  const { sql } = context.database
  if (await isUnchangedSince(sql, cardId, at)) {
    const [view] = await readCards(sql, laneOfId(cardId), [cardId], at)
    return view === undefined ? refused(cardNotFound) : ok(view)
  }
  const balance = await balanceAt(sql, cardId, at)
  return ok({ card, balance: { ...balance, held: 0n } })
}

/** A book's cards over all lanes; the newest first, or the oldest where `after` is given. */
export async function listCards(
  context: Finding,
  caller: CardCaller,
  filter: CardFilter,
): Promise<CardView[]> {
  const { engine, database } = context
  const now = engine.now(caller.mode)
  const lanes = await lanesFor(context, caller, filter.number)
  const found = await Promise.all(
    lanes.map((lane) => selectCardIds(database.sql, lane, caller.book, filter, now)),
  )
  const sign = filter.after === undefined ? -1 : 1
  const ids = found
    .flat()
    .sort((left, right) => (left < right ? -sign : sign))
    .slice(0, filter.limit)
  return readViews(context, caller, ids)
}

/**
 * The card with that number and secret. Refusals: `throttled`, `card.not_recognised`, alike for an unknown number, a
 * wrong secret and a card of somebody else.
 */
export async function lookUpCard(
  context: FlowContext,
  caller: CardCaller & { keyId: string; address: string },
  presented: { number: string; secret: string },
): Promise<Result<CardView>> {
  const { book, keyId, address } = caller
  return context.guesses.attempt(
    { number: presented.number },
    { book, keyId, address },
    async () => {
      const number = normalizeNumber(presented.number)
      const [found] = await listCards(context, caller, { number, limit: 1 })
      const nobody = { id: '', secretDigest: null }
      const right = isRightSecret(found?.card ?? nobody, presented.secret, context.keyring)
      return right ? found : undefined
    },
  )
}

/** Where a number can be: our own says it; an imported one, which may look like one of ours, is in the directory. */
async function lanesFor(
  { engine }: Finding,
  { book, mode }: { book: BookId; mode: CardCaller['mode'] },
  number: string | undefined,
): Promise<Lane[]> {
  const lanes = engine.lanesOf(mode)
  if (number === undefined) return lanes
  const own = laneOf(number)
  const owner = await engine.names.ownerOf(book, { kind: nameKinds.cardNumber, name: number })
  const imported = owner && laneOfId(owner.id)
  return lanes.filter((lane) => lane === own || lane === imported)
}

/** In the order of the ids; those of other books and modes are left out. */
async function readViews(
  { engine, database }: Finding,
  { book, mode }: CardCaller,
  ids: readonly CardId[],
): Promise<CardView[]> {
  const now = engine.now(mode)
  const lanes = engine.lanesOf(mode)
  const byLane = Map.groupBy(ids, laneOfId)
  const read = await Promise.all(
    [...byLane]
      .filter(([lane]) => lanes.includes(lane))
      .map(([lane, some]) => readCards(database.sql, lane, some, now)),
  )
  const views = new Map(read.flat().map((view) => [view.card.id, view]))
  return ids.flatMap((id) => {
    const view = views.get(id)
    return view !== undefined && view.card.bookId === book ? [view] : []
  })
}
