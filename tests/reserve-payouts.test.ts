/** Merchants are paid out of the reserve: what was sent to them explains what left, to the fen, and no more. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { asId, parseId } from '@lika/contract'
import { watchReserves } from '../server/src/flows/reserve/watch.ts'
import { returnPayoutCommand, sendPayoutCommand } from '../server/src/flows/settle/payouts.ts'
import { newId } from '../server/src/platform/ids.ts'
import { type ClearingApp, startClearingApp } from './harness/clearing-app.ts'
import { custodyAccount } from './harness/world-reserve.ts'

let app: ClearingApp
let custody: string

before(async () => {
  app = await startClearingApp({ at: '2026-11-02 09:00:00' })
  await app.made('/v1/reserve/profile', { issuer_class: 'other' })
  custody = (await app.made('/v1/custody_accounts', custodyAccount())).id
  await move('deposit', 10_000)
})
after(() => app.stop())

const move = (kind: string, amount: number) =>
  app.made(`/v1/custody_accounts/${custody}/movements`, { kind, amount })

/** What is reported as having left without cause, the newest first. */
async function reported(): Promise<number[]> {
  await watchReserves(app.flows)
  const { data } = await app.got('/v1/reserve_cases?kind=outflow_unmatched')
  return data.map(({ amount }: { amount: number }) => amount)
}

test('a payout explains its money, not a fen more; one that comes back explains nothing', async () => {
  const merchant = await app.merchant()
  await app.pay(await app.card(10_000), 6_000, merchant)
  await app.clock('2026-11-03 00:00:01')
  await app.settle()
  const [{ id }] = await app.statements(merchant)
  const settlementId = parseId('settlement', id)
  const merchantId = parseId('merchant', merchant)
  assert.ok(settlementId && merchantId)
  const step = { settlementId, merchantId, payoutId: asId<'payout'>(newId()), amount: 6_000n }
  const sent = sendPayoutCommand(app.flows, app.book, step)
  assert.ok(sent.ok)
  assert.equal((await app.engine.execute(sent.value)).status, 'done')
  await move('withdrawal', 6_000)
  assert.deepEqual(await reported(), [])
  await move('withdrawal', 1)
  assert.deepEqual(await reported(), [-1])
  const back = returnPayoutCommand(app.flows, app.book, step, 'payout.failed')
  assert.ok(back.ok)
  assert.equal((await app.engine.execute(back.value)).status, 'done')
  assert.deepEqual(await reported(), [-6_000, -1])
})

test('the position of the day says what left, and by how much claims became less', async () => {
  await app.clock('2026-11-04 00:00:01')
  await watchReserves(app.flows)
  const { data } = await app.got('/v1/reserve/positions')
  assert.deepEqual(
    data.map(({ day, outflow, decrease }: { day: string; outflow: number; decrease: number }) => [
      day,
      outflow,
      decrease,
    ]),
    [
      ['2026-11-03', 6_001, 0],
      ['2026-11-02', 0, 0],
    ],
  )
})
