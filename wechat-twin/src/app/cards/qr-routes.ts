/** Codes to scan and pages to open, by which users come to a card without a page of the account's own. */

import QRCode from 'qrcode'
import type { Table } from '../../kernel/store.ts'
import type { App } from '../../kernel/users.ts'
import { done } from '../api.ts'
import { Refused } from '../errcodes.ts'
import { type Body, flag, needParts, needText, part, shortText, text, whole } from '../fields.ts'
import { cardLimits } from '../limits.ts'
import type { World } from '../world.ts'
import { depositsCodes, usesOwnCodes } from './card-shape.ts'

interface Offered {
  readonly card_id: string
  readonly code?: string
  readonly openid?: string
  readonly outer_str?: string
}

interface Invitation {
  readonly ticket: string
  readonly appid: string
  readonly cards: readonly Offered[]
  /** Virtual seconds. */
  readonly expires_at: number
  /** Good for one taking. */
  readonly isUnique: boolean
  readonly isUsed: boolean
}

export interface Invitations {
  /** What is offered under a ticket or an address. Refuses 40053 (unknown or used up) and 40079 (over). */
  open(ticketOrUrl: string): { appid: string; cards: readonly Offered[] }
  /** A ticket that is good once is used up. */
  used(ticketOrUrl: string): void
}

const scenes = [
  'SCENE_NEAR_BY',
  'SCENE_MENU',
  'SCENE_QRCODE',
  'SCENE_ARTICLE',
  'SCENE_H5',
  'SCENE_IVR',
  'SCENE_CARD_CUSTOM_CELL',
]

export function registerInvitations(world: World): Invitations {
  const { api, cards, twin } = world
  const invitations: Table<Invitation> = twin.store.table('card_invitations')

  api.post('/card/qrcode/create', 'official_account', ({ app, body }) => {
    const { min, max, unless } = cardLimits.qrSeconds
    const seconds = whole(body, 'expire_seconds') ?? unless
    if (seconds !== unless && (seconds < min || seconds > max))
      throw new Refused(40053, 'expire_seconds')
    const [offered, isUnique] = readOffer(world, app, body)
    const ticket = `gQ${twin.random.letters(94)}`
    const expires_at = cards.now() + seconds
    invitations.set(ticket, {
      ticket,
      appid: app.appid,
      cards: offered,
      expires_at,
      isUnique,
      isUsed: false,
    })
    return {
      ...done,
      ticket,
      expire_seconds: seconds,
      url: `http://weixin.qq.com/q/${ticket}`,
      show_qrcode_url: `${twin.url}/cgi-bin/showqrcode?ticket=${ticket}`,
    }
  })

  api.post('/card/landingpage/create', 'official_account', ({ app, body }) => {
    needText(body, 'page_title')
    const scene = needText(body, 'scene')
    if (!scenes.includes(scene)) throw new Refused(40097, 'scene')
    const offered = needParts(body, 'card_list').map((one) => ({
      card_id: cards.ownedBy(app, one).card_id,
    }))
    const ticket = twin.random.letters(20)
    const expires_at = Number.MAX_SAFE_INTEGER
    invitations.set(ticket, {
      ticket,
      appid: app.appid,
      cards: offered,
      expires_at,
      isUnique: false,
      isUsed: false,
    })
    const url = `${twin.url}/bizmall/cardshelf?shelf_id=${ticket}`
    return { ...done, url, page_id: invitations.size }
  })

  twin.router.route('GET', '/cgi-bin/showqrcode', async ({ query }) => {
    const ticket = query.get('ticket') ?? ''
    if (!invitations.has(ticket)) return { status: 404 }
    const svg = await QRCode.toString(`http://weixin.qq.com/q/${ticket}`, { type: 'svg' })
    return { status: 200, headers: { 'content-type': 'image/svg+xml' }, body: svg }
  })

  registerSettings(world)

  const find = (ticketOrUrl: string) =>
    invitations.get(/([\w-]+)$/.exec(ticketOrUrl)?.[1] ?? ticketOrUrl)
  return {
    open: (ticketOrUrl) => {
      const found = find(ticketOrUrl)
      if (found === undefined || found.isUsed) throw new Refused(40053)
      if (found.expires_at <= cards.now()) throw new Refused(40079)
      return found
    },
    used: (ticketOrUrl) => {
      const found = find(ticketOrUrl)
      if (found?.isUnique === true) invitations.change(found.ticket, { isUsed: true })
    },
  }
}

/** The cards of one action and whether it is good once. Refuses 40053, 40097 (too many), and what each card does. */
function readOffer(world: World, app: App, body: Body): [readonly Offered[], boolean] {
  const action = needText(body, 'action_name', 40053)
  const info = part(body, 'action_info') ?? {}
  if (action === 'QR_CARD') {
    const card = part(info, 'card')
    if (card === undefined) throw new Refused(40053, 'card')
    return [[readOffered(world, app, card)], flag(card, 'is_unique_code') === true]
  }
  const several = action === 'QR_MULTIPLE_CARD' ? part(info, 'multiple_card') : undefined
  if (several === undefined) throw new Refused(40053, action)
  const given = needParts(several, 'card_list', 40053)
  if (given.length > cardLimits.qrCards) throw new Refused(40053, 'too many cards')
  return [given.map((card) => readOffered(world, app, card)), false]
}

/** Refuses 41012, 45030, 40078, 45021, 40003 and 40116: an own code has to be named unless it was deposited. */
function readOffered({ cards, people }: World, app: App, given: Body): Offered {
  const card = cards.ownedBy(app, given)
  if (card.status !== 'CARD_STATUS_VERIFY_OK') throw new Refused(40078, card.status)
  const [code, openid] = [text(given, 'code'), text(given, 'openid')]
  const outer = shortText(given, 'outer_str', cardLimits.outerStrBytes)
  if (openid !== undefined) people.byOpenid(app, openid)
  const needsCode = usesOwnCodes(card) && !depositsCodes(card)
  if (needsCode !== (code !== undefined)) throw new Refused(40116, code)
  return {
    card_id: card.card_id,
    ...(code !== undefined && { code }),
    ...(openid !== undefined && { openid }),
    ...(outer !== undefined && { outer_str: outer }),
  }
}

/** Settings of a card that are only kept: nothing here acts on them. */
function registerSettings({ api, cards, people, twin }: World): void {
  const settings: Table<Body> = twin.store.table('card_settings')
  for (const name of ['paycell', 'selfconsumecell'])
    api.post(`/card/${name}/set`, 'official_account', ({ app, body }) => {
      const { card_id } = cards.ownedBy(app, body)
      if (flag(body, 'is_open') === undefined) throw new Refused(41011, 'is_open')
      settings.set(`${name}|${card_id}`, body)
      return done
    })
  api.post('/card/testwhitelist/set', 'official_account', ({ app, body }) => {
    const openids = Array.isArray(body['openid']) ? body['openid'].map(String) : []
    for (const openid of openids) people.byOpenid(app, openid)
    settings.set(`testwhitelist|${app.appid}`, body)
    return done
  })
}
