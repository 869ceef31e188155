/**
 * A sale at midnight: 50,000 buyers over HTTP, never fewer than 500 requests at once, on 10,000 cards, one to each member. Server,
 * local WeChat and buyers are processes of their own, every signature is on. Sold exactly, nobody gets two, what nobody paid
 * is sold to others. FLASH_BUYERS and FLASH_CARDS make it smaller.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bookOf, type IssuerId, type Lane, parseId } from '@lika/contract'
import { nameKinds } from '../../server/src/flows/names.ts'
import { openMembers } from '../../server/src/modules/members/index.ts'
import { realNow } from '../../server/src/platform/clock.ts'
import { openKeyring } from '../../server/src/platform/crypto/master-key.ts'
import { assertBooks } from '../harness/books.ts'
import { type LikaProcess, startLikaProcess } from '../harness/lika-process.ts'
import type { Rush, RushEnd } from '../harness/sale-buyers.ts'
import { startTwin, type TwinMerchant, type TwinProcess } from '../harness/twin.ts'

const buyers = Number(process.env['FLASH_BUYERS'] ?? 50_000)
const cards = Number(process.env['FLASH_CARDS'] ?? 10_000)
const atOnce = 600
/** Of those who got one, every so manieth never pays. */
const unpaidEvery = 10
/** Every so manieth tries a second time. */
const twiceEvery = 5
const appid = 'wxofficial000000001'

interface Shop {
  readonly lika: LikaProcess
  readonly twin: TwinProcess
  readonly merchant: TwinMerchant
  readonly key: string
  readonly product: string
  rush(attempts: Pick<Rush, 'members' | 'leavesEvery'>): Promise<RushEnd>
}

test('a flash sale', async (context) => {
  const stops: (() => Promise<unknown>)[] = []
  try {
    const twin = await startTwin()
    stops.push(() => twin.stop())
    const urls = ['LIKA_WECHAT_PAY_URL', 'LIKA_WECHAT_API_URL', 'LIKA_WECHAT_OPEN_URL']
    const lika = await startLikaProcess(Object.fromEntries(urls.map((name) => [name, twin.url])))
    stops.push(() => lika.stop())
    const shop = await open(lika, twin, (stop) => stops.push(stop))
    await sell(shop, (said) => context.diagnostic(said))
    await assertBooks(lika.database.owner.sql)
    const verified = await lika.call('POST', '/v1/ledger/verify', { key: shop.key, body: {} })
    assert.equal(verified.body.ok, true, JSON.stringify(verified.body))
  } finally {
    for (const stop of stops.toReversed()) await stop()
  }
})

async function open(
  lika: LikaProcess,
  twin: TwinProcess,
  onStop: (stop: () => Promise<unknown>) => void,
): Promise<Shop> {
  const key = await lika.makeIssuer()
  const product = await lika.makeProduct(key, { cooling_off_hours: 3 })
  const merchant = await twin.control.merchant({ appids: [appid] })
  const { mchid, appids, api_v3_key, private_key_pem, serial: certificate_serial } = merchant
  const keys = { api_v3_key, private_key_pem, certificate_serial, key_mode: 'certificate' }
  const made = await lika.call('POST', '/v1/wechat/pay_accounts', {
    key,
    body: { mchid, appids, ...keys },
  })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  const payer = await twin.control.user({ balance_fen: cards * 2 * 10_000 })
  const program = join(import.meta.dirname, '../harness/sale-buyers.ts')
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  onStop(async () => {
    child.stdin.end()
    await ended
  })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const sale = { lika: lika.url, key, wechat: twin.url, payer: payer.id, product, atOnce }
  return {
    lika,
    twin,
    merchant,
    key,
    product,
    rush: async (attempts) => {
      child.stdin.write(`${JSON.stringify({ ...sale, ...attempts } satisfies Rush)}\n`)
      const answer = await answers.next()
      if (answer.done === true) throw new Error('the buyers have gone')
      return JSON.parse(answer.value)
    },
  }
}

