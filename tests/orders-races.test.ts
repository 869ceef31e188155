/** A sealed order is given back or its seal is given up, never both, however close the two come: 1,000 times. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { asId, bookOf, type CardId, type OrderId, parseId, type Result } from '@lika/contract'
import { executeOnCards } from '../server/src/flows/cards/repeat.ts'
import { revealCommand } from '../server/src/flows/cards/reveal.ts'
import { createOrderCommand } from '../server/src/flows/purchase/create.ts'
import { paidCommand } from '../server/src/flows/purchase/paid.ts'
import { refundOrderCommand } from '../server/src/flows/purchase/refund.ts'
import { inviteCommand } from '../server/src/flows/purchase/trades.ts'
import { unsealCommand } from '../server/src/flows/purchase/unseal.ts'
import { findOrder, outTradeNo } from '../server/src/modules/orders/index.ts'
import type { Command } from '../server/src/platform/lanes/index.ts'

import { type CardApp, startCardApp } from './harness/card-app.ts'

let app: CardApp
let caller: Parameters<typeof createOrderCommand>[1]
let product: string
let key: string
before(async () => {
  app = await startCardApp([], { laneCount: 2 })
  const issuer = await app.makeIssuer()
  key = issuer.test
  product = await app.makeProduct(key)
  const issuerId = parseId('issuer', issuer.id)
  assert.ok(issuerId)
  const book = bookOf(issuerId, 'test')
  caller = { issuerId, book, mode: 'test', keyId: 'key', owner: 'tests' }
})
after(async () => {
  const { body } = await app.call('POST', '/v1/ledger/verify', { key, body: {} })
  assert.equal(body.ok, true, JSON.stringify(body))
  await app.stop()
})

let keys = 0
const newKey = () => {
  keys += 1
  return `race-${keys}`
}

type Built = Result<Command> | Promise<Result<Command>>

const account = asId<'wechat_account'>('01900000-0000-7000-8000-00000000aaaa')

async function run(command: Built, before: (built: Command) => Command = (built) => built) {
  const built = await command
  assert.ok(built.ok, JSON.stringify(built))
  const prepared = before(built.value)
  return executeOnCards((one) => app.flows.engine.execute(one), prepared)
}

/** Lets commands into the round in the order in which they are given, once every one of them has read what it needs. */
function gateFor(count: number) {
  let ready = 0
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  const passed = Array.from({ length: count }, () => Promise.withResolvers<void>())
  return (place: number) =>
    (command: Command): Command => {
      let isFirst = true
      return {
        ...command,
        plan: async (...given) => {
          const plan = await command.plan(...given)
          if (!isFirst) return plan
          isFirst = false
          ready += 1
          if (ready === count) open()
          await opened
          await passed[place - 1]?.promise
          setImmediate(() => passed[place]?.resolve())
          return plan
        },
      }
    }
}

async function done(command: Built) {
  const executed = await run(command)
  assert.equal(executed.status, 'done', JSON.stringify(executed))
  if (executed.status !== 'done') throw new Error('unreachable')
  return executed
}

/** Ordered, paid and delivered, as if WeChat had said so. */
async function delivered(): Promise<{ orderId: OrderId; cardId: CardId }> {
  const productId = parseId('product', product)
  const made = await done(
    createOrderCommand(
      app.flows,
      caller,
      {
        kind: 'purchase',
        productId,
        amount: 1_000n,
        bonus: 0n,
        quantity: 1,
        channel: 'h5',
        payWithinMs: 1_800_000,
      },
      newKey(),
    ),
  )
  const orderId = asId<'order'>(made.commandId)
  const asked = { accountId: account, mchid: '1', scene: 'native', appid: 'wx', payerDigest: null }
  const order = await findOrder(app.flows.database.sql, caller.book, orderId)
  assert.ok(order)
  await done(
    inviteCommand(app.flows, caller.book, { order, scene: 'native', key: newKey() }, async () => ({
      ok: true,
      value: { ...asked, scene: 'native' },
    })),
  )
  const paid = await done(
    paidCommand(
      app.flows,
      caller.book,
      { orderId, n: 1 },
      {
        outTradeNo: outTradeNo({ orderId, n: 1 }),
        mchid: '1',
        appid: 'wx',
        amount: 1_000n,
        transactionId: `T${orderId}`,
      },
    ),
  )
  const [cardId] = paid.body['cardIds'] as CardId[]
  assert.ok(cardId)
  return { orderId, cardId }
}

test('of a refund and an unsealing with its reveal one wins, 1,000 times', async () => {
  const tally = { refunded: 0, unsealed: 0, revealed: 0 }
  const { flows } = app
  const { book } = caller
  const race = async (turn: number) => {
    const { orderId, cardId } = await delivered()
    const refund = () =>
      refundOrderCommand(flows, { book }, { orderId, basis: 'cooling_off', reason: 'r' }, newKey())
    const unseal = () => unsealCommand(flows, book, orderId, newKey())
    const reveal = () => revealCommand(flows, caller, { cardId }, newKey())
    // Each comes first in some of them; all are in one round, or in two that follow on each other.
    const orders = [
      [refund, unseal, reveal],
      [unseal, reveal, refund],
      [reveal, refund, unseal],
      [unseal, refund, reveal],
      [refund, reveal, unseal],
      [reveal, unseal, refund],
    ]
    const order = orders[turn % orders.length] ?? []
    const gate = gateFor(order.length)
    const results = await Promise.all(order.map((one, place) => run(one(), gate(place))))
    const won = (one: () => unknown) => results[order.indexOf(one as never)]?.status === 'done'
    assert.notEqual(won(refund), won(unseal), JSON.stringify(results))
    if (won(refund)) assert.ok(!won(reveal), 'a secret was shown of a card that was given back')
    const row = await findOrder(flows.database.sql, book, orderId)
    assert.equal(row?.status, won(refund) ? 'refunding' : 'completed')
    const later = await run(revealCommand(flows, caller, { cardId }, newKey()))
    assert.equal(later.status === 'done', won(unseal))
    if (won(refund)) tally.refunded += 1
    else tally.unsealed += 1
    if (won(reveal)) tally.revealed += 1
  }
  for (let first = 0; first < 1_000; first += 200)
    await Promise.all(Array.from({ length: 200 }, (_, index) => race(first + index)))
  assert.equal(tally.refunded + tally.unsealed, 1_000)
  assert.ok(tally.refunded > 300 && tally.unsealed > 300, JSON.stringify(tally))
  assert.ok(tally.revealed > 100, JSON.stringify(tally))
})
