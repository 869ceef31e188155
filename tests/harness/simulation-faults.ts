/** What goes wrong between a server and the local WeChat in a simulation, drawn from its lots. */
import type { OrderShop } from './orders.ts'

type Effect = string | { name: string; [more: string]: unknown }
export type FaultAsked = Parameters<OrderShop['twin']['control']['fault']>
export const refunds = '/v3/refund/domestic/refunds'

export class SimulatedFaults {
  readonly #told: string
  readonly #random: () => number
  readonly #count: (what: string) => void

  constructor({ account }: OrderShop, random: () => number, count: (what: string) => void) {
    this.#told = `/wechat/pay/${account.id}/notifications`
    this.#random = random
    this.#count = count
  }

  #upTo(count: number): number {
    return Math.floor(this.#random() * count)
  }

  #oneOf<T>(some: readonly T[]): T {
    return some[this.#upTo(some.length)] as T
  }

  ofOrders(): FaultAsked {
    const orders = `/v3/pay/transactions/{scene}`
    const query = `/v3/pay/transactions/out-trade-no/{no}`
    const times = 1 + this.#upTo(4)
    // Each waits for our patience to end: once in a while.
    if (this.#random() < 0.02) {
      this.#count('fault hang_after')
      return [{ path: orders, times: 1 }, 'hang_after']
    }
    if (this.#upTo(2) === 0) return this.#ofNotices(this.#told, 'told')
    const all: [string, Effect][] = [
      [orders, 'answer_500_before'],
      [orders, 'answer_500_after'],
      [orders, 'close_before'],
      [orders, 'bad_signature'],
      [orders, 'probe_signature'],
      [orders, { name: 'status', http: 429, code: 'FREQUENCY_LIMITED' }],
      [query, 'answer_500_before'],
      [query, 'bad_signature'],
      [`${query}/close`, 'answer_500_after'],
    ]
    const [path, effect] = this.#oneOf(all)
    this.#count(`fault ${nameOf(effect)} of an order`)
    return [{ path, times }, effect]
  }

  /** What WeChat tells under `path`, a notify_url or a kind of event, goes wrong. */
  #ofNotices(path: string, what: string): FaultAsked {
    const effect = this.#oneOf<Effect>([
      'drop_notification',
      { name: 'duplicate_notification', count: 3 },
      { name: 'delay_notification', seconds: 40 },
      'reorder_notifications',
      'bad_signature',
      'probe_signature',
      { name: 'wrong_amount_notification', fen: 1 },
    ])
    this.#count(`fault ${nameOf(effect)} ${what}`)
    return [{ path, times: 1 + this.#upTo(4) }, effect]
  }

  ofRefunds(): FaultAsked {
    const effect = this.#oneOf(['answer_500_before', 'answer_500_after', 'bad_signature'])
    this.#count(`fault ${effect} of a refund`)
    return [{ path: refunds, times: 2 }, effect]
  }

  ofNoticesOfRefunds(): FaultAsked {
    return this.#ofNotices('REFUND.*', 'of a refund')
  }
}

function nameOf(effect: Effect): string {
  return typeof effect === 'string' ? effect : effect.name
}
