/** Who asks for money to move at a till, and in which of its forms. */
import type {
  BookId,
  CardId,
  Channel,
  Fen,
  Instant,
  MerchantId,
  StoreId,
  TerminalId,
  VoucherId,
} from '@lika/contract'

/** A key of an issuer, and where the call came from: wrong secrets are counted for both. */
export interface TillCaller {
  readonly book: BookId
  readonly keyId: string
  readonly address: string
}

/** By what a card is shown, and what it is to pay; undefined: as much as is still needed. */
export type SourceInput = { readonly amount: Fen | undefined } & (
  | { readonly kind: 'card'; readonly cardId: CardId }
  | { readonly kind: 'number'; readonly number: string; readonly secret: string }
  | { readonly kind: 'pay_code'; readonly code: string }
)

/** What payments and holds have in common. */
export interface ChargeInput {
  readonly amount: Fen
  readonly merchantId: MerchantId
  readonly storeId?: StoreId | undefined
  readonly terminalId?: TerminalId | undefined
  readonly channel?: Channel | undefined
  /** The merchant's own number, unique among its payments and holds. */
  readonly reference: string
  readonly sources: readonly SourceInput[]
  /** Of payments: what pays before the cards, in this order. */
  readonly vouchers?: readonly VoucherId[] | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly notAfter?: Instant | undefined
}
