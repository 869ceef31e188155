/**
 * Which cards WeChat lets an app create: the members of `/card/create`, their lengths, the validity, the stock and the
 * rights that some members need. Lengths and limits are recalled, and stand in `limits.ts`.
 */
import { Refused } from '../errcodes.ts'
import {
  type Body,
  flag,
  needFlag,
  needPart,
  needShortText,
  needText,
  needWhole,
  shortText,
  text,
  whole,
} from '../fields.ts'
import { cardLimits as limits } from '../limits.ts'

export const cardTypes = [
  'MEMBER_CARD',
  'GROUPON',
  'CASH',
  'DISCOUNT',
  'GIFT',
  'GENERAL_COUPON',
  'GENERAL_CARD',
] as const
export type CardType = (typeof cardTypes)[number]

/** Rights that an app has to be given before it may use the members that need them. */
export type CardRight = 'custom_code' | 'stored_value'

export interface Card {
  readonly card_id: string
  /** Of the app that created it. */
  readonly appid: string
  readonly card_type: CardType
  /** The type's own object as it was given, `base_info` within. */
  readonly detail: Body
  readonly status: CardStatus
  /** What may still be taken. */
  readonly quantity: number
  readonly total_quantity: number
  readonly create_time: number
}

export type CardStatus =
  | 'CARD_STATUS_NOT_VERIFY'
  | 'CARD_STATUS_VERIFY_FAIL'
  | 'CARD_STATUS_VERIFY_OK'
  | 'CARD_STATUS_DELETE'

const codeTypes = [
  'CODE_TYPE_TEXT',
  'CODE_TYPE_BARCODE',
  'CODE_TYPE_QRCODE',
  'CODE_TYPE_ONLY_QRCODE',
  'CODE_TYPE_ONLY_BARCODE',
  'CODE_TYPE_NONE',
]

/** The members that a type cannot do without. */
const ownMembers: Readonly<Partial<Record<CardType, string>>> = {
  GROUPON: 'deal_detail',
  GIFT: 'gift',
  GENERAL_COUPON: 'default_detail',
}

export interface CardDraft {
  readonly cardType: CardType
  readonly detail: Body
  readonly quantity: number
}

/**
 * What `/card/create` may put on sale. Refuses in this order: 41011, 40071, 40072, 45021, 40097 (colour), 40079 and
 * 40100 (validity), 40122, 43009, 40124, 43010; 47001 wherever a member has another type.
 */
export function readCard(body: Body, rights: readonly CardRight[], now: number): CardDraft {
  const card = needPart(body, 'card')
  const cardType = cardTypeOf(card)
  const detail = needPart(card, memberOf(cardType))
  const base = needPart(detail, 'base_info')
  checkWords(base)
  checkValidity(needPart(base, 'date_info'), cardType, now)
  const quantity = readQuantity(base)
  if (flag(base, 'use_custom_code') === true && !rights.includes('custom_code'))
    throw new Refused(43009)
  checkOwnMembers(cardType, detail)
  if (cardType === 'MEMBER_CARD') checkMemberCard(detail, rights)
  return { cardType, detail, quantity }
}

export function memberOf(cardType: CardType): string {
  return cardType.toLowerCase()
}

export function baseOf(card: Pick<Card, 'detail'>): Body {
  return needPart(card.detail, 'base_info')
}

export function usesOwnCodes(card: Pick<Card, 'detail'>): boolean {
  return flag(baseOf(card), 'use_custom_code') === true
}

/** Own codes that are uploaded first, and handed out by WeChat. */
export function depositsCodes(card: Pick<Card, 'detail'>): boolean {
  return text(baseOf(card), 'get_custom_code_mode') === 'GET_CUSTOM_CODE_MODE_DEPOSIT'
}

function cardTypeOf(card: Body): CardType {
  const asked = needText(card, 'card_type')
  const found = cardTypes.find((one) => one === asked)
  if (found === undefined) throw new Refused(40071, asked)
  return found
}

function checkWords(base: Body): void {
  const codeType = needText(base, 'code_type')
  if (!codeTypes.includes(codeType)) throw new Refused(40072, codeType)
  for (const [name, bytes] of Object.entries(limits.needed)) needShortText(base, name, bytes)
  checkOptionalWords(base)
  const color = needText(base, 'color')
  if (!limits.colors.includes(color)) throw new Refused(40097, `color ${color}`)
  for (const name of ['get_limit', 'use_limit']) {
    const limit = whole(base, name)
    if (limit !== undefined && limit < 1) throw new Refused(40097, name)
  }
  for (const name of ['use_custom_code', 'bind_openid', 'can_share', 'can_give_friend'])
    flag(base, name)
}

function checkOptionalWords(base: Body): void {
  for (const [name, bytes] of Object.entries(limits.optional)) shortText(base, name, bytes)
}

