/** The whole way of a payment in this process: the HTTP server on an engine, an issuer, a shop, and cards to pay with. */
import assert from 'node:assert/strict'
import {
  asId,
  bookOf,
  issuerOfBook,
  type Lane,
  laneOfId,
  parseId,
  type Result,
} from '@lika/contract'
import type { Deps } from '../../server/src/api/deps.ts'
import { factsFrom } from '../../server/src/flows/cards/facts.ts'
import { freezeCommand, reportLostCommand } from '../../server/src/flows/cards/freeze.ts'
import { issueCommand } from '../../server/src/flows/cards/issue.ts'
import { issuePayCode } from '../../server/src/flows/cards/pay-code.ts'
import { executeOnCards } from '../../server/src/flows/cards/repeat.ts'
import { replaceCommand } from '../../server/src/flows/cards/replace.ts'
import type { FlowContext } from '../../server/src/flows/context.ts'
import { createGuesses, mintCards } from '../../server/src/modules/cards/index.ts'
import { openIssuers } from '../../server/src/modules/issuers/index.ts'
import { accountId } from '../../server/src/modules/ledger/index.ts'
import { openLoyalty } from '../../server/src/modules/loyalty/index.ts'
import { loadPacks, loadTables } from '../../server/src/modules/policy/index.ts'
import { openPrograms } from '../../server/src/modules/programs/index.ts'
import { keyringOf } from '../../server/src/platform/crypto/keyring.ts'
import { newId } from '../../server/src/platform/ids.ts'
import type { Command } from '../../server/src/platform/lanes/index.ts'
import { type Answered, startHttpApp } from './http-app.ts'
import { type Lanes, startLanes } from './lanes.ts'

export type Tills = Awaited<ReturnType<typeof startTills>>

/** A card as tests see it, with what proves that it may pay. */
export type TestCard = { id: string; uuid: string; number: string; secret: string; lane: Lane }

