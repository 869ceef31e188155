/** Makes and finds merchants, stores and terminals of a book, and tells tills by their ids. */
import {
  asId,
  type BookId,
  type DocumentId,
  type Lane,
  type MerchantAction,
  type MerchantId,
  type Mode,
  merchantActions,
  modeOfBook,
  ok,
  type Result,
  refused,
  type StoreId,
  type TerminalId,
} from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import { newId } from '../../platform/ids.ts'
import { type ContractNeeds, type Contracts, openContracts } from './contracts.ts'
import { type Coverage, selectCoverage, selectWanted, writeWanted } from './coverage-store.ts'
import * as documents from './document-store.ts'
import * as merchantStore from './merchant-store.ts'
import { type Merchant, notFound, type Store, settlementLaneOf, type Terminal } from './model.ts'
import { type Application, type Contact, type Deed, statusAfter } from './onboarding.ts'
import { makeStandings } from './standings.ts'
import * as store from './store.ts'
import { makeTillCache, type TillCache } from './till-cache.ts'

/** Made, or the one that has the reference already. */
export type Made<Noun, Id> = { readonly made: Noun } | { readonly existing: Id }

export interface MerchantNeeds extends ContractNeeds {
  readonly keyring: ContractNeeds['keyring'] & Pick<Keyring, 'sealPerson' | 'openPerson'>
  /** The lanes of a pool as they are now. */
  readonly lanesOf: (mode: Mode) => readonly Lane[]
}

/** How a merchant came to be what it is. */
export interface Onboarding {
  /** undefined: it was made without. */
  readonly application: Application | undefined
  /** The first one first. */
  readonly deeds: readonly Deed[]
  /** The files that were shown, the first one first. */
  readonly files: readonly documents.KeptDocument[]
}

export interface MerchantMove {
  readonly action: MerchantAction
  readonly reason: string | null
  readonly by: merchantStore.By
  /** In place of the former, where it is changed. */
  readonly application?: Application
}

export interface Merchants extends Contracts {
  /** The till that a payment names; see `tillFrom` for its refusals. Kept in memory once found. */
  readonly tillOf: TillCache
  /** Hears what other servers did to merchants; called several times a second. */
  refreshStandings(): Promise<void>
  /** With an application it begins as a draft; else it is approved, and who made it vouches for it. */
  makeMerchant(
    merchant: Omit<Merchant, 'id' | 'status' | 'settlementLane'>,
    by: merchantStore.By,
    application?: Application,
  ): Promise<Made<Merchant, MerchantId>>
  /**
   * Moves a merchant to its next status. `judge` is asked with what stands at that moment, again when somebody else was
   * faster. Refusals: `merchant.not_found`, `merchant.wrong_status`, those of `judge`.
   */
  moveMerchant(
    book: BookId,
    id: MerchantId,
    move: MerchantMove,
    judge: () => Promise<Result<void>>,
  ): Promise<Result<Merchant>>
  onboardingOf(id: MerchantId): Promise<Onboarding>
  /** The same file of the same merchant again is the one that is there. */
  keepDocument(
    document: Parameters<typeof documents.keepDocument>[2],
    file: Buffer,
    by: merchantStore.By,
  ): Promise<documents.KeptDocument>
  /** undefined: there is none in that book. */
  openDocument(
    book: BookId,
    id: DocumentId,
  ): Promise<{ readonly mediaType: documents.DocumentType; readonly file: Buffer } | undefined>
  /** Who submitted its application last. */
  submitterOf(id: MerchantId): Promise<Pick<Deed, 'keyId' | 'owner'> | undefined>
  /** Stores of approved merchants by district. */
  coverage(book: BookId): Promise<Coverage>
  /** The districts that the issuer means to cover; empty: it named none. */
  wantedDistricts(book: BookId): Promise<readonly string[]>
  wantDistricts(book: BookId, districts: readonly string[], by: merchantStore.By): Promise<void>
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
  merchants(book: BookId, page: merchantStore.MerchantFilter): Promise<readonly Merchant[]>
  stores(book: BookId, of: MerchantId, page: store.ListFilter): Promise<readonly Store[]>
  terminals(book: BookId, of: StoreId, page: store.ListFilter): Promise<readonly Terminal[]>
  /** Refusals: `merchant.not_found`, `store.not_found` for ids that the book does not have. */
  assertKnown(
    book: BookId,
    ids: { merchants: readonly MerchantId[]; stores: readonly StoreId[] },
  ): Promise<Result<void>>
}

