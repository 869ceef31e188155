/** The cards that apps have created: their review, their stock and who may touch them. */
import type { Table } from '../../kernel/store.ts'
import type { Twin } from '../../kernel/twin.ts'
import type { App } from '../../kernel/users.ts'
import { particularsOf } from '../app-record.ts'
import type { Callbacks } from '../callbacks.ts'
import { Refused } from '../errcodes.ts'
import { type Body, needText, needWhole, text } from '../fields.ts'
import { cardLimits } from '../limits.ts'
import { baseOf, type Card, type CardDraft, type CardStatus, depositsCodes } from './card-shape.ts'

export class Cards {
  readonly #twin: Twin
  readonly #callbacks: Callbacks
  readonly #cards: Table<Card>
  /** Own codes that were uploaded and not taken yet, by card. */
  readonly #deposits: Table<{ card_id: string; code: string }>
  readonly #depositsOf

  constructor(twin: Twin, callbacks: Callbacks) {
    this.#twin = twin
    this.#callbacks = callbacks
    this.#cards = twin.store.table('cards')
    this.#deposits = twin.store.table('deposited_codes')
    this.#depositsOf = this.#deposits.index(({ card_id }) => card_id)
  }

  create(app: App, draft: CardDraft): Card {
    const card_id = `p${this.#twin.random.letters(27)}`
    const card = this.#cards.set(card_id, {
      card_id,
      appid: app.appid,
      card_type: draft.cardType,
      detail: draft.detail,
      status: 'CARD_STATUS_NOT_VERIFY',
      quantity: draft.quantity,
      total_quantity: draft.quantity,
      create_time: this.now(),
    })
    return this.submit(app, card)
  }

  /** Waits for a review, or passes at once where the app's cards do. */
  submit(app: App, card: Card): Card {
    const waiting = this.change(card, { status: 'CARD_STATUS_NOT_VERIFY' })
    return particularsOf(app).card_review === 'at_once' ? this.review(app, waiting) : waiting
  }

  /** `refusal`: why it does not pass. */
  review(app: App, card: Card, refusal?: string): Card {
    const status: CardStatus =
      refusal === undefined ? 'CARD_STATUS_VERIFY_OK' : 'CARD_STATUS_VERIFY_FAIL'
    const event = refusal === undefined ? 'card_pass_check' : 'card_not_pass_check'
    this.#callbacks.event(app, particularsOf(app).account_id, event, {
      CardId: card.card_id,
      RefuseReason: refusal ?? '',
    })
    return this.change(card, { status })
  }

  get(cardId: string): Card | undefined {
    return this.#cards.get(cardId)
  }

  /** Refuses 40078 (there is none, or it is deleted) and 45030 (another app's). */
  owned(app: App, cardId: string): Card {
    const card = this.#cards.get(cardId)
    if (card === undefined || card.status === 'CARD_STATUS_DELETE') throw new Refused(40078, cardId)
    if (card.appid !== app.appid) throw new Refused(45030, cardId)
    return card
  }

  /** As `owned`, of a body's `card_id`; 41012 where there is none. */
  ownedBy(app: App, body: Body): Card {
    return this.owned(app, needText(body, 'card_id', 41012))
  }

  /** In the order in which they were created. */
  ofApp(app: App): Card[] {
    return [...this.#cards.values()].filter(({ appid }) => appid === app.appid)
  }

  change(card: Card, members: Partial<Card>): Card {
    return this.#cards.change(card.card_id, members)
  }

  titleOf(card: Card): string {
    return text(baseOf(card), 'title') ?? ''
  }

  /** One less to be taken; the account is told when that was the last. */
  takeOne(app: App, card: Card): Card {
    const left = this.change(card, { quantity: card.quantity - 1 })
    if (left.quantity === 0)
      this.#callbacks.event(app, particularsOf(app).account_id, 'card_sku_remind', {
        CardId: card.card_id,
        Detail: "the card's quantity is equal to 0",
      })
    return left
  }

  /** Refuses 40122: what would be less than nothing, more than can be, or more than codes were uploaded. */
  modifyStock(card: Card, body: Body): Card {
    const amount = (name: string) => {
      const value = body[name] === undefined ? 0 : needWhole(body, name, 40122)
      if (value < 0) throw new Refused(40122, name)
      return value
    }
    const change = amount('increase_stock_value') - amount('reduce_stock_value')
    const quantity = card.quantity + change
    if (change === 0 || quantity < 0 || quantity > cardLimits.quantity) throw new Refused(40122)
    if (depositsCodes(card) && quantity > this.depositCount(card)) throw new Refused(40122)
    return this.change(card, { quantity, total_quantity: card.total_quantity + change })
  }

  depositCount(card: Card): number {
    return this.#depositsOf.all(card.card_id).length
  }

  hasDeposited(card: Card, code: string): boolean {
    return this.#deposits.has(`${card.card_id}|${code}`)
  }

  deposit(card: Card, code: string): void {
    this.#deposits.set(`${card.card_id}|${code}`, { card_id: card.card_id, code })
  }

  /** The first that was uploaded and not taken; gone from the pile. */
  takeDeposited(card: Card): string | undefined {
    const first = this.#depositsOf.first(card.card_id)
    if (first !== undefined) this.#deposits.delete(`${card.card_id}|${first.code}`)
    return first?.code
  }

  /** Virtual seconds. */
  now(): number {
    return Math.floor(this.#twin.clock.now() / 1000)
  }
}
