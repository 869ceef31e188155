import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { request } from 'node:http'
import { after, test } from 'node:test'
import { type RawCall, rawCall } from '../testing/raw-call.ts'
import { openWorld } from '../testing/world.ts'

const world = await openWorld()
after(() => world.close())
const merchant = await world.merchant()
const other = await world.merchant()

/** A call that gets through finds no order of that number. */
const through = '404 ORDER_NOT_EXIST'
const refused = '401 SIGN_ERROR'
const order = '/v3/pay/transactions/out-trade-no/T1'
const query = `${order}?mchid=${merchant.mchid}`
const strangersKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey

const calls: { name: string; call: RawCall; outcome: string }[] = [
  { name: 'a call as it should be', call: {}, outcome: through },
  {
    name: 'the five items in another order',
    call: { items: (items) => items.reverse() },
    outcome: through,
  },
  {
    name: 'a serial in lower case',
    call: { serial: merchant.serial.toLowerCase() },
    outcome: through,
  },
  { name: 'no Authorization', call: { authorization: undefined }, outcome: refused },
  {
    name: 'an Authorization without items',
    call: { authorization: 'WECHATPAY2-SHA256-RSA2048' },
    outcome: refused,
  },
  { name: 'another scheme', call: { scheme: 'WECHATPAY2-SHA256-RSA4096' }, outcome: refused },
  {
    name: 'an item that nobody knows',
    call: { items: (items) => [...items, 'more="1"'] },
    outcome: refused,
  },
  {
    name: 'an item twice',
    call: { items: (items) => [...items, items[0] ?? ''] },
    outcome: refused,
  },
  {
    name: 'items without quotes',
    call: { items: (items) => items.map((item) => item.replaceAll('"', '')) },
    outcome: refused,
  },
  ...['mchid', 'nonce_str', 'timestamp', 'serial_no', 'signature'].map((name) => ({
    name: `no ${name}`,
    call: { items: (items: string[]) => items.filter((item) => !item.startsWith(`${name}=`)) },
    outcome: refused,
  })),
  {
    name: 'an empty signature',
    call: { items: (items) => [...items.slice(0, 4), 'signature=""'] },
    outcome: refused,
  },
  { name: 'a merchant that nobody knows', call: { mchid: '1999999999' }, outcome: refused },
  { name: 'the serial of another merchant', call: { serial: other.serial }, outcome: refused },
  { name: 'a timestamp of 280 seconds ago', call: { skew: -280 }, outcome: through },
  { name: 'a timestamp of 280 seconds ahead', call: { skew: 280 }, outcome: through },
  { name: 'a timestamp of 301 seconds ago', call: { skew: -301 }, outcome: refused },
  { name: 'a timestamp of 320 seconds ahead', call: { skew: 320 }, outcome: refused },
  { name: 'a timestamp in milliseconds', call: { timestamp: Date.now() }, outcome: refused },
  { name: 'a timestamp that is no number', call: { timestamp: 'now' }, outcome: refused },
  { name: 'a nonce with a space', call: { nonce: 'a nonce of words' }, outcome: refused },
  {
    name: 'the signature of a stranger',
    call: { signed: { key: strangersKey } },
    outcome: refused,
  },
  { name: 'another method signed', call: { signed: { method: 'POST' } }, outcome: refused },
  {
    name: 'another path signed',
    call: { signed: { target: query.replace('T1', 'T2') } },
    outcome: refused,
  },
  { name: 'the query not signed', call: { signed: { target: order } }, outcome: refused },
  { name: 'another body signed', call: { signed: { body: '{}' } }, outcome: refused },
]

for (const { name, call, outcome } of calls) {
  test(`${name}: ${outcome}`, async () => {
    const answer = await rawCall(world.url, merchant, call)
    assert.equal(answer.outcome, outcome)
    assert.equal(answer.isSigned, outcome === through)
  })
}

test('a nonce that was used before is refused, also under another timestamp', async () => {
  const nonce = 'onlyonceandneveragain'
  assert.equal((await rawCall(world.url, merchant, { nonce })).outcome, through)
  assert.equal((await rawCall(world.url, merchant, { nonce })).outcome, refused)
  assert.equal((await rawCall(world.url, merchant)).outcome, through)
  assert.equal((await rawCall(world.url, merchant, { nonce, skew: -5 })).outcome, refused)
})

test('two merchants may use the same nonce', async () => {
  const nonce = 'thesamenonceoftwo'
  assert.equal((await rawCall(world.url, merchant, { nonce })).outcome, through)
  assert.equal((await rawCall(world.url, other, { nonce })).outcome, through)
})

test('a nonce under a wrong signature is not used up', async () => {
  const nonce = 'signedbyastranger'
  const forged = await rawCall(world.url, merchant, { nonce, signed: { key: strangersKey } })
  assert.equal(forged.outcome, refused)
  assert.equal((await rawCall(world.url, merchant, { nonce })).outcome, through)
})

test('the body is verified as its bytes are, not as its JSON is', async () => {
  const close = {
    method: 'POST',
    target: '/v3/pay/transactions/out-trade-no/T000001/close',
    body: `{"mchid": "${merchant.mchid}"}`,
  }
  assert.equal((await rawCall(world.url, merchant, close)).outcome, through)
  const signed = { body: JSON.stringify(JSON.parse(close.body)) }
  assert.equal((await rawCall(world.url, merchant, { ...close, signed })).outcome, refused)
})

for (const missing of ['accept', 'user-agent']) {
  test(`a call without ${missing} is refused with PARAM_ERROR`, async () => {
    const { port } = new URL(world.url)
    const headers = { accept: 'application/json', 'user-agent': 'test', [missing]: '' }
    const status = await new Promise((resolve, reject) => {
      const asked = request({ port, path: query, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      asked.on('error', reject)
      asked.end()
    })
    assert.equal(status, 400)
  })
}
