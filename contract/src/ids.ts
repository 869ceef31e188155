/**
 * Identifiers: UUIDv7 whose last four hex digits carry an account kind (6 bits) and a lane
 * (10 bits). In text they are prefixed (`card_…`, 32 hex digits). This file and `card-number.ts`
 * are the only places that know bits and digits of a lane.
 */

import type { Mode } from './states.ts'

declare const brand: unique symbol

/** Text prefix of every kind of object that has an id of its own. */
export const idPrefixes = {
  issuer: 'iss',
  key: 'key',
  product: 'prod',
  merchant: 'merch',
  contract: 'ctr',
  document: 'doc',
  store: 'store',
  terminal: 'term',
  card: 'card',
  load: 'load',
  adjustment: 'adj',
  payment: 'pay',
  hold: 'hold',
  refund: 'rfnd',
  redemption: 'rdmp',
  charter: 'chtr',
  campaign: 'camp',
  rebate: 'rbt',
  voucher: 'vchr',
  load_refund: 'lrfnd',
  presale: 'psale',
  batch: 'batch',
  import: 'imp',
  job: 'job',
  event: 'evt',
  endpoint: 'whep',
  delivery: 'whdl',
  account: 'acct',
  entry: 'ent',
  settlement: 'stl',
  payout: 'pout',
  payout_batch: 'pbat',
  settlement_adjustment: 'sadj',
  custody: 'cust',
  movement: 'mvmt',
  guarantee: 'guar',
  bank_statement: 'bstm',
  case: 'case',
  filing: 'filg',
  correction: 'corr',
  wechat_account: 'wxpay',
  wechat_app: 'wxapp',
  card_consume: 'ccon',
  member: 'mem',
  order: 'ord',
  combined_payment: 'cpay',
  combined_refund: 'crfd',
  red_packet: 'rpkt',
} as const

export type IdKind = keyof typeof idPrefixes

/** A UUID in its canonical text form (36 characters, lower case), known to be of one kind. */
export type Id<K extends string = string> = string & { readonly [brand]: K }

export type IssuerId = Id<'issuer'>
export type BookId = Id<'book'>
export type ProductId = Id<'product'>
export type MerchantId = Id<'merchant'>
export type ContractId = Id<'contract'>
export type DocumentId = Id<'document'>
export type StoreId = Id<'store'>
export type TerminalId = Id<'terminal'>
export type CardId = Id<'card'>
export type PaymentId = Id<'payment'>
export type RefundId = Id<'refund'>
export type HoldId = Id<'hold'>
export type RedemptionId = Id<'redemption'>
export type CharterId = Id<'charter'>
export type SettlementId = Id<'settlement'>
export type PayoutId = Id<'payout'>
export type PayoutBatchId = Id<'payout_batch'>
export type SettlementAdjustmentId = Id<'settlement_adjustment'>
export type CampaignId = Id<'campaign'>
export type RebateId = Id<'rebate'>
export type VoucherId = Id<'voucher'>
export type PresaleId = Id<'presale'>
export type WechatAccountId = Id<'wechat_account'>
export type WechatAppId = Id<'wechat_app'>
export type MemberId = Id<'member'>
export type OrderId = Id<'order'>
export type CombinedPaymentId = Id<'combined_payment'>
export type CombinedRefundId = Id<'combined_refund'>
export type RedPacketId = Id<'red_packet'>
export type AccountId = Id<'account'>
export type CommandId = Id<'command'>
export type Uuid = Id

/** Small integer, first in the key of every hot table: 1–999, three digits in a card number. */
export type Lane = number

export const laneMax = 999
const laneMask = 0x3ff
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Marks a UUID that comes from a trusted place (the database, the generator) as of one kind. */
export function asId<K extends string>(uuid: string): Id<K> {
  return uuid as Id<K>
}

/** `card_0192f0c1…` (32 hex digits) from a UUID. */
export function formatId(kind: IdKind, id: string): string {
  return `${idPrefixes[kind]}_${id.replaceAll('-', '')}`
}

/** The UUID in a prefixed id of that kind; undefined for anything else, including another kind. */
export function parseId<K extends IdKind>(kind: K, text: string): Id<K> | undefined {
  const prefix = idPrefixes[kind]
  if (text.length !== prefix.length + 33 || !text.startsWith(`${prefix}_`)) return undefined
  const hex = text.slice(prefix.length + 1)
  const uuid = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
  return uuidPattern.test(uuid) ? asId<K>(uuid) : undefined
}

/** The lane in which the thing lives; 0 for reference data, which lives in none. */
export function laneOfId(id: string): Lane {
  return Number.parseInt(id.slice(32), 16) & laneMask
}

/** The time at which a UUIDv7 was made, in epoch milliseconds. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

/** The month (`yyyymm`, UTC) of a UUIDv7: the partition in which its entries lie. */
export function monthOfId(id: string): number {
  const date = new Date(timeOfId(id))
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1
}

/** Replaces the four low digits of a UUID by a kind (0–63) and a lane (0–999). */
export function withKindAndLane(id: string, kind: number, lane: Lane): string {
  const word = (kind << 10) | lane
  words[word] ??= word.toString(16).padStart(4, '0')
  return id.slice(0, 32) + words[word]
}

/** Four digits of what was asked for before: every payment asks for the same few again and again. */
const words: string[] = []

/** The six kind bits of an id: 0 for entities, the account kind for accounts. */
export function kindBitsOfId(id: string): number {
  return Number.parseInt(id.slice(32), 16) >> 10
}

const bookBits = { test: 1, live: 2 } as const satisfies Record<Mode, number>

/** The book of an issuer in one mode: the issuer's id with kind bits 1 (test) or 2 (live). */
export function bookOf(issuerId: IssuerId, mode: Mode): BookId {
  return asId(withKindAndLane(issuerId, bookBits[mode], 0))
}

export function issuerOfBook(book: BookId): IssuerId {
  return asId(withKindAndLane(book, 0, 0))
}

/** @throws RangeError for an id that is not a book's. */
export function modeOfBook(book: BookId): Mode {
  const bits = kindBitsOfId(book)
  if (bits === bookBits.test) return 'test'
  if (bits === bookBits.live) return 'live'
  throw new RangeError(`${book} is not the id of a book`)
}
