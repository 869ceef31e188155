import assert from 'node:assert/strict'
import { randomBytes, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTwin, type TwinMerchant } from './harness/twin.ts'

const twin = await startTwin()
const received: string[] = []
/** 0: none at all. */
let answer = 204
const receiver = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    received.push(String(request.headers['wechatpay-nonce']))
    if (answer !== 0) response.writeHead(answer).end()
  })
}).listen(0, '127.0.0.1')
await once(receiver, 'listening')
after(async () => {
  receiver.closeAllConnections()
  receiver.close()
  await twin.stop()
})
const { port } = receiver.address() as { port: number }
const merchant = await twin.control.merchant()
const user = await twin.control.user()
const [appid = ''] = merchant.appids
const prefix = '/v3/pay/transactions'
let numbers = 0

async function v3(
  by: TwinMerchant,
  method: string,
  target: string,
  body?: object,
  { url = twin.url, patienceMs = 30_000 } = {},
) {
  const text = body === undefined ? '' : JSON.stringify(body)
  const [timestamp, nonce] = [Math.floor(Date.now() / 1000), randomBytes(16).toString('hex')]
  const message = `${method}\n${target}\n${timestamp}\n${nonce}\n${text}\n`
  const signature = sign('sha256', Buffer.from(message), by.private_key_pem).toString('base64')
  const response = await fetch(`${url}${target}`, {
    method,
    headers: {
      accept: 'application/json',
      'user-agent': 'test',
      'content-type': 'application/json',
      authorization: `WECHATPAY2-SHA256-RSA2048 mchid="${by.mchid}",nonce_str="${nonce}",timestamp="${timestamp}",serial_no="${by.serial}",signature="${signature}"`,
    },
    ...(body !== undefined && { body: text }),
    signal: AbortSignal.timeout(patienceMs),
  })
  const said = await response.text()
  return { status: response.status, body: said === '' ? undefined : JSON.parse(said) }
}

function order(more: object = {}) {
  numbers += 1
  return {
    appid,
    mchid: merchant.mchid,
    description: '礼品卡',
    out_trade_no: `T${String(numbers).padStart(9, '0')}`,
    notify_url: `http://127.0.0.1:${port}/wechat/notify`,
    amount: { total: 10_000, currency: 'CNY' },
    payer: { openid: user.openids[appid] },
    ...more,
  }
}
const place = (body: object, more: { patienceMs?: number } = {}) =>
  v3(merchant, 'POST', `${prefix}/jsapi`, body, more)
const ask = (no: string) =>
  v3(merchant, 'GET', `${prefix}/out-trade-no/${no}?mchid=${merchant.mchid}`)

test('what was answered is there after a kill: merchants, users, orders, refunds, clock, faults', async () => {
  const [paid, open] = [order(), order()]
  const { prepay_id } = (await place(paid)).body
  await place(open)
  await twin.control.do(user.id, 'pay', { prepay_id })
  const refund = {
    out_trade_no: paid.out_trade_no,
    out_refund_no: 'R1',
    amount: { refund: 40, total: 10_000, currency: 'CNY' },
  }
  const made = await v3(merchant, 'POST', '/v3/refund/domestic/refunds', refund)
  await twin.control.clock({ advance_seconds: 10 })
  await twin.control.fault({ path: `${prefix}/native`, times: 2 }, 'answer_500_before')
  const [before, again] = [await ask(paid.out_trade_no), await ask(open.out_trade_no)]
  await twin.restart()
  assert.deepEqual(await ask(paid.out_trade_no), before)
  assert.deepEqual(await ask(open.out_trade_no), again)
  assert.deepEqual(
    (await v3(merchant, 'POST', '/v3/refund/domestic/refunds', refund)).body,
    made.body,
  )
  assert.equal((await twin.control.clock({ advance_seconds: 30 })).offset_seconds, 40)
  const done = await v3(merchant, 'GET', '/v3/refund/domestic/refunds/R1')
  assert.equal(done.body.status, 'SUCCESS')
  assert.equal((await v3(merchant, 'POST', `${prefix}/native`, order())).status, 500)
  await twin.control.clearFaults()
  const { platform_certificates } = await twin.control.call('GET', `/merchants/${merchant.mchid}`)
  assert.deepEqual(platform_certificates, merchant.platform_certificates)
})

test('the ladder of a notification goes on after a kill', async () => {
  answer = 500
  const body = order()
  const { prepay_id } = (await place(body)).body
  await twin.control.do(user.id, 'pay', { prepay_id })
  await twin.control.settle()
  const before = received.length
  await twin.restart()
  answer = 204
  await twin.control.clock({ advance_seconds: 15 })
  await twin.control.settle()
  assert.equal(received.length, before + 1)
  const notices = await twin.control.notifications(merchant.mchid)
  const { state, attempts } = notices.find(({ ref }) => ref === body.out_trade_no)
  assert.equal(state, 'delivered')
  assert.deepEqual(
    attempts.map(({ status }: { status: number }) => status),
    [500, 204],
  )
})

