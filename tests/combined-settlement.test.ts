/** What a till took from cards and by WeChat together stands on the merchant's statement, all of it, and so does what went back. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import type { FlowContext } from '../server/src/flows/context.ts'
import { type ClearingApp, startClearingApp } from './harness/clearing-app.ts'
import { FakeWechatPay, fakeAccount, fakeAppid, fakeMchid } from './harness/fake-wechat-pay.ts'

let app: ClearingApp

before(async () => {
  app = await startClearingApp({ at: '2026-11-02 09:00:00' })
  const account = { id: fakeAccount, mchid: fakeMchid, appids: [fakeAppid] }
  Object.assign(app.flows, {
    wechatPay: new FakeWechatPay(() => app.engine.now('test')).port,
    payAccounts: { active: async () => [account], find: async () => account },
  } as unknown as Partial<FlowContext>)
})
after(() => app.stop())

const sell = (card: string, merchant: string, amount: number, reference: string) =>
  app.made('/v1/combined_payments', {
    amount,
    merchant_id: merchant,
    reference,
    sources: [{ card_id: card }],
    rest: { method: 'wechat', scene: 'micropay', auth_code: '134567890123456789' },
  })

test('cash by WeChat is taken like cards, with commission on both, and refunds leave the next statement', async () => {
  const merchant = await app.merchant()
  await app.contract(merchant, { commission: { kind: 'flat', rate_bp: 100 } })
  const cards = await Promise.all([1, 2, 3, 4].map(() => app.card(1_000, 250)))
  const sold = []
  for (const [index, card] of cards.entries())
    sold.push(await sell(card, merchant, 3_000, `till-${index}`))
  assert.deepEqual(new Set(sold.map(({ status }) => status)), new Set(['succeeded']))
  await app.pay(await app.card(500), 500, merchant)
  await app.clock('2026-11-03 00:00:10')
  assert.equal((await app.settle()).statements, 1)
  const [first] = await app.statements(merchant)
  assert.deepEqual(
    [first.taken, first.refunded, first.adjusted, first.commission, first.payable],
    [12_500, 0, 0, 125, 12_375],
  )
  const { data: lines } = await app.got(`/v1/settlements/${first.id}/lines?limit=200`)
  const ofCash = lines.filter((line: { source: string }) => line.source === 'wechat')
  assert.deepEqual(
    ofCash.map((line: { kind: string; amount: number }) => [line.kind, line.amount]),
    Array.from({ length: 4 }, () => ['payment', 1_750]),
  )
  assert.deepEqual(ofCash.map((line: { reference: string }) => line.reference).toSorted(), [
    'till-0',
    'till-1',
    'till-2',
    'till-3',
  ])

  await app.made(`/v1/combined_payments/${sold[0]?.id}/refunds`, { reference: 'back-1' })
  await app.made(`/v1/combined_payments/${sold[1]?.id}/refunds`, {
    amount: 100,
    reference: 'back-2',
  })
  for (const minutes of [1, 2, 3]) {
    await app.clock(`2026-11-03 08:0${minutes}:00`)
    await lookAfterCombined({ ...app.flows, legLog: console }, 'test')
  }
  await app.clock('2026-11-04 00:00:10')
  await app.settle()
  const second = (await app.statements(merchant)).at(-1)
  assert.deepEqual([second.taken, second.refunded, second.adjusted], [0, 3_100, 0])
  const csv = (await app.bytes(`/v1/settlements/${first.id}/file?format=csv`)).toString()
  assert.match(csv, /微信/)
  const { ok, first_wrong: wrong } = await app.verify()
  assert.deepEqual([ok, wrong], [true, null])
})
