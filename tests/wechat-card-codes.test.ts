/** Codes of WeChat cards over HTTP: consumed once whoever asks, and found out where WeChat's answer was lost (F089). */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseId } from '@lika/contract'
import { findLostConsumes } from '../server/src/flows/wechat/consume-code.ts'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'
import { memberCard } from './harness/wechat-connector.ts'

let app: WechatTestApp
let cardId: string
let userId: string
let keys = 0

before(async () => {
  app = await startWechatApp()
  const { id } = await app.twin.control.user()
  userId = id
  const made = await app.flows.wechatApp.createCard(appId(), memberCard)
  assert.ok(made.status === 'done')
  cardId = made.value.cardId
})
after(() => app.stop())

function appId() {
  const id = parseId('wechat_app', app.official.id)
  assert.ok(id)
  return id
}

/** A new code in the hands of a user. */
async function newCode(): Promise<string> {
  const { appid } = app.official
  const list = await app.flows.wechatApp.addCards(appId(), [{ cardId }])
  const card_list = list.status === 'done' ? list.value : []
  const added = await app.twin.control.do(userId, 'add_card', { appid, card_list })
  const code = await app.flows.wechatApp.decryptCode(appId(), added.card_list[0].code)
  return code.status === 'done' ? code.value : ''
}

function consume(code: string, more: Record<string, unknown> = {}, idempotencyKey?: string) {
  keys += 1
  return app.call('POST', '/v1/wechat/card_codes/consume', {
    key: app.key,
    body: { app_id: app.official.id, code, ...more },
    headers: { 'idempotency-key': idempotencyKey ?? `consume-${keys}` },
  })
}

const sentConsumes = async (code: string): Promise<number> =>
  (await app.twin.control.requests('/card/code/consume', 2_000)).filter(({ body }) =>
    body.includes(code),
  ).length

describe('a code', () => {
  test('that a hundred consume at a time is consumed by one; 99 are told by which', async () => {
    const code = await newCode()
    const answers = await Promise.all(Array.from({ length: 100 }, () => consume(code)))
    const done = answers.filter(({ status }) => status === 201)
    assert.equal(done.length, 1)
    const [first] = done
    assert.equal(first?.body.card_id, cardId)
    const others = answers.filter(({ status }) => status === 409)
    assert.equal(others.length, 99)
    for (const { body } of others) {
      assert.equal(body.code, 'card_code.already_consumed')
      assert.equal(body.existing_id, first?.body.id)
    }
    assert.equal(await sentConsumes(code), 1)
  })

  test('is shown under its id, and a repeat of the key has the same answer', async () => {
    const code = await newCode()
    const first = await consume(code, { reference: 'till-7', metadata: { a: 'b' } }, 'again')
    assert.equal(first.status, 201)
    const again = await consume(code, { reference: 'till-7', metadata: { a: 'b' } }, 'again')
    assert.deepEqual([again.status, again.body], [201, first.body])
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    const other = await consume(code, {}, 'again')
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency.key_reused'])
    const path = `/v1/wechat/card_codes/${first.body.id}`
    const shown = await app.call('GET', path, { key: app.key })
    assert.deepEqual(shown.body, first.body)
    const reused = await consume(await newCode(), { reference: 'till-7' })
    assert.equal(reused.body.code, 'reference.already_used')
    assert.equal(reused.body.existing_id, first.body.id)
  })

  test('that was consumed elsewhere, or is none, is refused, finally', async () => {
    const code = await newCode()
    await app.flows.wechatApp.consumeCode(appId(), { code })
    const late = await consume(code, { reference: 'late' }, 'late')
    assert.equal(late.body.code, 'card_code.already_consumed')
    assert.equal(late.body.existing_id, undefined)
    const none = await consume('000000000000', { reference: 'late' }, 'none')
    assert.deepEqual([none.status, none.body.code], [409, 'wechat.refused'])
    assert.equal(none.body.wechat_code, '40056')
    const again = await consume('000000000000', { reference: 'late' }, 'none')
    assert.equal(again.body.code, 'wechat.refused')
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
  })

  test('of another issuer’s app is not there', async () => {
    const other = await app.makeIssuer()
    const answer = await app.call('POST', '/v1/wechat/card_codes/consume', {
      key: other.test,
      body: { app_id: app.official.id, code: '000000000000' },
      headers: { 'idempotency-key': 'foreign' },
    })
    assert.deepEqual([answer.status, answer.body.code], [404, 'wechat_app.not_found'])
  })
})

