/**
 * A server process with a world in it: issuers with books in both modes, and in a book one of everything that has an id.
 * What tests of all routes at once are run in.
 */
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BookId, bookOf, type Mode, parseId, scopes } from '@lika/contract'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { newId } from '../../server/src/platform/ids.ts'
import type { Json } from './answer-check.ts'
import { cardFile, formOf } from './card-file.ts'
import { type Client, type ClientAnswer, openClient } from './client.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { makePaidOut } from './paid-out.ts'
import { temporaryFolder } from './server.ts'
import { type Started, startLika } from './start.ts'
import { makeCampaigns } from './world-campaigns.ts'
import { type Candidates, candidatesOf, makeCandidates } from './world-candidates.ts'
import { makeMembers, type WorldMembers } from './world-members.ts'
import { makeOrders, type WorldOrders } from './world-orders.ts'
import { makeReserve } from './world-reserve.ts'
import { makeTills, type WorldTills } from './world-tills.ts'
import { makeWechatApp, type WorldWechatApp } from './world-wechat-app.ts'
import { makeWechatPay, type WorldWechatPay } from './world-wechat-pay.ts'

export type World = {
  lika: Started
  database: TestDatabase
  client: Client
  operator: string
  /** The server's data folder and place for temporary files. */
  folder: string
  /** Answers 200 to every webhook. */
  receiverUrl: string
  /** The newest bodies that came there. */
  received: readonly string[]
  makeIssuer(): Promise<string>
  openBook(issuer: string, mode: Mode): Promise<Book>
  stop(): Promise<void>
}

/** One issuer in one mode, and a key that may do everything there. */
export type Book = {
  issuer: string
  mode: Mode
  book: BookId
  /** The database as its owner. */
  owner: TestDatabase['owner']['sql']
  key: string
  keyId: string
  receiverUrl: string
  recipient: string
  /** With a new idempotency key; fails where the answer is not a 2xx. */
  ask: (method: string, path: string, body?: unknown) => Promise<Json>
  send: (method: string, path: string, body?: unknown) => Promise<ClientAnswer>
  sendForm: (path: string, form: FormData) => Promise<ClientAnswer>
  /** As `ask`, by a second person: what takes two is asked by one and agreed to by the other. */
  askSecond: (method: string, path: string, body?: unknown) => Promise<Json>
}

const mostReceived = 1_000
/** Where no WeChat is, in both modes. */
const nobody = 'http://127.0.0.1:9'

