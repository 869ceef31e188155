/** The cards of an import page by page, and whether they are as the import left them. */
import {
  type AccountId,
  type BookId,
  type CardId,
  type CardState,
  type Fen,
  issuerOfBook,
  type Lane,
  modeOfBook,
} from '@lika/contract'
import {
  beforeFirstCard,
  type CardRow,
  loadCards,
  selectImportedCards,
  selectOpenings,
} from '../../modules/cards/index.ts'
import { accountId, accounts } from '../../modules/ledger/index.ts'
import type { FlowContext } from '../context.ts'

/** Some hundreds of cards of one lane; the same ones whenever they are asked for. */
export interface Page {
  readonly lane: Lane
  readonly number: number
  readonly ids: readonly CardId[]
}

export interface Imported {
  readonly id: string
  readonly bookId: BookId
}

const cardsPerPage = 500

export async function* pagesOf(
  { engine, database }: Pick<FlowContext, 'engine' | 'database'>,
  { id, bookId }: Imported,
): AsyncGenerator<Page> {
  for (const lane of engine.lanesOf(modeOfBook(bookId))) {
    let after: string = beforeFirstCard
    for (let number = 0; ; number += 1) {
      const page = { after, limit: cardsPerPage }
      const ids = await selectImportedCards(database.sql, lane, id, page)
      const last = ids.at(-1)
      if (last === undefined) break
      yield { lane, number, ids }
      after = last
    }
  }
}

export type Openings = Awaited<ReturnType<typeof selectOpenings>>

/** Balances of accounts, wherever they were read. */
export interface Books {
  account(id: AccountId): { readonly balance: Fen; readonly held: Fen }
}

export function migrationOf(bookId: BookId, lane: Lane): AccountId {
  return accountId(issuerOfBook(bookId), 'migration', lane)
}

export function principalOf(cardId: CardId, lane: Lane): AccountId {
  return accountId(cardId, 'card_principal', lane)
}

export function bonusOf(cardId: CardId, lane: Lane): AccountId {
  return accountId(cardId, 'card_bonus', lane)
}

/** Whether the card holds what its import put on it, all of it free, and is in one of the states. */
export function isUntouched(
  books: Books,
  card: Pick<CardRow, 'id' | 'state'>,
  { lane, openings, states }: { lane: Lane; openings: Openings; states: readonly CardState[] },
): boolean {
  const opening = openings.get(card.id) ?? { principal: 0n, bonus: 0n }
  const principal = books.account(principalOf(card.id, lane))
  const bonus = books.account(bonusOf(card.id, lane))
  return (
    states.includes(card.state) &&
    principal.balance === opening.principal &&
    bonus.balance === opening.bonus &&
    principal.held === 0n &&
    bonus.held === 0n
  )
}

/** How many cards of the import were used. Stops looking when the time is over; then there may be more. */
export async function countInTheWay(
  context: Pick<FlowContext, 'engine' | 'database'>,
  imported: Imported,
  isTimeOver: () => boolean = () => false,
): Promise<number> {
  const { sql } = context.database
  let count = 0
  for await (const { lane, ids } of pagesOf(context, imported)) {
    if (isTimeOver()) break
    const accountIds = ids.flatMap((id) => [principalOf(id, lane), bonusOf(id, lane)])
    const [found, openings, rows] = await Promise.all([
      loadCards(sql, lane, ids),
      selectOpenings(sql, lane, migrationOf(imported.bookId, lane), ids),
      accounts.load(sql, lane, accountIds),
    ])
    const byId = new Map(rows.map((row) => [row.id, row]))
    const books = { account: (id: AccountId) => byId.get(id) ?? { balance: 0n, held: 0n } }
    const asked = { lane, openings, states: ['active'] as const }
    count += found.filter((card) => !isUntouched(books, card, asked)).length
  }
  return count
}