export async function startTills() {
  // Filled as soon as there is a database: routes look into it only when they are called.
  const flows = {} as { -readonly [M in keyof FlowContext]: FlowContext[M] }
  let lanes: Lanes
  const execute = (command: Command) => lanes.engine.execute(command)
  const bookNow: Deps['bookNow'] = (mode) => lanes.engine.now(mode)
  const app = await startHttpApp([], { execute, bookNow, flows } as Partial<Deps>)
  const keyring = keyringOf(Buffer.alloc(32, 7))
  lanes = await startLanes(app.database.url, {
    count: 3,
    nameDigest: (book, kind, name) => keyring.nameDigest(book, kind, name),
  })
  const { engine } = lanes
  const { app: database } = app.database
  const packs = await loadPacks(new URL('../../policies', import.meta.url).pathname)
  Object.assign(flows, {
    engine,
    database,
    newId,
    keyring,
    packs,
    tables: await loadTables(new URL('../../policies/tables', import.meta.url).pathname),
    issuers: openIssuers(database, packs),
    programs: openPrograms(database),
    merchants: app.merchants,
    loyalty: openLoyalty(database),
    guesses: createGuesses(database.sql, keyring),
    mintCards: (request: Parameters<typeof mintCards>[0]) => mintCards(request, keyring),
    tellTestClock: async () => {},
  })
  const issuer = await app.makeIssuer()
  const issuerId = parseId('issuer', issuer.id)
  assert.ok(issuerId)
  const book = bookOf(issuerId, 'test')
  const product = await makeProduct({})
  const shop = await merchant()

  async function call(
    method: string,
    path: string,
    body?: unknown,
    key: string | undefined = newId(),
  ): Promise<Answered> {
    return app.call(method, path, {
      key: issuer.test,
      ...(body === undefined ? {} : { body }),
      headers: method === 'POST' ? { 'idempotency-key': key } : {},
    })
  }

  async function merchant(more: object = {}): Promise<string> {
    const { body } = await call('POST', '/v1/merchants', {
      name: 'Shop',
      category: 'food',
      ...more,
    })
    return body.id
  }

  /** A published one whose cards take any amount. */
  async function makeProduct(more: object): Promise<string> {
    const terms = {
      name: 'Tea card',
      kind: 'stored_value',
      registered: false,
      carrier: 'virtual',
      face_range: { min: 1, max: 5_000_000 },
      validity_months: 36,
      reloadable: true,
      ...more,
    }
    const { body } = await call('POST', '/v1/products', terms)
    const { status } = await call('POST', `/v1/products/${body.id}/publish`)
    assert.equal(status, 200)
    return body.id
  }

  /** In that lane, or in the next one. */
  async function card(
    amount: number,
    more: { bonus?: number; lane?: Lane; productId?: string; activate?: boolean } = {},
  ): Promise<TestCard> {
    const productId = parseId('product', more.productId ?? product)
    assert.ok(productId)
    const input = {
      productId,
      amount: BigInt(amount),
      bonus: BigInt(more.bonus ?? 0),
      funding: { method: 'none' },
      activate: more.activate ?? true,
    } as const
    const made = await issueCommand(flows, caller, input, newId())
    assert.ok(made.ok)
    const { lane } = more
    const command = lane === undefined ? made.value : { ...made.value, homeLane: () => lane }
    const done = await executeOnCards(execute, command)
    assert.ok(done.status === 'done', JSON.stringify(done))
    const uuid: string = factsFrom(done.body).id
    const [seal] = await app.database.owner.sql<{ sealed: Uint8Array }[]>`
      select sealed from card_seal where card_id = ${uuid}`
    assert.ok(seal)
    const face = keyring.openCard(uuid, seal.sealed)
    return { id: `card_${uuid.replaceAll('-', '')}`, uuid, ...face, lane: laneOfId(uuid) }
  }

  let references = 0
  const reference = () => {
    references += 1
    return `order-${references}`
  }

  /** What a till sends, with a reference of its own. */
  const order = (sources: object[], amount: number, more: object = {}) => ({
    amount,
    currency: 'CNY',
    merchant_id: shop,
    reference: reference(),
    sources,
    ...more,
  })

  /** A payment by the id of one card. */
  const pay = (from: { id: string }, amount: number, more: object = {}, key?: string) =>
    call('POST', '/v1/payments', order([{ card_id: from.id }], amount, more), key)

  /** What is on the card, in fen. */
  async function balance({ uuid, lane }: { uuid: string; lane: Lane }) {
    const [principal, bonus] = [
      accountId(uuid, 'card_principal', lane),
      accountId(uuid, 'card_bonus', lane),
    ]
    const rows = await app.database.owner.sql<{ id: string; balance: bigint; held: bigint }[]>`
      select id, balance, held
      from account
      where lane = ${lane}
        and id in (${principal}, ${bonus})`
    const balanceOf = (account: string) =>
      Number(rows.find(({ id }) => id === account)?.balance ?? 0n)
    return {
      principal: balanceOf(principal),
      bonus: balanceOf(bonus),
      held: rows.reduce((sum, { held }) => sum + Number(held), 0),
    }
  }

  /** What somebody does to a card: freeze, report it lost, replace it. */
  async function onCard(command: Promise<Result<Command>> | Result<Command>) {
    const made = await command
    assert.ok(made.ok, JSON.stringify(made))
    const done = await executeOnCards(execute, made.value)
    assert.ok(done.status === 'done', JSON.stringify(done))
    return done.body
  }

  const caller = { issuerId: issuerOfBook(book), mode: 'test', book } as const
  const cardIdOf = ({ uuid }: TestCard) => asId<'card'>(uuid)

  async function replace(card: TestCard): Promise<TestCard> {
    const body = await onCard(replaceCommand(flows, caller, { cardId: cardIdOf(card) }, newId()))
    const uuid = factsFrom(body['replacement']).id
    return { ...card, uuid, id: `card_${uuid.replaceAll('-', '')}` }
  }

  const freeze = (card: TestCard) =>
    onCard(freezeCommand(flows, caller, { cardId: cardIdOf(card), reason: 'test' }, newId()))
  const reportLost = (card: TestCard) =>
    onCard(reportLostCommand(flows, caller, { cardId: cardIdOf(card) }, newId()))

  async function payCode(card: TestCard): Promise<string> {
    const made = await issuePayCode(flows, caller, cardIdOf(card))
    assert.ok(made.ok)
    return made.value.code
  }

  /** Moves the clock of test mode on, for this issuer and everybody else. */
  async function passTime(ms: number): Promise<void> {
    await lanes.engine.setTestOffset(lanes.engine.testOffsetMs + ms)
  }

  return {
    ...app,
    lanes,
    flows: flows as FlowContext,
    issuer,
    book,
    shop,
    product,
    request: call,
    merchant,
    makeProduct,
    card,
    order,
    reference,
    pay,
    balance,
    replace,
    freeze,
    reportLost,
    payCode,
    passTime,
    stop: async () => {
      await lanes.stop()
      await app.stop()
    },
  }
}
