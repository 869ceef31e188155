/**
 * Two weeks of random payments, refunds, cancellations and adjustments at merchants under different contracts, settled
 * day by day, against a model that knows nothing of lanes, cuts or journals: lists of amounts and plain arithmetic.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ClearingApp, startClearingApp } from './harness/clearing-app.ts'

/** Days of November 2026; the 2nd is a Monday. */
const firstDay = 2
const lastDay = 16

interface Deal {
  terms: object
  rateBp: number
  bonusBp: number
  marginBp: number
  releaseAfter: number
  /** The days on which its cycles end. */
  ends: number[]
}

const everyDay = Array.from({ length: lastDay - firstDay + 1 }, (_, index) => firstDay + index)
const deals: Deal[] = [
  { terms: {}, rateBp: 0, bonusBp: 0, marginBp: 0, releaseAfter: 0, ends: everyDay },
  {
    terms: {
      commission: { kind: 'flat', rate_bp: 1_234 },
      bonus_share_bp: 3_333,
      margin: { rate_bp: 1_000, release_after_days: 2 },
    },
    rateBp: 1_234,
    bonusBp: 3_333,
    marginBp: 1_000,
    releaseAfter: 2,
    ends: everyDay,
  },
  {
    terms: {
      commission: { kind: 'flat', rate_bp: 875 },
      cycle: { kind: 'weekly' },
      margin: { rate_bp: 777, release_after_days: 3 },
    },
    rateBp: 875,
    bonusBp: 0,
    marginBp: 777,
    releaseAfter: 3,
    ends: [8, 15],
  },
  {
    terms: { commission: { kind: 'flat', rate_bp: 999 }, cycle: { kind: 'half_month' } },
    rateBp: 999,
    bonusBp: 0,
    marginBp: 0,
    releaseAfter: 0,
    ends: [15],
  },
]

type Part = { sub_balance: string; amount: number }
type Paid = { id: string; shop: number; parts: Part[]; left: number; untouched: boolean }

/** What the model knows of a merchant. */
class Shop {
  readonly id: string
  readonly deal: Deal
  taken = 0
  refunded = 0
  cancelled = 0
  adjusted = 0
  bonus = 0
  moved = false
  receivable = 0
  lots: { left: number; release: number }[] = []
  readonly expected: number[][] = []

  constructor(id: string, deal: Deal) {
    this.id = id
    this.deal = deal
  }

  take(parts: readonly Part[], sign: 1 | -1): void {
    this.moved = true
    for (const { sub_balance: source, amount } of parts)
      if (source === 'bonus') this.bonus += sign * amount
  }

  settle(day: number): void {
    const releasing = this.lots.some(({ left, release }) => left > 0 && release <= day)
    if (!this.moved && !releasing) return
    const { rateBp, bonusBp, marginBp, releaseAfter } = this.deal
    const net = this.taken - this.refunded - this.cancelled
    const commission = share(net, rateBp)
    const bonusShare = share(this.bonus, bonusBp)
    const due = net - commission - bonusShare + this.adjusted
    let payable = 0
    let withheld = 0
    if (due > 0) {
      const setOff = Math.min(due, this.receivable)
      this.receivable -= setOff
      withheld = share(due - setOff, marginBp)
      payable = due - setOff - withheld
    } else {
      let short = -due
      this.lots.sort((one, other) => one.release - other.release)
      for (const lot of this.lots) {
        const part = Math.min(lot.left, short)
        lot.left -= part
        short -= part
      }
      this.receivable += short
    }
    for (const lot of this.lots.filter(({ release }) => release <= day)) {
      payable += lot.left
      lot.left = 0
    }
    if (withheld > 0) this.lots.push({ left: withheld, release: day + releaseAfter })
    this.expected.push([
      day,
      this.taken,
      this.refunded,
      this.cancelled,
      this.adjusted,
      commission,
      bonusShare,
      due,
      withheld,
      payable,
    ])
    this.taken = 0
    this.refunded = 0
    this.cancelled = 0
    this.adjusted = 0
    this.bonus = 0
    this.moved = false
  }
}

