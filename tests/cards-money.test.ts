import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type CardId, laneOfId, parseId } from '@lika/contract'
import { commandOnCard, holdsOf } from '../server/src/flows/cards/on-card.ts'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import type { Answered } from './harness/http-app.ts'

let app: CardApp
let key: string
let product: string

before(async () => {
  app = await startCardApp()
  key = (await app.makeIssuer()).test
  product = await app.makeProduct(key)
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

const cash = { method: 'cash' }
function load(card: string, amount: number, more: object = {}): Promise<Answered> {
  return app.post(key, `/v1/cards/${card}/loads`, { amount, funding: cash, ...more })
}

function uuidOf(card: string): CardId {
  const id = parseId('card', card)
  assert.ok(id)
  return id
}

let holds = 0

/** Sets fen of the principal aside for a day, as a till does; nothing asks what a hold is for here. */
async function hold(card: string, amount: bigint): Promise<string> {
  holds += 1
  const cardId = uuidOf(card)
  const book = (
    await app.flows.database.sql<{ book: never }[]>`
    select book_id as book from card where lane = ${laneOfId(cardId)} and id = ${cardId}`
  )[0]?.book
  assert.ok(book)
  const caller = { issuerId: book, book, mode: 'test' as const }
  const asked = { cardId, operation: 'hold.created', key: `hold-${holds}`, input: {} }
  const command = commandOnCard(app.flows, caller, asked, () => (on) => {
    const { desk, principal: accountId, view, now } = on
    desk.openHold({ id: view.commandId, line: 0, accountId, amount, expiresAt: now + 86_400_000 })
    return {
      ok: true,
      value: { kind: 'hold.created', version: 1, body: { cardId, ...holdsOf(on) } },
    }
  })
  assert.ok(command.ok)
  const done = await app.flows.engine.execute(command.value)
  assert.ok(done.status === 'done')
  return done.commandId
}

async function show(card: string) {
  return (await app.get(key, `/v1/cards/${card}`)).body
}

async function statement(card: string, query = '?limit=200') {
  return (await app.get(key, `/v1/cards/${card}/statement${query}`)).body
}

describe('loads', () => {
  test('put principal and bonus on a card', async () => {
    const { id } = await app.makeCard(key, product, 1_000)
    const { status, body } = await load(id, 500, { bonus_amount: 50, reference: 'L-1' })
    assert.equal(status, 201)
    assert.match(body.id, /^load_/)
    assert.deepEqual(body.balance, { available: 1_550, held: 0, principal: 1_500, bonus: 50 })
    assert.deepEqual((await show(id)).balance, body.balance)
    const again = await load(id, 500, { reference: 'L-1' })
    assert.equal(again.body.code, 'reference.already_used')
    assert.equal(again.body.existing_id, body.id)
  })

  test('are not for cards of products that take none', async () => {
    const once = await app.makeProduct(key, { reloadable: false })
    const { id } = await app.makeCard(key, once)
    assert.equal((await load(id, 100)).body.code, 'product.not_reloadable')
  })
})

describe('splitting', () => {
  test('keeps every fen, terms, expiry and lineage; children can be split again up to the limit', async () => {
    const parent = await app.makeCard(key, product, 9_000, { bonus_amount: 1_000 })
    const { status, body } = await app.post(key, `/v1/cards/${parent.id}/split`, {
      amounts: [1_001, 2_000],
    })
    assert.equal(status, 200)
    const after = await show(parent.id)
    const all = [after, ...body.cards]
    const sum = (of: (card: Answered['body']) => number) =>
      all.reduce((total, card) => total + of(card), 0)
    assert.equal(
      sum((card) => card.balance.principal),
      9_000,
    )
    assert.equal(
      sum((card) => card.balance.bonus),
      1_000,
    )
    assert.equal(after.balance.available, 6_999)
    for (const [index, child] of body.cards.entries()) {
      assert.equal(child.balance.available, [1_001, 2_000][index])
      assert.equal(child.parent_id, parent.id)
      assert.equal(child.expires_at, parent.expires_at)
      assert.equal(child.product_version, parent.product_version)
      assert.deepEqual(await show(child.id), child)
      assert.equal(laneOfId(uuidOf(child.id)), laneOfId(uuidOf(parent.id)))
    }
    let youngest = body.cards[1].id
    for (let generation = 2; ; generation += 1) {
      const next = await app.post(key, `/v1/cards/${youngest}/split`, { amounts: [10] })
      if (next.status !== 200) {
        assert.equal(next.body.code, 'policy.split_depth')
        assert.equal(next.body.policy.rule, 'split_depth_max')
        assert.equal(next.body.allowed.max, generation - 1)
        return
      }
      youngest = next.body.cards[0].id
    }
  })

  test('does not touch what is set aside', async () => {
    const { id } = await app.makeCard(key, product, 1_000)
    await hold(id, 400n)
    const most = await app.post(key, `/v1/cards/${id}/split`, { amounts: [601] })
    assert.equal(most.body.code, 'funds.insufficient')
    assert.equal(most.body.available, 600)
    assert.equal((await app.post(key, `/v1/cards/${id}/split`, { amounts: [600] })).status, 200)
    assert.deepEqual((await show(id)).balance, {
      available: 0,
      held: 400,
      principal: 400,
      bonus: 0,
    })
  })
})

describe('replacing', () => {
  test('carries principal, bonus, holds, expiry and lineage to a new number', async () => {
    const old = await app.makeCard(key, product, 1_000, { bonus_amount: 100 })
    const held = await hold(old.id, 900n)
    await app.post(key, `/v1/cards/${old.id}/report_lost`)
    const { status, body } = await app.post(key, `/v1/cards/${old.id}/replace`, {
      reference: 'second',
    })
    assert.equal(status, 200)
    assert.equal(body.status, 'active')
    assert.deepEqual(body.balance, { available: 200, held: 900, principal: 1_000, bonus: 100 })
    assert.equal(body.expires_at, old.expires_at)
    assert.equal(body.replaces, old.id)
    assert.equal(body.reference, 'second')
    assert.deepEqual(await show(body.id), body)
    const replaced = await show(old.id)
    assert.equal(replaced.status, 'replaced')
    assert.equal(replaced.replaced_by, body.id)
    assert.deepEqual(replaced.balance, { available: 0, held: 0, principal: 0, bonus: 0 })
    const late = await load(old.id, 100)
    assert.equal(late.body.code, 'card.replaced')
    assert.equal(late.body.replaced_by, body.id)
    const lines = await app.flows.database.sql<{ left: bigint }[]>`
      select amount - captured - released as left from hold where id = ${held} order by line`
    assert.deepEqual(
      lines.map(({ left }) => left),
      [0n, 900n],
    )
    assert.equal(
      (await app.post(key, `/v1/cards/${body.id}/close`, { reason: 'x' })).body.code,
      'card.has_holds',
    )
  })
})

describe('the statement', () => {
  test('is a chain: each line begins where the one before it in its sub-balance ended', async () => {
    const { id } = await app.makeCard(key, product, 5_000, { bonus_amount: 500, reference: 'S-1' })
    await load(id, 700, { bonus_amount: 7, reference: 'S-2' })
    await app.post(key, `/v1/cards/${id}/split`, { amounts: [1_000, 1_000] })
    await hold(id, 100n)
    const note = { amount: -3, sub_balance: 'bonus', reason: 'wrong', reference: 'S-3' }
    await app.post(key, `/v1/cards/${id}/adjustments`, note)
    const { data } = await statement(id)
    const ends = { principal: 0, bonus: 0 }
    for (const line of data) {
      const sub: 'principal' | 'bonus' = line.sub_balance
      assert.equal(line.balance_before, ends[sub])
      assert.equal(line.balance_after, line.balance_before + line.amount)
      ends[sub] = line.balance_after
    }
    const { balance } = await show(id)
    assert.deepEqual(ends, { principal: balance.principal, bonus: balance.bonus })
    assert.equal(new Set(data.map((line: { id: string }) => line.id)).size, data.length)
    assert.deepEqual(
      [...new Set(data.map((line: { kind: string }) => line.kind))],
      ['card.issued', 'load.created', 'card.split', 'adjustment.created'],
    )
    assert.deepEqual(
      [data[0].reference, data[2].reference, data.at(-1).reference],
      ['S-1', 'S-2', 'S-3'],
    )
    assert.equal(data[0].counterparty, 'cash')
  })

  test('pages stay as they are while more is written', async () => {
    const { id } = await app.makeCard(key, product, 100)
    for (let count = 0; count < 9; count += 1) await load(id, 1)
    const amounts: number[] = []
    for (let cursor = ''; ; ) {
      const page = await statement(id, `?limit=3${cursor}`)
      amounts.push(...page.data.map((line: { balance_after: number }) => line.balance_after))
      if (page.next_cursor === null) break
      if (amounts.length < 9) await load(id, 1)
      cursor = `&cursor=${page.next_cursor}`
    }
    assert.deepEqual(
      amounts,
      Array.from({ length: amounts.length }, (_, index) => 100 + index),
    )
    assert.equal(amounts.length, 12)
  })

  test('comes as CSV by Accept or format', async () => {
    const { id } = await app.makeCard(key, product, 100)
    await load(id, 5, { reference: '=1+1' })
    const csv = await app.get(key, `/v1/cards/${id}/statement`, { accept: 'text/csv' })
    assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/)
    const lines = csv.body.replace('\uFEFF', '').trim().split('\n')
    assert.equal(lines.length, 3)
    assert.match(lines[2], /,'=1\+1,cash,principal,5,100,105$/)
    const same = await app.get(key, `/v1/cards/${id}/statement?format=csv`)
    assert.equal(same.body, csv.body)
  })

  test('covers the days that were asked for', async () => {
    const { id } = await app.makeCard(key, product, 100)
    const count = async (query: string) => (await statement(id, query)).data.length
    assert.equal(await count('?from=2020-01-01&to=2020-12-31'), 0)
    assert.equal(await count('?from=2020-01-01'), 1)
    assert.equal(await count('?to=2199-12-31T00:00:00Z'), 1)
    assert.equal((await app.get(key, `/v1/cards/${id}/statement?from=soon`)).status, 400)
  })
})
