/** Logins that survive a WeChat that stumbles, and codes that are used once whatever happens (F052). */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Connector, connectorOn, startConnector } from './harness/wechat-connector.ts'
import { lineTo } from './harness/wechat-line.ts'
import { logInOften } from './harness/wechat-logins.ts'

let run: Connector

before(async () => {
  run = await startConnector()
})
after(() => run.stop())

describe('logins over a line that fails one time in a hundred', () => {
  test('succeed in at least 9,997 of 10,000, with a new code where the answer to the first was lost (F052)', async () => {
    const { id, appid } = await run.app('official_account')
    const seen = await logInOften(run, { id, appid, logins: 10_000 })
    assert.ok(seen.failed <= 3, JSON.stringify(seen))
  })

  test('are not tried again where the code was used, even if its answer was lost', async () => {
    const { id, appid } = await run.app('official_account')
    const user = await run.twin.control.user()
    const { code } = await run.twin.control.do(user.id, 'oauth_code', { appid })
    await run.twin.control.fault({ path: '/sns/oauth2/access_token' }, 'answer_500_after')
    const answer = await run.wechat.exchangeCode(id, code)
    assert.equal(answer.status === 'refused' && answer.code, '40163')
    const sent = await run.twin.control.requests('/sns/oauth2', 2_000)
    assert.equal(sent.filter(({ query }) => query.includes(code)).length, 2)
  })

  test('end as unknown when WeChat stays away', async () => {
    const { id } = await run.app('official_account')
    const line = await lineTo(run.twin.url, () => false)
    await line.stop()
    const nobody = connectorOn(run.database.app, line.url)
    const answer = await nobody.wechat.exchangeCode(id, 'code')
    assert.equal(answer.status, 'unknown')
    assert.match(answer.status === 'unknown' ? answer.why : '', /ECONNREFUSED/)
  })
})
