/**
 * The SM variant: published vectors, both ways against sm-crypto and openssl, and over v3 with a merchant for whom it was
 * opened: requests, answers, secrets, certificates, notifications.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
// @ts-expect-error: the package has no types
import smCrypto from 'sm-crypto'
import { sm4 } from 'sm-crypto-v2'
import { openReceiver } from '../testing/receiver.ts'
import { appid, openWorld, type TestMerchant } from '../testing/world.ts'
import {
  makeSmKeys,
  smOpen,
  smResourceKey,
  smSeal,
  smSealResource,
  smSign,
  smVerify,
} from './algorithms.ts'
import { makeSmCertificate } from './certificate.ts'

const userId = '1234567812345678'
const message = Buffer.from(
  'GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n',
)
const keys = makeSmKeys(randomBytes(32).toString('hex'))
const derHash = { der: true, hash: true, userId }

const ear = await openReceiver()
const world = await openWorld()
after(async () => {
  await ear.close()
  await world.close()
})
const notify_url = ear.url
const sm = {
  serial: `7${randomBytes(20).toString('hex').slice(1).toUpperCase()}`,
  public_key_hex: keys.public_hex,
}
const merchant = await world.merchant({ sm })

test('keys differ, and the public one is the private one’s', () => {
  assert.notEqual(makeSmKeys(randomBytes(32).toString('hex')).private_hex, keys.private_hex)
  assert.equal(smCrypto.sm2.getPublicKeyFromPrivateKey(keys.private_hex), keys.public_hex)
})

test('the vector of GM/T 0003.5 verifies, and no other message', () => {
  const point =
    '0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13'
  const signature = Buffer.from(
    '3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa',
    'hex',
  )
  assert.equal(smVerify(Buffer.from('message digest'), signature, point), true)
  assert.equal(smVerify(Buffer.from('message digests'), signature, point), false)
})

test('what is signed here is verified by sm-crypto, and the other way round', () => {
  const signature = smSign(message, keys).toString('hex')
  assert.equal(signature.slice(0, 2), '30')
  const theirs = [...message]
  assert.equal(smCrypto.sm2.doVerifySignature(theirs, signature, keys.public_hex, derHash), true)
  const made = smCrypto.sm2.doSignature(theirs, keys.private_hex, {
    ...derHash,
    publicKey: keys.public_hex,
  })
  assert.equal(smVerify(message, Buffer.from(made, 'hex'), keys.public_hex), true)
  assert.equal(
    smVerify(Buffer.concat([message, Buffer.from('x')]), Buffer.from(made, 'hex'), keys.public_hex),
    false,
  )
  const otherId = smCrypto.sm2.doSignature(theirs, keys.private_hex, {
    ...derHash,
    userId: 'somebody',
  })
  assert.equal(smVerify(message, Buffer.from(otherId, 'hex'), keys.public_hex), false)
  assert.equal(smVerify(message, Buffer.from('no signature'), keys.public_hex), false)
})

test('what is encrypted is C1C3C2 in ASN.1, and opens for its key only', () => {
  const sealed = smSeal('张三', keys.public_hex)
  assert.equal(smOpen(sealed, keys), '张三')
  assert.equal(smOpen(sealed, makeSmKeys(randomBytes(32).toString('hex'))), undefined)
  assert.equal(smOpen(Buffer.from('张三').toString('base64'), keys), undefined)
  // SEQUENCE of two integers (C1), 32 bytes (C3), and as many bytes as the plain text has (C2).
  const der = Buffer.from(sealed, 'base64')
  assert.equal(der[0], 0x30)
  assert.deepEqual([...der.subarray(-8, -6)], [0x04, 6])
  const bare = [...integers(der)]
    .map((part) => part.toString('hex').padStart(64, '0').slice(-64))
    .join('')
  const rest = der.subarray(-8 - 32, -8).toString('hex') + der.subarray(-6).toString('hex')
  assert.equal(smCrypto.sm2.doDecrypt(bare + rest, keys.private_hex, 1), '张三')
})

/** The two integers at the head of a SEQUENCE. */
function* integers(der: Buffer): Generator<Buffer> {
  let place = (der[1] ?? 0) < 128 ? 2 : 2 + ((der[1] ?? 0) & 127)
  for (let count = 0; count < 2; count += 1) {
    const length = der[place + 1] ?? 0
    yield der.subarray(place + 2, place + 2 + length)
    place += 2 + length
  }
}

