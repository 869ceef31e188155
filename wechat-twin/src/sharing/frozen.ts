/**
 * Money that waits to be shared: it stands in the merchant's balance, and nothing but its own shares and refunds may be paid
 * from it until it is unfrozen. Kept as a row for each payment and a sum for each merchant, so that asking costs nothing.
 */
import type { Table } from '../kernel/store.ts'
import type { Trade } from '../kernel/trades.ts'
import type { Twin } from '../kernel/twin.ts'
import { paymentOf, type SharingBook } from './book.ts'
import { unsplitAmount } from './model.ts'

interface Frozen {
  mchid: string
  /** What may still be shared. */
  rest: number
  /** Promised to receivers who do not have it yet. */
  promised: number
}

export class FrozenMoney {
  readonly #rows: Table<Frozen>
  readonly #sums = new Map<string, number>()
  readonly #twin: Twin
  readonly #book: SharingBook

  constructor(twin: Twin, book: SharingBook) {
    this.#twin = twin
    this.#book = book
    this.#rows = twin.store.table('share_frozen')
    for (const row of this.#rows.values()) this.#add(row, 1)
    twin.trades.watch = (trade) => this.#update(trade)
    twin.trades.frozenOf = (mchid, but) => this.#sumOf(mchid, but)
    book.onChange = (transactionId) => {
      const trade = twin.trades.findByTransaction(transactionId)
      if (trade !== undefined) this.#update(trade)
    }
    twin.schedule.on<{ transaction_id: string }>('share_over', ({ transaction_id }) =>
      book.onChange(transaction_id),
    )
  }

  #sumOf(mchid: string, but: Trade | undefined): number {
    if (!this.#twin.settings.now.holdSharedMoney) return 0
    const own = but?.transaction_id === undefined ? undefined : this.#rows.get(but.transaction_id)
    return (this.#sums.get(mchid) ?? 0) - (own?.rest ?? 0)
  }

  #update(trade: Trade): void {
    const payment = trade.profit_sharing ? paymentOf(trade) : undefined
    if (payment === undefined) return
    const { transaction_id, mchid, paid_at } = payment
    const { clock, schedule, settings } = this.#twin
    const { shareDays } = settings.now
    const before = this.#rows.get(transaction_id)
    const rest = unsplitAmount(payment, this.#book.potOf(payment), clock.now(), shareDays)
    const promised = this.#book.promisedOf(transaction_id)
    if (before === undefined)
      schedule.at(paid_at + shareDays * 86_400_000 + 1, 'share_over', { transaction_id })
    else if (before.rest === rest && before.promised === promised) return
    if (before !== undefined) this.#add(before, -1)
    this.#add(this.#rows.set(transaction_id, { mchid, rest, promised }), 1)
  }

  #add({ mchid, rest, promised }: Frozen, times: 1 | -1): void {
    this.#sums.set(mchid, (this.#sums.get(mchid) ?? 0) + times * (rest + promised))
  }
}
