import assert from 'node:assert/strict'
import { createDecipheriv, verify, X509Certificate } from 'node:crypto'
import { after, test } from 'node:test'
import { jsapiBody } from '../testing/orders.ts'
import { rawCall } from '../testing/raw-call.ts'
import { openWorld, type TestMerchant } from '../testing/world.ts'

const world = await openWorld()
after(() => world.close())
const user = world.user()
const merchant = await world.merchant()

const query = (of: TestMerchant) => `/v3/pay/transactions/out-trade-no/T00001?mchid=${of.mchid}`
const serialOf = (answer: { headers: Headers }) => answer.headers.get('wechatpay-serial')

/** Verified by nothing of the twin's own. */
function holds(answer: { headers: Headers; text: string }, pem: string): boolean {
  const part = (name: string) => answer.headers.get(`wechatpay-${name}`) ?? ''
  const message = `${part('timestamp')}\n${part('nonce')}\n${answer.text}\n`
  return verify('sha256', Buffer.from(message), pem, Buffer.from(part('signature'), 'base64'))
}

const platform = (of: TestMerchant) => of.platform_certificates[0]?.keys.public_pem ?? ''

test('answers, refusals and empty answers are signed by the platform certificate', async () => {
  const body = jsapiBody(world, merchant, user)
  const made = await rawCall(world.url, merchant, {
    method: 'POST',
    target: '/v3/pay/transactions/jsapi',
    body: JSON.stringify(body),
  })
  assert.equal(made.status, 200)
  assert.ok(holds(made, platform(merchant)))
  const refused = await rawCall(world.url, merchant)
  assert.equal(refused.outcome, '404 ORDER_NOT_EXIST')
  assert.ok(holds(refused, platform(merchant)))
  const closed = await rawCall(world.url, merchant, {
    method: 'POST',
    target: `/v3/pay/transactions/out-trade-no/${body.out_trade_no}/close`,
    body: JSON.stringify({ mchid: merchant.mchid }),
  })
  assert.deepEqual([closed.status, closed.text], [204, ''])
  assert.ok(holds(closed, platform(merchant)))
})

test('the timestamp of a signature is real time, whatever the virtual clock says', async () => {
  world.advance(86_400)
  const { headers } = await rawCall(world.url, merchant)
  world.advance(-86_400)
  const told = Number(headers.get('wechatpay-timestamp'))
  assert.ok(Math.abs(told - Date.now() / 1000) < 5)
})

test('every answer has a Request-ID that ends in the number of the error', async () => {
  const { headers } = await rawCall(world.url, merchant)
  assert.match(headers.get('request-id') ?? '', /^[0-9A-F]{32}-268512771$/)
})

test('a merchant of public-key mode is answered under the public key, whatever it names', async () => {
  const modern = await world.merchant({ key_mode: 'public_key' })
  const answer = await world.v3(modern, 'GET', query(modern))
  assert.equal(serialOf(answer), modern.public_key?.id)
  assert.match(serialOf(answer) ?? '', /^PUB_KEY_ID_\d+$/)
  assert.deepEqual(modern.platform_certificates, [])
})

test('a merchant of both is answered under the key that it names in Wechatpay-Serial', async () => {
  const both = await world.merchant({ key_mode: 'mixed' })
  const id = both.public_key?.id ?? ''
  const certificate = both.platform_certificates[0]?.serial_no ?? ''
  const asked = (serial: string) =>
    world.v3(both, 'GET', query(both), undefined, { 'wechatpay-serial': serial })
  assert.equal(serialOf(await asked(id)), id)
  assert.equal(serialOf(await asked(certificate)), certificate)
  assert.equal(serialOf(await world.v3(both, 'GET', query(both))), certificate)
})

test('a Wechatpay-Serial that nobody knows falls back to the platform certificate', async () => {
  const headers = { 'wechatpay-serial': merchant.serial }
  const answer = await world.v3(merchant, 'GET', query(merchant), undefined, headers)
  assert.equal(serialOf(answer), merchant.platform_certificates[0]?.serial_no)
})