test('a resource is SM4-GCM under the first half of SM3 over the APIv3 key', () => {
  const apiV3Key = '0123456789abcdef0123456789abcdef'
  const digest = smCrypto.sm3(apiV3Key)
  assert.equal(smResourceKey(apiV3Key).toString('hex'), digest.slice(0, 32))
  const sealed = smSealResource(apiV3Key, 'abcdefghijkl', 'certificate', '{"a":1}')
  assert.equal(openResource(apiV3Key, 'abcdefghijkl', 'certificate', sealed), '{"a":1}')
  assert.throws(() => openResource(apiV3Key, 'abcdefghijkl', 'other', sealed))
  assert.throws(() => openResource('1'.repeat(32), 'abcdefghijkl', 'certificate', sealed))
})

test('SM4-GCM gives the vector of RFC 8998', () => {
  const hex = (text: string) => Buffer.from(text, 'hex')
  const { output, tag } = sm4.encrypt(
    hex(
      'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa',
    ),
    hex('0123456789abcdeffedcba9876543210'),
    {
      mode: 'gcm',
      padding: 'none',
      output: 'array',
      outputTag: true,
      iv: hex('00001234567800000000abcd'),
      associatedData: hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
    },
  )
  assert.match(Buffer.from(output).toString('hex'), /^17f399f08c67d5ee19d0dc9969c4bb7d/)
  assert.equal(Buffer.from(tag ?? []).toString('hex'), '83de3541e4c2b58177e065a9bf7b62ec')
})