async function sell(shop: Shop, say: (said: string) => void): Promise<void> {
  const { lika, key, product } = shop
  const limits = { count: cards, per_member: 1, unpaid_minutes: 10 }
  const set = await lika.call('POST', `/v1/products/${product}/stock`, { key, body: limits })
  assert.equal(set.status, 200, JSON.stringify(set.body))
  const members = await makeMembers(lika, Math.ceil(buyers * (1 - 1 / twiceEvery)))
  const attempts = Array.from({ length: buyers }, (_, at) => members[at % members.length] ?? '')

  const first = await shop.rush({ members: attempts, leavesEvery: unpaidEvery })
  say(
    `${buyers} buyers, never fewer than ${first.leastAtOnce} requests at once: the last card is ordered after ${seconds(first.orderedMs)}, everybody answered or paid after ${seconds(first.tookMs)}; ${JSON.stringify(first.ends)}`,
  )
  assert.ok(first.leastAtOnce >= 500, `only ${first.leastAtOnce} at once`)
  assert.equal(first.ends['ordered'], cards)
  const unpaid = cards - first.paid
  await untilStock(shop, { reserved: unpaid, sold: first.paid, left: 0 })

  const closing = performance.now()
  await advance(shop, 601)
  await untilStock(shop, { reserved: 0, sold: first.paid, left: unpaid })
  say(`${unpaid} unpaid orders are back after ${seconds(performance.now() - closing)}`)

  const won = new Set(first.winners)
  const losers = members.filter((member) => !won.has(member))
  const second = await shop.rush({ members: losers, leavesEvery: 0 })
  say(`sold to those who came too late: ${JSON.stringify(second.ends)}`)
  await untilStock(shop, { reserved: 0, sold: cards, left: 0 })
  await assertSold(shop)
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

function advance({ lika, key }: Shop, seconds: number) {
  return lika.call('POST', '/v1/test/clock', { key, body: { advance_seconds: seconds } })
}

type Stock = Readonly<Record<'reserved' | 'sold' | 'left', number>>

/** What WeChat could not tell in the rush it tells again, or it is asked: both go by the clock of test mode. */
async function untilStock(shop: Shop, expected: Stock): Promise<void> {
  let stock: Stock | undefined
  for (let tries = 0; tries < 400; tries += 1) {
    stock = await stockOf(shop)
    if (stock.sold === expected.sold && stock.reserved === expected.reserved) break
    if (tries % 40 === 39) await advance(shop, 20)
    await sleep(250)
  }
  assert.deepEqual(stock, expected)
}

async function stockOf({ lika, key, product }: Shop): Promise<Stock> {
  const { body } = await lika.call('GET', `/v1/products/${product}/stock`, { key })
  return { reserved: body.reserved, sold: body.sold, left: body.left }
}

/** People who have logged in to the official account: what a login leaves behind. */
async function makeMembers(lika: LikaProcess, count: number): Promise<string[]> {
  const database = lika.database.owner
  const { sql } = database
  const masterKey = { value: undefined, file: join(lika.folder, 'master.key') }
  const lanes = await sql<{ lane: Lane }[]>`select lane from lane where pool = 'test'`
  const [issuer] = await sql<{ id: IssuerId }[]>`select id from issuer`
  assert.ok(issuer)
  const book = bookOf(issuer.id, 'test')
  let made = 0
  const members = openMembers({
    database,
    keyring: await openKeyring(sql, masterKey),
    nameKinds,
    now: realNow,
    laneForNew: () => lanes[made++ % lanes.length]?.lane ?? 0,
  })
  const all: string[] = []
  while (all.length < count) {
    const some = Array.from({ length: Math.min(200, count - all.length) }, (_, index) =>
      members.enter(book, { appid, openid: `o-of-the-sale-${all.length + index}` }),
    )
    for (const id of await Promise.all(some)) all.push(`mem_${id.replaceAll('-', '')}`)
  }
  return all
}

/** In the book, at WeChat and on cards alike: as many as there were, one to each. */
async function assertSold({ lika, twin, merchant, product }: Shop): Promise<void> {
  const { sql } = lika.database.owner
  const id = parseId('product', product)
  assert.ok(id)
  const [book] = await sql<{ orders: bigint; members: bigint; cards: bigint; total: bigint }[]>`
    select
      count(*) as orders, count(distinct member_id) as members, sum(cardinality(card_ids))::bigint as cards,
      sum(total)::bigint as total
    from sale_order
    where product_id = ${id}
      and status in ('paid', 'delivered', 'completed')`
  const expected = BigInt(cards)
  assert.deepEqual(
    { ...book },
    { orders: expected, members: expected, cards: expected, total: expected * 10_000n },
  )
  const all = await twin.control.orders(merchant.mchid)
  assert.equal(all.filter((one) => one.state === 'SUCCESS').length, cards)
  const [most] = await sql<{ taken: bigint }[]>`
    select max(taken) as taken from stock_member where product_id = ${id}`
  assert.equal(most?.taken, 1n)
}
