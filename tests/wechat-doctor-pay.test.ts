/**
 * `POST /v1/wechat/doctor` before merchant numbers that are wrong in one thing each: the step that fails names that thing,
 * and says what to do.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { formatId } from '@lika/contract'
import { payHosts, trySm, wechatPay } from '../server/src/connectors/wechat-pay/wechat-pay.ts'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'
import { doctorOf } from './harness/wechat-doctor.ts'

let app: WechatTestApp
const { failing, names, create, instead } = doctorOf(() => app)

before(async () => {
  app = await startWechatApp()
})
after(() => app.stop())

const anHourAhead = () => Date.now() + 3_600_000

const rsaKey = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })

/** `here`: what we have otherwise; `there`: how WeChat has the merchant. */
async function makeAccount(here: object = {}, there: Record<string, unknown> = {}) {
  const merchant = await app.twin.control.merchant({ appids: ['wxofficial000000001'], ...there })
  const { public_key: key } = merchant
  const account = await create('/v1/wechat/pay_accounts', {
    mchid: merchant.mchid,
    appids: merchant.appids,
    api_v3_key: merchant.api_v3_key,
    private_key_pem: merchant.private_key_pem,
    certificate_serial: merchant.serial,
    key_mode: merchant.public_key === null ? 'certificate' : 'public_key',
    ...(key === null ? {} : { public_key_id: key.id, public_key_pem: key.pem }),
    ...here,
  })
  return { pay_account_id: account.id as string }
}

describe('a merchant number', () => {
  test('that is in order has nothing wrong, by certificates or by a public key', async () => {
    assert.deepEqual(await failing(await makeAccount()), [])
    assert.deepEqual(await failing(await makeAccount({}, { key_mode: 'public_key' })), [])
  })

  test('that takes payment codes is asked for no certificate where there is no TLS', async () => {
    assert.deepEqual(await failing({ pay_account_id: app.account.id }), [])
  })

  test('with the wrong API v3 key', async () => {
    const asked = await makeAccount({ api_v3_key: 'f'.repeat(32) })
    await names(asked, 'platform_keys', /API v3 key/)
  })

  test('with a private key of another certificate', async () => {
    const asked = await makeAccount({ private_key_pem: rsaKey().privateKey })
    await names(asked, 'own_signature', /Private key, certificate serial/)
  })

  test('with the wrong serial', async () => {
    const asked = await makeAccount({ certificate_serial: 'AB'.repeat(20) })
    await names(asked, 'own_signature', /serial ABAB/)
  })

  test('whose app is not bound to it', async () => {
    const asked = await makeAccount({ appids: ['wxminiprogram000001'] })
    await names(asked, 'app wxminiprogram000001', /APPID_MCHID_NOT_MATCH.*Bind/)
  })

  test('by certificates, although it has a public key only', async () => {
    const asked = await makeAccount({ key_mode: 'certificate' }, { key_mode: 'public_key' })
    await names(asked, 'platform_keys', /no platform certificates.*public_key/)
  })

  test('with the id of another public key, or with another public key', async () => {
    const there = { key_mode: 'public_key' }
    const id = await makeAccount({ public_key_id: 'PUB_KEY_ID_0000000000000000000001' }, there)
    const [wrongId] = await failing(id)
    assert.match(wrongId?.step ?? '', /wechat_signature|own_signature/)
    const key = await makeAccount({ public_key_pem: rsaKey().publicKey }, there)
    await names(key, 'wechat_signature', /cannot be verified.*PUB_KEY_ID_/)
  })

  test('on a server whose clock is wrong', async () => {
    const { payAccounts } = app.flows
    const ahead = wechatPay({
      accounts: payAccounts,
      hostsOf: () => payHosts(app.twin.url),
      notifyUrlOf: (id) => `${app.url}/wechat/pay/${formatId('wechat_account', id)}/notifications`,
      log: { warn: () => {}, error: () => {}, info: () => {} } as never,
      now: anHourAhead,
      sm: trySm({ warn: () => {} } as never),
    })
    await instead({ wechatPay: ahead }, async () => {
      const wrong = await failing({ pay_account_id: app.account.id })
      const clock = wrong.find(({ step }) => step === 'clock')
      assert.match(`${clock?.problem} ${clock?.advice}`, /3\d{3} seconds.*NTP/)
    })
  })
})
