/**
 * Taking an import back, page by page, in two steps so that it is done whole or not at all: first every card is frozen,
 * which one that was used refuses; then the money goes back, the cards are closed and their numbers are free.
 */
import { type AccountId, type BookId, type Fen, type Lane, laneOfId, refusal } from '@lika/contract'
import { type CardRow, cards, selectOpenings } from '../../modules/cards/index.ts'
import { numberKey } from '../../modules/imports/index.ts'
import { accountReads, LedgerDesk } from '../../modules/ledger/index.ts'
import { type Command, type Decision, read, type View } from '../../platform/lanes/index.ts'
import type { Body } from '../cards/facts.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { numbers } from './load-chunk.ts'
import {
  bonusOf,
  isUntouched,
  migrationOf,
  type Openings,
  type Page,
  principalOf,
} from './reversal-pages.ts'

type Context = Pick<FlowContext, 'database' | 'keyring'>

export interface Reversal {
  /** Of the command that asked for it, and of its job. */
  readonly id: string
  readonly importId: string
  readonly bookId: BookId
}

/** Freezes the cards of a page. Refusals: `import.not_reversible` where one of them stands in the way. */
export function beginPage(context: Context, reversal: Reversal, page: Page): Command {
  return commandOnPage(context, reversal, page, 'begin', ({ view, desk, found, openings }) => {
    const asked = { lane: page.lane, openings, states: ['active'] as const }
    if (!found.every((card) => isUntouched(desk, card, asked))) return inTheWay
    for (const card of found) view.put(cards, page.lane, { ...card, state: 'frozen' })
    return done(reversal, page, 'import.reversal_begun', { count: found.length })
  })
}

/**
 * Under the key of `beginPage`: where that has run its outcome comes again; where it has not, it never will.
 * Refusals: `import.not_reversible`.
 */
export function keepFromBeginning(context: Context, reversal: Reversal, page: Page): Command {
  return commandOnPage(context, reversal, page, 'begin', () => inTheWay)
}

const inTheWay: Decision = {
  ok: false,
  refusal: refusal('import.not_reversible', 'Cards of this import were used already.'),
}

/** Makes the cards of a page that was begun active again, but for those that something else befell. */
export function undoPage(context: Context, reversal: Reversal, page: Page): Command {
  return commandOnPage(context, reversal, page, 'undo', ({ view, found }) => {
    const frozen = found.filter(({ state }) => state === 'frozen')
    for (const card of frozen) view.put(cards, page.lane, { ...card, state: 'active' })
    return done(reversal, page, 'import.reversal_undone', { count: frozen.length })
  })
}

/**
 * Moves the opening balances of a page back, closes its cards and frees their numbers. A card that somebody unfroze and
 * used since is left alone: the outcome counts those that went.
 */
export function reversePage(context: Context, reversal: Reversal, page: Page): Command {
  return commandOnPage(context, reversal, page, 'reverse', (on) => {
    const { view, desk, openings } = on
    const asked = { lane: page.lane, openings, states: ['active', 'frozen', 'lost'] as const }
    const going = on.found.filter((card) => isUntouched(desk, card, asked))
    const migration = migrationOf(view.bookId, page.lane)
    let amount = 0n
    let bonus = 0n
    for (const card of going) {
      amount += giveBack(desk, principalOf(card.id, page.lane), migration)
      bonus += giveBack(desk, bonusOf(card.id, page.lane), migration)
      closeAndFree(view, context, page.lane, card)
    }
    return done(reversal, page, 'import.reversed', {
      count: going.length,
      amountFen: String(amount),
      bonusAmountFen: String(bonus),
    })
  })
}

function giveBack(desk: LedgerDesk, from: AccountId, migration: AccountId): Fen {
  const { balance: amount } = desk.account(from)
  if (amount > 0n) desk.transfer({ debit: from, credit: migration, amount })
  return amount
}

/** The number is prefixed by what nobody can present, so that another card may have it; its end still shows. */
function closeAndFree(
  view: View,
  { keyring }: Pick<FlowContext, 'keyring'>,
  lane: Lane,
  card: CardRow,
): void {
  const digest = keyring.nameDigest(card.bookId, nameKinds.cardNumber, card.number)
  view.remove(numbers, numberKey(card.bookId, digest))
  view.put(cards, lane, { ...card, state: 'closed', number: `${card.id}/${card.number}` })
}

interface OnPage {
  readonly view: View
  readonly desk: LedgerDesk
  readonly found: readonly CardRow[]
  readonly openings: Openings
}

function commandOnPage(
  { database, keyring }: Context,
  { id, bookId, importId }: Reversal,
  { lane, number, ids }: Page,
  step: 'begin' | 'undo' | 'reverse',
  decide: (on: OnPage) => Decision,
): Command {
  return {
    book: bookId,
    operation: `import.reversal_${step}`,
    key: `import:${importId}:${id}:${step}:${lane}:${number}`,
    input: { reversal: id, step, lane, number },
    homeLane: () => lane,
    weight: 'bulk',
    size: ids.length,
    plan: async (commandId) => {
      if (laneOfId(commandId) !== lane) throw new Error('a page of cards lies in one lane')
      const [rows, openings] = await Promise.all([
        cards.load(database.sql, lane, ids),
        selectOpenings(database.sql, lane, migrationOf(bookId, lane), ids),
      ])
      const digests =
        step === 'reverse'
          ? rows.map((card) => keyring.nameDigest(bookId, nameKinds.cardNumber, card.number))
          : []
      const accountIds = ids.flatMap((one) => [principalOf(one, lane), bonusOf(one, lane)])
      return {
        lanes: [lane],
        reads: [
          ...ids.map((one) => read(cards, lane, one)),
          ...accountReads(lane, accountIds),
          ...digests.map((digest) => read(numbers, lane, numberKey(bookId, digest))),
        ],
        decide: (view) => {
          const found = ids.flatMap((one) => view.get(cards, one) ?? [])
          return decide({ view, desk: new LedgerDesk(view, lane), found, openings })
        },
      }
    },
  }
}

function done({ id, importId }: Reversal, page: Page, kind: string, more: Body): Decision {
  const body = { importId, _reversal: id, page: page.number, ...more }
  return { ok: true, value: { kind, version: 1, body } }
}
