/**
 * Profit sharing and combined orders as a client that is not ours asks for them: wechatpay-node-v3 writes the bodies, signs
 * them, encrypts the names, and verifies the answers. Its host is fixed, so it gets a carrier of ours.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import WxPay from 'wechatpay-node-v3'
import { appid, openWorld } from './testing/world.ts'

const world = await openWorld()
after(() => world.close())
const { twin } = world
const merchant = await world.merchant()
const shop = await world.merchant({ name: '门店' })
const user = world.user()
const [platform] = merchant.platform_certificates

const pay = new WxPay({
  appid,
  mchid: merchant.mchid,
  publicKey: Buffer.from(merchant.public_key_pem),
  privateKey: Buffer.from(merchant.private_key_pem),
  serial_no: merchant.serial.toLowerCase(),
  key: merchant.api_v3_key,
})
async function carry(method: string, url: string, headers: Record<string, string>, body?: unknown) {
  const response = await fetch(url.replace('https://api.mch.weixin.qq.com', world.url), {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const given = (name: string) => response.headers.get(name) ?? ''
  const isGood = await pay.verifySign({
    timestamp: given('wechatpay-timestamp'),
    nonce: given('wechatpay-nonce'),
    signature: given('wechatpay-signature'),
    serial: given('wechatpay-serial'),
    body: text,
    apiSecret: merchant.api_v3_key,
  })
  // The list of certificates is asked for while another answer is being verified.
  if (!url.endsWith('/v3/certificates')) assert.ok(isGood, `the signature of ${url}`)
  return { status: response.status, data: text === '' ? undefined : JSON.parse(text) }
}
const certificates = async (url: string, headers: Record<string, string>) => {
  const response = await fetch(url.replace('https://api.mch.weixin.qq.com', world.url), { headers })
  return { status: response.status, data: await response.json() }
}
pay.createHttp({
  get: (url, headers) =>
    url.endsWith('/v3/certificates') ? certificates(url, headers) : carry('GET', url, headers),
  post: (url, body, headers) => carry('POST', url, headers, body),
  upload: () => Promise.reject(new Error('nothing is uploaded here')),
})

// The types of the library are of another time.
const client: ReturnType<typeof JSON.parse> = pay

test('a combined order is placed, paid, asked for and closed', async () => {
  const order = (number: string) => ({
    combine_out_trade_no: number,
    combine_mchid: merchant.mchid,
    combine_appid: appid,
    sub_orders: [merchant, shop].map(({ mchid }) => ({
      mchid,
      attach: 'a',
      amount: { total_amount: 100, currency: 'CNY' },
      out_trade_no: `${number}${mchid}`,
      description: '礼卡',
    })),
    combine_payer_info: { openid: world.openid(user) },
    notify_url: 'http://127.0.0.1:9/notify',
  })
  const placed = await client.combine_transactions_jsapi(order('CROSS1'))
  assert.equal(placed.status, 200, JSON.stringify(placed))
  const prepay = placed.data.package.replace('prepay_id=', '')
  assert.ok(twin.prepays.pay(prepay, user).paid)
  const found = await client.combine_query('CROSS1')
  assert.equal(found.data.sub_orders[1].trade_state, 'SUCCESS')
  assert.equal((await client.combine_transactions_native(order('CROSS2'))).status, 200)
  const closed = await client.combine_close(
    'CROSS2',
    order('CROSS2').sub_orders.map(({ mchid, out_trade_no }) => ({ mchid, out_trade_no })),
  )
  assert.equal(closed.status, 204, JSON.stringify(closed))
})

test('a receiver is added under an encrypted name, shared with, asked back, and deleted; the rest is unfrozen', async () => {
  const name = client.publicEncrypt(shop.name, Buffer.from(platform?.pem ?? ''))
  assert.equal(typeof name, 'string')
  const added = await client.profitsharing_receivers_add({
    appid,
    type: 'MERCHANT_ID',
    account: shop.mchid,
    name,
    relation_type: 'STORE',
    wx_serial_no: platform?.serial_no,
  })
  assert.equal(added.status, 200, JSON.stringify(added))
  const out_trade_no = 'CROSS3'
  const placed = await client.transactions_jsapi({
    description: '礼卡',
    out_trade_no,
    notify_url: 'http://127.0.0.1:9/notify',
    amount: { total: 10_000 },
    payer: { openid: world.openid(user) },
    settle_info: { profit_sharing: true },
  })
  assert.equal(placed.status, 200, JSON.stringify(placed))
  const paid = twin.prepays.pay(placed.data.package.replace('prepay_id=', ''), user)
  assert.ok(paid.paid)
  const { transaction_id } = paid
  world.advance(60)
  const shared = await client.create_profitsharing_orders({
    appid,
    transaction_id,
    out_order_no: 'CS1',
    receivers: [
      { type: 'MERCHANT_ID', account: shop.mchid, amount: 1_000, description: '分给门店' },
    ],
    unfreeze_unsplit: false,
  })
  assert.equal(shared.data.state, 'PROCESSING', JSON.stringify(shared))
  world.advance(5)
  const found = await client.query_profitsharing_orders(transaction_id, 'CS1')
  assert.equal(found.data.receivers[0].result, 'SUCCESS', JSON.stringify(found))
  assert.equal(
    (await client.query_profitsharing_amounts(transaction_id)).data.unsplit_amount,
    8_940,
  )
  const back = await client.profitsharing_return_orders({
    out_order_no: 'CS1',
    out_return_no: 'CB1',
    return_mchid: shop.mchid,
    amount: 400,
    description: '退款',
  })
  assert.equal(back.data.result, 'SUCCESS', JSON.stringify(back))
  const returned = await client.query_profitsharing_return_orders('CB1', 'CS1')
  assert.equal(returned.data.return_id, back.data.return_id)
  twin.settings.change({ rates: { 'sharing.order': 1e6 } })
  const unfrozen = await client.profitsharing_orders_unfreeze({
    transaction_id,
    out_order_no: 'CS2',
    description: '完结',
  })
  assert.equal(unfrozen.data.receivers[0].amount, 8_940, JSON.stringify(unfrozen))
  const deleted = await client.profitsharing_receivers_delete({
    appid,
    type: 'MERCHANT_ID',
    account: shop.mchid,
  })
  assert.equal(deleted.status, 200, JSON.stringify(deleted))
})

test('a bill is offered in the form that it asks for', async () => {
  const { formatDay } = await import('./kernel/time.ts')
  const bill_date = formatDay(twin.clock.now())
  world.advance(2 * 86_400)
  const offered = await client.tradebill({ bill_date, bill_type: 'ALL' })
  assert.equal(offered.data.hash_type, 'SHA1', JSON.stringify(offered))
  const funds = await client.fundflowbill({ bill_date, account_type: 'BASIC' })
  assert.match(funds.data.download_url, /\/v3\/billdownload\/file\?token=/)
})
