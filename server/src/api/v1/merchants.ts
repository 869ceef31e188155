/** Routes of merchants, their stores and terminals. */
import { formatId, formatInstant, merchantStates, refused } from '@lika/contract'
import {
  type Merchant,
  ownerships,
  type Store,
  type Terminal,
} from '../../modules/merchants/index.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound, referenceTaken } from '../http/read-call.ts'
import {
  closed,
  given,
  idOf,
  oneOf,
  pageOf,
  paging,
  Reference,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import { applicationIn, OnboardingGiven } from './onboarding-shapes.ts'

const nounMembers = { name: text(100), ...shown, created_at: Timestamp }
export const MerchantBody = closed({
  id: idOf('merchant'),
  category: text(64),
  ownership: oneOf(ownerships),
  status: oneOf(merchantStates),
  ...nounMembers,
})
const StoreBody = closed({
  id: idOf('store'),
  merchant_id: idOf('merchant'),
  district: text(64),
  ...nounMembers,
})
const TerminalBody = closed({
  id: idOf('terminal'),
  store_id: idOf('store'),
  merchant_id: idOf('merchant'),
  ...nounMembers,
})
const ListQuery = closed({ ...paging, reference: Type.Optional(Reference) })

export function register(app: LikaApp, deps: Deps): void {
  registerMerchants(app, deps)
  registerStores(app, deps)
  registerTerminals(app, deps)
}

function registerMerchants(app: LikaApp, { merchants, bookNow }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/merchants',
      summary: 'Makes a merchant: approved by its key, or with onboarding a draft to be submitted',
      access: 'merchants:write',
      body: closed({
        name: text(100),
        category: text(64),
        ownership: Type.Optional(oneOf(ownerships, "own: the issuer's; partner unless said")),
        onboarding: Type.Optional(OnboardingGiven),
        ...given,
      }),
      responses: { 201: MerchantBody },
      refusals: ['reference.already_used'],
    },
    async ({ caller, body }) => {
      const now = bookNow(caller.mode)
      const { onboarding, ownership = 'partner' } = body
      const result = await merchants.makeMerchant(
        {
          book: caller.book,
          name: body.name,
          category: body.category,
          ownership,
          ...givenTo(body),
          createdAt: now,
        },
        { keyId: caller.keyId, owner: caller.owner, at: now },
        onboarding && applicationIn(onboarding),
      )
      return 'existing' in result
        ? refused(referenceTaken('merchant', result.existing))
        : created(presentMerchant(result.made))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/merchants',
      summary: 'Lists merchants, the newest first',
      access: 'merchants:read',
      query: closed({
        ...paging,
        reference: Type.Optional(Reference),
        status: Type.Optional(oneOf(merchantStates)),
      }),
      responses: { 200: pageOf(MerchantBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('merchants', [uuidPart], query)
      if (!asked.ok) return asked
      const { limit, afterId } = asked.value
      const { reference, status } = query
      const filter = { reference, status, before: afterId, limit: limit + 1 }
      const rows = await merchants.merchants(caller.book, filter)
      return okay(presentPage('merchants', asked.value, rows, ({ id }) => [id], presentMerchant))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/merchants/{id}',
      summary: 'Shows a merchant',
      access: 'merchants:read',
      id: 'merchant',
      responses: { 200: MerchantBody },
      refusals: ['merchant.not_found'],
    },
    async ({ caller, id }) => {
      const merchant = await merchants.findMerchant(caller.book, id)
      return merchant === undefined
        ? refused(notFound('merchant'))
        : okay(presentMerchant(merchant))
    },
  )
}

function registerStores(app: LikaApp, { merchants, bookNow }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/merchants/{id}/stores',
      summary: 'Makes a store of a merchant',
      access: 'merchants:write',
      id: 'merchant',
      body: closed({ name: text(100), district: text(64), ...given }),
      responses: { 201: StoreBody },
      refusals: ['merchant.not_found', 'reference.already_used'],
    },
    async ({ caller, id, body }) => {
      const result = await merchants.makeStore({
        book: caller.book,
        merchantId: id,
        name: body.name,
        district: body.district,
        ...givenTo(body),
        createdAt: bookNow(caller.mode),
      })
      if (!result.ok) return result
      return 'existing' in result.value
        ? refused(referenceTaken('store', result.value.existing))
        : created(presentStore(result.value.made))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/merchants/{id}/stores',
      summary: 'Lists the stores of a merchant, the newest first',
      access: 'merchants:read',
      id: 'merchant',
      query: ListQuery,
      responses: { 200: pageOf(StoreBody) },
      refusals: ['cursor.invalid', 'merchant.not_found'],
    },
    async ({ caller, id, query }) => {
      const asked = readPage('stores', [uuidPart], query)
      if (!asked.ok) return asked
      if ((await merchants.findMerchant(caller.book, id)) === undefined)
        return refused(notFound('merchant'))
      const { limit, afterId } = asked.value
      const filter = { reference: query.reference, before: afterId, limit: limit + 1 }
      const rows = await merchants.stores(caller.book, id, filter)
      return okay(presentPage('stores', asked.value, rows, (row) => [row.id], presentStore))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/stores/{id}',
      summary: 'Shows a store',
      access: 'merchants:read',
      id: 'store',
      responses: { 200: StoreBody },
      refusals: ['store.not_found'],
    },
    async ({ caller, id }) => {
      const store = await merchants.findStore(caller.book, id)
      return store === undefined ? refused(notFound('store')) : okay(presentStore(store))
    },
  )
}

