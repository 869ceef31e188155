/**
 * Merchants, cards and payments over HTTP on a clock that stands where the test puts it: days are closed and cycles settled
 * when the test says so. Ids of commands can be numbered, so that a file written by hand can name them.
 */
import assert from 'node:assert/strict'
import { asId, bookOf, businessDateOf, type CommandId, type Lane, parseId } from '@lika/contract'
import type { Deps } from '../../server/src/api/deps.ts'
import { startDayCloser } from '../../server/src/flows/close-day.ts'
import type { FlowContext } from '../../server/src/flows/context.ts'
import { type RunOptions, settleBook } from '../../server/src/flows/settle/run.ts'
import {
  createGuesses,
  type MintedCard,
  type MintRequest,
  mintCards,
} from '../../server/src/modules/cards/index.ts'
import { openIssuers } from '../../server/src/modules/issuers/index.ts'
import { openLoyalty } from '../../server/src/modules/loyalty/index.ts'
import { loadPacks, loadTables, type Tables } from '../../server/src/modules/policy/index.ts'
import { openPrograms } from '../../server/src/modules/programs/index.ts'
import { keyringOf } from '../../server/src/platform/crypto/keyring.ts'
import { newCommandId, newId } from '../../server/src/platform/ids.ts'
import { type Answered, deliveredPolicies, startHttpApp } from './http-app.ts'
import { startLanes } from './lanes.ts'

export type ClearingApp = Awaited<ReturnType<typeof startClearingApp>>

export interface ClearingOptions {
  /** `2026-11-01 10:00:00`, in Shanghai. */
  at: string
  lanes?: number
  /** Ids of commands are `019f4000-0000-7000-8000-` and the number that `number` was called with. */
  numbered?: boolean
  /** The clock runs on from where it was put, as is needed where it is moved while payments are under way. */
  running?: boolean
  tables?: Tables
}

