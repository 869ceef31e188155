/** How fast the app connector calls, whatever the number of processes, and when it stops calling (F088). */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { breakerTuning } from '../server/src/connectors/wechat-app/breaker.ts'
import { guardTuning } from '../server/src/connectors/wechat-app/guard.ts'
import { together } from './harness/wechat-app-together.ts'
import {
  type Connector,
  connectorOn,
  memberCard,
  startConnector,
} from './harness/wechat-connector.ts'

let run: Connector

before(async () => {
  run = await startConnector()
})
after(() => run.stop())

/** The most calls in any stretch of a second, by the clock of the local WeChat. */
async function busiestSecond(path: string): Promise<number> {
  const times = (await run.twin.control.requests(path, 2_000)).map(({ at }) => Date.parse(at))
  return Math.max(
    ...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length),
  )
}

const cardCalls = async () => (await run.twin.control.requests('/card/create', 2_000)).length

/** In this process, with so much of a burst, and pauses that a test can wait for. */
const impatient = (burst: number) =>
  connectorOn(run.database.app, run.twin.url, {
    tuning: {
      tries: 1,
      guard: {
        ...guardTuning,
        burst,
        breaker: {
          ...breakerTuning,
          frequencyPauseMs: 1_100,
          faultPauseMs: 300,
          quotaPauseMs: 400,
        },
      },
    },
  }).wechat

describe('the limit of /card/create', () => {
  test('holds for three processes together: never more than fifty in a second, and all get through', async () => {
    const { id } = await run.app('official_account')
    const begun = Date.now()
    const answers = await together(run, 3, id, 'card', 40)
    assert.equal(answers.length, 120)
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], ['done'])
    const busiest = await busiestSecond('/card/create')
    assert.ok(busiest <= 50, `${busiest} calls in one second`)
    assert.ok(busiest >= 30, `${busiest} calls in the busiest second: slower than it needs to be`)
    assert.ok(Date.now() - begun < 12_000)
  })

  test('is one that WeChat would enforce: without the limiter it refuses, and the breaker opens', async () => {
    const { id } = await run.app('official_account')
    const wechat = impatient(300)
    const burst = Array.from({ length: 120 }, () => wechat.createCard(id, memberCard))
    const codes = (await Promise.all(burst)).map((one) => one.status === 'refused' && one.code)
    assert.ok(codes.includes('45011'), 'the local WeChat took all of them')
    const before = await cardCalls()
    const resting = await wechat.createCard(id, memberCard)
    assert.equal(resting.status === 'refused' && resting.code, 'breaker_open')
    assert.equal(await cardCalls(), before, 'a call went out through an open breaker')
    await sleep(1_200)
    assert.equal((await wechat.createCard(id, memberCard)).status, 'done')
    assert.equal((await wechat.createCard(id, memberCard)).status, 'done')
  })
})

describe('the breaker', () => {
  test('opens when the quota of the day is used up (45009), and closes when there is a new one', async () => {
    const { id } = await run.app('official_account')
    const wechat = impatient(5)
    await run.twin.control.settings({ app: { cardCreateDay: 1 } })
    const codes = []
    for (let n = 1; n <= 3; n += 1) {
      const answer = await wechat.createCard(id, memberCard)
      codes.push(answer.status === 'refused' ? answer.code : answer.status)
    }
    assert.deepEqual(codes, ['done', '45009', 'breaker_open'])
    await sleep(450)
    const probe = await wechat.createCard(id, memberCard)
    assert.equal(probe.status === 'refused' && probe.code, '45009')
    await run.twin.control.settings({ app: { cardCreateDay: 100_000 } })
    const still = await wechat.createCard(id, memberCard)
    assert.equal(still.status === 'refused' && still.code, 'breaker_open')
    await sleep(850)
    assert.equal((await wechat.createCard(id, memberCard)).status, 'done')
    assert.equal((await wechat.createCard(id, memberCard)).status, 'done')
  })

  test('opens after five calls in a row without an answer, lets one through, and closes', async () => {
    const { id } = await run.app('official_account')
    const wechat = impatient(5)
    await run.twin.control.fault({ path: '/card/code/get', times: 5 }, 'answer_500_before')
    const get = () => wechat.cardCode(id, { code: 'x' })
    const statuses = []
    for (let n = 1; n <= 6; n += 1) {
      const answer = await get()
      statuses.push(answer.status === 'refused' ? answer.code : answer.status)
    }
    assert.deepEqual(statuses, [...Array(5).fill('unknown'), 'breaker_open'])
    await sleep(350)
    for (const answer of [await get(), await get()])
      assert.equal(answer.status === 'refused' && answer.code, '40056')
  })
})
