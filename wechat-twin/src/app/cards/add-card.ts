/**
 * How a card comes into a user's wallet: offered by a page (`wx.addCard`), by a code to scan, by a landing page, or by a
 * message that was received. Whatever the way, it ends in the same taking.
 */
import type { Table } from '../../kernel/store.ts'
import type { App, User } from '../../kernel/users.ts'
import { knownApp } from '../app-secret.ts'
import { Refused } from '../errcodes.ts'
import { type Body, isBody, needText, part, shortText, text, whole } from '../fields.ts'
import { checkPage } from '../js-sdk.ts'
import { cardLimits } from '../limits.ts'
import { cardSignature, isSameSignature } from '../signatures.ts'
import type { World } from '../world.ts'
import type { Taking } from './card-codes.ts'
import type { Card } from './card-shape.ts'
import type { Invitations } from './qr-routes.ts'

/** As `wx.addCard` tells the page. */
interface Added {
  readonly cardId: string
  readonly cardExt: string
  /** Encrypted: the account decrypts it by `/card/code/decrypt`. */
  readonly code: string
  readonly isSuccess: true
}

export type AddCard = (user: User, given: Body) => { readonly card_list: readonly Added[] }

interface Offer {
  readonly app: App
  readonly card: Card
  readonly taking: Taking
  readonly cardExt: string
}

/**
 * A user's doing `add_card`: `{appid, card_list, page?}` from a page, `{qr}` a ticket or address of a code to scan,
 * `{landing}` the address of a landing page, `{message}` the id of a message with a card.
 */
export function newAddCard(world: World, invitations: Invitations): AddCard {
  const nonces: Table<{ at: number }> = world.twin.store.table('card_nonces')
  return (user, given) => {
    const invitation = text(given, 'qr') ?? text(given, 'landing')
    const offers =
      invitation === undefined
        ? offersOfPage(world, nonces, user, given)
        : offersOfInvitation(world, invitations, invitation, given)
    const card_list = offers.map(({ app, card, taking, cardExt }): Added => {
      const now = world.cards.owned(app, card.card_id)
      const code = world.cardCodes.take(app, now, user.id, taking)
      return { cardId: card.card_id, cardExt, code: world.cardCodes.seal(code), isSuccess: true }
    })
    if (invitation !== undefined) invitations.used(invitation)
    return { card_list }
  }
}

/** A code to scan gives all its cards at once, a landing page the one that is chosen. */
function offersOfInvitation(
  world: World,
  invitations: Invitations,
  invitation: string,
  given: Body,
): Offer[] {
  const { appid, cards } = invitations.open(invitation)
  const app = knownApp(world.twin, appid)
  const chosen = text(given, 'card_id')
  return cards
    .filter(({ card_id }) => chosen === undefined || card_id === chosen)
    .map(({ card_id, code, openid, outer_str }) => ({
      app,
      card: world.cards.owned(app, card_id),
      taking: { code, openid, outerStr: outer_str },
      cardExt: '',
    }))
}

function offersOfPage(
  world: World,
  nonces: Table<{ at: number }>,
  user: User,
  given: Body,
): Offer[] {
  const { twin } = world
  const message = text(given, 'message')
  const page = part(given, 'page')
  if (page !== undefined) checkPage(world, knownApp(world.twin, needText(given, 'appid')), page)
  const offered = message === undefined ? given['card_list'] : cardOfMessage(world, user, message)
  const all = Array.isArray(offered) ? offered : [offered]
  const read = all.map((one): [offer: Offer, nonce: string] => {
    if (!isBody(one)) throw new Refused(40080)
    const card = world.cards.get(needText(one, 'cardId', 41012))
    if (card === undefined) throw new Refused(40078)
    return readOffer(world, nonces, knownApp(world.twin, card.appid), card, one)
  })
  const at = twin.clock.realSeconds()
  const used = read.map(([, nonce]) => nonce)
  if (new Set(used).size < used.length) throw new Refused(40080, 'nonce_str')
  for (const [{ app }, nonce] of read) nonces.set(`${app.appid}|${nonce}`, { at })
  forgetNonces(nonces, at - twin.settings.now.app.ticketSeconds)
  return read.map(([offer]) => offer)
}

/** Refuses 40080: ill-formed, not signed with the account's ticket, out of time, or shown before. */
function readOffer(
  world: World,
  nonces: Table<{ at: number }>,
  app: App,
  card: Card,
  one: Body,
): [Offer, string] {
  const { tickets, twin } = world
  const cardExt = needText(one, 'cardExt', 40080)
  const ext = parseExt(cardExt)
  const given = ext['timestamp']
  const timestamp = typeof given === 'number' ? String(given) : needText(ext, 'timestamp', 40080)
  const nonceStr = needText(ext, 'nonce_str', 40080)
  const [code, openid] = [text(ext, 'code'), text(ext, 'openid')]
  const ticket = tickets.valid(app.appid, 'wx_card')
  if (ticket === undefined) throw new Refused(40080, 'no ticket')
  const expected = cardSignature({
    ticket,
    timestamp,
    cardId: card.card_id,
    nonceStr,
    code,
    openid,
  })
  if (!isSameSignature(expected, needText(ext, 'signature', 40080)))
    throw new Refused(40080, 'signature')
  const age = twin.clock.realSeconds() - Number(timestamp)
  const { signatureAheadSeconds, ticketSeconds } = twin.settings.now.app
  if (!/^\d{10}$/.test(timestamp) || age < -signatureAheadSeconds || age > ticketSeconds)
    throw new Refused(40080, 'timestamp')
  if (nonces.has(`${app.appid}|${nonceStr}`)) throw new Refused(40080, 'nonce_str')
  const outerStr = shortText(ext, 'outer_str', cardLimits.outerStrBytes)
  const beginsAt = whole(ext, 'fixed_begintimestamp')
  return [{ app, card, taking: { code, openid, outerStr, beginsAt }, cardExt }, nonceStr]
}

/** `cardExt` is a string of JSON, not an object. */
function parseExt(cardExt: string): Body {
  try {
    const value: unknown = JSON.parse(cardExt)
    if (isBody(value)) return value
  } catch {
    // Told below: it is no JSON.
  }
  throw new Refused(40080, 'no JSON')
}

function cardOfMessage({ twin }: World, user: User, id: string): Body {
  const message = twin.users.messages.get(id)
  if (message?.user !== user.id || message.kind !== 'card') throw new Refused(40097, 'message')
  return { cardId: message.data?.['card_id'], cardExt: message.data?.['card_ext'] }
}

/** What is older than a ticket can be is refused by its time already. */
function forgetNonces(nonces: Table<{ at: number }>, before: number): void {
  for (const [key, { at }] of nonces.entries()) {
    if (at >= before) return
    nonces.delete(key)
  }
}
