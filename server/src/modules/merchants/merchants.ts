/** Makes and finds merchants, stores and terminals of a book, and tells tills by their ids. */
import {
  asId,
  type BookId,
  type MerchantId,
  ok,
  type Result,
  refused,
  type StoreId,
  type TerminalId,
} from '@lika/contract'
import type { Database } from '../../platform/db.ts'
import { newId } from '../../platform/ids.ts'
import { type Merchant, notFound, type Store, type Terminal } from './model.ts'
import * as store from './store.ts'
import { makeTillCache, type TillCache } from './till-cache.ts'

/** Made, or the one that has the reference already. */
export type Made<Noun, Id> = { readonly made: Noun } | { readonly existing: Id }

export interface Merchants {
  /** The till that a payment names; see `tillFrom` for its refusals. Kept in memory once found. */
  readonly tillOf: TillCache
  makeMerchant(merchant: Omit<Merchant, 'id'>): Promise<Made<Merchant, MerchantId>>
  /** Refusals: `merchant.not_found`. */
  makeStore(wanted: Omit<Store, 'id'>): Promise<Result<Made<Store, StoreId>>>
  /** Refusals: `store.not_found`. */
  makeTerminal(
    wanted: Omit<Terminal, 'id' | 'merchantId'>,
  ): Promise<Result<Made<Terminal, TerminalId>>>
  findMerchant(book: BookId, id: MerchantId): Promise<Merchant | undefined>
  findStore(book: BookId, id: StoreId): Promise<Store | undefined>
  findTerminal(book: BookId, id: TerminalId): Promise<Terminal | undefined>
  /** The newest first, as are stores and terminals. */
  merchants(book: BookId, page: store.ListFilter): Promise<readonly Merchant[]>
  stores(book: BookId, of: MerchantId, page: store.ListFilter): Promise<readonly Store[]>
  terminals(book: BookId, of: StoreId, page: store.ListFilter): Promise<readonly Terminal[]>
  /** Refusals: `merchant.not_found`, `store.not_found` for ids that the book does not have. */
  assertKnown(
    book: BookId,
    ids: { merchants: readonly MerchantId[]; stores: readonly StoreId[] },
  ): Promise<Result<void>>
}

export function openMerchants({ sql }: Database): Merchants {
  const findMerchant = async (book: BookId, id: MerchantId) =>
    (await store.selectMerchants(sql, book, { id, limit: 1 }))[0]
  const findStore = async (book: BookId, id: StoreId) =>
    (await store.selectStores(sql, book, { id, limit: 1 }))[0]

  return {
    tillOf: makeTillCache((wanted) => store.selectTills(sql, wanted)),
    findMerchant,
    findStore,
    findTerminal: async (book, id) => (await store.selectTerminals(sql, book, { id, limit: 1 }))[0],
    merchants: (book, page) => store.selectMerchants(sql, book, page),
    stores: (book, of, page) => store.selectStores(sql, book, { ...page, of }),
    terminals: (book, of, page) => store.selectTerminals(sql, book, { ...page, of }),
    makeMerchant: async (wanted) => {
      const merchant = { ...wanted, id: asId<'merchant'>(newId()) }
      const existing = await store.insertMerchant(sql, merchant)
      return existing === undefined ? { made: merchant } : { existing }
    },
    makeStore: async (wanted) => {
      const owner = await findMerchant(wanted.book, wanted.merchantId)
      if (owner === undefined) return refused(notFound.merchant)
      const made = { ...wanted, id: asId<'store'>(newId()) }
      const existing = await store.insertStore(sql, made)
      return ok(existing === undefined ? { made } : { existing })
    },
    makeTerminal: async (wanted) => {
      const owner = await findStore(wanted.book, wanted.storeId)
      if (owner === undefined) return refused(notFound.store)
      const made = { ...wanted, id: asId<'terminal'>(newId()), merchantId: owner.merchantId }
      const existing = await store.insertTerminal(sql, made)
      return ok(existing === undefined ? { made } : { existing })
    },
    assertKnown: async (book, ids) => {
      const missing = await store.countMissing(sql, book, ids)
      if (missing.merchants > 0) return refused(notFound.merchant)
      return missing.stores > 0 ? refused(notFound.store) : ok(undefined)
    },
  }
}
