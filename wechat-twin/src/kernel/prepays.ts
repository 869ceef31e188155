/**
 * Invitations to pay: prepay ids, Native codes and H5 pages, whatever is behind them. A kind of order (single, combined)
 * registers how it is shown to the payer, paid and cancelled; the phone and the control API know only this.
 */
import type { Clock } from './clock.ts'
import type { Index, Store, Table } from './store.ts'
import type { User } from './users.ts'

export interface Prepay {
  /** Also the key: prepay_id, code_url or h5_url. */
  token: string
  via: 'prepay_id' | 'code_url' | 'h5_url'
  kind: string
  /** Of the order, in the words of its kind. */
  ref: string
  mchid: string
  expires_at: number
  /** A later invitation took its place, or the payer said no to it. */
  dead?: boolean
  /** Of the payer, where the order names it: what the page behind an h5_url may check. */
  address?: string
}

/** What the payer sees before confirming. */
export interface Shown {
  mchid: string
  appid: string
  description: string
  total: number
  state: string
  /** Who may pay it, where the order names somebody. */
  openid?: string
}

export type Paid = { paid: true; transaction_id: string } | { paid: false; why: string }

export interface Payable {
  show(ref: string): Shown | undefined
  /** `why` is one of WeChat's words on the phone. */
  pay(ref: string, user: User): Paid
}

export class Prepays {
  readonly table: Table<Prepay>
  readonly ofOrder: Index<Prepay>
  readonly #clock: Clock
  readonly #kinds = new Map<string, Payable>()

  constructor(store: Store, clock: Clock) {
    this.table = store.table('prepays')
    this.ofOrder = this.table.index(({ kind, ref }) => `${kind}|${ref}`)
    this.#clock = clock
  }

  kind(name: string, payable: Payable): void {
    this.#kinds.set(name, payable)
  }

  add(prepay: Prepay): Prepay {
    return this.table.set(prepay.token, prepay)
  }

  /** Takes away the earlier codes of an order, as a new Native order does. */
  killOthers(kind: string, ref: string, via: Prepay['via']): void {
    for (const prepay of this.ofOrder.all(`${kind}|${ref}`))
      if (prepay.via === via && prepay.dead !== true)
        this.table.change(prepay.token, { dead: true })
  }

  show(token: string): Shown | undefined {
    const prepay = this.table.get(token)
    return prepay === undefined ? undefined : this.#kinds.get(prepay.kind)?.show(prepay.ref)
  }

  pay(token: string, user: User): Paid {
    const prepay = this.#open(token)
    if ('why' in prepay) return { paid: false, why: prepay.why }
    return (
      this.#kinds.get(prepay.kind)?.pay(prepay.ref, user) ?? { paid: false, why: 'no_such_kind' }
    )
  }

  /** What the payer is asked about, or in a word of the phone why there is nothing to ask. */
  ask(token: string): Shown | { why: string } {
    const prepay = this.#open(token)
    if ('why' in prepay) return prepay
    const shown = this.show(token)
    if (shown === undefined) return { why: 'no_such_kind' }
    if (shown.state === 'NOTPAY') return shown
    return { why: shown.state === 'CLOSED' ? 'order_closed' : 'order_paid' }
  }

  #open(token: string): Prepay | { why: string } {
    const prepay = this.table.get(token)
    if (prepay === undefined) return { why: 'no_such_invitation' }
    if (prepay.dead === true) return { why: 'invitation_replaced' }
    return this.#clock.now() > prepay.expires_at ? { why: 'invitation_expired' } : prepay
  }
}
