/** What campaigns give when a hold is captured: as for a payment, to the newest card of the line that it was made on. */
import { type CardId, laneOfId } from '@lika/contract'
import { cards } from '../../modules/cards/index.ts'
import { accountId, accounts } from '../../modules/ledger/index.ts'
import type { PaymentHoldRow } from '../../modules/payments/index.ts'
import { type Read, read } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { lineOf } from '../payments/line-of-card.ts'
import { type Gifts, giftsFor } from './gifts.ts'

/** Of one command, over all its attempts. */
export class GiftsOfCapture {
  readonly #context: FlowContext
  readonly #hold: Pick<PaymentHoldRow, 'bookId' | 'merchantId' | 'allocations'>
  #gifts: Gifts | undefined

  constructor(context: FlowContext, hold: PaymentHoldRow) {
    this.#context = context
    this.#hold = hold
  }

  /** undefined: no campaign applies, and nothing was asked of the database. */
  async prepare(): Promise<Gifts | undefined> {
    const { bookId: book, merchantId, allocations } = this.#hold
    const known = await this.#context.loyalty.inForce(book)
    const [first] = allocations
    if (known.length === 0 || first === undefined) return undefined
    const cardId = (await lineOf(this.#context, first.cardId)).at(-1) ?? first.cardId
    if (this.#gifts?.cardId !== cardId) this.#gifts = this.#giftsOf(cardId, known, book, merchantId)
    await this.#gifts?.prepare()
    return this.#gifts
  }

  #giftsOf(
    cardId: CardId,
    known: Parameters<typeof giftsFor>[2],
    book: PaymentHoldRow['bookId'],
    merchantId: PaymentHoldRow['merchantId'],
  ): Gifts | undefined {
    const occasion = {
      book,
      cardId,
      lane: laneOfId(cardId),
      trigger: 'payment',
      merchantId,
    } as const
    return giftsFor(this.#context, occasion, known)
  }

  lanes() {
    return this.#gifts?.lanes() ?? []
  }

  reads(): Read[] {
    if (this.#gifts === undefined) return []
    const { cardId } = this.#gifts
    const lane = laneOfId(cardId)
    return [
      read(cards, lane, cardId),
      read(accounts, lane, accountId(cardId, 'card_bonus', lane)),
      ...this.#gifts.reads(),
    ]
  }
}