function registerTerminals(app: LikaApp, { merchants, bookNow }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/stores/{id}/terminals',
      summary: 'Makes a terminal of a store',
      access: 'merchants:write',
      id: 'store',
      body: closed({ name: text(100), ...given }),
      responses: { 201: TerminalBody },
      refusals: ['store.not_found', 'reference.already_used'],
    },
    async ({ caller, id, body }) => {
      const result = await merchants.makeTerminal({
        book: caller.book,
        storeId: id,
        name: body.name,
        ...givenTo(body),
        createdAt: bookNow(caller.mode),
      })
      if (!result.ok) return result
      return 'existing' in result.value
        ? refused(referenceTaken('terminal', result.value.existing))
        : created(presentTerminal(result.value.made))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/stores/{id}/terminals',
      summary: 'Lists the terminals of a store, the newest first',
      access: 'merchants:read',
      id: 'store',
      query: ListQuery,
      responses: { 200: pageOf(TerminalBody) },
      refusals: ['cursor.invalid', 'store.not_found'],
    },
    async ({ caller, id, query }) => {
      const asked = readPage('terminals', [uuidPart], query)
      if (!asked.ok) return asked
      if ((await merchants.findStore(caller.book, id)) === undefined)
        return refused(notFound('store'))
      const { limit, afterId } = asked.value
      const filter = { reference: query.reference, before: afterId, limit: limit + 1 }
      const rows = await merchants.terminals(caller.book, id, filter)
      return okay(presentPage('terminals', asked.value, rows, (row) => [row.id], presentTerminal))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/terminals/{id}',
      summary: 'Shows a terminal',
      access: 'merchants:read',
      id: 'terminal',
      responses: { 200: TerminalBody },
      refusals: ['terminal.not_found'],
    },
    async ({ caller, id }) => {
      const terminal = await merchants.findTerminal(caller.book, id)
      return terminal === undefined
        ? refused(notFound('terminal'))
        : okay(presentTerminal(terminal))
    },
  )
}

function givenTo(body: { reference?: string; metadata?: Record<string, string> }) {
  return { reference: body.reference ?? null, metadata: body.metadata ?? {} }
}

function presentNoun(noun: Merchant | Store | Terminal) {
  return {
    name: noun.name,
    reference: noun.reference,
    metadata: { ...noun.metadata },
    created_at: formatInstant(noun.createdAt),
  }
}

export function presentMerchant(merchant: Merchant) {
  return {
    id: formatId('merchant', merchant.id),
    category: merchant.category,
    ownership: merchant.ownership,
    status: merchant.status,
    ...presentNoun(merchant),
  }
}

function presentStore(store: Store) {
  return {
    id: formatId('store', store.id),
    merchant_id: formatId('merchant', store.merchantId),
    district: store.district,
    ...presentNoun(store),
  }
}

function presentTerminal(terminal: Terminal) {
  return {
    id: formatId('terminal', terminal.id),
    store_id: formatId('store', terminal.storeId),
    merchant_id: formatId('merchant', terminal.merchantId),
    ...presentNoun(terminal),
  }
}
