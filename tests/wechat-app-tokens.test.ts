/** One token for all processes of all servers, renewed by one of them. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { together } from './harness/wechat-app-together.ts'
import {
  type Connector,
  connectorOn,
  memberCard,
  startConnector,
} from './harness/wechat-connector.ts'
import { lineTo } from './harness/wechat-line.ts'

let run: Connector

before(async () => {
  run = await startConnector()
})
after(() => run.stop())

const tokenCalls = async () =>
  (await run.twin.control.requests('/cgi-bin/stable_token', 2_000)).length
const bodiesOfTokens = async (appid: string): Promise<{ force_refresh: boolean }[]> =>
  (await run.twin.control.requests('/cgi-bin/stable_token', 2_000))
    .map(({ body }) => JSON.parse(body))
    .filter((body) => body.appid === appid)

describe('the token of an app', () => {
  test('is fetched once for a hundred calls at a time in one process', async () => {
    const { id, appid } = await run.app('official_account')
    const pages = Array.from({ length: 100 }, (_, n) =>
      run.wechat.jsSdk(id, `https://shop.test/${n}`),
    )
    const answers = await Promise.all(pages)
    assert.ok(answers.every(({ status }) => status === 'done'))
    assert.equal((await bodiesOfTokens(appid)).length, 1)
  })

  test('is fetched once by three processes that begin together, and so is the ticket', async () => {
    const { id, appid } = await run.app('official_account')
    const tickets = (await run.twin.control.requests('/cgi-bin/ticket', 2_000)).length
    const answers = await together(run, 3, id, 'page', 20)
    assert.equal(answers.length, 60)
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], ['done'])
    assert.equal((await bodiesOfTokens(appid)).length, 1)
    assert.equal((await run.twin.control.requests('/cgi-bin/ticket', 2_000)).length, tickets + 1)
  })

  test('lies sealed in the database', async () => {
    const rows = await run.database.owner.sql<{ sealed: Uint8Array; kind: string }[]>`
      select sealed, kind from wechat_token where sealed is not null`
    assert.ok(rows.length >= 2)
    const { id } = await run.app('official_account')
    await run.wechat.jsSdk(id, 'https://shop.test/')
    const token = (await run.desk.token(id, 'access')).value
    assert.ok(token !== undefined && token.length > 100)
    const [row] = await run.database.owner.sql<{ sealed: Uint8Array }[]>`
      select sealed from wechat_token where app_id = ${id} and kind = 'access'`
    assert.ok(row)
    assert.equal(Buffer.from(row.sealed).includes(Buffer.from(token)), false)
  })

  test('that WeChat refuses is renewed once and the call made again, whoever asks', async () => {
    const { id, appid } = await run.app('official_account')
    await run.wechat.createCard(id, memberCard)
    await run.twin.control.call('POST', `/apps/${appid}/expire_tokens`, {})
    const asked = Array.from({ length: 5 }, () => run.wechat.createCard(id, memberCard))
    const answers = await Promise.all(asked)
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(5).fill('done'),
    )
    const bodies = await bodiesOfTokens(appid)
    assert.deepEqual(
      bodies.map((body) => body.force_refresh),
      [false, false],
    )
  })

  test('that WeChat refuses although it gives it out is forced out, once in half a minute', async () => {
    const { id, appid } = await run.app('official_account')
    await run.wechat.createCard(id, memberCard)
    const proxy = await refusing('/card/create', 40001, 1)
    const other = connectorOn(run.database.app, proxy.url)
    const answer = await other.wechat.createCard(id, memberCard)
    assert.equal(answer.status, 'done')
    const forced = async () => (await bodiesOfTokens(appid)).map((body) => body.force_refresh)
    assert.deepEqual(await forced(), [false, false, true])
    proxy.refuse(1)
    const second = await other.wechat.createCard(id, memberCard)
    assert.equal(second.status === 'refused' && second.code, '40001')
    assert.deepEqual(await forced(), [false, false, true, false])
    await proxy.stop()
  })

  test('is fetched by another process when the one that had the word died', async () => {
    const { id } = await run.app('official_account')
    const dead = { version: 0, holder: '01900000-0000-7000-8000-000000000000', leaseMs: 300 }
    assert.equal(await run.desk.holdToken(id, 'access', dead), true)
    const begun = Date.now()
    const answer = await run.wechat.createCard(id, memberCard)
    assert.equal(answer.status, 'done')
    assert.ok(Date.now() - begun >= 250, 'it did not wait for the one who had the word')
    const late = { value: 'too-late', lifetimeMs: 7_000_000, forced: false }
    assert.equal(await run.desk.keepToken(id, 'access', dead.holder, late), undefined)
  })

  test('that has run out is replaced before the next call', async () => {
    const { id } = await run.app('official_account')
    await run.wechat.createCard(id, memberCard)
    await run.database.owner.sql`
      update wechat_token set expires_at = now() - interval '1 second' where app_id = ${id}`
    const before = await tokenCalls()
    const other = connectorOn(run.database.app, run.twin.url)
    assert.equal((await other.wechat.createCard(id, memberCard)).status, 'done')
    assert.equal(await tokenCalls(), before + 1)
  })
})

/** A way to the local WeChat that answers `refused` itself the next so many times. */
async function refusing(path: string, errcode: number, times: number) {
  let left = times
  const way = await lineTo(run.twin.url, (url, answer) => {
    if (left === 0 || !url.startsWith(path)) return false
    left -= 1
    answer({ errcode, errmsg: 'invalid credential' })
    return true
  })
  return { ...way, refuse: (more: number) => (left = more) }
}
