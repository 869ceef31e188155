/** Logins that survive a WeChat that stumbles, and codes that are used once whatever happens (F052). */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Connector, connectorOn, startConnector } from './harness/wechat-connector.ts'
import { lineTo } from './harness/wechat-line.ts'

let run: Connector

before(async () => {
  run = await startConnector()
})
after(() => run.stop())

describe('logins over a line that fails one time in a hundred', () => {
  test('succeed in at least 9,997 of 10,000, each code used once (F052)', async () => {
    const logins = 2_000
    const { id, appid } = await run.app('official_account')
    const user = await run.twin.control.user()
    const line = await stumbling(0.01)
    const { wechat } = connectorOn(run.database.app, line.url, { tuning: { timeoutMs: 2_000 } })
    let failed = 0
    const each = async () => {
      const { code } = await run.twin.control.do(user.id, 'oauth_code', { appid })
      const answer = await wechat.exchangeCode(id, code)
      if (answer.status !== 'done') failed += 1
    }
    for (let done = 0; done < logins; done += 50)
      await Promise.all(Array.from({ length: 50 }, each))
    await line.stop()
    assert.ok(line.stumbled() >= logins / 200, `the line failed ${line.stumbled()} times only`)
    assert.ok(failed <= logins * 0.0003, `${failed} of ${logins} logins failed`)
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

/** A way that fails before the call arrives: no connection, a gateway’s error, a WeChat that says it is busy. */
async function stumbling(share: number) {
  let state = 20_261_125
  let stumbled = 0
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) / 2 ** 24
  }
  const way = await lineTo(run.twin.url, (_url, answer, close) => {
    if (random() >= share) return false
    stumbled += 1
    const kind = Math.floor(random() * 3)
    if (kind === 0) close()
    else if (kind === 1) answer({}, 502)
    else answer({ errcode: -1, errmsg: 'system error' })
    return true
  })
  return { ...way, stumbled: () => stumbled }
}