function checkValidity(info: Body, cardType: CardType, now: number): void {
  const type = needText(info, 'type', 40079)
  if (type === 'DATE_TYPE_PERMANENT') {
    if (!limits.permanentTypes.includes(cardType)) throw new Refused(40079, `${type} ${cardType}`)
  } else if (type === 'DATE_TYPE_FIX_TIME_RANGE') {
    const begin = needWhole(info, 'begin_timestamp', 40079)
    const end = needWhole(info, 'end_timestamp', 40079)
    if (end <= begin || end <= now) throw new Refused(40100, `${begin} ${end}`)
  } else if (type === 'DATE_TYPE_FIX_TERM') {
    if (needWhole(info, 'fixed_term', 40079) < 1) throw new Refused(40079, 'fixed_term')
    if ((whole(info, 'fixed_begin_term') ?? 0) < 0) throw new Refused(40079, 'fixed_begin_term')
  } else throw new Refused(40079, type)
}

function readQuantity(base: Body): number {
  const quantity = needWhole(needPart(base, 'sku', 40122), 'quantity', 40122)
  if (quantity < 0 || quantity > limits.quantity) throw new Refused(40122, String(quantity))
  if (depositsCodes({ detail: { base_info: base } }) && quantity !== 0)
    throw new Refused(40122, 'codes are deposited first')
  return quantity
}

function checkOwnMembers(cardType: CardType, detail: Body): void {
  const name = ownMembers[cardType]
  if (name !== undefined) needText(detail, name)
  if (cardType === 'CASH') needWhole(detail, 'reduce_cost')
  if (cardType === 'DISCOUNT') needWhole(detail, 'discount')
  if (cardType === 'GENERAL_CARD' && needText(detail, 'sub_card_type') !== 'GIFT_CARD')
    throw new Refused(40071, 'sub_card_type')
}

function checkMemberCard(detail: Body, rights: readonly CardRight[]): void {
  needFlag(detail, 'supply_bonus')
  const storesValue = needFlag(detail, 'supply_balance')
  needShortText(detail, 'prerogative', limits.prerogativeBytes)
  for (const name of Object.keys(detail)) {
    const number = /^custom_field(\d+)$/.exec(name)?.[1]
    if (number !== undefined && !['1', '2', '3'].includes(number)) throw new Refused(40124, name)
  }
  if (storesValue && !rights.includes('stored_value')) throw new Refused(43010)
}

/** The members of `base_info` that `/card/update` may change; the others are fixed when a card is created. */
const changeable = [
  'title',
  'logo_url',
  'notice',
  'description',
  'service_phone',
  'color',
  'code_type',
  'location_id_list',
  'get_limit',
  'can_share',
  'can_give_friend',
  'date_info',
  ...Object.keys(limits.optional),
]
const reviewed = ['title', 'logo_url', 'notice', 'description', 'service_phone', 'color']

export interface CardChange {
  readonly detail: Body
  /** Whether WeChat reviews the card again. */
  readonly isReviewed: boolean
}

/** Refuses 40097 for a fixed member, 40079 and 40100 for a validity that is not an extension, else as creation does. */
export function changeCard(card: Card, body: Body): CardChange {
  const change = needPart(body, memberOf(card.card_type))
  const changedBase = needPart({ base_info: {}, ...change }, 'base_info')
  for (const name of Object.keys(changedBase))
    if (!changeable.includes(name)) throw new Refused(40097, `${name} is fixed`)
  const base = baseOf(card)
  const asked = changedBase['date_info']
  if (asked !== undefined) checkExtension(base, needPart(changedBase, 'date_info'))
  const next = { ...base, ...changedBase }
  checkWords(next)
  return {
    detail: { ...card.detail, ...change, base_info: next },
    isReviewed: reviewed.some((name) => Object.hasOwn(changedBase, name)),
  }
}

function checkExtension(base: Body, asked: Body): void {
  const before = needPart(base, 'date_info')
  const isRange = before['type'] === 'DATE_TYPE_FIX_TIME_RANGE' && asked['type'] === before['type']
  if (!isRange) throw new Refused(40079, 'only a range of days can be changed')
  const begin = needWhole(asked, 'begin_timestamp', 40079)
  const end = needWhole(asked, 'end_timestamp', 40079)
  const isLonger =
    begin <= needWhole(before, 'begin_timestamp') && end >= needWhole(before, 'end_timestamp')
  if (!isLonger) throw new Refused(40100, 'a validity can only be extended')
}

export interface Validity {
  readonly begin: number
  /** undefined: for ever. */
  readonly end?: number | undefined
}

/** Of a code that is taken at `now`; seconds. */
export function validityOf(card: Card, now: number): Validity {
  const info = needPart(baseOf(card), 'date_info')
  if (info['type'] === 'DATE_TYPE_FIX_TIME_RANGE')
    return { begin: needWhole(info, 'begin_timestamp'), end: needWhole(info, 'end_timestamp') }
  if (info['type'] !== 'DATE_TYPE_FIX_TERM') return { begin: now }
  const begin = now + (whole(info, 'fixed_begin_term') ?? 0) * limits.day
  return { begin, end: begin + needWhole(info, 'fixed_term') * limits.day }
}
