/** Merchant numbers over HTTP: keys are checked against each other, kept sealed, and never seen again. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import { asId, parseId } from '@lika/contract'
import { trySm } from '../server/src/connectors/wechat-pay/wechat-pay.ts'
import { openPayAccounts, type PayAccounts } from '../server/src/modules/wechat/index.ts'
import { keyringOf } from '../server/src/platform/crypto/keyring.ts'
import { selfSigned } from './harness/certificates.ts'
import { type Issuer, startHttpApp } from './harness/http-app.ts'

let app: Awaited<ReturnType<typeof startHttpApp>>
let accounts: PayAccounts
let issuer: Issuer
const keyring = keyringOf(Buffer.alloc(32, 7))

const path = '/v1/wechat/pay_accounts'
const apiKey = (letter: string) => letter.repeat(32)
const rsa = (modulusLength = 2048) =>
  generateKeyPairSync('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
const sm2 = () =>
  generateKeyPairSync('ec', {
    namedCurve: 'SM2',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
const own = rsa()
const theirs = rsa()
let made = 0

function given<M extends Record<string, unknown>>(more: M) {
  made += 1
  return {
    mchid: String(1_900_100_000 + made),
    appids: ['wxd678efh567hg6787'],
    api_v3_key: apiKey('k'),
    private_key_pem: own.privateKey,
    certificate_serial: '5f9a1b2c3d4e5f60718293a4b5c6d7e8f9010203',
    key_mode: 'certificate',
    ...more,
  }
}

before(async () => {
  // The routes find the accounts once there is a database to keep them in.
  const flows = {
    get payAccounts() {
      return accounts
    },
  }
  app = await startHttpApp([], { flows } as never)
  accounts = openPayAccounts({ database: app.database.app, keyring })
  issuer = await app.makeIssuer()
})
after(() => app.stop())

const create = (body: unknown, key = issuer.test) => app.call('POST', path, { key, body })

test('an account shows what tells its keys apart, and nothing of them', async () => {
  const certificate = selfSigned(own.privateKey, {
    serial: '5f9a1b2c3d4e5f60718293a4b5c6d7e8f9010203',
  })
  const body = given({
    api_v3_key: `${apiKey('v').slice(4)}wxyz`,
    api_v2_key: `${apiKey('u').slice(4)}1234`,
    key_mode: 'both',
    public_key_id: 'PUB_KEY_ID_0116000001',
    public_key_pem: theirs.publicKey,
    v2_client_certificate_pem: certificate.pem,
    reference: 'till',
  })
  const { status, body: shown } = await create(body)
  assert.equal(status, 201)
  assert.deepEqual(
    { ...shown, id: '', private_key_fingerprint: '', created_at: '', changed_at: '' },
    {
      id: '',
      mchid: body.mchid,
      appids: body.appids,
      algorithm: 'rsa',
      key_mode: 'both',
      certificate_serial: '5F9A1B2C3D4E5F60718293A4B5C6D7E8F9010203',
      private_key_fingerprint: '',
      api_v3_key_last4: 'wxyz',
      api_v2_key_last4: '1234',
      public_key_id: 'PUB_KEY_ID_0116000001',
      has_v2_client_certificate: true,
      status: 'active',
      reference: 'till',
      metadata: {},
      created_at: '',
      changed_at: '',
    },
  )
  const found = await app.call('GET', `${path}/${shown.id}`, { key: issuer.test })
  assert.deepEqual(found.body, shown)
  const id = parseId('wechat_account', shown.id)
  assert.ok(id)
  const open = await accounts.credentials(id)
  assert.equal(open?.privateKeyPem, own.privateKey)
  assert.equal(open?.apiV3Key, body.api_v3_key)
  assert.equal(open?.apiV2Key, body.api_v2_key)
  assert.equal(open?.clientCertificatePem, certificate.pem)

  const [row] = await app.database.owner.sql<{ text: string }[]>`
    select row_to_json(wechat_account)::text as text
    from lika.wechat_account
    where id = ${id}`
  const secrets = [body.api_v3_key, body.api_v2_key, own.privateKey.split('\n')[1] ?? '']
  for (const secret of secrets) {
    for (const place of [JSON.stringify(shown), row?.text ?? '', app.logged.join('')])
      assert.equal(place.includes(secret), false)
    const hex = Buffer.from(secret).toString('hex')
    assert.equal(row?.text.includes(hex), false)
  }
})

test('keys that do not fit are refused, each problem by its member, and none is repeated', async () => {
  const smPair = sm2()
  const otherCertificate = selfSigned().pem
  const table: [string, Record<string, unknown>, [string, string][]][] = [
    ['no key', { private_key_pem: 'secret-text' }, [['private_key_pem', 'private_key_unreadable']]],
    [
      'a public one',
      { private_key_pem: own.publicKey },
      [['private_key_pem', 'private_key_unreadable']],
    ],
    [
      'too short',
      { private_key_pem: rsa(1024).privateKey },
      [['private_key_pem', 'private_key_too_short']],
    ],
    [
      'SM2 for RSA',
      { private_key_pem: smPair.privateKey },
      [['private_key_pem', 'private_key_wrong_kind']],
    ],
    ['RSA for SM2', { algorithm: 'sm' }, [['private_key_pem', 'private_key_wrong_kind']]],
    [
      'no public key',
      { key_mode: 'public_key' },
      [
        ['public_key_id', 'public_key_missing'],
        ['public_key_pem', 'public_key_missing'],
      ],
    ],
    ['only its id', { public_key_id: 'PUB_KEY_ID_1' }, [['public_key_pem', 'public_key_missing']]],
    [
      'the own public key',
      { key_mode: 'public_key', public_key_id: 'PUB_KEY_ID_1', public_key_pem: own.publicKey },
      [['public_key_pem', 'public_key_is_own']],
    ],
    [
      'a private key as public one',
      { key_mode: 'both', public_key_id: 'PUB_KEY_ID_1', public_key_pem: theirs.privateKey },
      [['public_key_pem', 'public_key_unreadable']],
    ],
    [
      'short public key',
      { key_mode: 'both', public_key_id: 'PUB_KEY_ID_1', public_key_pem: rsa(1024).publicKey },
      [['public_key_pem', 'public_key_too_short']],
    ],
    [
      'a certificate of another key',
      { v2_client_certificate_pem: otherCertificate },
      [['v2_client_certificate_pem', 'client_certificate_of_other_key']],
    ],
    [
      'a certificate of another serial',
      { v2_client_certificate_pem: selfSigned(own.privateKey).pem },
      [['v2_client_certificate_pem', 'client_certificate_other_serial']],
    ],
    [
      'no certificate',
      { v2_client_certificate_pem: own.publicKey },
      [['v2_client_certificate_pem', 'client_certificate_unreadable']],
    ],
  ]
  for (const [name, more, problems] of table) {
    const body = given(more)
    const answer = await create(body)
    assert.equal(answer.status, 422, name)
    assert.equal(answer.body.code, 'wechat_account.keys_invalid', name)
    assert.deepEqual(
      answer.body.problems,
      problems.map(([member, problem]) => ({ path: member, problem })),
      name,
    )
    assert.equal(JSON.stringify(answer.body).includes(String(more['private_key_pem'])), false, name)
  }
})

test('a shape that is wrong is refused without repeating what was given', async () => {
  for (const more of [
    { api_v3_key: 'short-secret' },
    { certificate_serial: 'not hex' },
    { mchid: '19x' },
    { appids: [] },
    { appids: ['wx1', 'wx1'] },
    { key_mode: 'none' },
    { secret: 'x' },
    { public_key_id: 'PUB_KEY_ID_1', public_key_pem: `\u0000${theirs.publicKey}` },
  ]) {
    const answer = await create(given(more))
    assert.equal(answer.status, 400, JSON.stringify(more))
    assert.equal(JSON.stringify(answer.body).includes('short-secret'), false)
  }
})

test('an account of SM2 keys is kept where it says so', async () => {
  const pair = sm2()
  const { status } = await create(given({ algorithm: 'sm', private_key_pem: pair.privateKey }))
  assert.equal(status, 201)
  assert.equal(trySm({ warn: () => assert.fail() })?.signer, 'native')
})

test('a merchant number is there once, until it is disabled; a reference stands for one account', async () => {
  const body = given({ reference: 'once' })
  const { body: first } = await create(body)
  const again = await create({ ...body, reference: 'twice' })
  assert.deepEqual(
    [again.status, again.body.code, again.body.existing_id],
    [409, 'wechat_account.already_exists', first.id],
  )
  const named = await create(given({ reference: 'once' }))
  assert.deepEqual(
    [named.status, named.body.code, named.body.existing_id],
    [409, 'reference.already_used', first.id],
  )
  assert.equal((await create(body, issuer.live)).status, 201, 'live is another book')
  const stop = () => app.call('POST', `${path}/${first.id}/disable`, { key: issuer.test })
  assert.equal((await stop()).body.status, 'disabled')
  assert.equal((await stop()).status, 200, 'again is no harm')
  const patch = { key: issuer.test, body: { api_v3_key: apiKey('n') } }
  const changed = await app.call('PATCH', `${path}/${first.id}`, patch)
  assert.deepEqual([changed.status, changed.body.code], [409, 'wechat_account.disabled'])
  assert.equal((await create({ ...body, reference: 'anew' })).status, 201)
  const id = parseId('wechat_account', first.id) ?? asId<'wechat_account'>('')
  assert.equal((await accounts.credentials(id))?.isActive, false)
})

test('a change replaces what it names, is checked as a whole, and is seen by its version', async () => {
  const { body: first } = await create(given({}))
  const id = parseId('wechat_account', first.id) ?? asId<'wechat_account'>('')
  const change = (body: unknown) =>
    app.call('PATCH', `${path}/${first.id}`, { key: issuer.test, body })
  const refused = await change({ key_mode: 'both' })
  assert.deepEqual([refused.status, refused.body.code], [422, 'wechat_account.keys_invalid'])
  const next = rsa()
  const done = await change({
    key_mode: 'both',
    public_key_id: 'PUB_KEY_ID_2',
    public_key_pem: theirs.publicKey,
    private_key_pem: next.privateKey,
    certificate_serial: 'ABCDEF0123456789',
    appids: ['wx1', 'wx2'],
  })
  assert.equal(done.status, 200)
  assert.notEqual(done.body.private_key_fingerprint, first.private_key_fingerprint)
  assert.deepEqual(done.body.appids, ['wx1', 'wx2'])
  const open = await accounts.credentials(id)
  assert.equal(open?.version, 2)
  assert.equal(open?.privateKeyPem, next.privateKey)
  assert.equal(open?.apiV3Key, apiKey('k'), 'what was left out stays')
  const many = await Promise.all(
    ['a', 'b', 'c'].map((letter) => change({ api_v3_key: apiKey(letter) })),
  )
  assert.deepEqual(
    many.map(({ status }) => status),
    [200, 200, 200],
  )
  assert.equal((await accounts.credentials(id))?.version, 5)
})

test('lists are filtered; another issuer and the other mode see nothing', async () => {
  const body = given({ reference: 'listed' })
  const { body: first } = await create(body)
  const list = async (query: string, key = issuer.test) =>
    (await app.call('GET', `${path}${query}`, { key })).body.data.map(
      ({ id }: { id: string }) => id,
    )
  assert.deepEqual(await list('?reference=listed'), [first.id])
  assert.deepEqual(await list(`?mchid=${body.mchid}`), [first.id])
  assert.deepEqual(await list(`?mchid=${body.mchid}&status=disabled`), [])
  const stranger = await app.makeIssuer()
  for (const key of [stranger.test, issuer.live]) {
    assert.deepEqual(await list('?reference=listed', key), [])
    for (const [method, suffix, change] of [
      ['GET', '', undefined],
      ['PATCH', '', {}],
      ['POST', '/disable', undefined],
    ] as const) {
      const answer = await app.call(method, `${path}/${first.id}${suffix}`, { key, body: change })
      assert.deepEqual([answer.status, answer.body.code], [404, 'wechat_account.not_found'])
    }
  }
})

test('credentials that were moved to another row do not open', async () => {
  const [one, two] = await Promise.all([create(given({})), create(given({}))])
  const ids = [one, two].map(
    ({ body }) => parseId('wechat_account', body.id) ?? asId<'wechat_account'>(''),
  )
  await app.database.owner.sql`
    update lika.wechat_account
    set credentials = (select credentials from lika.wechat_account where id = ${ids[0] ?? ''})
    where id = ${ids[1] ?? ''}`
  assert.ok(await accounts.credentials(ids[0] ?? asId('')))
  await assert.rejects(accounts.credentials(ids[1] ?? asId('')))
})