const attempts = 20

export function openMerchants(needs: MerchantNeeds): Merchants {
  const { database, keyring, lanesOf } = needs
  const { sql } = database
  const standings = makeStandings((since) => merchantStore.selectChanges(sql, since))

  const findMerchant = async (book: BookId, id: MerchantId) =>
    (await merchantStore.selectMerchants(sql, book, { id, limit: 1 }))[0]
  const findStore = async (book: BookId, id: StoreId) =>
    (await store.selectStores(sql, book, { id, limit: 1 }))[0]

  function sealed(
    id: MerchantId,
    { contact, ...open }: Application,
  ): merchantStore.StoredApplication {
    const { sealedKey, sealed: said } = keyring.sealPerson(id, Buffer.from(JSON.stringify(contact)))
    return { ...open, contactKey: sealedKey, contact: said }
  }

  return {
    ...openContracts(needs),
    tillOf: makeTillCache(
      (wanted) => store.selectTills(sql, wanted),
      (till) => standings.latest(till),
    ),
    refreshStandings: () => standings.refresh(),
    findMerchant,
    findStore,
    findTerminal: async (book, id) => (await store.selectTerminals(sql, book, { id, limit: 1 }))[0],
    merchants: (book, page) => merchantStore.selectMerchants(sql, book, page),
    stores: (book, of, page) => store.selectStores(sql, book, { ...page, of }),
    terminals: (book, of, page) => store.selectTerminals(sql, book, { ...page, of }),
    coverage: (book) => selectCoverage(sql, book),
    wantedDistricts: (book) => selectWanted(sql, book),
    wantDistricts: (book, districts, by) => writeWanted(sql, book, districts, by),
    makeMerchant: async (wanted, by, application) => {
      const id = asId<'merchant'>(newId())
      const merchant: Merchant = {
        ...wanted,
        id,
        status: application === undefined ? 'approved' : 'draft',
        settlementLane: settlementLaneOf(id, lanesOf(modeOfBook(wanted.book))),
      }
      const said = application && sealed(id, application)
      const existing = await merchantStore.insertMerchant(sql, merchant, by, said)
      return existing === undefined ? { made: merchant } : { existing }
    },
    moveMerchant: async (book, id, { action, reason, by, application }, judge) => {
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const seen = await merchantStore.selectStanding(sql, book, id)
        if (seen === undefined) return refused(notFound.merchant)
        const next = statusAfter(action, seen.status)
        if (!next.ok) return next
        const judged = await judge()
        if (!judged.ok) return judged
        const number = await merchantStore.moveMerchant(sql, {
          merchantId: id,
          seen: seen.statusVersion,
          action: merchantActions[action].done,
          status: next.value,
          reason,
          by,
          application: application && sealed(id, application),
        })
        if (number === undefined) continue
        standings.note({ merchantId: id, status: next.value, statusVersion: number })
        const merchant = await findMerchant(book, id)
        if (merchant === undefined) throw new Error(`merchant ${id} is gone`)
        return ok({ ...merchant, status: next.value })
      }
      throw new Error(`merchant ${id} changes too fast`)
    },
    onboardingOf: async (id) => {
      const [stored, deeds, files] = await Promise.all([
        merchantStore.selectApplication(sql, id),
        merchantStore.selectDeeds(sql, id),
        documents.selectDocuments(sql, id),
      ])
      if (stored === undefined) return { application: undefined, deeds, files }
      const { contactKey, contact, ...open } = stored
      const plain = keyring.openPerson(id, { sealedKey: contactKey, sealed: contact })
      return { application: { ...open, contact: contactFrom(plain) }, deeds, files }
    },
    keepDocument: (document, file, by) => documents.keepDocument(sql, keyring, document, file, by),
    openDocument: (book, id) => documents.openDocument(sql, keyring, book, id),
    submitterOf: (id) => merchantStore.selectSubmitter(sql, id),
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

/** @throws for what was not sealed here. */
function contactFrom(plain: Buffer): Contact {
  const said: unknown = JSON.parse(plain.toString())
  const members = new Map<string, unknown>(Object.entries(said ?? {}))
  const name = members.get('name')
  const phone = members.get('phone')
  if (typeof name !== 'string' || typeof phone !== 'string')
    throw new Error('a contact has no name and phone')
  return { name, phone }
}
