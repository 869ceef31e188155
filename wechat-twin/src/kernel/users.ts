/** People with WeChat on their phone: their names at each app (OpenID), at each open-platform account (UnionID), their money and what they were sent. */
import { createHmac } from 'node:crypto'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'
import type { Store, Table } from './store.ts'

export interface User {
  id: string
  name: string
  phone?: string
  /** Undefined: as much as is asked for. */
  balance_fen?: number
  /** What the user pays with; `debit` where nothing is said. */
  pays_with?: 'balance' | 'debit' | 'credit'
  /** `blocked`: a refund to it ends as ABNORMAL. `closed`: a refund is refused with USER_ACCOUNT_ABNORMAL. */
  account?: 'blocked' | 'closed'
  created_at: number
}

export type NewUser = Omit<User, 'id' | 'created_at'>

/** What an order demands of who pays it. */
export interface Demand {
  appid: string
  openid?: string
  no_credit: boolean
}

/** An official account or a mini-program. */
export interface App {
  appid: string
  secret: string
  kind: 'official_account' | 'mini_program'
  /** The open-platform account that it belongs to: UnionIDs are of it. */
  subject: string
  token?: string
  encoding_aes_key?: string
  callback_url?: string
  redirect_hosts: string[]
  /** Addresses that may ask for tokens; left out: any. */
  ip_allow_list?: string[]
  more: Record<string, unknown>
}

/** What a user sees in the list of chats. */
export interface PhoneMessage {
  id: string
  user: string
  at: number
  from: string
  title: string
  text: string
  url?: string
  /** What of: a reply, a subscribe message, a card, … */
  kind?: string
  /** The values of its keywords, as they were sent. */
  data?: Readonly<Record<string, string>>
}

export class Users {
  readonly table: Table<User>
  readonly apps: Table<App>
  readonly messages: Table<PhoneMessage>
  readonly #openids: Table<{ user: string; appid: string }>
  readonly #salt: Table<{ salt: string }>
  readonly #messagesOf
  readonly #clock: Clock
  readonly #random: Random

  constructor(store: Store, clock: Clock, random: Random) {
    this.table = store.table('users')
    this.apps = store.table('apps')
    this.messages = store.table('messages')
    this.#openids = store.table('openids')
    this.#salt = store.table('salt')
    this.#messagesOf = this.messages.index(({ user }) => user)
    this.#clock = clock
    this.#random = random
    if (!this.#salt.has('openid')) this.#salt.set('openid', { salt: random.hex(32) })
  }

  add(given: NewUser): User {
    const id = `user_${this.#random.letters(16)}`
    return this.table.set(id, { id, ...given, created_at: this.#clock.now() })
  }

  /** The user's name at an app; the same whenever asked. */
  openidOf(user: string, appid: string): string {
    const openid = `o${this.#digest('openid', user, appid).slice(0, 27)}`
    if (!this.#openids.has(openid)) this.#openids.set(openid, { user, appid })
    return openid
  }

  unionidOf(user: string, subject: string): string {
    return `o6_${this.#digest('unionid', user, subject).slice(0, 25)}`
  }

  /** Whose name it is, and at which app. */
  byOpenid(openid: string): { user: User; appid: string } | undefined {
    const found = this.#openids.get(openid)
    const user = found === undefined ? undefined : this.table.get(found.user)
    return found === undefined || user === undefined ? undefined : { user, appid: found.appid }
  }

  /** Why this user may not pay an order, in a word of the phone. */
  whyNot(user: User, order: Demand): string | undefined {
    const isOther =
      order.openid !== undefined && order.openid !== this.openidOf(user.id, order.appid)
    if (isOther) return 'another_user'
    return order.no_credit && user.pays_with === 'credit' ? 'no_credit_cards' : undefined
  }

  /** Takes from (or with a negative amount gives to) what the user has; false where it does not reach. */
  spend(id: string, fen: number): boolean {
    const balance = this.table.get(id)?.balance_fen
    if (balance === undefined) return true
    if (balance < fen) return false
    this.table.change(id, { balance_fen: balance - fen })
    return true
  }

  tell(user: string, message: Omit<PhoneMessage, 'id' | 'user' | 'at'>): void {
    const id = `msg_${this.#random.letters(16)}`
    this.messages.set(id, { id, user, at: this.#clock.now(), ...message })
  }

  /** Oldest first. */
  messagesOf(user: string): PhoneMessage[] {
    return this.#messagesOf.all(user)
  }

  #digest(...parts: string[]): string {
    const salt = this.#salt.get('openid')?.salt ?? ''
    return createHmac('sha256', salt).update(parts.join('|')).digest('base64url')
  }
}
