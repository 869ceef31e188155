import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type ClearingApp, startClearingApp } from './harness/clearing-app.ts'

let app: ClearingApp
before(async () => {
  app = await startClearingApp({ at: '2026-11-02 23:00:00', running: true })
})
after(() => app.stop())

type Line = { payment_id: string; amount: number }

async function linesOf(settlement: string): Promise<Line[]> {
  const lines: Line[] = []
  for (let cursor: string | null = null; ; ) {
    const more = cursor === null ? '' : `&cursor=${cursor}`
    const page = await app.got(`/v1/settlements/${settlement}/lines?limit=200${more}`)
    lines.push(...page.data)
    cursor = page.next_cursor
    if (cursor === null) return lines
  }
}

describe('payments while the day is closed and settled', () => {
  test('are each in exactly one statement', async () => {
    const merchants = [await app.merchant(), await app.merchant(), await app.merchant()]
    const cards = await Promise.all(Array.from({ length: 12 }, () => app.card(1_000_000)))
    const paid = new Map<string, { merchant: string; amount: number }>()
    const days = ['2026-11-03', '2026-11-04', '2026-11-05']
    let isOver = false
    /** Answered since the last change of the clock, to see that it really was under way. */
    let since = 0
    const tills = cards.map(async (card, till) => {
      for (let round = 0; !isOver; round += 1) {
        const merchant = merchants[(till + round) % merchants.length] ?? ''
        const amount = 1 + ((till * 31 + round * 7) % 90)
        const { id } = await app.pay(card, amount, merchant, `till-${till}-${round}`)
        paid.set(id, { merchant, amount })
        since += 1
      }
    })
    const untilPaid = async (some: number) => {
      since = 0
      while (since < some) await new Promise(setImmediate)
    }
    for (const day of days) {
      await untilPaid(30)
      await app.clock(`${day} 00:00:00`)
      await untilPaid(5)
      await app.settle()
    }
    isOver = true
    await Promise.all(tills)
    await app.clock('2026-11-06 00:00:00')
    await app.settle()

    const seen = new Map<string, number>()
    for (const merchant of merchants) {
      const statements = await app.statements(merchant)
      assert.equal(statements.length, 4, 'each of the four days has payments')
      for (const { id, net, payable } of statements) {
        const lines = await linesOf(id)
        assert.equal(
          lines.reduce((sum, { amount }) => sum + amount, 0),
          net,
        )
        assert.equal(payable, net)
        for (const line of lines) {
          assert.ok(!seen.has(line.payment_id), 'no payment is in two statements')
          assert.equal(paid.get(line.payment_id)?.merchant, merchant)
          seen.set(line.payment_id, line.amount)
        }
      }
    }
    for (const [id, { amount }] of paid) assert.equal(seen.get(id), amount, id)
    assert.equal(seen.size, paid.size)
    const { ok, first_wrong: wrong, checked } = await app.verify()
    assert.deepEqual([ok, wrong, checked.statements], [true, null, 12])
  })
})
