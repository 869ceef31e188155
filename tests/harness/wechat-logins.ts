/**
 * Many logins over a line to the local WeChat that fails one time in a hundred, at every point of a call: before WeChat
 * hears of it, by its own word, and after it has done the work, which is when the answer alone is lost.
 */
import assert from 'node:assert/strict'
import type { WechatAppId } from '@lika/contract'
import { type Connector, connectorOn } from './wechat-connector.ts'
import { type Failure, lineTo } from './wechat-line.ts'

/** In the order in which they are taken in turn. */
const failures = ['close', 'gateway', 'busy', 'lost'] as const

export interface LoginsSeen {
  readonly logins: number
  /** Not in, although a new code was asked for where WeChat had used the first one up. */
  readonly failed: number
  /** In with a second code, as whoever begins again gets one: the answer to the first was lost. */
  readonly anew: number
  /** How often the line failed, in each way. */
  readonly faults: Readonly<Record<string, number>>
}

/** Fails where a code is sent again that was answered, somebody becomes another, or the line was better than it should be. */
export async function logInOften(
  run: Connector,
  { id, appid, logins }: { id: WechatAppId; appid: string; logins: number },
): Promise<LoginsSeen> {
  const user = await run.twin.control.user()
  const line = await stumblingLine(run.twin.url)
  const { wechat } = connectorOn(run.database.app, line.url, { tuning: { timeoutMs: 2_000 } })
  let usedUp = 0
  const exchange = async () => {
    const { code } = await run.twin.control.do(user.id, 'oauth_code', { appid })
    const answer = await wechat.exchangeCode(id, code)
    if (answer.status === 'done') assert.equal(answer.value.openid, user.openids[appid])
    const isUsed = answer.status === 'refused' && answer.code === '40163'
    if (isUsed) usedUp += 1
    return { isIn: answer.status === 'done', isUsed }
  }
  let failed = 0
  let anew = 0
  const each = async () => {
    const first = await exchange()
    if (first.isIn) return
    if (first.isUsed && (await exchange()).isIn) anew += 1
    else failed += 1
  }
  for (let done = 0; done < logins; done += 50) await Promise.all(Array.from({ length: 50 }, each))
  await line.stop()
  const { faults, calls } = line.seen()
  const all = Object.values(faults).reduce((sum, count) => sum + count, 0)
  assert.ok(all >= calls / 200, `the line failed ${all} times of ${calls} only`)
  for (const kind of failures) assert.ok((faults[kind] ?? 0) > 0, `never ${kind}`)
  // No code was found used but where an answer was lost: none went to WeChat again after one that arrived.
  const lost = faults['lost'] ?? 0
  assert.ok(usedUp > 0 && usedUp <= lost, `${usedUp} codes were used up, ${lost} answers lost`)
  return { logins, failed, anew, faults }
}

async function stumblingLine(url: string) {
  let state = 20_261_125
  let calls = 0
  const faults: Record<string, number> = {}
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) / 2 ** 24
  }
  const line = await lineTo(url, (_url, answer, close): Failure => {
    calls += 1
    if (random() >= 0.01) return false
    const kind = failures[Math.floor(random() * failures.length)] ?? 'close'
    faults[kind] = (faults[kind] ?? 0) + 1
    switch (kind) {
      case 'close':
        close()
        return true
      case 'gateway':
        answer({}, 502)
        return true
      case 'busy':
        answer({ errcode: -1, errmsg: 'system error' })
        return true
      case 'lost':
        return 'answer_lost'
    }
  })
  return { ...line, seen: () => ({ calls, faults }) }
}
