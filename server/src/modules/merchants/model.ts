/** Merchants, stores, terminals, and the till that a payment names by their ids. */
import {
  type BookId,
  type Instant,
  type Lane,
  type MerchantId,
  type MerchantState,
  ok,
  type Result,
  refusal,
  refused,
  type StoreId,
  type TerminalId,
} from '@lika/contract'
import type { Ownership, SettledMerchant } from './contract-reads.ts'

interface Noun {
  readonly book: BookId
  readonly name: string
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
}

export interface Merchant extends Noun, SettledMerchant {
  readonly id: MerchantId
  readonly status: MerchantState
  /** What products name in their acceptance, such as `restaurant`. */
  readonly category: string
}

export interface Store extends Noun {
  readonly id: StoreId
  readonly merchantId: MerchantId
  readonly district: string
}

export interface Terminal extends Noun {
  readonly id: TerminalId
  readonly storeId: StoreId
  readonly merchantId: MerchantId
}

/** The ids by which a payment names its till; without a store, the merchant at large. */
export interface TillNamed {
  readonly merchantId: MerchantId
  readonly storeId?: StoreId | undefined
  readonly terminalId?: TerminalId | undefined
}

/** A till that exists. A terminal brings its store with it. */
export interface Till {
  readonly merchantId: MerchantId
  readonly ownership: Ownership
  /** As of a moment ago at the latest: see `standings.ts`. */
  readonly status: MerchantState
  readonly statusVersion: number
  readonly category: string
  readonly storeId: StoreId | undefined
  readonly district: string | undefined
  readonly terminalId: TerminalId | undefined
}

/** What the store found under the named ids in that book; null: nothing. */
export interface TillFound {
  readonly merchant: Pick<Till, 'ownership' | 'status' | 'statusVersion' | 'category'> | null
  readonly storeId: StoreId | null
  readonly district: string | null
  readonly terminalStoreId: StoreId | null
}

export const notFound = {
  merchant: refusal('merchant.not_found', 'No merchant has this id here (merch_…).'),
  store: refusal('store.not_found', 'No store has this id here (store_…).'),
  terminal: refusal('terminal.not_found', 'No terminal has this id here (term_…).'),
}

/**
 * The till, when what was found is what was named.
 * Refusals: `merchant.not_found`, `store.not_found`, `terminal.not_found`, also where store or terminal belong to
 * another merchant or store.
 */
export function tillFrom(named: TillNamed, found: TillFound): Result<Till> {
  if (found.merchant === null) return refused(notFound.merchant)
  if (named.storeId !== undefined && found.storeId === null) return refused(notFound.store)
  if (named.terminalId !== undefined) {
    const isThere = found.terminalStoreId !== null && found.terminalStoreId === found.storeId
    if (!isThere) return refused(notFound.terminal)
  }
  return ok({
    merchantId: named.merchantId,
    ...found.merchant,
    storeId: found.storeId ?? undefined,
    district: found.district ?? undefined,
    terminalId: named.terminalId,
  })
}

/** Only an approved merchant takes payments. Refusals: `merchant.suspended`, `merchant.not_approved`. */
export function checkMayTake({ status }: Pick<Till, 'status'>): Result<void> {
  if (status === 'approved') return ok(undefined)
  return status === 'suspended'
    ? refused(refusal('merchant.suspended', 'The merchant is suspended and takes no payments.'))
    : refused(
        refusal(
          'merchant.not_approved',
          `Only approved merchants take payments; this one is ${status}.`,
          { data: { merchant_status: status } },
        ),
      )
}

/** Where the payable of a new merchant is kept: by random digits of its id, over the lanes of its pool as they are now. */
export function settlementLaneOf(id: MerchantId, lanes: readonly Lane[]): Lane {
  const sorted = lanes.toSorted((left, right) => left - right)
  const lane = sorted[Number.parseInt(id.slice(24, 32), 16) % sorted.length]
  if (lane === undefined) throw new Error('a pool without lanes settles nobody')
  return lane
}
