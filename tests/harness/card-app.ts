/** The HTTP server in this process with an engine behind it, and the ordinary calls of an issuer that sells cards. */
import type { Deps } from '../../server/src/api/deps.ts'
import type { LikaApp } from '../../server/src/api/http/kernel.ts'
import type { FlowContext } from '../../server/src/flows/context.ts'
import {
  createGuesses,
  type MintedCard,
  type MintRequest,
  mintCards,
} from '../../server/src/modules/cards/index.ts'
import { openIssuers } from '../../server/src/modules/issuers/index.ts'
import { openLoyalty } from '../../server/src/modules/loyalty/index.ts'
import { loadPacks } from '../../server/src/modules/policy/index.ts'
import { openPrograms } from '../../server/src/modules/programs/index.ts'
import { keyringOf } from '../../server/src/platform/crypto/keyring.ts'
import { newId } from '../../server/src/platform/ids.ts'
import { type Answered, type CallOptions, deliveredPolicies, startHttpApp } from './http-app.ts'
import { startLanes } from './lanes.ts'

export type CardApp = Awaited<ReturnType<typeof startCardApp>>

/** `policies`: another folder of packs and tables; `laneCount`: of each pool; `others`: what else is to be
 * there in place of the ordinary. */
export async function startCardApp(
  more: ((app: LikaApp, deps: Deps) => void)[] = [],
  {
    policies = deliveredPolicies,
    laneCount = 4,
    ...others
  }: Partial<Deps> & { policies?: string; laneCount?: number } = {},
) {
  // Filled below: the routes are registered before there is a database to work on.
  const flows = {} as { -readonly [K in keyof FlowContext]: FlowContext[K] }
  const execute: Deps['execute'] = (command) => flows.engine.execute(command)
  const http = await startHttpApp(
    more,
    { flows, execute, bookNow: (mode) => flows.engine.now(mode), ...others },
    policies,
  )
  const { app: database, url } = http.database
  const lanes = await startLanes(url, { count: laneCount })
  const keyring = keyringOf(Buffer.alloc(32, 7))
  const packs = await loadPacks(policies)
  Object.assign(flows, {
    engine: lanes.engine,
    database,
    newId,
    keyring,
    packs,
    tables: http.tables,
    issuers: openIssuers(database, packs),
    programs: openPrograms(database),
    merchants: http.merchants,
    loyalty: openLoyalty(database),
    guesses: createGuesses(database.sql, keyring),
    mintCards: (request: MintRequest): MintedCard[] => mintCards(request, keyring),
    tellTestClock: async () => {},
  })
  let keys = 0

  /** A call with a new idempotency key. */
  async function post(key: string, path: string, body?: unknown): Promise<Answered> {
    keys += 1
    return again(key, path, `key-${keys}`, body)
  }

  /** A call under that idempotency key. */
  function again(key: string, path: string, idempotencyKey: string, body?: unknown) {
    const options: CallOptions = { key, headers: { 'idempotency-key': idempotencyKey } }
    return http.call('POST', path, body === undefined ? options : { ...options, body })
  }

  /** A published product: 1 to 5,000.00 yuan, reloadable, virtual, not registered, 36 months. */
  async function makeProduct(key: string, terms: object = {}): Promise<string> {
    const body = {
      name: 'Tea card',
      kind: 'stored_value',
      registered: false,
      carrier: 'virtual',
      face_range: { min: 100, max: 500_000 },
      validity_months: 36,
      reloadable: true,
      ...terms,
    }
    const made = await http.call('POST', '/v1/products', { key, body })
    await http.call('POST', `/v1/products/${made.body.id}/publish`, { key })
    return made.body.id
  }

  /** An active card with that many fen. */
  async function makeCard(
    key: string,
    product: string,
    amount = 10_000,
    rest: object = {},
  ): Promise<Answered['body']> {
    const body = { product_id: product, amount, funding: { method: 'cash' }, ...rest }
    const { body: card } = await post(key, '/v1/cards', body)
    return card
  }

  return {
    ...http,
    flows,
    lanes,
    post,
    again,
    get: (key: string, path: string, headers = {}) => http.call('GET', path, { key, headers }),
    makeProduct,
    makeCard,
    stop: async () => {
      await lanes.stop()
      await http.stop()
    },
  }
}