export async function openWorld(connections = 16): Promise<World> {
  const database = await testDatabase()
  const folder = temporaryFolder('lika-world-')
  const received: string[] = []
  const receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      received.push(body)
      if (received.length > mostReceived) received.shift()
      response.writeHead(200).end()
    })
  })
  await new Promise<void>((resolve) => {
    receiver.listen(0, '127.0.0.1', resolve)
  })
  const receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  const lika = await startLika(folder, {
    DATABASE_URL: database.url,
    LIKA_WEBHOOK_ALLOW_PRIVATE: '1',
    LIKA_TRUST_PROXY: '127.0.0.1',
    LIKA_WECHAT_PAY_URL: nobody,
    LIKA_WECHAT_API_URL: nobody,
    LIKA_WECHAT_OPEN_URL: nobody,
    TMPDIR: folder,
  })
  const client = await openClient(lika.url, connections)
  const operator = readFileSync(join(folder, 'operator.key'), 'utf8')
  const recipient = await identityToRecipient(await generateX25519Identity())

  async function asOperator(path: string, body: object): Promise<Json> {
    const answer = await client.call('POST', path, { key: operator, body })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.body
  }

  return {
    lika,
    database,
    client,
    operator,
    folder,
    receiverUrl,
    received,
    makeIssuer: async () => {
      const body = { name: 'Tea', legal_name: 'Tea House Ltd', packs: ['open'] }
      return (await asOperator('/v1/issuers', body)).id
    },
    openBook: async (issuer, mode) => {
      const wanted = { issuer_id: issuer, mode, name: 'all', owner: 'tests', scopes }
      const { id: keyId, secret: key } = await asOperator('/v1/keys', wanted)
      const issuerId = parseId('issuer', issuer)
      assert.ok(issuerId)
      const { secret: secondKey } = await asOperator('/v1/keys', { ...wanted, owner: 'second' })
      const sender =
        (bearer: string): Book['send'] =>
        (method, path, body) =>
          client.call(method, path, { key: bearer, body, idempotencyKey: newId() })
      const asker =
        (send: Book['send']): Book['ask'] =>
        async (method, path, body) => {
          const answer = await send(method, path, body)
          const said = `${method} ${path} → ${answer.status} ${JSON.stringify(answer.body)}`
          assert.ok(answer.status < 300, said)
          return answer.body
        }
      const send = sender(key)
      return {
        issuer,
        mode,
        book: bookOf(issuerId, mode),
        owner: database.owner.sql,
        key,
        keyId,
        receiverUrl,
        recipient,
        send,
        sendForm: (path, form) => client.call('POST', path, { key, form, idempotencyKey: newId() }),
        ask: asker(send),
        askSecond: asker(sender(secondKey)),
      }
    },
    stop: async () => {
      client.close()
      await lika.stop()
      receiver.closeAllConnections()
      receiver.close()
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One of everything, by the names under which `good-calls.ts` asks for it. */
export type Things = Candidates &
  WorldMembers &
  WorldWechatApp &
  WorldWechatPay &
  WorldTills &
  WorldOrders & {
    issuer: string
    key: string
    product: string
    draft: string
    merchant: string
    store: string
    terminal: string
    /** Active, with money, its secret still sealed. */
    card: string
    /** Number, secret and a pay code of another active card. */
    number: string
    secret: string
    payCode: string
    created: string
    frozen: string
    payment: string
    refund: string
    redemption: string
    /** Of this week, and not claimed for. */
    load: string
    /** What gives vouchers, what gives by the week, what sells ahead; a draft that another person proposed. */
    campaign: string
    claimed: string
    presold: string
    draftCampaign: string
    voucher: string
    voucherCard: string
    presale: string
    charter: string
    hold: string
    batch: string
    job: string
    /** Its print file was not fetched yet. */
    fileJob: string
    import: string
    endpoint: string
    event: string
    account: string
    settlement: string
    payout: string
    payoutBatch: string
    custody: string
    movement: string
    /** Made by hand, and nobody has asked for its reversal. */
    entry: string
    /** Asked for by another person. */
    correction: string
    guarantee: string
    statement: string
    /** Another person has proposed what to do about it. */
    case: string
    filing: string
  }

/** Where things are sold and spent: made once for a book. */
export async function makePlace(
  book: Book,
): Promise<Pick<Things, 'product' | 'merchant' | 'store' | 'terminal'>> {
  const { ask } = book
  const { id: merchant } = await ask('POST', '/v1/merchants', { name: 'Shop', category: 'food' })
  const { id: store } = await ask('POST', `/v1/merchants/${merchant}/stores`, {
    name: 'Lakeside',
    district: 'West',
  })
  const { id: terminal } = await ask('POST', `/v1/stores/${store}/terminals`, { name: 'Till' })
  const { id: product } = await ask('POST', '/v1/products', terms)
  await ask('POST', `/v1/products/${product}/publish`)
  return { product, merchant, store, terminal }
}

export const terms = {
  name: 'Tea card',
  kind: 'stored_value',
  registered: false,
  carrier: 'virtual',
  face_range: { min: 1, max: 500_000 },
  validity_months: 36,
  reloadable: true,
}

/** `jobs` and `candidates`: those to use again, because new ones take their time. */
export async function makeThings(
  book: Book,
  place: Awaited<ReturnType<typeof makePlace>>,
  jobs?: Jobs,
  candidates?: Candidates,
): Promise<Things> {
  const { ask, issuer, mode } = book
  const { product, merchant } = place
  const issue = async (more: object = {}) => {
    const wanted = { product_id: product, amount: 10_000, funding: { method: 'cash' }, ...more }
    return (await ask('POST', '/v1/cards', wanted)).id
  }
  const [card, other, created, frozen] = await Promise.all([
    issue(),
    issue(),
    issue({ activate: false }),
    issue(),
  ])
  const order = () => ({
    amount: 500,
    currency: 'CNY',
    merchant_id: merchant,
    reference: newId(),
    sources: [{ card_id: card }],
  })
  const [key, draft, face, code, payment, refunded, hold, endpoint] = await Promise.all([
    ask('POST', '/v1/keys', { name: 'few', owner: 'tests', scopes: ['cards:read'], mode }),
    ask('POST', '/v1/products', terms),
    ask('POST', `/v1/cards/${other}/reveal`),
    ask('POST', `/v1/cards/${other}/pay_codes`),
    ask('POST', '/v1/payments', order()),
    ask('POST', '/v1/payments', order()),
    ask('POST', '/v1/holds', { ...order(), expires_in: 86_400 }),
    ask('POST', '/v1/webhook_endpoints', { url: book.receiverUrl, events: ['card.*'] }),
    ask('POST', `/v1/cards/${frozen}/freeze`, { reason: 'found' }),
  ])
  const charter = await ask('POST', '/v1/charters', { title: 'Charter', document: 'Text.' })
  const payout = { method: 'same_name_account', account_name: 'A', account_number: '1' }
  const redeemed = { reason: 'operator', payout }
  const redemption = await ask('POST', `/v1/cards/${await issue()}/redemptions`, redeemed)
  const given = { amount: 100, reference: newId() }
  const refund = await ask('POST', `/v1/payments/${refunded.id}/refunds`, given)
  const events = await ask('GET', '/v1/events?type=card.issued')
  const accounts = await ask('GET', '/v1/ledger/accounts')
  // A statement written by hand beside a real one of the same merchant would be found by the auditor.
  const unused = await ask('POST', '/v1/merchants', { name: 'Closed shop', category: 'tea' })
  return {
    ...place,
    ...candidatesOf(candidates ?? (await makeCandidates(book, merchant))),
    ...(await makeReserve(book)),
    ...(await makePaidOut(book.owner, { ...book, merchant: unused.id })),
    ...(await makeCampaigns(book, place, terms)),
    ...(await makeMembers(book)),
    ...(await makeWechatApp(book)),
    ...(await makeWechatPay(book)),
    ...(await makeOrders(book, { product, card: other })),
    ...(await makeTills(book, { merchant, card: other, terms })),
    ...jobsOf(jobs ?? (await makeJobs(book, product))),
    issuer,
    key: key.id,
    draft: draft.id,
    card,
    number: face.number,
    secret: face.secret,
    payCode: code.code,
    created,
    frozen,
    payment: payment.id,
    refund: refund.id,
    redemption: redemption.id,
    charter: charter.id,
    hold: hold.id,
    endpoint: endpoint.id,
    event: events.data[0].id,
    account: accounts.data[0].id,
  }
}

function jobsOf({ batch, job, fileJob, import: imported }: Jobs): Jobs {
  return { batch, job, fileJob, import: imported }
}

type Jobs = Pick<Things, 'batch' | 'job' | 'fileJob' | 'import'>

async function makeJobs(book: Book, product: string): Promise<Jobs> {
  const wanted = {
    product_id: product,
    amount: 100,
    count: 2,
    funding: { method: 'none' },
    age_recipient: book.recipient,
  }
  const form = formOf({ product_id: product }, cardFile())
  const uploaded = await book.sendForm('/v1/imports', form)
  assert.equal(uploaded.status, 202, JSON.stringify(uploaded.body))
  const batch = await ended(book, (await book.ask('POST', '/v1/cards/batches', wanted)).id)
  const imported = await ended(book, uploaded.body.id)
  const { batch_id, import_id } = { ...batch.result, ...imported.result }
  return { batch: batch_id, job: imported.id, fileJob: batch.id, import: import_id }
}

/** The job once it has ended. */
export async function ended({ ask }: Pick<Book, 'ask'>, job: string): Promise<Json> {
  for (;;) {
    const body = await ask('GET', `/v1/jobs/${job}`)
    if (body.status === 'succeeded' || body.status === 'failed') return body
    await sleep(50)
  }
}
