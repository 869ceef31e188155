/**
 * The codes that users hold: taken from a card, consumed, given to a friend, deleted. Each doing that WeChat tells an
 * account about posts its event here, in the same step.
 */
import type { Table } from '../../kernel/store.ts'
import type { Twin } from '../../kernel/twin.ts'
import type { App } from '../../kernel/users.ts'
import type { Callbacks } from '../callbacks.ts'
import { Refused } from '../errcodes.ts'
import { flag, whole } from '../fields.ts'
import { cardLimits } from '../limits.ts'
import type { Members } from '../message-body.ts'
import type { People } from '../people.ts'
import { baseOf, type Card, depositsCodes, usesOwnCodes, validityOf } from './card-shape.ts'
import { type CardCode, checkConsumable, mayFollow, statusAt } from './card-state.ts'
import type { Cards } from './cards.ts'

export interface Taking {
  readonly code?: string | undefined
  readonly openid?: string | undefined
  readonly outerStr?: string | undefined
  /** From when its term counts, seconds; from the taking unless said. */
  readonly beginsAt?: number | undefined
  /** The code that WeChat made already, when the card was paid for. */
  readonly issued?: string | undefined
}

export class CardCodes {
  readonly #twin: Twin
  readonly #callbacks: Callbacks
  readonly #cards: Cards
  readonly #people: People
  /** Own codes are unique within their card, WeChat's everywhere. */
  readonly #codes: Table<CardCode>
  readonly #ofHolder
  readonly #ofUser
  readonly #sealed: Table<{ key: string }>

