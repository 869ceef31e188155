/** Member cards and gift cards with a balance: activation, what an account writes on them, and the form that users fill in. */
import type { Table } from '../../kernel/store.ts'
import type { App } from '../../kernel/users.ts'
import { done } from '../api.ts'
import { Refused } from '../errcodes.ts'
import { type Body, flag, needText, part, shortText, text, whole } from '../fields.ts'
import { minute } from '../windows.ts'
import type { World } from '../world.ts'
import type { Card } from './card-shape.ts'
import type { CardCode, Membership } from './card-state.ts'
import { codeOf } from './code-routes.ts'

/** Recalled: 14 and 42 characters of a note, three bytes each. */
const noteBytes = 42

export function registerMembers(world: World): void {
  const { api, cards, cardCodes, people, twin } = world
  const forms: Table<Body> = twin.store.table('activation_forms')

  api.post('/card/membercard/activate', 'official_account', ({ app, body }) => {
    const [code, card] = held(world, app, body, 'MEMBER_CARD')
    const number = needText(body, 'membership_number')
    const balance = amount(body, 'init_balance')
    if (balance !== undefined) checkStoresValue(card)
    shortText(body, 'init_bonus_record', noteBytes)
    shortText(body, 'init_balance_record', noteBytes)
    const [begin, end] = ['activate_begin_time', 'activate_end_time'].map((name) =>
      whole(body, name),
    )
    if (begin !== undefined && end !== undefined && end <= begin) throw new Refused(40100)
    cardCodes.change(code, {
      membership: {
        membership_number: number,
        bonus: amount(body, 'init_bonus') ?? 0,
        balance: balance ?? 0,
        custom_field_values: customValues(body, 'init_custom_field_value', []),
        ...(begin !== undefined && { begin }),
        ...(end !== undefined && { end }),
        ...(code.membership?.user_info !== undefined && { user_info: code.membership.user_info }),
      },
    })
    return done
  })

  api.post('/card/membercard/updateuser', 'official_account', ({ app, body }) => {
    const [code, card] = held(world, app, body, 'MEMBER_CARD')
    return update(world, app, card, code, body)
  })

  api.post('/card/generalcard/updateuser', 'official_account', ({ app, body }) => {
    needText(body, 'card_id', 41012)
    const [code, card] = held(world, app, body, 'GENERAL_CARD')
    flag(body, 'can_give_friend')
    return update(
      world,
      app,
      card,
      { ...code, membership: code.membership ?? firstMembership(code) },
      body,
    )
  })

  api.post('/card/membercard/userinfo/get', 'official_account', ({ app, body }) => {
    needText(body, 'card_id', 41012)
    const [code] = held(world, app, body, 'MEMBER_CARD')
    const member = code.membership
    return {
      ...done,
      openid: people.openidOf(app, code.user),
      nickname: twin.users.table.get(code.user)?.name ?? '',
      membership_number: member?.membership_number ?? '',
      bonus: member?.bonus ?? 0,
      balance: member?.balance ?? 0,
      user_info: { common_field_list: fieldList(member?.user_info), custom_field_list: [] },
      user_card_status: code.status,
      has_active: member !== undefined,
    }
  })

  api.post('/card/membercard/activateuserform/set', 'official_account', ({ app, body }) => {
    const card = cards.ownedBy(app, body)
    if (flag(card.detail, 'wx_activate') !== true) throw new Refused(40097, 'wx_activate')
    const asked = part(body, 'required_form') ?? part(body, 'optional_form')
    if (asked === undefined) throw new Refused(41011, 'required_form')
    forms.set(card.card_id, body)
    return done
  })

  api.post('/card/membercard/activate/geturl', 'official_account', ({ app, body }) => {
    const card = cards.ownedBy(app, body)
    if (!forms.has(card.card_id)) throw new Refused(40097, 'no form was set')
    const query = new URLSearchParams({ card_id: card.card_id, action: 'activate' })
    const outer = text(body, 'outer_str')
    if (outer !== undefined) query.set('outer_str', outer)
    return { ...done, url: `${twin.url}/bizmall/activatemembercard?${query.toString()}` }
  })

  api.post('/card/membercard/activatetempinfo/get', 'official_account', ({ app, body }) => {
    const ticket = world.filledForms.get(needText(body, 'activate_ticket'))
    if (ticket === undefined) throw new Refused(40097, 'activate_ticket')
    const code = cardCodes.find(app, ticket.code, ticket.card_id)
    const common_field_list = fieldList(code.membership?.user_info)
    return { ...done, info: { common_field_list, custom_field_list: [] } }
  })
}

