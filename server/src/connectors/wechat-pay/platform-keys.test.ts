/** WeChat's keys: fetched once at a time, renewed, chosen by the name that they sign with. */
import assert from 'node:assert/strict'
import { createCipheriv, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { before, test } from 'node:test'
import { selfSigned } from '../../../../tests/harness/certificates.ts'
import { readCertificate } from '../../platform/crypto/pem-keys.ts'
import { type PlatformKeysNeeds, platformKeys } from './platform-keys.ts'
import type { WireResult } from './wire.ts'

const apiV3Key = '0123456789abcdef0123456789abcdef'
const hour = 3_600_000
const start = Date.UTC(2026, 10, 25)

type Issued = { serial: string; pem: string; key: KeyObject }
let one: Issued
let two: Issued
let merchantPem: string

before(() => {
  one = issue()
  two = issue()
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  merchantPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
})

function issue(): Issued {
  const { pem, key } = selfSigned()
  const serial = readCertificate(pem)?.serialNumber ?? ''
  return { serial, pem, key }
}

function listed({ serial, pem }: Issued, effectiveAt: number, expiresAt: number, under: string) {
  const nonce = '0123456789ab'
  const cipher = createCipheriv('aes-256-gcm', under, nonce)
  cipher.setAAD(Buffer.from('certificate'))
  const sealed = Buffer.concat([cipher.update(pem), cipher.final(), cipher.getAuthTag()])
  return {
    serial_no: serial,
    effective_time: new Date(effectiveAt).toISOString(),
    expire_time: new Date(expiresAt).toISOString(),
    encrypt_certificate: {
      algorithm: 'AEAD_AES_256_GCM',
      nonce,
      associated_data: 'certificate',
      ciphertext: sealed.toString('base64'),
    },
  }
}

/** A WeChat that lists what it is told to, signed by the one that signs. */
function wechat(more: Partial<PlatformKeysNeeds> = {}) {
  const state = {
    now: start,
    calls: 0,
    asked: [] as (string | undefined)[],
    list: [listed(one, start - hour, start + 1000 * hour, apiV3Key)],
    signer: one,
    status: 200,
    gate: Promise.resolve(),
  }
  const fetch = async (serial: string | undefined): Promise<WireResult> => {
    state.calls += 1
    state.asked.push(serial)
    await state.gate
    const body = Buffer.from(
      JSON.stringify(state.status === 200 ? { data: state.list } : { code: 'RESOURCE_NOT_EXISTS' }),
    )
    const timestamp = String(Math.floor(state.now / 1000))
    const message = Buffer.concat([Buffer.from(`${timestamp}\nn\n`), body, Buffer.from('\n')])
    const headers = {
      'wechatpay-timestamp': timestamp,
      'wechatpay-nonce': 'n',
      'wechatpay-serial': state.signer.serial,
      'wechatpay-signature': sign('sha256', message, state.signer.key).toString('base64'),
    }
    return { kind: 'answer', answer: { status: state.status, headers, body } }
  }
  const keys = platformKeys({
    mode: 'certificate',
    publicKey: undefined,
    kind: 'rsa',
    apiV3Key,
    fetch,
    now: () => state.now,
    sm: undefined,
    ...more,
  })
  return { keys, state }
}

test('many who need a key at the same time share one request', async () => {
  const { keys, state } = wechat()
  const gate = Promise.withResolvers<void>()
  state.gate = gate.promise
  const waiting = Promise.all([
    keys.current(),
    keys.find(one.serial),
    keys.find(two.serial),
    keys.refresh(),
  ])
  gate.resolve()
  const [current, found, missing] = await waiting
  assert.equal(state.calls, 1)
  assert.equal(current?.serial, one.serial)
  assert.equal(found?.serial, one.serial)
  assert.equal(missing, undefined)
})

test('an unknown name is asked for once, and one that stays unknown does not make us ask for others', async () => {
  const { keys, state } = wechat()
  await keys.current()
  state.list.push(listed(two, start - 1, start + hour, apiV3Key))
  assert.equal((await keys.find(two.serial))?.serial, two.serial)
  assert.equal((await keys.find(two.serial.toLowerCase()))?.serial, two.serial)
  assert.equal(state.calls, 2)
  assert.equal(await keys.find('AAAA'), undefined)
  assert.equal(await keys.find('BBBB'), undefined)
  assert.equal(state.calls, 3)
  state.now += 11_000
  assert.equal(await keys.find('BBBB'), undefined)
  assert.equal(state.calls, 4)
})

test('what is asked with is the last certificate in force; one that is yet to come verifies already', async () => {
  const { keys, state } = wechat()
  state.list.push(listed(two, start + 24 * hour, start + 2000 * hour, apiV3Key))
  assert.equal((await keys.current())?.serial, one.serial)
  assert.equal((await keys.find(two.serial))?.serial, two.serial)
  state.now += 25 * hour
  assert.equal((await keys.current())?.serial, two.serial)
})

test('certificates are asked for again within twelve hours of use, and after their end they are nothing', async () => {
  const { keys, state } = wechat()
  await keys.current()
  state.now += 5 * hour
  await keys.current()
  assert.equal(state.calls, 1)
  state.now += 2 * hour
  await keys.current()
  assert.equal(state.calls, 2)
  await keys.refresh()
  state.now = start + 1001 * hour
  state.status = 404
  assert.equal(await keys.find(one.serial), undefined)
  assert.equal(await keys.current(), undefined)
})

test('while a merchant number moves over, both kinds verify and the public key is asked with', async () => {
  const publicKey = { id: 'PUB_KEY_ID_0116', pem: merchantPem }
  const { keys, state } = wechat({ mode: 'both', publicKey })
  assert.equal((await keys.current())?.serial, 'PUB_KEY_ID_0116')
  assert.equal(state.calls, 0)
  assert.equal((await keys.find(one.serial))?.serial, one.serial)
  assert.deepEqual(state.asked, ['PUB_KEY_ID_0116'])
  assert.equal(await keys.find('PUB_KEY_ID_0999'), undefined)
  assert.equal(state.calls, 1, 'no list of certificates brings a public key')
})

test('with the public key alone nothing is fetched', async () => {
  const publicKey = { id: 'PUB_KEY_ID_0116', pem: merchantPem }
  const { keys, state } = wechat({ mode: 'public_key', publicKey })
  assert.equal((await keys.current())?.serial, 'PUB_KEY_ID_0116')
  assert.equal(await keys.find(one.serial), undefined)
  assert.equal(state.calls, 0)
})

test('a list that does not open, is signed by somebody else, or is not there brings nothing', async () => {
  const otherKey = wechat({ apiV3Key: 'f'.repeat(32) })
  const closed = await otherKey.keys.refresh()
  assert.match(closed.ok ? '' : closed.why, /do not open under the API v3 key/)
  const foreign = wechat()
  foreign.state.signer = two
  const signed = await foreign.keys.refresh()
  assert.match(signed.ok ? '' : signed.why, /not known/)
  const modern = wechat()
  modern.state.status = 404
  const missing = await modern.keys.refresh()
  assert.equal(missing.ok ? 0 : missing.status, 404)
  for (const { keys } of [otherKey, foreign, modern]) assert.equal(await keys.current(), undefined)
})