describe('a code whose answer was lost', () => {
  test('was consumed: the same key says so, without consuming again', async () => {
    const code = await newCode()
    await app.twin.control.fault({ path: '/card/code/consume' }, 'answer_500_after')
    const lost = await consume(code, {}, 'lost')
    assert.deepEqual([lost.status, lost.body.code], [503, 'busy'])
    const found = await consume(code, {}, 'lost')
    assert.equal(found.status, 201)
    assert.equal(await sentConsumes(code), 1)
    const other = await consume(code)
    assert.equal(other.body.existing_id, found.body.id)
  })

  test('was consumed: somebody else is told by whom', async () => {
    const code = await newCode()
    await app.twin.control.fault({ path: '/card/code/consume' }, 'answer_500_after')
    await consume(code, {}, 'lost-2')
    const other = await consume(code)
    assert.equal(other.body.code, 'card_code.already_consumed')
    const first = await consume(code, {}, 'lost-2')
    assert.equal(other.body.existing_id, first.body.id)
  })

  test('was not consumed: the same key consumes it', async () => {
    const code = await newCode()
    await app.twin.control.fault({ path: '/card/code/consume' }, 'answer_500_before')
    assert.equal((await consume(code, {}, 'lost-3')).status, 503)
    const done = await consume(code, {}, 'lost-3')
    assert.equal(done.status, 201)
  })

  test('is found out although nobody comes back; nothing is left of one that was not consumed', async () => {
    const [taken, left] = [await newCode(), await newCode()]
    await app.twin.control.fault({ path: '/card/code/consume' }, 'answer_500_after')
    await consume(taken, { reference: 'taken' }, 'lost-4')
    await app.twin.control.fault({ path: '/card/code/consume' }, 'answer_500_before')
    await consume(left, { reference: 'left' }, 'lost-5')
    await findLostConsumes(app.flows)
    const { sql } = app.flows.database
    const rows = await sql<{ status: string; reference: string; sealed: boolean }[]>`
      select status, reference, sealed_code is not null as sealed
      from wechat_consume
      where reference in ('taken', 'left')`
    assert.deepEqual([...rows], [{ status: 'done', reference: 'taken', sealed: false }])
  })

  test('that could not be looked at before was not begun', async () => {
    const code = await newCode()
    await app.twin.control.fault({ path: '/card/code/get', times: 3 }, 'answer_500_before')
    assert.equal((await consume(code, { reference: 'never' })).status, 503)
    const { sql } = app.flows.database
    const rows = await sql`select from wechat_consume where reference = 'never'`
    assert.equal(rows.length, 0)
    assert.equal(await sentConsumes(code), 0)
  })
})

test('when test data is wiped keys and references are free again; the code stays consumed', async () => {
  const code = await newCode()
  const first = await consume(code, { reference: 'wiped' }, 'wiped')
  assert.equal(first.status, 201)
  const wiped = await app.call('DELETE', '/v1/test/data', { key: app.key })
  assert.equal(wiped.status, 204)
  const gone = await app.call('GET', `/v1/wechat/card_codes/${first.body.id}`, { key: app.key })
  assert.equal(gone.body.code, 'card_consume.not_found')
  const again = await consume(code, { reference: 'wiped' }, 'wiped')
  assert.equal(again.body.code, 'card_code.already_consumed')
  const other = await consume(await newCode(), { reference: 'wiped' })
  assert.equal(other.status, 201)
})
