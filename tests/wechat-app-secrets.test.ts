/**
 * Secrets of an app, and the tokens and tickets that WeChat gives for them: after everything that is done with them, and
 * everything that can go wrong, they stand in no log, in no answer and in no row of the database.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseId } from '@lika/contract'
import { openAppDesk } from '../server/src/modules/wechat/index.ts'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'
import { memberCard } from './harness/wechat-connector.ts'

let app: WechatTestApp
const answers: string[] = []

before(async () => {
  app = await startWechatApp()
})
after(() => app.stop())

async function call(method: string, path: string, body?: object) {
  const headers = { 'idempotency-key': `key-${answers.length}` }
  const answer = await app.call(method, path, {
    key: app.key,
    headers,
    ...(body === undefined ? {} : { body }),
  })
  answers.push(JSON.stringify(answer.body))
  return answer
}

/** Every row of every table, as text; bytes as hex. */
async function everyRow(): Promise<string> {
  const { sql } = app.database.owner
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name
    from pg_tables
    where schemaname = 'lika'`
  const texts: string[] = []
  for (const { name } of tables) {
    const rows = await sql.unsafe(`select row_to_json(t)::text as row from ${name} as t`)
    texts.push(...rows.map(({ row }) => row))
  }
  return texts.join('\n')
}

test('secrets, tokens and tickets stand in no log, answer or row', async () => {
  const id = parseId('wechat_app', app.official.id)
  assert.ok(id)
  const { appid } = app.official
  const { wechatApp, wechatApps, database, keyring } = app.flows
  const user = await app.twin.control.user()

  // What works.
  const { code } = await app.twin.control.do(user.id, 'oauth_code', { appid })
  assert.equal((await wechatApp.exchangeCode(id, code)).status, 'done')
  assert.equal((await wechatApp.jsSdk(id, `${app.url}/h5`)).status, 'done')
  const created = await wechatApp.createCard(id, memberCard)
  const cardId = created.status === 'done' ? created.value.cardId : ''
  assert.equal((await wechatApp.addCards(id, [{ cardId }])).status, 'done')
  await call('POST', '/v1/wechat/doctor', {})
  await call('GET', '/v1/wechat/apps')
  await call('GET', `/v1/wechat/apps/${app.official.id}`)
  await call('PATCH', `/v1/wechat/apps/${app.official.id}`, { metadata: { a: 'b' } })

  // What does not.
  for (const effect of ['answer_500_before', 'close_before', 'answer_500_after'])
    await app.twin.control.fault({ path: '*', times: 2 }, effect)
  for (let n = 1; n <= 4; n += 1) {
    await wechatApp.exchangeCode(id, 'made-up')
    await wechatApp.createCard(id, { card_type: 'none' })
    await call('POST', '/v1/wechat/card_codes/consume', { app_id: app.official.id, code: '1' })
    await call('POST', '/v1/wechat/doctor', { app_id: app.official.id })
  }
  await app.twin.control.clearFaults()
  const query = 'signature=x&timestamp=1&nonce=2&msg_signature=y'
  const path = `/wechat/apps/${app.official.id}/callbacks`
  for (const method of ['GET', 'POST'])
    await fetch(`${app.url}${path}?${query}`, {
      method,
      ...(method === 'POST' && { body: '<xml/>' }),
    })
  await call('POST', '/v1/wechat/apps', { appid, kind: 'official_account', secret: 'bad secret !' })

  const desk = openAppDesk({ database, keyring, apps: wechatApps })
  const secrets = await wechatApps.credentials(id)
  const tokens = await Promise.all(
    (['access', 'jsapi', 'wx_card'] as const).map(
      async (kind) => (await desk.token(id, kind)).value,
    ),
  )
  const hidden = [secrets?.secret, secrets?.token, secrets?.encodingAesKey, ...tokens]
  assert.equal(hidden.filter((one) => one !== undefined && one !== null).length, 6)
  const places = { log: app.logged.join('\n'), answers: answers.join('\n'), rows: await everyRow() }
  for (const text of Object.values(places)) assert.ok(text.includes(appid))
  for (const [place, text] of Object.entries(places)) {
    for (const secret of hidden) {
      assert.ok(secret)
      const forms = [secret, Buffer.from(secret).toString('hex'), encodeURIComponent(secret)]
      for (const form of forms) assert.equal(text.includes(form), false, `in the ${place}`)
    }
  }
})
