/** The server is killed while WeChat works for an order: whoever starts it again asks for what nobody knows, once. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertBooks } from './harness/books.ts'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'
import { startTwin, type TwinMerchant, type TwinProcess, type TwinUser } from './harness/twin.ts'

let twin: TwinProcess
let lika: LikaProcess
let key: string
let product: string
let merchant: TwinMerchant
let buyer: TwinUser

before(async () => {
  twin = await startTwin()
  lika = await startLikaProcess({
    LIKA_WECHAT_PAY_URL: twin.url,
    LIKA_WECHAT_API_URL: twin.url,
    LIKA_WECHAT_OPEN_URL: twin.url,
  })
  key = await lika.makeIssuer()
  product = await lika.makeProduct(key)
  merchant = await twin.control.merchant({ appids: ['wxofficial000000001'] })
  const { mchid, appids, api_v3_key, private_key_pem, serial: certificate_serial } = merchant
  const keys = { api_v3_key, private_key_pem, certificate_serial, key_mode: 'certificate' }
  const body = { mchid, appids, ...keys }
  const made = await lika.call('POST', '/v1/wechat/pay_accounts', { key, body })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  buyer = await twin.control.user({ balance_fen: 10_000_000 })
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

let orders = 0
function post(path: string, body: object, idempotencyKey?: string) {
  orders += 1
  const own = idempotencyKey ?? `k-${orders}`
  return lika.call('POST', path, { key, body, idempotencyKey: own })
}

async function ordered(): Promise<string> {
  const sale = { kind: 'purchase', product_id: product, amount: 5_000, channel: 'till' }
  const made = await post('/v1/orders', sale)
  assert.equal(made.status, 201, JSON.stringify(made.body))
  return made.body.id
}

const show = async (id: string) => (await lika.call('GET', `/v1/orders/${id}`, { key })).body
const advance = (seconds: number) =>
  lika.call('POST', '/v1/test/clock', { key, body: { advance_seconds: seconds } })

async function until(id: string, status: string) {
  for (let tries = 0; tries < 150; tries += 1) {
    const now = await show(id)
    if (now.status === status) return now
    await sleep(100)
  }
  return show(id)
}

/** The call hangs at WeChat after its work was done, and the server is killed meanwhile. */
async function diesDuring(path: string, ask: () => Promise<unknown>): Promise<void> {
  await twin.control.fault({ path: `${path}*`, method: 'POST', times: 1 }, 'hang_after')
  const seen = (await twin.control.requests(path, 200)).length
  const asked = ask().catch(() => undefined)
  while ((await twin.control.requests(path, 200)).length === seen) await sleep(10)
  await sleep(50)
  await lika.kill()
  await twin.control.clearFaults()
  await lika.start()
  await asked
}

describe('a server that was killed', () => {
  test('while it asked for the invitation gives it under the same key, and the buyer pays once', async () => {
    const id = await ordered()
    const pay = () => post(`/v1/orders/${id}/pay`, { scene: 'native' }, `pay-${id}`)
    await diesDuring('/v3/pay/transactions/native', pay)
    const invitation = await pay()
    assert.equal(invitation.status, 200, JSON.stringify(invitation.body))
    await twin.control.do(buyer.id, 'pay', { code_url: invitation.body.code_url })
    const paid = await until(id, 'delivered')
    assert.deepEqual([paid.status, paid.payments.length, paid.cards.length], ['delivered', 1, 1])
  })

  test('while the buyer paid finds the payment by asking', async () => {
    const id = await ordered()
    const invitation = await post(`/v1/orders/${id}/pay`, { scene: 'native' })
    await lika.kill()
    await twin.control.fault({ path: '*' }, 'drop_notification')
    await twin.control.do(buyer.id, 'pay', { code_url: invitation.body.code_url })
    await lika.start()
    await advance(30)
    assert.equal((await until(id, 'delivered')).status, 'delivered')
    await twin.control.clearFaults()
  })

  test('while it asked for a refund asks again under the same number, and the money goes back once', async () => {
    const id = await ordered()
    const invitation = await post(`/v1/orders/${id}/pay`, { scene: 'native' })
    await twin.control.do(buyer.id, 'pay', { code_url: invitation.body.code_url })
    await until(id, 'delivered')
    const refund = () => post(`/v1/orders/${id}/refunds`, { reason: 'no' }, `refund-${id}`)
    await diesDuring('/v3/refund/domestic/refunds', refund)
    assert.equal((await refund()).status, 200)
    for (let turn = 0; turn < 30 && (await show(id)).status !== 'refunded'; turn += 1) {
      await advance(30)
      await sleep(200)
    }
    const back = await until(id, 'refunded')
    assert.deepEqual(
      [back.status, back.refunded_amount, back.refunds.length],
      ['refunded', 5_000, 1],
    )
  })

  test('while it closed an order closes it all the same', async () => {
    const id = await ordered()
    const invitation = await post(`/v1/orders/${id}/pay`, { scene: 'native' })
    const close = () => post(`/v1/orders/${id}/close`, {}, `close-${id}`)
    await diesDuring('/v3/pay/transactions/out-trade-no', close)
    const closed = await close()
    assert.deepEqual([closed.status, closed.body.status], [200, 'closed'], JSON.stringify(closed))
    await assert.rejects(twin.control.do(buyer.id, 'pay', { code_url: invitation.body.code_url }))
  })
})
