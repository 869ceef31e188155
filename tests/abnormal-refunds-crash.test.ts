/** The server is killed while WeChat takes a card for an abnormal refund: the money goes out once, whoever asks again. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertBooks } from './harness/books.ts'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'
import { startTwin, type TwinMerchant, type TwinProcess, type TwinUser } from './harness/twin.ts'

const card = { bank_type: 'ICBC_DEBIT', bank_account: '6222020200012345678', real_name: '李四' }
const refunds = '/v3/refund/domestic/refunds'

let twin: TwinProcess
let lika: LikaProcess
let key: string
let product: string
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
  const merchant: TwinMerchant = await twin.control.merchant({ appids: ['wxofficial000000001'] })
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

let calls = 0
function post(path: string, body: object, idempotencyKey?: string) {
  calls += 1
  return lika.call('POST', path, { key, body, idempotencyKey: idempotencyKey ?? `k-${calls}` })
}
const show = async (id: string) => (await lika.call('GET', `/v1/orders/${id}`, { key })).body
const advance = (seconds: number) =>
  lika.call('POST', '/v1/test/clock', { key, body: { advance_seconds: seconds } })

/** Time passes until the order, or its refund, is so. */
async function until(id: string, status: string) {
  for (let turn = 0; turn < 60; turn += 1) {
    const now = await show(id)
    if (now.status === status || now.refunds[0]?.status === status) return now
    await advance(20)
    await sleep(60)
  }
  return show(id)
}

async function abnormal() {
  const sale = { kind: 'purchase', product_id: product, amount: 5_000, channel: 'till' }
  const { id } = (await post('/v1/orders', sale)).body
  const invitation = await post(`/v1/orders/${id}/pay`, { scene: 'native' })
  await twin.control.do(buyer.id, 'pay', { code_url: invitation.body.code_url })
  await until(id, 'delivered')
  await twin.control.fault({ path: refunds }, 'refund_abnormal')
  assert.equal((await post(`/v1/orders/${id}/refunds`, { reason: 'no' })).status, 200)
  await twin.control.clearFaults()
  const waiting = await until(id, 'abnormal')
  return { id: String(id), no: String(waiting.refunds[0].out_refund_no) }
}

/** WeChat has the call, before or after its work, when the server is killed. */
async function diesDuring(effect: 'hang_after' | 'answer_500_before', ask: () => Promise<unknown>) {
  const path = `${refunds}/*/apply-abnormal-refund`
  await twin.control.fault({ path, method: 'POST', times: 1 }, effect)
  const seen = (await twin.control.requests(refunds, 1_000)).length
  const applied = async () =>
    (await twin.control.requests(refunds, 1_000))
      .slice(seen)
      .some((one) => one.path.endsWith('/apply-abnormal-refund'))
  const asked = ask().catch(() => undefined)
  while (!(await applied())) await sleep(5)
  await lika.kill()
  await twin.control.clearFaults()
  await lika.start()
  await asked
}

const apply = ({ id, no }: { id: string; no: string }, idempotencyKey: string) =>
  post(`/v1/orders/${id}/apply_abnormal_refund`, { out_refund_no: no, ...card }, idempotencyKey)

const applications = async () =>
  (await twin.control.requests(refunds, 1_000)).filter(({ path }) =>
    path.endsWith('/apply-abnormal-refund'),
  ).length

test('killed after WeChat took the card: nobody asks again, and the money arrives', async () => {
  const refund = await abnormal()
  await diesDuring('hang_after', () => apply(refund, `apply-${refund.no}`))
  const sent = await applications()
  const done = await until(refund.id, 'refunded')
  assert.deepEqual([done.status, done.refunded_amount], ['refunded', 5_000])
  const again = await apply(refund, `apply-${refund.no}`)
  assert.deepEqual([again.status, again.body.refund?.status], [200, 'succeeded'])
  assert.equal(await applications(), sent)
})

test('killed before WeChat did anything: the same key sends it again, and the money arrives once', async () => {
  const refund = await abnormal()
  await diesDuring('answer_500_before', () => apply(refund, `apply-${refund.no}`))
  const again = await apply(refund, `apply-${refund.no}`)
  assert.equal(again.status, 200, JSON.stringify(again.body))
  assert.notEqual(again.body.refund.status, 'abnormal')
  const done = await until(refund.id, 'refunded')
  assert.deepEqual([done.status, done.refunded_amount, done.refunds.length], ['refunded', 5_000, 1])
})
