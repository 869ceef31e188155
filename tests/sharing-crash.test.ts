/**
 * A server that is killed again and again while it works off a backlog of shares: each payee gets his part of every sale once,
 * and the books say so.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertBooks } from './harness/books.ts'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'
import { startTwin, type TwinMerchant, type TwinProcess } from './harness/twin.ts'

type Json = ReturnType<typeof JSON.parse>

const sales = 60
const price = 5_000
const parts = [1_000, 500]
const ordersPath = '/v3/profitsharing/orders'

let twin: TwinProcess
let lika: LikaProcess
let key: string
let merchant: TwinMerchant
let payees: TwinMerchant[]
let product: string

before(async () => {
  twin = await startTwin()
  lika = await startLikaProcess({
    LIKA_WECHAT_PAY_URL: twin.url,
    LIKA_WECHAT_API_URL: twin.url,
    LIKA_WECHAT_OPEN_URL: twin.url,
  })
  key = await lika.makeIssuer()
  product = await lika.makeProduct(key)
  merchant = await twin.control.merchant({
    appids: ['wxofficial000000001'],
    sharing_max_bp: 3_000,
  })
  payees = await Promise.all(parts.map(() => twin.control.merchant({ name: '供应商' })))
  const { mchid, appids, api_v3_key, private_key_pem, serial: certificate_serial } = merchant
  const keys = { api_v3_key, private_key_pem, certificate_serial, key_mode: 'certificate' }
  await made('/v1/wechat/pay_accounts', { mchid, appids, ...keys })
  await made('/v1/wechat/sharing_rules', {
    product_id: product,
    receivers: payees.map((payee, index) => ({
      mchid: payee.mchid,
      name: '供应商',
      relation: 'SUPPLIER',
      share_bp: parts[index],
    })),
  })
})
after(async () => {
  try {
    await assertBooks(lika.database.owner.sql)
    const verified = await lika.call('POST', '/v1/ledger/verify', { key, body: {} })
    assert.equal(verified.body.ok, true, JSON.stringify(verified.body))
  } finally {
    await lika.stop()
    await twin.stop()
  }
})

async function made(path: string, body: object): Promise<Json> {
  const answer = await lika.call('POST', path, { key, body })
  assert.ok(answer.status < 300, JSON.stringify(answer.body))
  return answer.body
}

const advance = (seconds: number) => made('/v1/test/clock', { advance_seconds: seconds })
const shares = async (): Promise<Json[]> =>
  (await lika.call('GET', '/v1/wechat/shares?limit=200', { key })).body.data
const finished = async () => (await shares()).filter(({ status }) => status === 'finished').length
const posts = async () =>
  (await twin.control.requests(ordersPath, 2_000)).filter(({ method }) => method === 'POST').length

/** What each payee has at WeChat. */
const balances = () =>
  Promise.all(
    payees.map(
      async ({ mchid }) => (await twin.control.call('GET', `/merchants/${mchid}`)).balance_fen,
    ),
  )

async function sell(buyer: string): Promise<void> {
  const sale = { kind: 'purchase', product_id: product, amount: price, channel: 'till' }
  const { id } = await made('/v1/orders', sale)
  const { code_url } = await made(`/v1/orders/${id}/pay`, { scene: 'native' })
  await twin.control.do(buyer, 'pay', { code_url })
}

/** Time passes until it is so. */
async function until(holds: () => Promise<boolean>, seconds: number): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) {
    if (await holds()) return
    if (seconds > 0) await advance(seconds)
    await sleep(100)
  }
  assert.ok(await holds(), `${await finished()} of ${sales} shares have gone out`)
}

test('sixty sales are shared once each, though the server dies at every tenth call', async () => {
  assert.deepEqual(await balances(), [0, 0])
  const buyer = await twin.control.user({ balance_fen: 10_000_000 })
  for (let sale = 0; sale < sales; sale += 1) await sell(buyer.id)
  await until(async () => (await shares()).length === sales, 10)
  let deaths = 0
  for (let calls = await posts(); (await finished()) < sales && deaths < 6; calls = await posts()) {
    // WeChat has done the work of the call in which it dies.
    await twin.control.fault({ path: ordersPath, method: 'POST', nth: 10, times: 1 }, 'hang_after')
    await advance(70)
    await until(async () => (await posts()) >= calls + 10 || (await finished()) === sales, 0)
    await lika.kill()
    deaths += 1
    await twin.control.clearFaults()
    await lika.start()
  }
  assert.ok(deaths >= 3, `${deaths} deaths`)
  await until(async () => (await finished()) === sales, 30)
  assert.deepEqual(
    await balances(),
    parts.map((part) => (sales * price * part) / 10_000),
  )
  const { body } = await lika.call('GET', '/v1/ledger/trial_balance', { key })
  const shared = body.data
    .filter(({ kind }: Json) => kind === 'shared_sales')
    .reduce((sum: number, { debit, credit }: Json) => sum + debit - credit, 0)
  assert.equal(shared, (sales * price * 1_500) / 10_000)
})