test('a notification that was on its way at a kill is made again', async () => {
  answer = 0
  const { prepay_id } = (await place(order())).body
  const before = received.length
  await twin.control.do(user.id, 'pay', { prepay_id })
  while (received.length === before) await sleep(10)
  answer = 204
  await twin.restart()
  await twin.control.settle()
  assert.equal(received.length, before + 2)
})

test('answer_500_before does no work, answer_500_after has done it', async () => {
  const [before, after_] = [order(), order()]
  await twin.control.fault({ path: `${prefix}/jsapi` }, 'answer_500_before')
  assert.equal((await place(before)).status, 500)
  assert.equal((await ask(before.out_trade_no)).status, 404)
  await twin.control.fault({ path: `${prefix}/jsapi` }, 'answer_500_after')
  assert.equal((await place(after_)).status, 500)
  assert.equal((await ask(after_.out_trade_no)).body.trade_state, 'NOTPAY')
})

test('close_before ends the connection without work, hang_after keeps the answer of work done', async () => {
  const [before, after_] = [order(), order()]
  await twin.control.fault({ path: `${prefix}/jsapi` }, 'close_before')
  await assert.rejects(place(before), /fetch failed/)
  assert.equal((await ask(before.out_trade_no)).status, 404)
  await twin.control.fault({ path: `${prefix}/jsapi` }, 'hang_after')
  await assert.rejects(place(after_, { patienceMs: 500 }), /timeout/)
  assert.equal((await ask(after_.out_trade_no)).body.trade_state, 'NOTPAY')
})

test('a fault is for one call unless it says otherwise, from the nth on, of one merchant', async () => {
  const path = `${prefix}/out-trade-no/{no}`
  const other = await twin.control.merchant()
  const { out_trade_no } = order()
  const statuses = async (by: TwinMerchant, count: number) => {
    const seen: number[] = []
    for (let call = 0; call < count; call += 1) {
      const target = `${prefix}/out-trade-no/${out_trade_no}?mchid=${by.mchid}`
      seen.push((await v3(by, 'GET', target)).status)
    }
    return seen
  }
  await twin.control.fault({ path, mchid: merchant.mchid, nth: 2, times: 2 }, 'answer_500_before')
  assert.deepEqual(await statuses(other, 2), [404, 404])
  assert.deepEqual(await statuses(merchant, 5), [404, 500, 500, 404, 404])
  const any = { path: `${prefix}/out-trade-no/*`, method: 'POST' }
  await twin.control.fault(any, 'answer_500_before')
  assert.deepEqual(await statuses(merchant, 1), [404])
  await twin.control.fault(
    { path, times: 0 },
    { name: 'status', http: 503, code: 'SERVICE_UNAVAILABLE' },
  )
  assert.deepEqual(await statuses(merchant, 3), [503, 503, 503])
  await twin.control.clearFaults()
  assert.deepEqual(await statuses(merchant, 1), [404])
})

test('requests are kept as they came, without what authenticates them', async () => {
  const body = order({ attach: '原样' })
  await place(body)
  const [last] = await twin.control.requests(`${prefix}/jsapi`, 1)
  assert.deepEqual(JSON.parse(last.body), body)
  assert.deepEqual([last.method, last.path, last.status], ['POST', `${prefix}/jsapi`, 200])
  assert.equal(last.headers.authorization, 'WECHATPAY2-SHA256-RSA2048')
})

test('strict takes https alone in notify_url, local takes http on loopback too', async () => {
  const strict = await startTwin({ profile: 'strict' })
  const made = await strict.control.merchant()
  const state = await strict.control.call('GET', '/phone/state')
  assert.equal(state.profile, 'strict')
  const urls = ['https://shop.example.com/n', 'http://127.0.0.1:1/n', 'http://shop.example.com/n']
  const statuses = async (url: string, by: TwinMerchant) => {
    const seen: number[] = []
    for (const notify_url of urls) {
      const { payer: _, ...body } = order({ notify_url, mchid: by.mchid })
      seen.push((await v3(by, 'POST', `${prefix}/native`, body, { url })).status)
    }
    return seen
  }
  assert.deepEqual(await statuses(strict.url, made), [200, 400, 400])
  assert.deepEqual(await statuses(twin.url, merchant), [200, 200, 400])
  await strict.stop()
})

test('the same seed gives the same numbers', async () => {
  const numbersOf = async () => {
    const seeded = await startTwin({ seed: 'one' })
    const shop = await seeded.control.merchant({ mchid: '1900000999', appids: [appid] })
    const buyer = await seeded.control.user()
    const body = order({
      mchid: shop.mchid,
      out_trade_no: 'T_SEEDED',
      payer: { openid: buyer.openids[appid] },
    })
    const made = await v3(shop, 'POST', `${prefix}/jsapi`, body, { url: seeded.url })
    const { prepay_id } = made.body
    const { transaction_id } = await seeded.control.do(buyer.id, 'pay', { prepay_id })
    await seeded.stop()
    return { user: buyer.id, openids: buyer.openids, transaction_id }
  }
  assert.deepEqual(await numbersOf(), await numbersOf())
})
