/** What clearing and payouts ask of contracts: who is settled on a day, under which terms, and to which account. */
import type { BookId, BusinessDate, Lane, MerchantId } from '@lika/contract'
import type { ContractTerms, CycleDays } from './contract-terms.ts'

/** `own` merchants are the issuer's: what they take is its sales, and is never paid out. */
export const ownerships = ['own', 'partner'] as const
export type Ownership = (typeof ownerships)[number]

/** A merchant as its settlement sees it. */
export interface SettledMerchant {
  readonly id: MerchantId
  readonly ownership: Ownership
  /** The lane of its payable; chosen when it was made, and never changed. */
  readonly settlementLane: Lane
}

export interface EndingCycle {
  readonly merchant: SettledMerchant
  readonly terms: ContractTerms
  readonly cycle: CycleDays
}

/** Where a merchant is paid. Kept encrypted; for the payout file only. */
export interface PayoutAccount {
  readonly bankName: string
  /** 联行号 of the bank. */
  readonly bankCode: string
  readonly accountName: string
  readonly accountNumber: string
}

export interface ContractReads {
  /** Of each merchant of the book that is named; who has no contract on that day gets the defaults. */
  termsOf(
    book: BookId,
    merchantIds: readonly MerchantId[],
    day: BusinessDate,
  ): Promise<ReadonlyMap<MerchantId, ContractTerms>>
  /**
   * The merchants whose cycle ends on that day, in the order of their ids, some hundred at a time: by the calendar, or
   * because another contract begins on the day after.
   */
  cyclesEnding(book: BookId, day: BusinessDate): AsyncIterable<readonly EndingCycle[]>
  /** As `cyclesEnding` shows them, of those that the book has. */
  settledMerchants(
    book: BookId,
    ids: readonly MerchantId[],
  ): Promise<ReadonlyMap<MerchantId, SettledMerchant>>
  /** undefined: that version names none, or does not exist. */
  payoutAccountOf(
    book: BookId,
    merchantId: MerchantId,
    version: number,
  ): Promise<PayoutAccount | undefined>
}
