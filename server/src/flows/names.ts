/** The kinds of outside names in the directory, and how each is written. */
import type { MerchantId } from '@lika/contract'

/** Numbers are stored: never reuse or change one. */
export const nameKinds = {
  /** A merchant's order number: payments and holds share them. */
  order: 1,
  /** A merchant's refund number. */
  refund: 2,
  /** A number of another system, brought by an import. */
  cardNumber: 3,
  /** An issuer's own number for a card. */
  card: 4,
  /** An issuer's own number for a load. */
  load: 5,
  /** An issuer's own number for an adjustment. */
  adjustment: 6,
  /** An issuer's own number for a batch. */
  batch: 7,
  /** An issuer's own number for an import. */
  import: 8,
  /** An issuer's own number for a redemption. */
  redemption: 20,
  /** An issuer's own number for a movement of its reserve: what the bank quotes. */
  custodyMovement: 30,
  /** A custody account at a bank, by its number. */
  custodyAccount: 31,
  /** An issuer's own number for a refund of a load. */
  loadRefund: 21,
  /** An issuer's own number for a pre-sale. */
  presale: 22,
  /** An issuer's own number for an adjustment of what a merchant is owed. */
  settlementAdjustment: 40,
  /** An issuer's own number for a red packet. */
  redPacket: 70,
  /** An issuer's own number for an order. */
  saleOrder: 60,
  /** The OpenID that an order was to be paid by: a digest beside the order, not in the directory. */
  payer: 61,
  /** An OpenID within its app. */
  openid: 50,
  /** A member's phone: a digest beside the member, not in the directory. */
  phone: 51,
  /** A UnionID: likewise. */
  unionid: 52,
  /** The code of a card in WeChat: likewise, beside its events. */
  wechatCardCode: 53,
} as const

/** A merchant's number is unique within that merchant. */
export function ofMerchant(merchantId: MerchantId, reference: string): string {
  return `${merchantId} ${reference}`
}
