/** Who asks for money to move at a till, and in which of its forms. */
import type { BookId, Fen, Instant, MerchantId, StoreId, TerminalId } from '@lika/contract'
import type { SourceInput } from './sources.ts'

/** A key of an issuer, and where the call came from: wrong secrets are counted for both. */
export interface TillCaller {
  readonly book: BookId
  readonly keyId: string
  readonly address: string
}

/** What payments and holds have in common. */
export interface ChargeInput {
  readonly amount: Fen
  readonly merchantId: MerchantId
  readonly storeId?: StoreId | undefined
  readonly terminalId?: TerminalId | undefined
  /** The merchant's own number, unique among its payments and holds. */
  readonly reference: string
  readonly sources: readonly SourceInput[]
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly notAfter?: Instant | undefined
}
