/** Official accounts and mini-programs over HTTP: secrets come in, are kept sealed, and are never seen again. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseId } from '@lika/contract'
import { openWechatApps, type WechatApps } from '../server/src/modules/wechat/index.ts'
import { keyringOf } from '../server/src/platform/crypto/keyring.ts'
import { type Issuer, startHttpApp } from './harness/http-app.ts'

let app: Awaited<ReturnType<typeof startHttpApp>>
let apps: WechatApps
let issuer: Issuer
let made = 0

const path = '/v1/wechat/apps'
const aes = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'

before(async () => {
  // The routes find the apps once there is a database to keep them in.
  const flows = {
    get wechatApps() {
      return apps
    },
    publicUrl: () => 'https://pay.example',
  }
  app = await startHttpApp([], { flows } as never)
  apps = openWechatApps({ database: app.database.app, keyring: keyringOf(Buffer.alloc(32, 7)) })
  issuer = await app.makeIssuer()
})
after(() => app.stop())

function given(more: object = {}) {
  made += 1
  const number = String(made).padStart(16, '0')
  return { appid: `wx${number}`, kind: 'official_account', secret: `${number}5ecre7`, ...more }
}

const post = (body: object, key = issuer.test) => app.call('POST', path, { key, body })
const patch = (id: string, body: object, key = issuer.test) =>
  app.call('PATCH', `${path}/${id}`, { key, body })

test('an app is connected, and says where WeChat is to call back', async () => {
  const sent = given({
    token: 'aToken',
    encoding_aes_key: aes,
    reference: 'R-1',
    metadata: { a: 'b' },
  })
  const { status, body } = await post(sent)
  assert.equal(status, 201)
  const { id, created_at, changed_at, ...rest } = body
  assert.deepEqual(rest, {
    appid: sent.appid,
    kind: 'official_account',
    secret_last4: 'cre7',
    callbacks: 'encrypted',
    callback_url: `https://pay.example/wechat/apps/${id}/callbacks`,
    reference: 'R-1',
    metadata: { a: 'b' },
  })
  assert.equal(created_at, changed_at)
  const shown = await app.call('GET', `${path}/${id}`, { key: issuer.test })
  assert.deepEqual(shown.body, body)
})

test('one appid and one reference stand for one app of the book; another mode has its own', async () => {
  const first = given({ reference: 'R-2' })
  const { body } = await post(first)
  const same = await post({ ...given(), appid: first.appid })
  assert.deepEqual([same.status, same.body.code], [409, 'wechat_app.already_exists'])
  assert.equal(same.body.existing_id, body.id)
  const named = await post(given({ reference: 'R-2' }))
  assert.deepEqual([named.body.code, named.body.existing_id], ['reference.already_used', body.id])
  assert.equal((await post(first, issuer.live)).status, 201)
  const foreign = await app.call('GET', `${path}/${body.id}`, { key: issuer.live })
  assert.equal(foreign.body.code, 'wechat_app.not_found')
})

test('a key of callbacks needs its token', async () => {
  const alone = await post(given({ encoding_aes_key: aes }))
  assert.deepEqual([alone.status, alone.body.code], [422, 'wechat_app.callbacks_invalid'])
  const { body } = await post(given({ token: 'aToken', encoding_aes_key: aes }))
  const halved = await patch(body.id, { token: null })
  assert.equal(halved.body.code, 'wechat_app.callbacks_invalid')
  const plain = await patch(body.id, { encoding_aes_key: null })
  assert.equal(plain.body.callbacks, 'plain')
  const none = await patch(body.id, { token: null })
  assert.equal(none.body.callbacks, 'none')
})

test('what is left out of a change stays; changes at the same time are all kept', async () => {
  const { body } = await post(given({ token: 'aToken', metadata: { a: 'b' } }))
  const id = parseId('wechat_app', body.id)
  assert.ok(id)
  const answers = await Promise.all([
    patch(body.id, { secret: 'x'.repeat(32) }),
    patch(body.id, { encoding_aes_key: aes }),
    patch(body.id, { metadata: { c: 'd' } }),
  ])
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  )
  const credentials = await apps.credentials(id)
  assert.deepEqual(
    [credentials?.secret, credentials?.token, credentials?.encodingAesKey, credentials?.version],
    ['x'.repeat(32), 'aToken', aes, 4],
  )
  const shown = await app.call('GET', `${path}/${body.id}`, { key: issuer.test })
  assert.deepEqual(shown.body.metadata, { c: 'd' })
  const elsewhere = await patch(body.id, { secret: 'y'.repeat(32) }, issuer.live)
  assert.equal(elsewhere.body.code, 'wechat_app.not_found')
})

test('the list finds by appid, kind and reference, the newest first', async () => {
  const kind = 'mini_program'
  const sent = [given({ kind, reference: 'L-1' }), given({ kind })]
  for (const one of sent) await post(one)
  const list = async (query: string) => {
    const { body } = await app.call('GET', `${path}?${query}`, { key: issuer.test })
    return body.data.map(({ appid }: { appid: string }) => appid)
  }
  assert.deepEqual(await list(`kind=${kind}`), [sent[1]?.appid, sent[0]?.appid])
  assert.deepEqual(await list('reference=L-1'), [sent[0]?.appid])
  assert.deepEqual(await list(`appid=${sent[1]?.appid}`), [sent[1]?.appid])
  const page = await app.call('GET', `${path}?kind=${kind}&limit=1`, { key: issuer.test })
  const next = await list(`kind=${kind}&limit=1&cursor=${page.body.next_cursor}`)
  assert.deepEqual(next, [sent[0]?.appid])
})

test('secrets are in no answer and no row, and open in no other row', async () => {
  const sent = given({ token: 'aVerySecretToken', encoding_aes_key: aes })
  const other = await post(given())
  const { body } = await post(sent)
  const listed = await app.call('GET', path, { key: issuer.test })
  const { sql } = app.database.owner
  const rows = await sql`select row_to_json(one)::text as row from wechat_app as one`
  const seen = JSON.stringify([body, listed.body, rows])
  for (const secret of [sent.secret, 'aVerySecretToken', aes])
    for (const form of [secret, Buffer.from(secret).toString('hex')])
      assert.equal(seen.includes(form), false)
  const [from, to] = [parseId('wechat_app', body.id), parseId('wechat_app', other.body.id)]
  assert.ok(from && to)
  await sql`
    update wechat_app set credentials = (select credentials from wechat_app where id = ${from})
    where id = ${to}`
  await assert.rejects(apps.credentials(to))
})
