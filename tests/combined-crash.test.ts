/** The server is killed while a till waits for WeChat: whoever starts it again finds out what became of every payment. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertBooks } from './harness/books.ts'
import { selfSigned } from './harness/certificates.ts'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'
import { startTwin, type TwinMerchant, type TwinProcess, type TwinUser } from './harness/twin.ts'

let twin: TwinProcess
let lika: LikaProcess
let key: string
let product: string
let shop: string
let account: TwinMerchant
let payer: TwinUser
let member: string
let orders = 0

before(async () => {
  twin = await startTwin()
  lika = await startLikaProcess({
    LIKA_WECHAT_PAY_URL: twin.url,
    LIKA_WECHAT_API_URL: twin.url,
    LIKA_WECHAT_OPEN_URL: twin.url,
  })
  key = await lika.makeIssuer()
  product = await lika.makeProduct(key)
  const body = { name: '茶馆', category: 'food' }
  shop = (await lika.call('POST', '/v1/merchants', { key, body })).body.id
  account = await twin.control.merchant({ appids: ['wxofficial000000001'] })
  const { pem } = selfSigned(account.private_key_pem, { serial: account.serial })
  const given = {
    mchid: account.mchid,
    appids: account.appids,
    api_v3_key: account.api_v3_key,
    api_v2_key: account.api_v2_key,
    private_key_pem: account.private_key_pem,
    certificate_serial: account.serial,
    key_mode: 'certificate',
    v2_client_certificate_pem: pem,
  }
  const made = await lika.call('POST', '/v1/wechat/pay_accounts', { key, body: given })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  payer = await twin.control.user({ balance_fen: 10_000_000 })
  member = await enter(payer)
})
after(async () => {
  try {
    await assertBooks(lika.database.owner.sql)
  } finally {
    await lika.stop()
    await twin.stop()
  }
})

const get = async (path: string) => (await lika.call('GET', path, { key })).body
const advance = (seconds: number) =>
  lika.call('POST', '/v1/test/clock', { key, body: { advance_seconds: seconds } })

/** The member that the payer is in the official account. */
async function enter(user: TwinUser): Promise<string> {
  const [appid = ''] = account.appids
  const secret = appid.padEnd(32, '0').slice(-32)
  const keys = {
    token: 'tokenOfTests',
    encoding_aes_key: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
  }
  const app = { appid, kind: 'official_account', secret, ...keys }
  await twin.control.app({ ...app, redirect_hosts: ['127.0.0.1'] })
  const connected = await lika.call('POST', '/v1/wechat/apps', { key, body: app })
  assert.equal(connected.status, 201, JSON.stringify(connected.body))
  const { code } = await twin.control.do(user.id, 'oauth_code', { appid, scope: 'snsapi_base' })
  const entered = await fetch(`${lika.url}/wallet/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ app_id: connected.body.id, code }),
  })
  assert.equal(entered.status, 201)
  const { member: found } = JSON.parse(await entered.text())
  return found.id
}

/** A new card with 12.50, and what a till sends for 30.00. */
async function asking(rest: object) {
  const sale = { product_id: product, amount: 1_250, funding: { method: 'cash' } }
  const card = (await lika.call('POST', '/v1/cards', { key, body: sale })).body.id as string
  orders += 1
  const body = {
    amount: 3_000,
    merchant_id: shop,
    reference: `till-${orders}`,
    sources: [{ card_id: card }],
    rest: { method: 'wechat', ...rest },
  }
  return { card, body }
}

type Invited = 'native' | 'jsapi'

const restOf = (scene: Invited) => ({ scene, ...(scene === 'jsapi' && { member_id: member }) })

async function beginInvited(scene: Invited) {
  const { card, body } = await asking(restOf(scene))
  const made = await lika.call('POST', '/v1/combined_payments', { key, body })
  assert.ok(made.body.invitation, JSON.stringify(made.body))
  return { card, body: made.body }
}

const beginNative = () => beginInvited('native')

const payInvited = ({ code_url, parameters }: ReturnType<typeof JSON.parse>) =>
  twin.control.do(payer.id, 'pay', code_url === undefined ? { parameters } : { code_url })

/** The payment is given up, and the server is killed while it waits for what WeChat says to this call. */
async function diesGivingUp(id: string, call: { path: string; method: string }) {
  await twin.control.fault({ ...call, times: 1 }, 'hang_after')
  const calls = async () => {
    const all = await twin.control.requests(call.path.replace(/\*.*$/, ''), 1_000)
    return all.filter(({ method, path }) => method === call.method && isOf(call.path, path)).length
  }
  const known = await calls()
  // Asked once: nobody repeats it when the server is there again.
  const headers = { authorization: `Bearer ${key}` }
  const path = `${lika.url}/v1/combined_payments/${id}/cancel`
  const asked = fetch(path, { method: 'POST', headers }).catch(() => undefined)
  while ((await calls()) === known) await sleep(10)
  await lika.kill()
  await asked
  await twin.control.clearFaults()
}

/** Whether a path is one of those that a fault holds for. */
const isOf = (pattern: string, path: string) => {
  const [before = '', after = ''] = pattern.split('*')
  return path.startsWith(before) && path.endsWith(after)
}

const atWechat = async () => (await twin.control.orders(account.mchid)).at(-1)

/** The payment hangs at WeChat, and the server is killed meanwhile. */
async function diesAtWechat(rest: object, path: string) {
  const { card, body } = await asking(rest)
  await twin.control.fault({ path, times: 1 }, 'hang_after')
  const known = (await twin.control.orders(account.mchid)).length
  const idempotencyKey = `key-${orders}`
  const asked = { key, body, idempotencyKey }
  const begun = lika.call('POST', '/v1/combined_payments', asked)
  while ((await twin.control.orders(account.mchid)).length === known) await sleep(10)
  await lika.kill()
  await twin.control.clearFaults()
  const [order] = (await twin.control.orders(account.mchid)).slice(-1)
  return { card, order, begun }
}

async function until(id: string, status: string) {
  for (let tries = 0; tries < 150; tries += 1) {
    const now = await get(`/v1/combined_payments/${id}`)
    if (now.status === status) return now
    await sleep(100)
  }
  return get(`/v1/combined_payments/${id}`)
}

describe('a server that was killed', () => {
  test('finds that a shown code had paid, and takes the card part too', async () => {
    const { auth_code } = await twin.control.do(payer.id, 'show_code')
    const { card, begun } = await diesAtWechat({ scene: 'micropay', auth_code }, '/pay/micropay')
    await lika.start()
    // The till asks again under its key, and learns of the same payment.
    const { status, body } = await begun
    assert.equal(status, 201)
    await advance(11)
    assert.equal((await until(body.id, 'succeeded')).status, 'succeeded')
    assert.equal((await get(`/v1/cards/${card}`)).balance.principal, 0)
    assert.equal((await twin.control.orders(account.mchid)).length, 1)
  })

  test('takes back a shown code whose password is never typed', async () => {
    const { auth_code } = await twin.control.do(payer.id, 'show_code', { password: true })
    const { card, begun } = await diesAtWechat({ scene: 'micropay', auth_code }, '/pay/micropay')
    await lika.start()
    const { body } = await begun
    await advance(41)
    assert.equal((await until(body.id, 'failed')).status, 'failed')
    const { balance } = await get(`/v1/cards/${card}`)
    assert.deepEqual([balance.principal, balance.held], [1_250, 0])
  })

  test('finds a code to scan that was paid while it was dead', async () => {
    const { card, body } = await beginNative()
    assert.ok(body.invitation, JSON.stringify(body))
    await lika.kill()
    await twin.control.do(payer.id, 'pay', { code_url: body.invitation.code_url })
    await lika.start()
    await advance(20)
    assert.equal((await until(body.id, 'succeeded')).status, 'succeeded')
    assert.equal((await get(`/v1/cards/${card}`)).balance.principal, 0)
  })

  for (const scene of ['native', 'jsapi'] as const) {
    const orders = '/v3/pay/transactions/out-trade-no/*'
    const closing = { path: `${orders}/close`, method: 'POST' }

    test(`has its invitation by ${scene} asked for again, which pays once`, async () => {
      const { card, begun } = await diesAtWechat(restOf(scene), `/v3/pay/transactions/${scene}`)
      const known = (await twin.control.orders(account.mchid)).length
      await lika.start()
      const { status, body } = await begun
      assert.equal(status, 201, JSON.stringify(body))
      await payInvited(body.invitation)
      assert.equal((await until(body.id, 'succeeded')).status, 'succeeded')
      assert.equal((await get(`/v1/cards/${card}`)).balance.principal, 0)
      assert.equal((await twin.control.orders(account.mchid)).length, known)
    })

    test(`has what it gave up by ${scene} closed, and the card free`, async () => {
      const { card, body } = await beginInvited(scene)
      await diesGivingUp(body.id, closing)
      assert.equal((await atWechat()).state, 'CLOSED')
      await lika.start()
      await advance(61)
      const ended = await until(body.id, 'failed')
      assert.deepEqual([ended.status, ended.reason], ['failed', 'cancelled'])
      const { balance } = await get(`/v1/cards/${card}`)
      assert.deepEqual([balance.principal, balance.held], [1_250, 0])
    })

    /** WeChat never got the call that closes; it is paid while the server is dead, and WeChat tells of it to nobody. */
    async function paidWhileGivenUp() {
      const made = await beginInvited(scene)
      await twin.control.fault({ ...closing, times: 0 }, 'close_before')
      await diesGivingUp(made.body.id, { path: orders, method: 'GET' })
      await twin.control.fault({ path: '*', times: 0 }, 'drop_notification')
      await payInvited(made.body.invitation)
      await lika.start()
      return made
    }

    test(`takes both where what it gave up by ${scene} was paid all the same, in time`, async () => {
      const { card, body } = await paidWhileGivenUp()
      await advance(61)
      assert.equal((await until(body.id, 'succeeded')).status, 'succeeded')
      assert.equal((await get(`/v1/cards/${card}`)).balance.principal, 0)
    })

    test(`gives back what was paid by ${scene} and found when the card was free`, async () => {
      const { card, body } = await paidWhileGivenUp()
      await advance(1_300)
      assert.equal((await until(body.id, 'failed')).status, 'failed')
      const { balance } = await get(`/v1/cards/${card}`)
      assert.deepEqual([balance.principal, balance.held], [1_250, 0])
      for (let tries = 0; tries < 100 && (await atWechat()).state !== 'REFUND'; tries += 1) {
        await advance(20)
        await sleep(50)
      }
      assert.equal((await atWechat()).state, 'REFUND')
    })
  }

  test('has a shown code that it was taking back taken back once more', async () => {
    const { auth_code } = await twin.control.do(payer.id, 'show_code', { password: true })
    const { card, body } = await asking({ scene: 'micropay', auth_code })
    const made = await lika.call('POST', '/v1/combined_payments', { key, body })
    assert.equal(made.body.status, 'waiting', JSON.stringify(made.body))
    await diesGivingUp(made.body.id, { path: '/secapi/pay/reverse', method: 'POST' })
    await lika.start()
    await advance(61)
    assert.equal((await until(made.body.id, 'failed')).status, 'failed')
    const { balance } = await get(`/v1/cards/${card}`)
    assert.deepEqual([balance.principal, balance.held], [1_250, 0])
  })

  const refunds = '/v3/refund/domestic/refunds'
  const moments = {
    'before it was sent': { path: `${refunds}/*`, method: 'GET', sent: 0 },
    'after WeChat took it': { path: refunds, method: 'POST', sent: 1 },
  }
  for (const [when, { sent: before, ...call }] of Object.entries(moments))
    test(`${when}, has a refund that was asked for again arrive once`, async () => {
      const { body } = await beginNative()
      await twin.control.do(payer.id, 'pay', { code_url: body.invitation.code_url })
      await advance(20)
      assert.equal((await until(body.id, 'succeeded')).status, 'succeeded')
      await twin.control.fault({ path: refunds, times: 1 }, 'refund_closed')
      const path = `/v1/combined_payments/${body.id}/refunds`
      const asked = await lika.call('POST', path, { key, body: { reference: `back-${orders}` } })
      assert.equal(asked.status, 201, JSON.stringify(asked.body))
      const { id } = asked.body
      assert.equal((await refundUntil(id, 'closed')).status, 'closed')
      await advance(61)
      const known = (await twin.control.requests(refunds, 1_000)).length
      await twin.control.fault({ ...call, times: 1 }, 'hang_after')
      const again = await lika.call('POST', `/v1/combined_refunds/${id}/retry`, { key, body: {} })
      assert.deepEqual([again.status, again.body.attempt], [200, 2], JSON.stringify(again.body))
      const since = async () => (await twin.control.requests(refunds, 1_000)).slice(known)
      const met = async () => (await since()).some(({ method }) => method === call.method)
      while (!(await met())) await sleep(10)
      await lika.kill()
      await twin.control.clearFaults()
      const sent = async () => (await since()).filter(({ method }) => method === 'POST').length
      assert.equal(await sent(), before)
      await lika.start()
      const done = await refundUntil(id, 'succeeded')
      assert.deepEqual([done.status, done.attempt], ['succeeded', 2])
      assert.equal(await sent(), 1)
    })
})

/** Time passes until the refund is so. */
async function refundUntil(id: string, status: string) {
  const path = `/v1/combined_refunds/${id}`
  for (let tries = 0; tries < 100; tries += 1) {
    const now = await get(path)
    if (now.status === status) return now
    await advance(20)
    await sleep(100)
  }
  return get(path)
}