  constructor(twin: Twin, callbacks: Callbacks, cards: Cards, people: People) {
    this.#twin = twin
    this.#callbacks = callbacks
    this.#cards = cards
    this.#people = people
    this.#codes = twin.store.table('card_codes')
    this.#ofHolder = this.#codes.index(({ user, card_id }) => `${user}|${card_id}`)
    this.#ofUser = this.#codes.index(({ user }) => user)
    this.#sealed = twin.store.table('sealed_codes')
    twin.schedule.on<{ key: string }>('card gift over', ({ key }) => this.#giftOver(key))
  }

  /**
   * The user takes one of the card into his wallet. Refuses 40078 (not passed), 40079 (over), 40003 (for another user),
   * 45033 (has as many as he may), 40116 (own code missing, ill-formed or taken), 45031 (none left).
   */
  take(app: App, card: Card, user: string, taking: Taking): CardCode {
    if (card.status !== 'CARD_STATUS_VERIFY_OK') throw new Refused(40078, card.status)
    const now = this.#cards.now()
    const { begin, end } = validityOf(card, taking.beginsAt ?? now)
    if (end !== undefined && end <= now) throw new Refused(40079)
    const openid = this.#people.openidOf(app, user)
    if (taking.openid !== undefined && taking.openid !== openid) throw new Refused(40003)
    const restored = this.#restored(app, card, user)
    if (restored !== undefined) return restored
    const limit = whole(baseOf(card), 'get_limit') ?? cardLimits.getLimit
    if (this.heldBy(user, card).length >= limit) throw new Refused(45033)
    if (card.quantity < 1) throw new Refused(45031)
    const code = taking.issued ?? this.#codeFor(card, taking.code)
    const left = this.#cards.takeOne(app, card)
    const taken = this.#codes.set(keyOf(left, code), {
      code,
      card_id: card.card_id,
      appid: app.appid,
      user,
      status: 'NORMAL',
      begin,
      ...(end !== undefined && { end }),
      ...(taking.outerStr !== undefined && { outer_str: taking.outerStr }),
      ...(flag(card.detail, 'auto_activate') === true && { membership: memberBy(code) }),
    })
    this.#tell(app, taken, 'user_get_card', this.#gotFields(app, taken, {}))
    return taken
  }

  /** Refuses 41012 (own code without its card), 40056. */
  find(app: App, code: string, cardId: string | undefined): CardCode {
    const card = cardId === undefined ? undefined : this.#cards.owned(app, cardId)
    const key = card === undefined ? code : keyOf(card, code)
    const found = this.#codes.get(key)
    const isOurs = found?.appid === app.appid && (cardId === undefined || found.card_id === cardId)
    if (found === undefined || !isOurs) throw new Refused(40056)
    return found
  }

  consume(app: App, code: CardCode): void {
    checkConsumable(code, this.#cards.now())
    this.#change(code, { status: 'CONSUMED' })
    this.#tell(app, code, 'user_consume_card', {
      ConsumeSource: 'FROM_API',
      LocationName: '',
      StaffOpenId: '',
      VerifyCode: '',
      RemarkAmount: '',
      OuterStr: code.outer_str ?? '',
    })
  }

  /** Refuses 40099 and 40127. */
  withdraw(code: CardCode): void {
    if (code.status === 'CONSUMED') throw new Refused(40099)
    this.#move(code, 'UNAVAILABLE')
  }

  /** Refuses 40116 where the new one cannot be one or is taken. */
  rename(card: Card, code: CardCode, newCode: string): void {
    if (!isCode(newCode) || this.#codes.has(keyOf(card, newCode))) throw new Refused(40116)
    this.#codes.delete(keyOf(card, code.code))
    this.#codes.set(keyOf(card, newCode), { ...code, code: newCode })
  }

  /** The holder gives it away; a friend has a day to take it. Refuses 40127 and 40097 (the card must not be given). */
  give(app: App, code: CardCode, friend: string | undefined, isChatRoom: boolean): void {
    const card = this.#cards.owned(app, code.card_id)
    if (flag(baseOf(card), 'can_give_friend') === false) throw new Refused(40097, 'can_give_friend')
    const now = this.#cards.now()
    const until = now + this.#twin.settings.now.app.giftSeconds
    this.#move(code, 'GIFTING', { gift_until: until })
    const key = keyOf(card, code.code)
    this.#twin.schedule.at(until * 1000, 'card gift over', { key })
    this.#gifting(app, code, friend, { isBack: false, isChatRoom })
  }

  /** A friend takes what was given to him: it is his, under another code unless the code is the account's own. */
  accept(app: App, code: CardCode, friend: string): CardCode {
    const now = this.#cards.now()
    if (statusAt(code, now) !== 'GIFTING') throw new Refused(40127, code.status)
    const card = this.#cards.owned(app, code.card_id)
    const next = usesOwnCodes(card) ? code.code : this.newCode()
    const { gift_until: _, ...kept } = code
    if (next !== code.code) this.#change(code, { status: 'DELETE' })
    const taken = { ...kept, code: next, user: friend, status: 'NORMAL' as const }
    this.#codes.set(keyOf(card, next), taken)
    this.#tell(
      app,
      taken,
      'user_get_card',
      this.#gotFields(app, taken, { giver: code.user, old: code.code }),
    )
    return taken
  }

  /** The holder throws it away. Refuses 40127. */
  remove(app: App, code: CardCode): void {
    this.#move(code, 'DELETE')
    this.#tell(app, code, 'user_del_card', {})
  }

  /** Something of the holder's that only the account is told. */
  notice(app: App, code: CardCode, event: string, fields: Members): void {
    this.#tell(app, code, event, fields)
  }

  change(code: CardCode, members: Partial<CardCode>): CardCode {
    return this.#change(code, members)
  }

  heldBy(user: string, card: Card): CardCode[] {
    return this.#ofHolder
      .all(`${user}|${card.card_id}`)
      .filter(({ status }) => status !== 'DELETE' && status !== 'UNAVAILABLE')
  }

  heldByUser(user: string): CardCode[] {
    return this.#ofUser.all(user)
  }

  has(card: Card, code: string): boolean {
    return this.#codes.has(keyOf(card, code))
  }

  newCode(): string {
    return `2${this.#twin.random.digits(11)}`
  }

  /** What a page gets instead of the code. */
  seal(code: CardCode): string {
    const sealed = this.#twin.random.bytes(48).toString('base64')
    this.#sealed.set(sealed, { key: this.#keyOf(code) })
    return sealed
  }

  /** Refuses 40116: it was given to no page, or to another account's. */
  unseal(app: App, sealed: string): string {
    const found = this.#codes.get(this.#sealed.get(sealed)?.key ?? '')
    if (found === undefined || found.appid !== app.appid) throw new Refused(40116)
    return found.code
  }

  /** A member card that its holder deleted comes back as it was. */
  #restored(app: App, card: Card, user: string): CardCode | undefined {
    if (card.card_type !== 'MEMBER_CARD') return undefined
    const deleted = this.#ofHolder
      .all(`${user}|${card.card_id}`)
      .find(({ status }) => status === 'DELETE')
    if (deleted === undefined) return undefined
    const back = this.#change(deleted, { status: 'NORMAL' })
    this.#tell(app, back, 'user_get_card', this.#gotFields(app, back, { isRestored: true }))
    return back
  }

  #codeFor(card: Card, given: string | undefined): string {
    if (!usesOwnCodes(card)) {
      if (given !== undefined) throw new Refused(40116, 'the card has no own codes')
      return this.newCode()
    }
    const code = depositsCodes(card) ? this.#cards.takeDeposited(card) : given
    if (code === undefined || !isCode(code) || this.#codes.has(keyOf(card, code)))
      throw new Refused(40116, code)
    return code
  }

  #giftOver(key: string): void {
    const code = this.#codes.get(key)
    const app = code === undefined ? undefined : this.#twin.users.apps.get(code.appid)
    if (code?.status !== 'GIFTING' || app === undefined) return
    if (statusAt(code, this.#cards.now()) !== 'GIFT_TIMEOUT') return
    this.#codes.change(key, { status: 'GIFT_TIMEOUT' })
    this.#gifting(app, code, undefined, { isBack: true, isChatRoom: false })
  }

  #gifting(
    app: App,
    code: CardCode,
    friend: string | undefined,
    how: { isBack: boolean; isChatRoom: boolean },
  ): void {
    this.#tell(app, code, 'user_gifting_card', {
      IsReturnBack: how.isBack ? 1 : 0,
      FriendUserName: friend === undefined ? '' : this.#people.openidOf(app, friend),
      IsChatRoom: how.isChatRoom ? 1 : 0,
    })
  }

  #gotFields(
    app: App,
    code: CardCode,
    how: { giver?: string; old?: string; isRestored?: boolean },
  ): Members {
    const unionid = this.#people.unionidOf(app, code.user)
    return {
      IsGiveByFriend: how.giver === undefined ? 0 : 1,
      FriendUserName: how.giver === undefined ? '' : this.#people.openidOf(app, how.giver),
      OldUserCardCode: how.old ?? '',
      OuterId: 0,
      OuterStr: code.outer_str ?? '',
      IsRestoreMemberCard: how.isRestored === true ? 1 : 0,
      IsRecommendByFriend: 0,
      ...(unionid !== undefined && { UnionId: unionid }),
    }
  }

  #tell(app: App, code: CardCode, event: string, fields: Members): void {
    const openid = this.#people.openidOf(app, code.user)
    const about = { CardId: code.card_id, UserCardCode: code.code }
    this.#callbacks.event(app, openid, event, { ...about, ...fields })
  }

  #move(code: CardCode, to: CardCode['status'], members: Partial<CardCode> = {}): void {
    const status = statusAt(code, this.#cards.now())
    if (!mayFollow(status, to)) throw new Refused(40127, status)
    this.#change(code, { ...members, status: to })
  }

  #change(code: CardCode, members: Partial<CardCode>): CardCode {
    return this.#codes.change(this.#keyOf(code), members)
  }

  #keyOf(code: CardCode): string {
    const card = this.#cards.get(code.card_id)
    return card === undefined ? code.code : keyOf(card, code.code)
  }
}

function keyOf(card: Card, code: string): string {
  return usesOwnCodes(card) ? `${card.card_id}/${code}` : code
}

function isCode(text: string): boolean {
  return text.length <= cardLimits.codeLength && /^[\w-]+$/.test(text)
}

/** A card that needs no activation is a member's at once, by its own code. */
function memberBy(code: string) {
  return { membership_number: code, bonus: 0, balance: 0, custom_field_values: [] }
}
