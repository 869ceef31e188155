/** Signatures and encryption held against implementations that are not ours: another client library, openssl, and the sheet. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  createCipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
// @ts-expect-error: the package has no types
import smCrypto from 'sm-crypto'
import plugin from 'wechatpay-axios-plugin'
import OtherClient from 'wechatpay-node-v3'
import { selfSigned } from '../../../../tests/harness/certificates.ts'
import { temporaryFolder } from '../../../../tests/harness/server.ts'
import { openSm } from '../../platform/crypto/sm.ts'
import { payParameters } from './invitations.ts'
import { openResource, rsaSuite, smSuite, verifiesBy } from './suites.ts'
import { signedMessage, verify } from './verify.ts'
import { openWire } from './wire.ts'

const apiV3Key = '0123456789abcdef0123456789abcdef'
const serial = '5F9A1B2C3D4E5F60718293A4B5C6D7E8F9010203'
const sm = openSm()
let own: { pem: string; key: KeyObject; keyPem: string }
let other: InstanceType<typeof OtherClient>
let folder: string

before(() => {
  folder = temporaryFolder('lika-signatures-')
  own = selfSigned()
  other = new OtherClient({
    appid: 'wx1',
    mchid: '1900000001',
    serial_no: serial,
    publicKey: Buffer.from(own.pem),
    privateKey: Buffer.from(own.keyPem),
    key: apiV3Key,
  })
})
after(() => rmSync(folder, { recursive: true, force: true }))

type Arrived = { method: string; url: string; headers: Record<string, string>; body: string }

/** What a request looks like where it arrives. */
async function arrived(
  suite: typeof rsaSuite,
  key: KeyObject,
  request: { method: 'GET' | 'POST'; path: string; body?: object },
): Promise<Arrived> {
  const caught = Promise.withResolvers<Arrived>()
  const server = createServer((incoming, response) => {
    let body = ''
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()))
    incoming.on('end', () => {
      const headers = incoming.headers as Record<string, string>
      caught.resolve({ method: incoming.method ?? '', url: incoming.url ?? '', headers, body })
      response.end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await openWire({ mchid: '1900000001', serial, key, suite }, 2_000)(host, {
    ...request,
    serial: 'PUB_KEY_ID_1',
  })
  server.closeAllConnections()
  server.close()
  return caught.promise
}

function itemsOf({ headers }: Arrived): Record<string, string> {
  const [scheme = '', rest = ''] = (headers['authorization'] ?? '').split(' ')
  const items = [...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ])
  return { scheme, ...Object.fromEntries(items) }
}

const requests = [
  { method: 'GET', path: '/v3/pay/transactions/out-trade-no/ABC-x%7C1*?mchid=1900000001' },
  { method: 'POST', path: '/v3/pay/transactions/jsapi', body: { description: '礼卡 <100>', n: 1 } },
  { method: 'POST', path: '/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/A1/cancel' },
] as const

test('a request arrives signed as another client signs it: path, query and body as they are', async () => {
  for (const request of requests) {
    const came = await arrived(rsaSuite, own.key, request)
    const items = itemsOf(came)
    assert.equal(came.url, request.path)
    assert.equal(came.body, 'body' in request ? JSON.stringify(request.body) : '')
    assert.equal(came.headers['wechatpay-serial'], 'PUB_KEY_ID_1')
    assert.match(came.headers['accept'] ?? '', /application\/json/)
    assert.ok(came.headers['user-agent'])
    assert.equal(items['scheme'], 'WECHATPAY2-SHA256-RSA2048')
    assert.deepEqual([items['mchid'], items['serial_no']], ['1900000001', serial])
    const { nonce_str = '', timestamp = '' } = items
    const message = `${request.method}\n${request.path}\n${timestamp}\n${nonce_str}\n${came.body}\n`
    assert.equal(items['signature'], other.sha256WithRsa(message))
    // The other client forgets the last line where a POST has no body.
    if (request.method === 'GET' || 'body' in request)
      assert.equal(
        items['signature'],
        other.getSignature(request.method, nonce_str, timestamp, request.path, came.body),
      )
    assert.ok(Math.abs(Number(timestamp) * 1000 - Date.now()) < 5_000)
  }
})

test('openssl verifies a request', async () => {
  const came = await arrived(rsaSuite, own.key, requests[1])
  const { timestamp, nonce_str, signature = '' } = itemsOf(came)
  const message = `${came.method}\n${came.url}\n${timestamp}\n${nonce_str}\n${came.body}\n`
  const file = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const key = file('public.pem', createPublicKey(own.key).export({ type: 'spki', format: 'pem' }))
  const said = execFileSync(
    'openssl',
    [
      'dgst',
      '-sha256',
      '-verify',
      key,
      '-signature',
      file('signature', Buffer.from(signature, 'base64')),
      file('message', message),
    ],
    { encoding: 'utf8' },
  )
  assert.match(said, /Verified OK/)
})

test('a page is asked to pay as another client asks it', async () => {
  const client = { suite: rsaSuite, ownKey: own.key }
  const made = await payParameters(
    client,
    'wx1',
    'wx201410272009395522657a690389285100',
    '1414561699',
    'abc',
  )
  const message = 'wx1\n1414561699\nabc\nprepay_id=wx201410272009395522657a690389285100\n'
  assert.deepEqual(made, {
    timeStamp: '1414561699',
    nonceStr: 'abc',
    package: 'prepay_id=wx201410272009395522657a690389285100',
    signType: 'RSA',
    paySign: other.sha256WithRsa(message),
  })
})

test('a field is encrypted with OAEP and SHA-1: both clients open what the other one closed', () => {
  const publicKey = createPublicKey(own.key)
  assert.equal(other.privateDecrypt(rsaSuite.encryptField(publicKey, '张三')), '张三')
  assert.equal(
    rsaSuite.decryptField(own.key, other.publicEncrypt('李四', Buffer.from(own.pem))),
    '李四',
  )
  assert.throws(() => rsaSuite.encryptField(publicKey, 'x'.repeat(215)), 'more than 214 bytes')
})

test('a resource opens as another client opens it, without associated data too, and not when it was changed', () => {
  for (const aad of ['transaction', '']) {
    const nonce = '0123456789ab'
    const cipher = createCipheriv('aes-256-gcm', apiV3Key, nonce)
    cipher.setAAD(Buffer.from(aad))
    const sealed = Buffer.concat([cipher.update('{"a":"礼"}'), cipher.final(), cipher.getAuthTag()])
    const resource = {
      algorithm: 'AEAD_AES_256_GCM',
      ciphertext: sealed.toString('base64'),
      nonce,
      associatedData: aad,
    }
    const plain = openResource(resource, apiV3Key, sm).toString()
    assert.equal(plain, '{"a":"礼"}')
    assert.deepEqual(
      other.decipher_gcm(resource.ciphertext, aad, nonce, apiV3Key),
      JSON.parse(plain),
    )
    sealed[0] = (sealed[0] ?? 0) ^ 1
    const changed = { ...resource, ciphertext: sealed.toString('base64') }
    assert.throws(() => openResource(changed, apiV3Key, sm))
    assert.throws(() => openResource({ ...resource, associatedData: 'other' }, apiV3Key, sm))
    assert.throws(() => openResource({ ...resource, algorithm: 'NONE' }, apiV3Key, sm))
  }
})

test('bytes are WeChat’s under the right key, in time, as they came', async () => {
  const body = Buffer.from('{"b": 1, "a": "礼"}')
  const now = Date.UTC(2026, 10, 25)
  const timestamp = String(now / 1000)
  const sign = (text: Buffer) => rsaSuite.sign(own.key, text.toString())
  const headers = {
    'wechatpay-timestamp': timestamp,
    'wechatpay-nonce': 'n',
    'wechatpay-serial': serial,
    'wechatpay-signature': await sign(signedMessage(timestamp, 'n', body)),
  }
  const key = { serial, kind: 'rsa' as const, key: createPublicKey(own.key) }
  const find = async (asked: string) => (asked === serial ? key : undefined)
  const verdict = async (more: Record<string, string | undefined>, at = now, bytes = body) =>
    (await verify({ headers: { ...headers, ...more }, body: bytes }, find, at, sm)).verified
  assert.equal(await verdict({}), 'good')
  assert.equal(await verdict({}, now + 300_000), 'good')
  assert.equal(await verdict({}, now + 300_001), 'bad')
  assert.equal(await verdict({}, now - 300_001), 'bad')
  assert.equal(await verdict({}, now, Buffer.from('{"b":1,"a":"礼"}')), 'bad')
  assert.equal(await verdict({ 'wechatpay-serial': 'OTHER' }), 'bad')
  assert.equal(await verdict({ 'wechatpay-nonce': 'm' }), 'bad')
  assert.equal(await verdict({ 'wechatpay-nonce': undefined }), 'bad')
  assert.equal(await verdict({ 'wechatpay-timestamp': 'soon' }), 'bad')
  const type = 'wechatpay-signature-type'
  assert.equal(await verdict({ [type]: 'WECHATPAY2-SHA256-RSA2048' }), 'good')
  assert.equal(await verdict({ [type]: 'WECHATPAY2-SM2-WITH-SM3' }), 'bad')
  assert.equal(await verdict({ 'wechatpay-signature': '…' }), 'bad')
  const probe = `WECHATPAY/SIGNTEST/${headers['wechatpay-signature']}`
  assert.equal(await verdict({ 'wechatpay-signature': probe }), 'bad')
  const none = { 'wechatpay-signature': undefined, 'wechatpay-serial': undefined }
  assert.equal(await verdict(none), 'absent')
  const empty = Buffer.alloc(0)
  const signed = { 'wechatpay-signature': await sign(Buffer.from(`${timestamp}\nn\n\n`)) }
  assert.equal(await verdict(signed, now, empty), 'good', 'a 204')
})

test('the second protocol signs as the sheet says, by MD5 and by HMAC', () => {
  const fields = {
    appid: 'wxd930ea5d5a258f4f',
    body: 'test',
    device_info: '1000',
    mch_id: '10000100',
    nonce_str: 'ibuaiVcKdpRxkhJA',
    sign: 'not signed itself',
    empty: '',
  }
  const key = '192006250b4c09247ec02edce69f6a2d'
  assert.equal(plugin.Hash.sign('MD5', fields, key), '9A0A8659F005D6984697E2CA0A9CF3B7')
  assert.equal(
    plugin.Hash.sign('HMAC-SHA256', fields, key),
    '6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6',
  )
})

test('under SM a request is signed by SM2 over SM3, and another library verifies it', async () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'SM2' })
  const key = createPrivateKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const publicKey = createPublicKey(key)
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65).toString('hex')
  const came = await arrived(smSuite(sm), key, requests[1])
  const { scheme, timestamp, nonce_str, signature = '' } = itemsOf(came)
  assert.equal(scheme, 'WECHATPAY2-SM2-WITH-SM3')
  const message = `${came.method}\n${came.url}\n${timestamp}\n${nonce_str}\n${came.body}\n`
  const hex = Buffer.from(signature, 'base64').toString('hex')
  const options = { hash: true, der: true, userId: '1234567812345678' }
  assert.equal(smCrypto.sm2.doVerifySignature(message, hex, point, options), true)
  const theirs = { serial, kind: 'sm2' as const, key: publicKey }
  assert.equal(verifiesBy(theirs, Buffer.from(message), signature, sm), true)
  assert.equal(verifiesBy(theirs, Buffer.from(`${message} `), signature, sm), false)
  assert.equal(verifiesBy({ ...theirs, kind: 'rsa' }, Buffer.from(message), signature, sm), false)
})
