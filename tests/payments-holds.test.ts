/** Holds over HTTP: money set aside, captured in parts, given up, expired; each fen exactly once. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { expireHolds } from '../server/src/flows/expire-holds.ts'
import { newId } from '../server/src/platform/ids.ts'
import { assertBooks } from './harness/books.ts'
import { startTills, type TestCard, type Tills } from './harness/tills.ts'

let tills: Tills
before(async () => {
  tills = await startTills()
})
after(async () => {
  await assertBooks(tills.database.owner.sql)
  await tills.stop()
})

const hold = (card: { id: string }, amount: number, more: object = {}, key?: string) =>
  tills.request(
    'POST',
    '/v1/holds',
    tills.order([{ card_id: card.id }], amount, { expires_in: 600, ...more }),
    key,
  )
const capture = (id: string, amount: number, more: object = {}, key?: string) =>
  tills.request('POST', `/v1/holds/${id}/capture`, { amount, ...more }, key)
const release = (id: string, key?: string) =>
  tills.request('POST', `/v1/holds/${id}/release`, undefined, key)
const shown = async (id: string) => (await tills.request('GET', `/v1/holds/${id}`)).body
const codes = (answers: { status: number; body: { code?: string } }[]) =>
  answers.map(({ status, body }) => body.code ?? status)

async function held(card: TestCard, amount: number, more: object = {}): Promise<string> {
  const { status, body } = await hold(card, amount, more)
  assert.equal(status, 201, JSON.stringify(body))
  return body.id
}

describe('a hold', () => {
  test('sets money aside that nobody else can spend', async () => {
    const card = await tills.card(1_000, { bonus: 200 })
    const order = tills.order([{ card_id: card.id }], 700, {
      expires_in: 600,
      metadata: { room: '12' },
    })
    const made = await tills.request('POST', '/v1/holds', order)
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const { sources: _, ...asked } = order
    const { id, created_at, expires_at, ...rest } = made.body
    assert.deepEqual(rest, {
      ...asked,
      status: 'held',
      captured_amount: 0,
      released_amount: 0,
      store_id: null,
      terminal_id: null,
      allocations: [
        { card_id: card.id, sub_balance: 'bonus', amount: 200, balance_after: 200 },
        { card_id: card.id, sub_balance: 'principal', amount: 500, balance_after: 1_000 },
      ],
    })
    assert.equal(Date.parse(expires_at) - Date.parse(created_at), 600_000)
    assert.deepEqual(await shown(id), made.body)
    const more = await tills.pay(card, 501)
    assert.deepEqual([more.body.code, more.body.available], ['funds.insufficient', 500])
    assert.equal((await tills.pay(card, 500)).status, 201)
    assert.deepEqual(await tills.balance(card), { principal: 500, bonus: 200, held: 700 })
  })

  test('is captured in parts, each a payment under its reference', async () => {
    const card = await tills.card(1_000, { bonus: 200 })
    const id = await held(card, 700, { metadata: { room: '12' } })
    const first = await capture(id, 300)
    assert.equal(first.status, 200, JSON.stringify(first.body))
    assert.deepEqual(
      [first.body.hold_id, first.body.amount, first.body.status, first.body.metadata],
      [id, 300, 'succeeded', { room: '12' }],
    )
    assert.deepEqual(
      first.body.allocations.map((one: Record<string, unknown>) => [
        one['sub_balance'],
        one['amount'],
        one['balance_after'],
      ]),
      [
        ['bonus', 200, 0],
        ['principal', 100, 900],
      ],
    )
    const second = await capture(id, 100, { final: true, metadata: { part: '2' } })
    assert.deepEqual(second.body.metadata, { part: '2' })
    const { status, captured_amount, released_amount } = await shown(id)
    assert.deepEqual([status, captured_amount, released_amount], ['captured', 400, 300])
    assert.deepEqual(await tills.balance(card), { principal: 800, bonus: 0, held: 0 })
    const { reference } = first.body
    const list = await tills.request('GET', `/v1/payments?reference=${reference}`)
    assert.deepEqual(list.body.data, [second.body, first.body])
    const query = `merchant_id=${tills.shop}&reference=${reference}&limit=1`
    const page = await tills.request('GET', `/v1/payments?${query}`)
    assert.deepEqual(page.body.data, [second.body])
    const next = await tills.request('GET', `/v1/payments?${query}&cursor=${page.body.next_cursor}`)
    assert.deepEqual(next.body, { data: [first.body], next_cursor: null })
    assert.deepEqual(codes([await capture(id, 1), await release(id)]), [
      'hold.captured',
      'hold.captured',
    ])
  })

  test('is not captured beyond what it sets aside', async () => {
    const card = await tills.card(1_000)
    const id = await held(card, 700)
    await capture(id, 300)
    const more = await capture(id, 401)
    assert.deepEqual(
      [more.status, more.body.code, more.body.allowed],
      [409, 'hold.exceeded', { min: 1, max: 400 }],
    )
    await capture(id, 400)
    assert.equal((await shown(id)).status, 'captured')
  })

  test('captured whole by a hundred tills at once pays once', async () => {
    const card = await tills.card(1_000)
    const id = await held(card, 700)
    const answers = await Promise.all(Array.from({ length: 100 }, () => capture(id, 700)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.equal(answers.filter(({ body }) => body.code === 'hold.captured').length, 99)
    assert.deepEqual(await tills.balance(card), { principal: 300, bonus: 0, held: 0 })
  })

  test('is released exactly once', async () => {
    const card = await tills.card(1_000)
    const id = await held(card, 700)
    await capture(id, 100)
    const key = newId()
    const done = await release(id, key)
    assert.equal(done.status, 200, JSON.stringify(done.body))
    assert.deepEqual(
      [done.body.status, done.body.captured_amount, done.body.released_amount],
      ['released', 100, 600],
    )
    assert.deepEqual((await release(id, key)).body, done.body)
    assert.deepEqual(codes([await release(id), await capture(id, 1)]), [
      'hold.released',
      'hold.released',
    ])
    assert.equal((await tills.balance(card)).held, 0)
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const other = await held(card, 90)
        return [await Promise.all([capture(other, 90), release(other)])].map(codes)
      }),
    )
    for (const [one] of answers)
      assert.equal(one?.filter((code) => code === 200).length, 1, JSON.stringify(answers))
  })

  test('over several lanes is captured and released over them', async () => {
    const [one, other] = await Promise.all([
      tills.card(500, { lane: 601 }),
      tills.card(500, { lane: 602 }),
    ])
    const order = tills.order([{ card_id: other.id }, { card_id: one.id }], 900, { expires_in: 60 })
    const made = await tills.request('POST', '/v1/holds', order)
    const taken = await capture(made.body.id, 700, { final: true })
    assert.deepEqual(
      taken.body.allocations.map((part: Record<string, unknown>) => [
        part['card_id'],
        part['amount'],
      ]),
      [
        [other.id, 500],
        [one.id, 200],
      ],
    )
    assert.equal((await tills.balance(one)).principal, 300)
    assert.equal((await tills.balance(one)).held, 0)
    await assertBooks(tills.database.owner.sql)
  })

  test('moves with a replaced card, and what it paid is refunded to that', async () => {
    const card = await tills.card(1_000, { bonus: 200 })
    const id = await held(card, 900)
    await capture(id, 100)
    const second = await tills.replace(card)
    const taken = await capture(id, 300)
    assert.equal(taken.status, 200, JSON.stringify(taken.body))
    assert.deepEqual(
      taken.body.allocations.map((part: Record<string, unknown>) => [
        part['card_id'],
        part['sub_balance'],
        part['amount'],
      ]),
      [
        [second.id, 'bonus', 100],
        [second.id, 'principal', 200],
      ],
    )
    const third = await tills.replace(second)
    const back = await tills.request('POST', `/v1/payments/${taken.body.id}/refunds`, {
      amount: 300,
      reference: tills.reference(),
    })
    assert.equal(back.body.allocations[0].card_id, third.id)
    assert.equal((await release(id)).status, 200)
    assert.deepEqual(await tills.balance(third), { principal: 1_000, bonus: 100, held: 0 })
  })

  test('and replacements at the same time never lose each other', async () => {
    let card = await tills.card(10_000)
    const captures: ReturnType<typeof capture>[] = []
    for (let step = 0; step < 5; step += 1) {
      const id = await held(card, 1_000)
      captures.push(...Array.from({ length: 10 }, () => capture(id, 100)))
      card = await tills.replace(card)
    }
    assert.deepEqual([...new Set(codes(await Promise.all(captures)))], [200])
    assert.deepEqual(await tills.balance(card), { principal: 5_000, bonus: 0, held: 0 })
  })

  test('on a card that was frozen is still captured, on a lost one only after its replacement', async () => {
    const [frozen, lost] = await Promise.all([tills.card(1_000), tills.card(1_000)])
    const [one, other] = await Promise.all([held(frozen, 500), held(lost, 500)])
    await tills.freeze(frozen)
    await tills.reportLost(lost)
    assert.deepEqual(codes([await capture(one, 500), await capture(other, 500)]), [
      200,
      'card.lost',
    ])
    await tills.replace(lost)
    assert.equal((await capture(other, 500)).status, 200)
  })

  test('shares its reference with payments', async () => {
    const card = await tills.card(1_000)
    const made = await hold(card, 100)
    const again = await tills.pay(card, 100, { reference: made.body.reference })
    assert.deepEqual(
      [again.status, again.body.code, again.body.existing_id],
      [409, 'reference.already_used', made.body.id],
    )
  })

  test('uses a pay code up', async () => {
    const card = await tills.card(1_000)
    const pay_code = await tills.payCode(card)
    const made = await tills.request(
      'POST',
      '/v1/holds',
      tills.order([{ pay_code }], 100, { expires_in: 60 }),
    )
    const again = await tills.request('POST', '/v1/payments', tills.order([{ pay_code }], 100))
    assert.deepEqual(
      [again.status, again.body.code, again.body.existing_id],
      [409, 'pay_code.already_used', made.body.id],
    )
  })

  test('lasts only as long as the law allows', async () => {
    const card = await tills.card(1_000)
    const long = await hold(card, 100, { expires_in: 2 ** 31 - 1 })
    assert.deepEqual([long.status, long.body.code], [422, 'policy.hold_too_long'])
  })

  test('on trial changes nothing', async () => {
    const card = await tills.card(1_000)
    const dry = await hold(card, 100, { dry_run: true })
    assert.deepEqual([dry.status, dry.body.id, dry.body.status], [200, null, 'held'])
    assert.equal((await tills.balance(card)).held, 0)
  })

  test('does not exist for others', async () => {
    const card = await tills.card(1_000)
    const id = await held(card, 100)
    const stranger = await tills.makeIssuer()
    const headers = { 'idempotency-key': newId() }
    for (const [method, path, body] of [
      ['GET', `/v1/holds/${id}`, undefined],
      ['POST', `/v1/holds/${id}/capture`, { amount: 1 }],
      ['POST', `/v1/holds/${id}/release`, undefined],
    ] as const) {
      const answer = await tills.call(method, path, {
        key: stranger.test,
        ...(body && { body }),
        headers,
      })
      assert.deepEqual([answer.status, answer.body.code], [404, 'hold.not_found'])
    }
  })
})

describe('an expired hold', () => {
  test('is dead at once: not captured, its money free, without anybody sweeping', async () => {
    const card = await tills.card(1_000)
    const id = await held(card, 1_000, { expires_in: 60 })
    await tills.passTime(60_000)
    assert.equal((await shown(id)).status, 'expired')
    assert.deepEqual(codes([await capture(id, 1), await release(id)]), [
      'hold.expired',
      'hold.expired',
    ])
    assert.equal((await tills.pay(card, 1_000)).status, 201)
  })

  test('is swept, whether or not its money was used since', async () => {
    const [untouched, used] = await Promise.all([tills.card(1_000), tills.card(1_000)])
    const ids = await Promise.all([
      held(untouched, 400, { expires_in: 60 }),
      held(used, 400, { expires_in: 60 }),
    ])
    await capture(ids[0] ?? '', 100)
    await tills.passTime(60_000)
    assert.equal((await tills.pay(used, 1_000)).status, 201)
    assert.ok((await expireHolds(tills.flows)) >= 2)
    assert.equal(await expireHolds(tills.flows), 0)
    for (const id of ids) assert.equal((await shown(id)).status, 'expired')
    assert.equal((await tills.balance(untouched)).held, 0)
    const events = await tills.database.owner.sql`
      select from journal where kind = 'hold.expired' and not refused`
    assert.ok(events.length >= 2)
    await assertBooks(tills.database.owner.sql)
  })

  test('in hundreds is swept to the last', async () => {
    const card = await tills.card(1_000)
    const ids = await Promise.all(
      Array.from({ length: 250 }, () => held(card, 1, { expires_in: 60 })),
    )
    await tills.passTime(61_000)
    assert.equal(await expireHolds(tills.flows), ids.length)
    assert.equal((await tills.balance(card)).held, 0)
  })

  test('whose money was freed stays so when the test clock is moved back before its time', async () => {
    const card = await tills.card(1_000)
    const ids = [
      await held(card, 300, { expires_in: 60 }),
      await held(card, 300, { expires_in: 60 }),
    ]
    const [captured = '', released = ''] = ids
    await tills.passTime(60_000)
    assert.equal((await tills.pay(card, 1_000)).status, 201)
    await tills.passTime(-60_000)
    assert.deepEqual(codes([await capture(captured, 100)]), ['hold.expired'])
    assert.equal((await release(released)).status, 200)
    assert.deepEqual(await tills.balance(card), { principal: 0, bonus: 0, held: 0 })
    await assertBooks(tills.database.owner.sql)
  })
})