/** Half a fen up, below zero the mirror image. */
function share(amount: number, bp: number): number {
  const size = Math.floor((Math.abs(amount) * bp + 5_000) / 10_000)
  return amount < 0 && size > 0 ? -size : size
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const clockOf = (day: number, time: string) => `2026-11-${String(day).padStart(2, '0')} ${time}`

async function live(app: ClearingApp, seed: number): Promise<Shop[]> {
  const random = randomFrom(seed)
  const shops: Shop[] = []
  for (const deal of deals) {
    const id = await app.merchant()
    if (Object.keys(deal.terms).length > 0) await app.contract(id, deal.terms)
    shops.push(new Shop(id, deal))
  }
  const cards: string[] = []
  for (let card = 0; card < 5; card += 1) cards.push(await app.card(1_000_000, 3_000))
  const paid: Paid[] = []
  for (const day of everyDay) {
    await app.clock(clockOf(day, '12:00:00'))
    for (let step = 0; step < 5; step += 1) await act(app, random, shops, cards, paid)
    await app.clock(clockOf(day + 1, '00:00:01'))
    await app.settle()
    for (const shop of shops) if (shop.deal.ends.includes(day)) shop.settle(day)
  }
  return shops
}

async function act(
  app: ClearingApp,
  random: (below: number) => number,
  shops: readonly Shop[],
  cards: readonly string[],
  paid: Paid[],
): Promise<void> {
  const what = random(10)
  const before = paid[random(Math.max(1, paid.length))]
  const shop = shops[before !== undefined && what >= 6 && what < 9 ? before.shop : random(4)]
  assert.ok(shop)
  if (what < 6 || before === undefined) {
    const amount = 1 + random(3_000)
    const { id, allocations } = await app.pay(cards[random(cards.length)] ?? '', amount, shop.id)
    shop.taken += amount
    shop.take(allocations, 1)
    paid.push({ id, shop: shops.indexOf(shop), parts: allocations, left: amount, untouched: true })
  } else if (what < 8) {
    if (before.left === 0) return
    const amount = 1 + random(before.left)
    const { allocations } = await app.refund(before.id, amount)
    before.left -= amount
    before.untouched = false
    shop.refunded += amount
    shop.take(allocations, -1)
  } else if (what === 8) {
    if (!before.untouched) return
    await app.made(`/v1/payments/${before.id}/cancel`)
    shop.cancelled += before.left
    shop.take(before.parts, -1)
    before.left = 0
    before.untouched = false
  } else {
    const amount = random(2_000) - 1_000
    if (amount === 0) return
    const body = { merchant_id: shop.id, amount, reason: 'counted anew' }
    const { id } = await app.made('/v1/settlements/adjustments', body)
    await app.made(`/v1/settlements/adjustments/${id}/approve`, undefined, { key: app.second })
    shop.adjusted += amount
    shop.moved = true
  }
}

describe('two weeks of four merchants', () => {
  for (const seed of [20_261_102, Math.floor(Math.random() * 2 ** 31)]) {
    test(`come to what plain arithmetic makes of them (seed ${seed})`, async () => {
      const app = await startClearingApp({ at: clockOf(firstDay, '09:00:00'), lanes: 3 })
      try {
        let receivable = 0
        let margin = 0
        for (const shop of await live(app, seed)) {
          const found = (await app.statements(shop.id)).map((one) => [
            Number(one.to_day.slice(8)),
            one.taken,
            one.refunded,
            one.cancelled,
            one.adjusted,
            one.commission,
            one.bonus_share,
            one.due,
            one.margin_withheld,
            one.payable,
          ])
          assert.deepEqual(found, shop.expected)
          assert.ok(found.length > 0)
          const position = await app.got(`/v1/merchants/${shop.id}/position`)
          const left = shop.lots.reduce((sum, lot) => sum + lot.left, 0)
          assert.deepEqual([position.receivable, position.margin], [shop.receivable, left])
          receivable += shop.receivable
          margin += left
        }
        const { data } = await app.got('/v1/ledger/trial_balance')
        const kinds: { kind: string; debit: number; credit: number }[] = data
        const balanceOf = (kind: string) => {
          const line = kinds.find((one) => one.kind === kind)
          return (line?.debit ?? 0) - (line?.credit ?? 0)
        }
        assert.deepEqual(
          [balanceOf('merchant_receivable'), balanceOf('merchant_margin'), balanceOf('transit')],
          [receivable, 0 - margin, 0],
        )
        const { ok, first_wrong: wrong } = await app.verify()
        assert.deepEqual([ok, wrong], [true, null])
      } finally {
        await app.stop()
      }
    })
  }
})
