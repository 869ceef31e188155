/** `/card/create` and what is done with a card as a whole: look, change, delete, list, stock. */
import type { App } from '../../kernel/users.ts'
import { done } from '../api.ts'
import { particularsOf } from '../app-record.ts'
import { Refused } from '../errcodes.ts'
import { type Body, list, needText, needTexts, needWhole } from '../fields.ts'
import { cardLimits } from '../limits.ts'
import { day } from '../windows.ts'
import type { World } from '../world.ts'
import {
  baseOf,
  type Card,
  changeCard,
  depositsCodes,
  memberOf,
  readCard,
  usesOwnCodes,
} from './card-shape.ts'

export function registerCards(world: World): void {
  const { api, cards, cardCodes, twin, windows } = world

  api.post('/card/create', 'official_account', ({ app, body }) => {
    const { cardCreateSecond, cardCreateDay } = twin.settings.now.app
    if (!windows.take('card second', app.appid, 1, cardCreateSecond)) throw new Refused(45011)
    if (!windows.take('card day', app.appid, day, cardCreateDay)) throw new Refused(45009)
    const draft = readCard(body, particularsOf(app).card_rights, cards.now())
    return { ...done, card_id: cards.create(app, draft).card_id }
  })

  api.post('/card/get', 'official_account', ({ app, body }) => ({
    ...done,
    card: shown(cards.ownedBy(app, body)),
  }))

  api.post('/card/update', 'official_account', ({ app, body }) => {
    const card = cards.ownedBy(app, body)
    const { detail, isReviewed } = changeCard(card, body)
    const changed = cards.change(card, { detail })
    if (isReviewed) cards.submit(app, changed)
    return { ...done, send_check: isReviewed }
  })

  api.post('/card/delete', 'official_account', ({ app, body }) => {
    cards.change(cards.ownedBy(app, body), { status: 'CARD_STATUS_DELETE' })
    return done
  })

  api.post('/card/batchget', 'official_account', ({ app, body }) => batch(world, app, body))

  api.post('/card/modifystock', 'official_account', ({ app, body }) => {
    cards.modifyStock(cards.ownedBy(app, body), body)
    return done
  })

  api.post('/card/user/getcardlist', 'official_account', ({ app, body }) => {
    const user = world.people.byOpenid(app, needText(body, 'openid', 40003))
    const ofCard = body['card_id'] === undefined ? cards.ofApp(app) : [cards.ownedBy(app, body)]
    const held = ofCard.flatMap((card) => cardCodes.heldBy(user.id, card))
    const card_list = held.map(({ code, card_id }) => ({ code, card_id }))
    return { ...done, card_list, has_share_card: false }
  })

  api.post('/card/code/deposit', 'official_account', ({ app, body }) => {
    const card = cards.ownedBy(app, body)
    if (!usesOwnCodes(card) || !depositsCodes(card)) throw new Refused(40097, 'card_id')
    const given = codesIn(body)
    const isTaken = (code: string) => cards.hasDeposited(card, code) || cardCodes.has(card, code)
    const fail_code = given.filter((code) => !/^[\w-]{1,20}$/.test(code))
    const duplicate_code = given.filter(isTaken)
    const isBad = new Set([...fail_code, ...duplicate_code])
    const succ_code = [...new Set(given)].filter((code) => !isBad.has(code))
    for (const code of succ_code) cards.deposit(card, code)
    return { ...done, succ_code, duplicate_code, fail_code }
  })

  api.post('/card/code/getdepositcount', 'official_account', ({ app, body }) => ({
    ...done,
    count: cards.depositCount(cards.ownedBy(app, body)),
  }))

  api.post('/card/code/checkcode', 'official_account', ({ app, body }) => {
    const card = cards.ownedBy(app, body)
    const given = codesIn(body)
    return {
      ...done,
      exist_code: given.filter((code) => cards.hasDeposited(card, code)),
      not_exist_code: given.filter((code) => !cards.hasDeposited(card, code)),
    }
  })
}

const statuses: readonly unknown[] = [
  'CARD_STATUS_NOT_VERIFY',
  'CARD_STATUS_VERIFY_FAIL',
  'CARD_STATUS_VERIFY_OK',
  'CARD_STATUS_DELETE',
]

/** Refuses 40097 for a page too long, and 40078 for a status that there is not. */
function batch({ cards }: World, app: App, body: Body): object {
  const offset = needWhole(body, 'offset', 40097)
  const count = needWhole(body, 'count', 40097)
  if (offset < 0 || count < 1 || count > cardLimits.batchGet) throw new Refused(40097, 'count')
  const wanted = list(body, 'status_list')
  for (const status of wanted ?? [])
    if (!statuses.includes(status)) throw new Refused(40078, String(status))
  const found = cards.ofApp(app).filter(({ status }) => wanted?.includes(status) ?? true)
  return {
    ...done,
    card_id_list: found.slice(offset, offset + count).map(({ card_id }) => card_id),
    total_num: found.length,
  }
}

function shown(card: Card): object {
  const base_info = {
    ...baseOf(card),
    id: card.card_id,
    status: card.status,
    sku: { quantity: card.quantity, total_quantity: card.total_quantity },
    create_time: card.create_time,
  }
  const { card_type, detail } = card
  return { card_type, [memberOf(card_type)]: { ...detail, base_info } }
}

/** Refuses 40097 for none, or for more than one call takes. */
function codesIn(body: Body): readonly string[] {
  const codes = needTexts(body, 'code')
  if (codes.length === 0 || codes.length > cardLimits.deposit) throw new Refused(40097, 'code')
  return codes
}