test('the certificate is one for openssl and for Node, and signed by its own key', () => {
  const now = Date.now()
  const pem = makeSmCertificate(keys, {
    serial_no: `6${'A'.repeat(39)}`,
    effective_at: now - 1000,
    expires_at: now + 5 * 365 * 86_400_000,
  })
  const read = new X509Certificate(pem)
  assert.equal(read.serialNumber, `6${'A'.repeat(39)}`)
  const folder = mkdtempSync(join(tmpdir(), 'sm-'))
  const file = join(folder, 'sm.pem')
  writeFileSync(file, pem)
  try {
    const text = execFileSync('openssl', ['x509', '-in', file, '-noout', '-text']).toString()
    assert.match(text, /SM2-with-SM3/)
    const point = execFileSync('openssl', ['x509', '-in', file, '-noout', '-pubkey']).toString()
    const spki = Buffer.from(point.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    assert.equal(spki.subarray(-65).toString('hex'), keys.public_hex)
    writeFileSync(join(folder, 'key.pem'), point)
    // Body, algorithm and signature are what the outer sequence holds; the body is of 128 to 255 bytes.
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    const end = 4 + 3 + (der[6] ?? 0)
    writeFileSync(join(folder, 'body'), der.subarray(4, end))
    writeFileSync(
      join(folder, 'signature'),
      der.subarray(der.indexOf(Buffer.from([0, 0x30]), end) + 1),
    )
    const options = ['-rawin', '-digest', 'sm3', '-pkeyopt', `distid:${userId}`]
    const said = execFileSync(
      'openssl',
      [
        'pkeyutl',
        '-verify',
        '-pubin',
        '-inkey',
        'key.pem',
        '-in',
        'body',
        '-sigfile',
        'signature',
        ...options,
      ],
      { cwd: folder },
    )
    assert.match(said.toString(), /Verified Successfully/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

async function call(
  method: 'GET' | 'POST',
  target: string,
  body?: unknown,
  more: {
    as?: TestMerchant
    serial?: string
    with?: typeof keys
    headers?: Record<string, string>
  } = {},
) {
  const { as = merchant, serial = sm.serial, with: signer = keys, headers = {} } = more
  const text = body === undefined ? '' : JSON.stringify(body)
  const timestamp = Math.floor(Date.now() / 1000)
  const nonce = randomBytes(16).toString('hex')
  const signed = Buffer.from(`${method}\n${target}\n${timestamp}\n${nonce}\n${text}\n`)
  const hex = smCrypto.sm2.doSignature([...signed], signer.private_hex, {
    ...derHash,
    publicKey: signer.public_hex,
  })
  const signature = Buffer.from(hex, 'hex').toString('base64')
  const response = await fetch(`${world.url}${target}`, {
    method,
    headers: {
      accept: 'application/json',
      'user-agent': 'test',
      'content-type': 'application/json',
      authorization: `WECHATPAY2-SM2-WITH-SM3 mchid="${as.mchid}",nonce_str="${nonce}",timestamp="${timestamp}",serial_no="${serial}",signature="${signature}"`,
      ...headers,
    },
    ...(body !== undefined && { body: text }),
  })
  const answered = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text: answered,
    body: answered === '' ? undefined : JSON.parse(answered),
  }
}

function openResource(apiV3Key: string, nonce: string, associated: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64')
  return Buffer.from(
    sm4.decrypt(bytes.subarray(0, -16), smResourceKey(apiV3Key), {
      mode: 'gcm',
      padding: 'none',
      output: 'array',
      iv: Buffer.from(nonce),
      associatedData: Buffer.from(associated),
      tag: bytes.subarray(-16),
    }),
  ).toString()
}

/** The platform's SM certificate, as the merchant gets it. */
async function platformKey() {
  const { body } = await call('GET', '/v3/certificates?algorithm_type=SM2')
  const [only] = body.data
  const { algorithm, nonce, associated_data, ciphertext } = only.encrypt_certificate
  assert.equal(algorithm, 'AEAD_SM4_GCM')
  const pem = openResource(merchant.api_v3_key, nonce, associated_data, ciphertext)
  const spki = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  const known = twinKey()
  assert.ok(spki.includes(Buffer.from(known.keys.public_hex, 'hex')))
  assert.equal(new X509Certificate(pem).serialNumber, only.serial_no)
  return { serial: only.serial_no as string, public_hex: known.keys.public_hex }
}
function twinKey() {
  const key = world.twin.merchants.sm.keyOf(merchant)
  assert.ok(key !== undefined)
  return key
}

function verified(
  headers: (name: string) => string | null,
  body: string,
  publicHex: string,
): boolean {
  const text = `${headers('wechatpay-timestamp')}\n${headers('wechatpay-nonce')}\n${body}\n`
  const hex = Buffer.from(headers('wechatpay-signature') ?? '', 'base64').toString('hex')
  return smCrypto.sm2.doVerifySignature([...Buffer.from(text)], hex, publicHex, derHash)
}

const order = () => ({
  appid,
  mchid: merchant.mchid,
  description: '礼卡',
  out_trade_no: `SM${randomBytes(8).toString('hex')}`,
  notify_url,
  amount: { total: 100 },
  payer: { openid: world.openid(world.user()) },
})

test('a request under SM2 is taken from the merchant for whom it was opened', async () => {
  assert.equal((await call('POST', '/v3/pay/transactions/jsapi', order())).status, 200)
  const foreign = makeSmKeys(randomBytes(32).toString('hex'))
  const wrong = async (more: Parameters<typeof call>[3]) => {
    const { status, body } = await call('GET', '/v3/certificates', undefined, more)
    return `${status} ${body.code}`
  }
  assert.equal(await wrong({ with: foreign }), '401 SIGN_ERROR')
  assert.equal(await wrong({ serial: merchant.serial }), '401 SIGN_ERROR')
  const plain = await world.merchant()
  const closed = await call('GET', '/v3/certificates', undefined, {
    as: plain,
    serial: plain.serial,
  })
  assert.deepEqual([closed.status, closed.body.detail.issue], [401, '商户未开通国密'])
})

test('answers are under RSA unless the SM certificate is named', async () => {
  const { serial, public_hex } = await platformKey()
  const target = '/v3/certificates?algorithm_type=ALL'
  const usual = await call('GET', target)
  assert.equal(usual.headers.get('wechatpay-signature-type'), 'WECHATPAY2-SHA256-RSA2048')
  assert.deepEqual(
    usual.body.data.map(
      (each: { encrypt_certificate: { algorithm: string } }) => each.encrypt_certificate.algorithm,
    ),
    ['AEAD_AES_256_GCM', 'AEAD_SM4_GCM'],
  )
  const asked = await call('GET', target, undefined, { headers: { 'wechatpay-serial': serial } })
  assert.equal(asked.headers.get('wechatpay-signature-type'), 'WECHATPAY2-SM2-WITH-SM3')
  assert.equal(asked.headers.get('wechatpay-serial'), serial)
  assert.ok(verified((name) => asked.headers.get(name), asked.text, public_hex))
  assert.ok(!verified((name) => asked.headers.get(name), `${asked.text} `, public_hex))
})

test('who has no SM gets no SM certificate', async () => {
  const plain = await world.merchant()
  const ask = async (type: string) =>
    (await world.v3(plain, 'GET', `/v3/certificates?algorithm_type=${type}`)).outcome
  assert.equal(await ask('SM2'), '404 RESOURCE_NOT_EXISTS')
  assert.equal(await ask('ALL'), '200')
})

test('secrets are for the SM key that is named, and what comes back is for the merchant’s', async () => {
  const { serial, public_hex } = await platformKey()
  const shop = await world.merchant({ name: '门店' })
  const add = (name: string) =>
    call(
      'POST',
      '/v3/profitsharing/receivers/add',
      { appid, type: 'MERCHANT_ID', account: shop.mchid, name, relation_type: 'STORE' },
      { headers: { 'wechatpay-serial': serial } },
    )
  const added = await add(smSeal('门店', public_hex))
  assert.equal(added.status, 200, added.text)
  assert.equal(smOpen(added.body.name, keys), '门店')
  assert.equal((await add(smSeal('别的', public_hex))).body.code, 'INVALID_REQUEST')
  assert.equal((await add(smSeal('门店', keys.public_hex))).body.code, 'PARAM_ERROR')
})

test('a notification is signed by SM2 and sealed by SM4-GCM', async () => {
  const { serial, public_hex } = await platformKey()
  const user = world.user()
  const placed = await call('POST', '/v3/pay/transactions/jsapi', {
    ...order(),
    payer: { openid: world.openid(user) },
  })
  assert.ok(world.twin.prepays.pay(placed.body.prepay_id, user).paid)
  await world.control('POST', '/settle', {})
  const [notice] = ear.received
  assert.ok(notice !== undefined)
  const given = (name: string) => String(notice.headers[name])
  assert.equal(given('wechatpay-serial'), serial)
  assert.equal(given('wechatpay-signature-type'), 'WECHATPAY2-SM2-WITH-SM3')
  assert.ok(verified(given, notice.body, public_hex))
  const { resource } = JSON.parse(notice.body)
  assert.equal(resource.algorithm, 'AEAD_SM4_GCM')
  const plain = JSON.parse(
    openResource(
      merchant.api_v3_key,
      resource.nonce,
      resource.associated_data,
      resource.ciphertext,
    ),
  )
  assert.deepEqual([plain.trade_state, plain.amount.total], ['SUCCESS', 100])
})

test('the platform’s SM key is the same after a restart', async () => {
  const { Twin } = await import('../kernel/twin.ts')
  const { registers } = await import('../routes.ts')
  const before = twinKey()
  world.twin.store.flush()
  const { cpSync } = await import('node:fs')
  const copy = mkdtempSync(join(tmpdir(), 'twin-copy-'))
  cpSync(world.data, copy, { recursive: true })
  const again = new Twin({ data: copy, profile: 'local' })
  await again.start(registers, 0)
  assert.deepEqual(again.merchants.sm.keyOf(merchant), before)
  await again.stop()
  rmSync(copy, { recursive: true })
})