test('a bad signature and a probe do not verify, and a probe says what it is', async () => {
  const match = { path: '/v3/pay/transactions/out-trade-no/{no}', mchid: merchant.mchid }
  await world.control('POST', '/faults', { rule: { match, effect: 'bad_signature' } })
  assert.ok(!holds(await rawCall(world.url, merchant), platform(merchant)))
  await world.control('POST', '/faults', { rule: { match, effect: 'probe_signature' } })
  const probe = await rawCall(world.url, merchant)
  assert.ok(!holds(probe, platform(merchant)))
  assert.match(probe.headers.get('wechatpay-signature') ?? '', /^WECHATPAY\/SIGNTEST\//)
  assert.ok(holds(await rawCall(world.url, merchant), platform(merchant)))
})

async function certificates(of: TestMerchant) {
  const { body } = await world.v3(of, 'GET', '/v3/certificates')
  return (body.data as { serial_no: string; encrypt_certificate: Record<string, string> }[]).map(
    ({ serial_no, encrypt_certificate }) => {
      const { nonce = '', associated_data = '', ciphertext = '' } = encrypt_certificate
      const bytes = Buffer.from(ciphertext, 'base64')
      const decipher = createDecipheriv('aes-256-gcm', of.api_v3_key, nonce)
      decipher.setAAD(Buffer.from(associated_data))
      decipher.setAuthTag(bytes.subarray(-16))
      const pem =
        decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8')
      return { serial_no, pem }
    },
  )
}

test('the list of certificates decrypts under the APIv3 key to the certificate that signs', async () => {
  const [only, ...others] = await certificates(merchant)
  assert.deepEqual(others, [])
  const certificate = new X509Certificate(only?.pem ?? '')
  assert.equal(certificate.serialNumber, only?.serial_no)
  const answer = await rawCall(world.url, merchant)
  assert.equal(serialOf(answer), only?.serial_no)
  assert.ok(holds(answer, certificate.publicKey.export({ type: 'spki', format: 'pem' }).toString()))
  const years = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 86_400_000
  assert.equal(years, 5 * 365)
})

test('a new certificate is listed at once and signs from 24 hours later', async () => {
  const turning = await world.merchant()
  const old = turning.platform_certificates[0]?.serial_no
  const made = await world.control('POST', `/merchants/${turning.mchid}/rotate`, {
    what: 'certificate',
  })
  turning.platform_certificates =
    world.twin.merchants.find(turning.mchid)?.platform_certificates ?? []
  const serials = (await certificates(turning)).map(({ serial_no }) => serial_no)
  assert.deepEqual(serials, [old, made.serial_no])
  assert.equal(serialOf(await world.v3(turning, 'GET', query(turning))), old)
  world.advance(86_400 - 60)
  assert.equal(serialOf(await world.v3(turning, 'GET', query(turning))), old)
  world.advance(61)
  assert.equal(serialOf(await world.v3(turning, 'GET', query(turning))), made.serial_no)
})

test('a certificate that has run out is not listed', async () => {
  const old = await world.merchant()
  world.advance(5 * 365 * 86_400 + 1)
  const { outcome } = await world.v3(old, 'GET', '/v3/certificates')
  world.advance(-5 * 365 * 86_400 - 1)
  assert.equal(outcome, '404 RESOURCE_NOT_EXISTS')
})

test('a merchant of public-key mode has no certificates to fetch', async () => {
  const modern = await world.merchant({ key_mode: 'public_key' })
  assert.equal(
    (await world.v3(modern, 'GET', '/v3/certificates')).outcome,
    '404 RESOURCE_NOT_EXISTS',
  )
})

test('without an APIv3 key no certificate can be fetched', async () => {
  const bare = await world.merchant({ api_v3_key: '' })
  assert.equal((await world.v3(bare, 'GET', '/v3/certificates')).outcome, '403 NO_AUTH')
})

test('the share of the public key grows over seven days, unless it is set', async () => {
  const turning = await world.merchant()
  await world.control('POST', `/merchants/${turning.mchid}/rotate`, {
    what: 'public_key',
    share_percent: 42,
  })
  const kept = () => world.control('GET', `/merchants/${turning.mchid}`)
  assert.equal((await kept()).share_percent, 42)
  const { share_percent: _, ...rest } = world.twin.merchants.find(turning.mchid) ?? turning
  world.twin.merchants.table.set(turning.mchid, rest)
  const shares: number[] = []
  for (let day = 0; day < 8; day += 1) {
    shares.push((await kept()).share_percent)
    world.advance(86_400)
  }
  world.advance(-8 * 86_400)
  assert.deepEqual(shares, [0.1, 1, 5, 10, 20, 50, 100, 100])
})

test('a new public key takes the place of the old one at once', async () => {
  const modern = await world.merchant({ key_mode: 'public_key' })
  const made = await world.control('POST', `/merchants/${modern.mchid}/rotate`, {
    what: 'public_key',
  })
  assert.notEqual(made.id, modern.public_key?.id)
  modern.public_key = world.twin.merchants.find(modern.mchid)?.public_key ?? null
  assert.equal(serialOf(await world.v3(modern, 'GET', query(modern))), made.id)
})
