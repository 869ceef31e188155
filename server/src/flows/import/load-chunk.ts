/** One chunk of an import: its rows become active cards with their opening balances, by one command. */
import {
  asId,
  type BookId,
  type Instant,
  type IssuerId,
  issuerOfBook,
  laneOfId,
} from '@lika/contract'
import { type CardRow, cards } from '../../modules/cards/index.ts'
import {
  findTaken,
  type ImportRow,
  importedNumbers,
  numberKey,
  type ReadCard,
} from '../../modules/imports/index.ts'
import { type AccountKindName, accountId, LedgerDesk } from '../../modules/ledger/index.ts'
import type { Terms } from '../../modules/programs/index.ts'
import type { Command, Decision, View } from '../../platform/lanes/index.ts'
import { expiryOf } from '../cards/issue.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'

export const numbers = importedNumbers(nameKinds.cardNumber)

export interface ImportWork {
  readonly row: ImportRow
  readonly terms: Terms
}

export interface Load {
  readonly chunk: number
  readonly lane: number
  readonly cards: readonly ReadCard[]
}

/**
 * Its key names import and chunk, so that it runs once, whoever asks again. Rows whose number another card has are left
 * out; the outcome says which. Fails with `isImportedNumberTaken` where a number was taken since it was planned:
 * executed again it leaves that row out. Never refused.
 */
export function loadChunk(
  { database }: Pick<FlowContext, 'database'>,
  work: ImportWork,
  load: Load,
): Command {
  const { id, bookId } = work.row
  return {
    book: bookId,
    operation: 'import.loaded',
    key: `import:${id}:${load.chunk}`,
    input: { importId: id, chunk: load.chunk },
    homeLane: () => load.lane,
    weight: 'bulk',
    size: load.cards.length,
    plan: async (commandId) => {
      const taken = await takenAmong(database.sql, bookId, load.cards)
      return {
        lanes: [laneOfId(commandId)],
        reads: [],
        decide: (view, now) => loadAll(view, now, work, load, taken),
      }
    },
  }
}

/** Those whose number another card of the book has at the moment. */
export async function takenAmong(
  sql: FlowContext['database']['sql'],
  book: BookId,
  rows: readonly ReadCard[],
): Promise<ReadonlySet<ReadCard>> {
  const digests = rows.map(({ numberDigest }) => numberDigest)
  const keys = await findTaken(sql, nameKinds.cardNumber, book, digests)
  return new Set(rows.filter(({ numberDigest }) => keys.has(numberKey(book, numberDigest))))
}

function loadAll(
  view: View,
  now: Instant,
  work: ImportWork,
  load: Load,
  taken: ReadonlySet<ReadCard>,
): Decision {
  const { row } = work
  const fresh = load.cards.filter((card) => !taken.has(card))
  const open = openingsFrom(view, issuerOfBook(row.bookId))
  for (const card of fresh) {
    view.put(cards, load.lane, cardOf(card, work, now))
    view.put(numbers, load.lane, {
      bookId: row.bookId,
      digest: card.numberDigest,
      cardId: card.id,
    })
    open(card)
  }
  const sum = (of: (card: ReadCard) => bigint) => fresh.reduce((fen, card) => fen + of(card), 0n)
  const body = {
    importId: row.id,
    chunk: load.chunk,
    count: fresh.length,
    amountFen: String(sum(({ amount }) => amount)),
    bonusAmountFen: String(sum(({ bonusAmount }) => bonusAmount)),
    _taken: [...taken].map(({ line }) => line),
  }
  return { ok: true, value: { kind: 'import.loaded', version: 1, body } }
}

/** Where the file has no last day, the validity counts from the day of the import, as for a new card. */
function cardOf(read: ReadCard, { row, terms }: ImportWork, now: Instant): CardRow {
  return {
    id: read.id,
    bookId: row.bookId,
    productId: row.productId,
    productVersion: row.productVersion,
    state: 'active',
    number: read.number,
    secretDigest: read.secretDigest,
    faceAmount: 0n,
    faceBonus: 0n,
    expiresAt: read.expiresAt ?? expiryOf(terms, row.createdAt),
    parentId: null,
    depth: 0,
    replacedBy: null,
    replaces: null,
    batchId: null,
    importId: row.id,
    reference: null,
    metadata: null,
    createdAt: now,
    activatedAt: now,
    // Another system sold it.
    charterId: null,
    sealedUntil: null,
  }
}

/**
 * Opening balances come from the migration account, bonus too: what was given away long ago by another system is no
 * expense of today.
 */
function openingsFrom(view: View, issuerId: IssuerId): (card: ReadCard) => void {
  const lane = laneOfId(view.commandId)
  const desk = new LedgerDesk(view, lane)
  const debit = accountId(issuerId, 'migration', lane)
  const put = (card: ReadCard, kind: AccountKindName, amount: bigint) => {
    if (amount === 0n) return
    const credit = accountId(asId(card.id), kind, lane)
    desk.open(credit)
    desk.transfer({ debit, credit, amount })
  }
  return (card) => {
    put(card, 'card_principal', card.amount)
    put(card, 'card_bonus', card.bonusAmount)
  }
}
