/** The doctor of a merchant number: a sound one passes, and each of these broken ones is named by the step that finds it. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { CheckStep, PayCredentials } from '../server/src/modules/wechat/index.ts'
import { selfSigned } from './harness/certificates.ts'
import { credentialsOf, startPayConnector } from './harness/pay-connector.ts'
import { startTwin, type TwinMerchant, type TwinProcess } from './harness/twin.ts'

let twin: TwinProcess
let connector: Awaited<ReturnType<typeof startPayConnector>>
let merchant: TwinMerchant

before(async () => {
  twin = await startTwin()
  connector = await startPayConnector(twin)
  merchant = await twin.control.merchant()
})
after(async () => {
  await connector.stop()
  await twin.stop()
})

async function check(of: TwinMerchant, more: Partial<PayCredentials> = {}) {
  const steps = await connector.pay.check(connector.put(credentialsOf(of, more)))
  return { steps, wrong: steps.filter(({ ok }) => !ok) }
}
const namesOf = (steps: readonly CheckStep[]) => steps.map(({ step }) => step)

test('a sound account passes every step, and leaves no order open', async () => {
  const { pem } = selfSigned(merchant.private_key_pem, { serial: merchant.serial })
  const { steps, wrong } = await check(merchant, { apiV2Key: null, clientCertificatePem: pem })
  assert.deepEqual(wrong, [])
  assert.deepEqual(namesOf(steps), [
    'private_key',
    'public_key',
    'notify_url',
    'reach',
    'clock',
    'own_signature',
    'platform_keys',
    'wechat_signature',
    'merchant',
    `app ${merchant.appids[0]}`,
  ])
  const orders = await twin.control.orders(merchant.mchid)
  assert.ok(orders.length > 0)
  assert.equal(
    orders.every(({ state }) => state === 'CLOSED'),
    true,
    JSON.stringify(orders[0]),
  )
})

test('each broken account is named by one step with advice', async () => {
  const modern = await twin.control.merchant({ key_mode: 'public_key' })
  const suspended = await twin.control.merchant({ suspended: true })
  const other = await twin.control.merchant()
  const pair = generateKeyPairSync('ec', { namedCurve: 'SM2' })
  const sm2 = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const table: [string, TwinMerchant, Partial<PayCredentials>, string, RegExp][] = [
    [
      'key of somebody else',
      merchant,
      { privateKeyPem: other.private_key_pem },
      'own_signature',
      /serial/,
    ],
    ['old serial', merchant, { certificateSerial: 'ABCDEF0123456789' }, 'own_signature', /ABCDEF/],
    ['unknown merchant', merchant, { mchid: '1999999999' }, 'own_signature', /1999999999/],
    ['wrong API v3 key', merchant, { apiV3Key: 'f'.repeat(32) }, 'platform_keys', /API v3 key/],
    [
      'certificates of a newer merchant',
      modern,
      { keyMode: 'certificate' },
      'platform_keys',
      /key_mode/,
    ],
    [
      "the merchant's own key as public key",
      modern,
      { keyMode: 'public_key', publicKeyPem: modern.public_key_pem },
      'wechat_signature',
      /console/,
    ],
    [
      'wrong id of the public key',
      modern,
      { keyMode: 'public_key', publicKeyId: 'PUB_KEY_ID_0999' },
      'wechat_signature',
      /console/,
    ],
    [
      'no public key',
      modern,
      { keyMode: 'public_key', publicKeyPem: null },
      'public_key',
      /API security page/,
    ],
    ['a private key of SM2', merchant, { privateKeyPem: sm2 }, 'private_key', /apiclient_key/],
    ['a merchant number that is stopped', suspended, {}, 'merchant', /console/],
    [
      'an app that is not bound',
      merchant,
      { appids: ['wx0000000000000000'] },
      'app wx0000000000000000',
      /Bind/,
    ],
  ]
  for (const [name, of, more, step, words] of table) {
    const { wrong } = await check(of, { apiV2Key: null, ...more })
    assert.equal(wrong[0]?.step, step, `${name}: ${JSON.stringify(wrong)}`)
    assert.match(`${wrong[0]?.problem} ${wrong[0]?.advice}`, words, name)
    assert.equal(wrong.length, 1, name)
    for (const secret of [merchant.api_v3_key, 'PRIVATE KEY'])
      assert.equal(JSON.stringify(wrong).includes(secret), false)
  }
})

test('a clock that is wrong is named before WeChat refuses everything for it', async () => {
  connector.skew(60_000)
  const { wrong } = await check(merchant)
  connector.skew(0)
  assert.equal(wrong[0]?.step, 'clock')
  assert.match(wrong[0]?.problem ?? '', /60 seconds|59 seconds|61 seconds/)
})

test('nobody there, and callbacks that WeChat could not reach', async () => {
  const nowhere = await startPayConnector({ url: 'http://127.0.0.1:9' })
  const steps = await nowhere.pay.check(nowhere.put(credentialsOf(merchant)))
  await nowhere.stop()
  assert.equal(steps.find(({ ok }) => !ok)?.step, 'reach')
  for (const [notifyUrl, words] of [
    ['http://shop.example/x', /https/],
    ['https://192.168.1.4/x', /from outside/],
    ['https://localhost/x', /from outside/],
    ['https://shop.example/x?y=1', /query/],
  ] as const) {
    const outside = await startPayConnector(twin, {
      hostsOf: () => ({ url: 'https://wechat.invalid' }),
      notifyUrlOf: () => notifyUrl,
    })
    const said = await outside.pay.check(outside.put(credentialsOf(merchant)))
    await outside.stop()
    assert.deepEqual(namesOf(said.filter(({ ok }) => !ok)), ['notify_url', 'reach'], notifyUrl)
    assert.match(said.find(({ step }) => step === 'notify_url')?.problem ?? '', words)
  }
})
