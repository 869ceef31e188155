/** Signed parameters of cards that come back: taken once, in time, unchanged; in a store that cannot grow (F085). */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Connector, connectorOn, startConnector } from './harness/wechat-connector.ts'

let run: Connector

before(async () => {
  run = await startConnector()
})
after(() => run.stop())

describe('parameters of wx.addCard that come back', () => {
  const cardId = 'pcard0000000000000000000001'

  test('are taken once, unchanged to the letter', async () => {
    const { id } = await run.app('official_account')
    const asked = [
      { cardId, outerStr: 'a' },
      { cardId, outerStr: 'b' },
    ]
    const answer = await run.wechat.addCards(id, asked)
    assert.equal(answer.status, 'done')
    const [card, other] = answer.status === 'done' ? answer.value : []
    assert.ok(card !== undefined && other !== undefined)
    const take = (one: { cardId: string; cardExt: string }) => run.wechat.takeAddCard(id, one)
    const forged = [
      { ...card, cardId: `${cardId}x` },
      { ...card, cardExt: card.cardExt.replace('"a"', '"z"') },
      { ...card, cardExt: other.cardExt.replace('"b"', '"a"') },
      { ...card, cardExt: card.cardExt.replace(/"nonce_str":"./, '"nonce_str":"g') },
      { ...card, cardExt: card.cardExt.replace(/"signature":"./, '"signature":"g') },
      { ...card, cardExt: 'not json' },
    ]
    for (const one of forged) assert.equal(await take(one), 'forged', one.cardExt)
    assert.equal(await take(card), 'accepted')
    assert.equal(await take(card), 'replayed')
    const elsewhere = await run.app('official_account')
    assert.equal(await run.wechat.takeAddCard(elsewhere.id, other), 'forged')
    const at = await Promise.all(Array.from({ length: 20 }, () => take(other)))
    assert.deepEqual(at.toSorted(), ['accepted', ...Array(19).fill('replayed')])
  })

  test('are refused after ten minutes, also when their place has gone to others', async () => {
    const { id } = await run.app('official_account')
    let now = Date.now() - 601_000
    const { wechat } = connectorOn(run.database.app, run.twin.url, { now: () => now })
    const answer = await wechat.addCards(id, [{ cardId }])
    const [card] = answer.status === 'done' ? answer.value : []
    assert.ok(card)
    now = Date.now()
    await run.database.owner.sql`
      update wechat_nonce set expires_at = expires_at - interval '601 seconds' where app_id = ${id}`
    assert.equal(await wechat.takeAddCard(id, card), 'expired')
    await run.database.owner.sql`delete from wechat_nonce where app_id = ${id}`
    assert.equal(await wechat.takeAddCard(id, card), 'expired')
  })

  test('never take more room than there are places: when all are open, more are refused', async () => {
    const { id } = await run.app('official_account')
    await run.database.owner.sql`
      insert into wechat_nonce (app_id, slot, nonce, digest, expires_at)
      select ${id}, slot, 'open' || slot, '\\x00', now() + interval '1 minute'
      from generate_series(0, 65535) as slot`
    const full = await run.wechat.addCards(id, [{ cardId }])
    assert.equal(full.status === 'refused' && full.code, 'too_many_open')
    await run.database.owner.sql`
      update wechat_nonce set expires_at = now() - interval '1 minute' where app_id = ${id}`
    const cards = Array.from({ length: 500 }, () => ({ cardId }))
    const answer = await run.wechat.addCards(id, cards)
    assert.equal(answer.status === 'done' && answer.value.length, 500)
    const [row] = await run.database.owner.sql<{ count: number }[]>`
      select count(*)::int as count from wechat_nonce where app_id = ${id}`
    assert.equal(row?.count, 65_536)
  })
})