/** A code of a card of this type. Refuses 40071 for one of another type. */
function held(world: World, app: App, body: Body, type: Card['card_type']): [CardCode, Card] {
  const code = codeOf(world, app, body)
  const card = world.cards.owned(app, code.card_id)
  if (card.card_type !== type) throw new Refused(40071, card.card_type)
  if (code.status !== 'NORMAL' && code.status !== 'GIFT_TIMEOUT')
    throw new Refused(40127, code.status)
  return [code, card]
}

/**
 * New figures on a card, or what is added to them; the holder is told. Refuses 45061 (too often), 40078 (not activated),
 * 45021, 47001, 43010 (a balance on a card that stores none), 40097 (below nothing).
 */
function update(world: World, app: App, card: Card, code: CardCode, body: Body): object {
  const { cardCodes, people, twin, windows } = world
  const limit = twin.settings.now.app.memberUpdateMinute
  const who = `${card.card_id}/${code.code}`
  if (!windows.take('member update', who, minute, limit)) throw new Refused(45061)
  const member = code.membership
  if (member === undefined) throw new Refused(40078, 'not activated')
  shortText(body, 'record_bonus', noteBytes)
  shortText(body, 'record_balance', noteBytes)
  const notify = part(body, 'notify_optional') ?? {}
  const [bonus, balance] = [figure(body, 'bonus', member), figure(body, 'balance', member)]
  if (balance !== member.balance) checkStoresValue(card)
  const next: Membership = {
    ...member,
    bonus,
    balance,
    custom_field_values: customValues(body, 'custom_field_value', member.custom_field_values),
  }
  cardCodes.change(code, { membership: next })
  const changed = { ModifyBonus: bonus - member.bonus, ModifyBalance: balance - member.balance }
  if (changed.ModifyBonus !== 0 || changed.ModifyBalance !== 0)
    cardCodes.notice(app, code, 'update_member_card', changed)
  if (flag(notify, 'is_notify_balance') === true || flag(notify, 'is_notify_bonus') === true)
    twin.users.tell(code.user, {
      from: app.appid,
      title: world.cards.titleOf(card),
      text: text(body, 'record_balance') ?? text(body, 'record_bonus') ?? '',
      kind: 'card',
    })
  return {
    ...done,
    result_bonus: bonus,
    result_balance: balance,
    openid: people.openidOf(app, code.user),
  }
}

/** `bonus` itself, or `add_bonus` more than before. */
function figure(body: Body, name: 'bonus' | 'balance', member: Membership): number {
  const next = whole(body, name) ?? member[name] + (whole(body, `add_${name}`) ?? 0)
  if (next < 0) throw new Refused(40097, name)
  return next
}

function amount(body: Body, name: string): number | undefined {
  const value = whole(body, name)
  if (value !== undefined && value < 0) throw new Refused(40097, name)
  return value
}

function checkStoresValue(card: Card): void {
  const stores = card.card_type === 'GENERAL_CARD' || flag(card.detail, 'supply_balance') === true
  if (!stores) throw new Refused(43010)
}

function customValues(body: Body, name: string, before: readonly string[]): readonly string[] {
  if (body[`${name}4`] !== undefined) throw new Refused(40124)
  return [1, 2, 3].map((number) => text(body, `${name}${number}`) ?? before[number - 1] ?? '')
}

function firstMembership({ code }: CardCode): Membership {
  return { membership_number: code, bonus: 0, balance: 0, custom_field_values: [] }
}

function fieldList(fields: Readonly<Record<string, string>> | undefined): object[] {
  return Object.entries(fields ?? {}).map(([name, value]) => ({ name, value }))
}

/** The holder sends the form: a one-click card is activated by its own code, and the page gets a ticket to read it by. */
export function submitForm(
  world: World,
  app: App,
  code: CardCode,
  user_info: Readonly<Record<string, string>>,
): string {
  const card = world.cards.owned(app, code.card_id)
  if (flag(card.detail, 'wx_activate') !== true) throw new Refused(40097, 'wx_activate')
  const membership = { ...(code.membership ?? firstMembership(code)), user_info }
  const filled = world.cardCodes.change(code, { membership })
  world.cardCodes.notice(app, filled, 'submit_membercard_user_info', {})
  const ticket = world.twin.random.letters(64)
  world.filledForms.set(ticket, { code: code.code, card_id: code.card_id })
  return ticket
}
