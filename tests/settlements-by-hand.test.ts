import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type ClearingApp, startClearingApp } from './harness/clearing-app.ts'

const folder = join(import.meta.dirname, 'fixtures/settlements')

/** What the README beside the files tells, step by step. */
describe('the statements that were written by hand', () => {
  test('are what Lika makes of a day of an e-commerce merchant', async () => {
    await compared('ecommerce', '2026-11-01 10:00:00', async (app) => {
      const merchant = await app.merchant({ name: '云集优选', reference: 'M-E001' })
      await app.contract(merchant, {
        class: 'ecommerce',
        monthly_volume: 50_000_000,
        commission: { kind: 'flat', rate_bp: 1_250 },
        cycle: { kind: 't_plus', days: 7 },
        bonus_share_bp: 5_000,
      })
      const one = await app.card(300_000)
      await app.clock('2026-11-01 10:00:01')
      const two = await app.card(20_000, 2_000)
      await app.clock('2026-11-02 09:15:00')
      app.number(0x1001)
      await app.pay(one, 26_800, merchant, 'E-1001')
      await app.clock('2026-11-02 10:02:30')
      app.number(0x1002)
      await app.pay(two, 19_990, merchant, 'E-1002')
      await app.clock('2026-11-02 11:40:05')
      app.number(0x1003)
      const third = await app.pay(one, 129_900, merchant, 'E-1003')
      await app.clock('2026-11-02 13:05:59')
      app.number(0x1903)
      await app.refund(third.id, 29_901, 'E-1003-R1')
      await app.clock('2026-11-02 16:20:00')
      app.number(0x1004)
      const fourth = await app.pay(one, 5_888, merchant, 'E-1004')
      await app.clock('2026-11-02 16:21:10')
      app.number(0xf0000010)
      await app.made(`/v1/payments/${fourth.id}/cancel`)
      await app.clock('2026-11-02 23:59:59')
      app.number(0x1005)
      await app.pay(one, 7, merchant, 'E-1005')
      app.number(0xf0000020)
      await app.clock('2026-11-03 00:00:05')
      return merchant
    })
  })

  test('are what Lika makes of a week of a chain that is split among three', async () => {
    await compared('chain', '2026-11-01 10:00:00', async (app) => {
      const merchant = await app.merchant({ name: '三味面馆', reference: 'M-C001' })
      const east = await app.merchant({ name: '三味面馆东门店', reference: 'M-C002' })
      const west = await app.merchant({ name: '三味面馆西门店', reference: 'M-C003' })
      for (const name of ['总店', '东门店', '西门店'])
        await app.made(`/v1/merchants/${merchant}/stores`, { name, district: '黄浦区' })
      await app.contract(merchant, {
        class: 'chain',
        commission: {
          kind: 'tiered',
          by: 'whole',
          tiers: [
            { from_amount: 0, rate_bp: 1_000 },
            { from_amount: 200_000, rate_bp: 800 },
          ],
        },
        cycle: { kind: 'weekly' },
        pay_after_business_days: 2,
        split: [
          { merchant_id: merchant, share_bp: 7_000 },
          { merchant_id: east, share_bp: 2_000 },
          { merchant_id: west, share_bp: 1_000 },
        ],
      })
      const one = await app.card(300_000)
      await app.clock('2026-11-01 10:00:01')
      const two = await app.card(30_000, 3_000)
      await app.clock('2026-11-02 12:01:00')
      app.number(0x2001)
      await app.pay(one, 8_800, merchant, 'C-2001')
      app.number(0xf0000010)
      await app.clock('2026-11-03 12:30:00')
      app.number(0x2002)
      const second = await app.pay(one, 112_640, merchant, 'C-2002')
      app.number(0xf0000020)
      await app.clock('2026-11-04 18:45:10')
      app.number(0x2003)
      await app.pay(two, 28_055, merchant, 'C-2003')
      app.number(0xf0000030)
      await app.clock('2026-11-05 19:00:00')
      app.number(0x2902)
      await app.refund(second.id, 12_640, 'C-2002-R1')
      app.number(0xf0000040)
      await app.clock('2026-11-06 09:30:00')
      app.number(0x2006)
      const adjustment = await app.made('/v1/settlements/adjustments', {
        merchant_id: merchant,
        amount: -321,
        reason: '对账差错',
        reference: 'C-2006',
      })
      app.number(0xf0000050)
      await app.clock('2026-11-06 10:00:00')
      await app.made(`/v1/settlements/adjustments/${adjustment.id}/approve`, undefined, {
        key: app.second,
      })
      await app.clock('2026-11-07 20:10:00')
      app.number(0x2004)
      await app.pay(one, 95_500, merchant, 'C-2004')
      app.number(0xf0000060)
      await app.clock('2026-11-08 23:59:59')
      app.number(0x2005)
      await app.pay(one, 1_234, merchant, 'C-2005')
      app.number(0xf0000070)
      await app.clock('2026-11-09 00:00:05')
      return merchant
    })
  })

  test('are what Lika makes of half a month of a local merchant with a margin', async () => {
    await compared('local', '2026-11-01 09:00:00', async (app) => {
      const merchant = await app.merchant({ name: '老城理发店', reference: 'M-L001' })
      await app.contract(merchant, {
        class: 'local',
        rating_tenths: 45,
        commission: { kind: 'flat', rate_bp: 1_650 },
        cycle: { kind: 'half_month' },
        pay_after_business_days: 3,
        margin: { rate_bp: 1_000, release_after_days: 30 },
      })
      const one = await app.card(100_000)
      await app.clock('2026-11-01 09:00:01')
      const two = await app.card(10_000, 5_000)
      await app.clock('2026-11-01 10:00:00')
      app.number(0x3001)
      const first = await app.pay(one, 10_000, merchant, 'L-3001')
      app.number(0xf0000010)
      await app.clock('2026-11-05 15:30:00')
      app.number(0x3002)
      await app.pay(one, 33_333, merchant, 'L-3002')
      app.number(0xf0000020)
      await app.clock('2026-11-08 11:11:11')
      app.number(0x3003)
      await app.pay(two, 6_667, merchant, 'L-3003')
      app.number(0xf0000030)
      await app.clock('2026-11-12 09:00:00')
      app.number(0x3901)
      await app.refund(first.id, 4_000, 'L-3001-R1')
      app.number(0xf0000040)
      await app.clock('2026-11-15 20:00:00')
      app.number(0x3004)
      await app.pay(one, 26_005, merchant, 'L-3004')
      app.number(0xf0000050)
      await app.clock('2026-11-16 00:00:05')
      return merchant
    })
  })
})

/** Runs the story, settles, and holds the file of the merchant's one statement against that of the folder. */
async function compared(
  name: string,
  at: string,
  story: (app: ClearingApp) => Promise<string>,
): Promise<void> {
  const app = await startClearingApp({ at, lanes: 1, numbered: true })
  try {
    const merchant = await story(app)
    const run = await app.settle()
    assert.deepEqual([run.statements, run.stopped], [1, undefined])
    const [statement, ...others] = await app.statements(merchant)
    assert.deepEqual(others, [])
    const bytes = await app.bytes(`/v1/settlements/${statement.id}/file?format=csv`)
    const expected = readFileSync(join(folder, `${name}.csv`))
    assert.equal(bytes.toString(), expected.toString())
    assert.equal(Buffer.compare(bytes, expected), 0)
    const audited = await app.verify()
    assert.deepEqual([audited.ok, audited.first_wrong], [true, null])
  } finally {
    await app.stop()
  }
}