/** The instant of a Shanghai wall clock. */
export function shanghai(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}+08:00`)
}

export async function startClearingApp({
  at,
  lanes = 4,
  numbered = false,
  running = false,
  tables,
}: ClearingOptions) {
  let now = shanghai(at)
  let number = 0xf000_0000
  const flows = {} as { -readonly [K in keyof FlowContext]: FlowContext[K] }
  const execute: Deps['execute'] = (command) => flows.engine.execute(command)
  const http = await startHttpApp([], { flows, execute, bookNow: (mode) => flows.engine.now(mode) })
  const { app: database, owner, url } = http.database
  const packs = await loadPacks(deliveredPolicies)
  const keyring = keyringOf(Buffer.alloc(32, 7))
  if (!running) await standStill()
  const started = await startLanes(url, {
    count: lanes,
    realNow: running ? Date.now : () => now,
    nameDigest: (book, kind, name) => keyring.nameDigest(book, kind, name),
    newCommandId: numbered ? numberedId : newCommandId,
  })
  const { engine } = started
  await owner.sql`
    update lane
    set open_day = ${businessDateOf(now)}, last_at = ${new Date(running ? Date.now() : now)}`
  if (running) await engine.setTestOffset(now - Date.now())
  Object.assign(flows, {
    engine,
    database,
    newId,
    keyring,
    packs,
    tables: tables ?? (await loadTables(`${deliveredPolicies}/tables`)),
    issuers: openIssuers(database, packs),
    programs: openPrograms(database),
    merchants: http.merchants,
    loyalty: openLoyalty(database),
    guesses: createGuesses(database.sql, keyring),
    mintCards: (request: MintRequest): MintedCard[] => mintCards(request, keyring),
    tellTestClock: async () => {},
  })
  const closer = startDayCloser(flows, { log: console, lookEveryMs: 3_600_000 })
  const issuer = await http.makeIssuer()
  const second = await http.makeKey(issuer.id, 'test', { owner: 'the second person' })
  const issuerId = parseId('issuer', issuer.id)
  assert.ok(issuerId)
  const book = bookOf(issuerId, 'test')
  const product = await makeProduct()

  function numberedId(lane: Lane): CommandId {
    const digits = number.toString(16).padStart(8, '0')
    number = 0xf000_0000 + ((number + 1) % 0x1000_0000)
    return asId(`019f4000-0000-7000-8000-${digits}${lane.toString(16).padStart(4, '0')}`)
  }

  async function standStill(): Promise<void> {
    await owner.sql.unsafe(`
      create or replace function lika.real_time() returns timestamptz
      language sql volatile
      set search_path = pg_catalog, pg_temp
      as $$ select timestamptz '${new Date(now).toISOString()}' $$`)
  }

  /** Puts the clock on, to a Shanghai wall clock; days that are over by then are closed. */
  async function clock(to: string): Promise<void> {
    const before = businessDateOf(now)
    now = shanghai(to)
    if (running) await engine.setTestOffset(now - Date.now())
    else await standStill()
    await engine.refresh()
    if (businessDateOf(now) !== before) await closer.runNow()
  }

  async function call(
    method: string,
    path: string,
    body?: unknown,
    { key = issuer.test, idempotencyKey = newId() as string } = {},
  ): Promise<Answered> {
    const headers = method === 'POST' ? { 'idempotency-key': idempotencyKey } : {}
    const options = { key, headers, ...(body !== undefined && { body }) }
    const answer = await http.call(method, path, options)
    if (answer.status !== 503) return answer
    // The engine looked at both clocks while they were being moved, and has not looked again yet.
    await engine.refresh()
    return http.call(method, path, options)
  }

  /** The body of a call that is not refused. */
  async function made(
    path: string,
    body?: unknown,
    options?: { key?: string; idempotencyKey?: string },
  ): Promise<Answered['body']> {
    const answer = await call('POST', path, body, options)
    assert.ok(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async function got(path: string): Promise<Answered['body']> {
    const answer = await call('GET', path)
    assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  /** Of a file, to the last byte: a text would have lost its byte order mark. */
  async function bytes(path: string): Promise<Buffer> {
    const headers = { authorization: `Bearer ${issuer.test}` }
    const response = await fetch(http.url + path, { headers })
    assert.equal(response.status, 200, path)
    return Buffer.from(await response.arrayBuffer())
  }

  async function makeProduct(): Promise<string> {
    const { id } = await made('/v1/products', {
      name: 'Tea card',
      kind: 'stored_value',
      registered: false,
      carrier: 'virtual',
      face_range: { min: 1, max: 5_000_000 },
      validity_months: 36,
      reloadable: true,
    })
    await made(`/v1/products/${id}/publish`)
    return id
  }

  /** An active card with principal and bonus; the id. */
  async function card(principal: number, bonus = 0): Promise<string> {
    const { id } = await made('/v1/cards', {
      product_id: product,
      amount: principal,
      ...(bonus > 0 && { bonus_amount: bonus }),
      funding: { method: 'none' },
    })
    return id
  }

  let merchants = 0
  async function merchant(more: object = {}): Promise<string> {
    merchants += 1
    const { id } = await made('/v1/merchants', {
      name: `Shop ${merchants}`,
      category: 'food',
      ...more,
    })
    return id
  }

  /** Proposed by one person, approved by another. */
  async function contract(merchantId: string, terms: object): Promise<void> {
    const proposed = await made(`/v1/merchants/${merchantId}/contracts`, {
      valid_from: businessDateOf(now),
      class: 'none',
      commission: { kind: 'flat', rate_bp: 0 },
      cycle: { kind: 't_plus', days: 1 },
      ...terms,
    })
    await made(`/v1/contracts/${proposed.id}/approve`, undefined, { key: second.secret })
  }

  let references = 0
  function nextReference(what: string): string {
    references += 1
    return `${what}-${references}`
  }

  async function pay(
    cardId: string,
    amount: number,
    merchantId: string,
    reference = nextReference('order'),
  ): Promise<Answered['body']> {
    return made('/v1/payments', {
      amount,
      currency: 'CNY',
      merchant_id: merchantId,
      reference,
      sources: [{ card_id: cardId }],
    })
  }

  async function refund(
    paymentId: string,
    amount: number,
    reference = nextReference('back'),
  ): Promise<Answered['body']> {
    return made(`/v1/payments/${paymentId}/refunds`, { amount, reference, reason: 'returned' })
  }

  /** Statements of a merchant, the oldest first. */
  async function statements(merchantId: string): Promise<Answered['body'][]> {
    const { data } = await got(`/v1/settlements?merchant_id=${merchantId}&limit=200`)
    return data.toReversed()
  }

  return {
    ...http,
    flows,
    engine,
    lanes: started,
    closer,
    issuer,
    second: second.secret,
    book,
    product,
    call,
    made,
    got,
    bytes,
    card,
    merchant,
    contract,
    pay,
    refund,
    statements,
    clock,
    /** The id of the next command, and of those behind it, when ids are numbered. */
    number: (next: number) => {
      number = next
    },
    settle: (options?: RunOptions) => settleBook(flows, book, options),
    verify: async () => {
      const { body } = await http.call('POST', '/v1/ledger/verify', { key: issuer.test })
      return body
    },
    stop: async () => {
      await closer.stop()
      await started.stop()
      await http.stop()
    },
  }
}
