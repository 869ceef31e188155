import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startConnector } from '../harness/wechat-connector.ts'
import { logInOften } from '../harness/wechat-logins.ts'

test('of a hundred thousand logins over a line that fails one time in a hundred 99.97 % succeed (F052)', async (t) => {
  const run = await startConnector()
  try {
    const { id, appid } = await run.app('official_account')
    const seen = await logInOften(run, { id, appid, logins: 100_000 })
    t.diagnostic(JSON.stringify(seen))
    assert.ok(seen.failed <= seen.logins * 0.0003, JSON.stringify(seen))
  } finally {
    await run.stop()
  }
})
