/** A running server by itself: money leaves the reserve, nobody is owed less, and within a minute somebody is told. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Book, makePlace, openWorld, type World } from './harness/world.ts'
import { custodyAccount } from './harness/world-reserve.ts'

let world: World
let book: Book

before(async () => {
  world = await openWorld()
  book = await world.openBook(await world.makeIssuer(), 'live')
})
after(() => world.stop())

const minute = 60_000

async function within(limitMs: number, look: () => Promise<boolean>): Promise<number> {
  const began = Date.now()
  while (!(await look())) {
    assert.ok(Date.now() - began < limitMs, 'not in time')
    await sleep(100)
  }
  return Date.now() - began
}

test('an outflow without cause is in the queue and at the webhook endpoint within a minute', async () => {
  const { ask } = book
  const { product } = await makePlace(book)
  await ask('POST', '/v1/webhook_endpoints', { url: book.receiverUrl, events: ['reserve.*'] })
  await ask('POST', '/v1/reserve/profile', { issuer_class: 'other' })
  const sale = { product_id: product, amount: 90_000, funding: { method: 'cash' } }
  await ask('POST', '/v1/cards', sale)
  const { id } = await ask('POST', '/v1/custody_accounts', custodyAccount())
  const move = (kind: string, amount: number) =>
    ask('POST', `/v1/custody_accounts/${id}/movements`, { kind, amount })
  await move('deposit', 90_000)
  await move('withdrawal', 40_000)
  const cases = '/v1/reserve_cases?kind=outflow_unmatched'
  await within(minute, async () => (await ask('GET', cases)).data.length > 0)
  const { data } = await ask('GET', cases)
  assert.deepEqual(
    data.map((one: { amount: number; title: string }) => [one.amount, one.title]),
    [[-40_000, '存管资金流出而负债未减少 -400.00 元']],
  )
  await within(minute, async () =>
    world.received.some((text) => text.includes('outflow_unmatched') && text.includes('-40000')),
  )
  const { ok, checked } = await ask('POST', '/v1/ledger/verify')
  assert.equal(ok, true)
  assert.equal(checked.custody_movements, 2)
})
