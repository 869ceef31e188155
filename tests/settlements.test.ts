import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import {
  asId,
  laneOfId,
  type MerchantId,
  parseId,
  type Result,
  type SettlementId,
} from '@lika/contract'
import {
  confirmPayoutCommand,
  type PayoutStep,
  paidStatementCommand,
  returnPayoutCommand,
  sendPayoutCommand,
} from '../server/src/flows/settle/payouts.ts'
import { portionsDue, type Sums, sumsOfLane } from '../server/src/modules/clearing/index.ts'
import { readCuts } from '../server/src/modules/ledger/index.ts'
import { newId } from '../server/src/platform/ids.ts'
import type { Command } from '../server/src/platform/lanes/index.ts'
import { type ClearingApp, startClearingApp } from './harness/clearing-app.ts'

let app: ClearingApp

// Four lanes: the cards of a merchant's customers lie in all of them.
before(async () => {
  app = await startClearingApp({ at: '2026-11-02 09:00:00' })
})
after(() => app.stop())

/** Balances of the kinds that clearing moves; those of zero are left out. */
async function trialBalance(): Promise<Record<string, number>> {
  const { data } = await app.got('/v1/ledger/trial_balance')
  const kinds: { kind: string; debit: number; credit: number }[] = data
  return Object.fromEntries(
    kinds
      .filter(({ debit, credit }) => debit !== credit)
      .map(({ kind, debit, credit }) => [kind, debit - credit]),
  )
}

async function assertSound(): Promise<void> {
  const { ok, first_wrong: wrong, checked } = await app.verify()
  assert.deepEqual([ok, wrong], [true, null])
  assert.ok(checked.statements > 0)
}

describe('a merchant without a contract', () => {
  test('is settled each day, whatever the lanes of the cards, and paid on the next business day', async () => {
    const merchant = await app.merchant()
    const cards = await Promise.all([1, 2, 3, 4, 5].map(() => app.card(10_000, 1_000)))
    for (const card of cards) await app.pay(card, 2_000, merchant)
    const paid = await app.made('/v1/payments', {
      amount: 9_000,
      currency: 'CNY',
      merchant_id: merchant,
      reference: 'two-cards',
      sources: cards.slice(0, 2).map((card_id) => ({ card_id, amount: 4_500 })),
    })
    await app.clock('2026-11-02 20:00:00')
    await app.refund(paid.id, 1_000)
    await app.clock('2026-11-03 00:00:10')
    assert.equal((await app.settle()).statements, 1)
    const [statement] = await app.statements(merchant)
    assert.deepEqual(
      [statement.taken, statement.refunded, statement.net, statement.payable, statement.status],
      [19_000, 1_000, 18_000, 18_000, 'payable'],
    )
    assert.deepEqual(
      [statement.from_day, statement.to_day, statement.pay_on, statement.contract_version],
      ['2026-11-02', '2026-11-02', '2026-11-03', 0],
    )
    const { transit, merchant_unsettled: unsettled } = await trialBalance()
    assert.deepEqual([transit, unsettled], [undefined, undefined])
    await assertSound()
  })

  test('is settled again without anything happening twice', async () => {
    const before = await trialBalance()
    assert.equal((await app.settle()).statements, 0)
    assert.deepEqual(await trialBalance(), before)
  })

  test('has lines that name payment and entry, page by page as in one go', async () => {
    const { data } = await app.got('/v1/settlements?limit=1')
    const path = `/v1/settlements/${data[0].id}/lines`
    const { data: all } = await app.got(`${path}?limit=200`)
    // Five payments of bonus and principal, two cards of principal, a refund of one of them.
    assert.equal(all.length, 13)
    const paged: object[] = []
    for (let cursor: string | null = null; ; ) {
      const page = await app.got(`${path}?limit=4${cursor === null ? '' : `&cursor=${cursor}`}`)
      paged.push(...page.data)
      cursor = page.next_cursor
      if (cursor === null) break
    }
    assert.deepEqual(paged, all)
    type Line = { payment_id: string; entry_id: string; lane: number; seq: number; amount: number }
    const lines: Line[] = all
    const entries = await app.got('/v1/ledger/entries?limit=200')
    const known = new Set(entries.data.map((one: { id: string }) => one.id))
    for (const line of lines) {
      assert.ok(known.has(line.entry_id))
      assert.equal((await app.call('GET', `/v1/payments/${line.payment_id}`)).status, 200)
    }
    assert.equal(
      lines.reduce((sum, { amount }) => sum + amount, 0),
      data[0].net,
    )
  })
})

describe('what comes after the end of the day', () => {
  test('belongs to the next statement: a late refund too, which then is owed, and set off later', async () => {
    const merchant = await app.merchant()
    const card = await app.card(100_000)
    await app.clock('2026-11-03 12:00:00')
    const first = await app.pay(card, 5_000, merchant)
    await app.clock('2026-11-04 00:00:01')
    await app.refund(first.id, 5_000)
    await app.settle()
    await app.clock('2026-11-05 00:00:01')
    await app.pay(card, 3_000, merchant)
    await app.settle()
    await app.clock('2026-11-06 00:00:01')
    await app.pay(card, 4_000, merchant)
    await app.settle()
    await app.clock('2026-11-07 00:00:01')
    await app.settle()
    const all = await app.statements(merchant)
    assert.deepEqual(
      all.map((one) => [
        one.to_day,
        one.due,
        one.set_off,
        one.receivable_added,
        one.payable,
        one.status,
      ]),
      [
        ['2026-11-03', 5_000, 0, 0, 5_000, 'payable'],
        ['2026-11-04', -5_000, 0, 5_000, 0, 'nothing_due'],
        ['2026-11-05', 3_000, 3_000, 0, 0, 'nothing_due'],
        ['2026-11-06', 4_000, 2_000, 0, 2_000, 'payable'],
      ],
    )
    assert.equal((await trialBalance())['merchant_receivable'], undefined)
    await assertSound()
  })
})

describe('a margin', () => {
  test('is withheld, shown with its day, covers refunds first, and the rest comes back on its day', async () => {
    const merchant = await app.merchant()
    await app.contract(merchant, {
      commission: { kind: 'flat', rate_bp: 1_000 },
      margin: { rate_bp: 1_000, release_after_days: 3 },
    })
    const card = await app.card(100_000)
    const first = await app.pay(card, 20_000, merchant)
    await app.clock('2026-11-08 00:00:01')
    await app.settle()
    const [one] = await app.statements(merchant)
    // 20,000 less 10 % of commission is 18,000, of which 10 % stay.
    assert.deepEqual(
      [one.commission, one.margin_withheld, one.margin_release_on, one.payable],
      [2_000, 1_800, '2026-11-10', 16_200],
    )
    const margins = await app.got(`/v1/merchants/${merchant}/margins`)
    assert.deepEqual(
      [margins.total, margins.data],
      [1_800, [{ settlement_id: one.id, release_on: '2026-11-10', left: 1_800 }]],
    )
    const {
      unsettled,
      payable,
      in_flight: inFlight,
      margin,
      receivable,
      ...rest
    } = await app.got(`/v1/merchants/${merchant}/position`)
    assert.deepEqual([unsettled, payable, inFlight, margin, receivable], [0, 16_200, 0, 1_800, 0])
    assert.deepEqual([rest.settled_through, rest.cycle_to], ['2026-11-07', '2026-11-08'])
    await app.refund(first.id, 1_000)
    assert.equal((await app.got(`/v1/merchants/${merchant}/position`)).unsettled, -1_000)
    await app.clock('2026-11-09 00:00:01')
    await app.settle()
    await app.clock('2026-11-10 00:00:01')
    await app.settle()
    assert.equal((await app.statements(merchant)).length, 2, 'nothing is given back before its day')
    await app.clock('2026-11-11 00:00:01')
    await app.settle()
    const [, two, three] = await app.statements(merchant)
    // The refund brings its commission back: 1,000 less 100.
    assert.deepEqual([two.due, two.commission, two.margin_used, two.payable], [-900, -100, 900, 0])
    assert.deepEqual(
      [three.to_day, three.due, three.margin_released, three.payable, three.status],
      ['2026-11-10', 0, 900, 900, 'payable'],
    )
    assert.deepEqual((await app.got(`/v1/merchants/${merchant}/margins`)).data, [])
    await assertSound()
  })
})

describe('an own merchant', () => {
  test('is settled to the sales of its issuer, and nothing of it is paid', async () => {
    const merchant = await app.merchant({ ownership: 'own' })
    const card = await app.card(10_000)
    await app.pay(card, 7_000, merchant)
    await app.clock('2026-11-12 00:00:01')
    await app.settle()
    const [statement] = await app.statements(merchant)
    assert.deepEqual(
      [statement.own_sales, statement.payable, statement.status, statement.pay_on],
      [7_000, 0, 'nothing_due', null],
    )
    assert.equal((await trialBalance())['own_sales'], -7_000)
    await assertSound()
  })
})

describe('a split', () => {
  test('pays every party its portion, the remainder to the first', async () => {
    const [first, second, third] = [
      await app.merchant(),
      await app.merchant(),
      await app.merchant(),
    ]
    await app.contract(first, {
      split: [
        { merchant_id: second, share_bp: 3_334 },
        { merchant_id: first, share_bp: 3_333 },
        { merchant_id: third, share_bp: 3_333 },
      ],
    })
    await app.pay(await app.card(10_000), 101, first)
    await app.clock('2026-11-13 00:00:01')
    await app.settle()
    const [{ id }] = await app.statements(first)
    const { portions } = await app.got(`/v1/settlements/${id}`)
    assert.deepEqual(
      portions.map((one: { merchant_id: string; amount: number }) => [one.merchant_id, one.amount]),
      [
        [second, 35],
        [first, 33],
        [third, 33],
      ],
    )
    await assertSound()
  })
})

describe('an adjustment', () => {
  test('takes two people, moves nothing before, and is a line of the day on which it was posted', async () => {
    const merchant = await app.merchant()
    const body = { merchant_id: merchant, amount: 1_234, reason: 'a forgotten delivery' }
    const idempotencyKey = newId()
    const before = await trialBalance()
    const proposed = await app.made('/v1/settlements/adjustments', body, { idempotencyKey })
    assert.deepEqual(await trialBalance(), before)
    const path = `/v1/settlements/adjustments/${proposed.id}`
    const alone = await app.call('POST', `${path}/approve`)
    assert.deepEqual([alone.status, alone.body.code], [409, 'approval.same_person'])
    const posted = await app.made(`${path}/approve`, undefined, { key: app.second })
    assert.deepEqual([posted.status, posted.decided_by_owner], ['posted', 'the second person'])
    const again = await app.call('POST', `${path}/reject`, undefined, { key: app.second })
    assert.equal(again.body.code, 'settlement_adjustment.already_decided')
    assert.deepEqual(
      await app.made('/v1/settlements/adjustments', body, { idempotencyKey }),
      proposed,
      'a repeat is answered as the first was',
    )
    await app.clock('2026-11-14 00:00:01')
    await app.settle()
    const [statement] = await app.statements(merchant)
    assert.deepEqual(
      [statement.adjusted, statement.commission, statement.payable],
      [1_234, 0, 1_234],
    )
    const { data } = await app.got(`/v1/settlements/${statement.id}/lines`)
    assert.deepEqual(
      data.map((line: { kind: string; adjustment_id: string }) => [line.kind, line.adjustment_id]),
      [['adjustment', proposed.id]],
    )
    await assertSound()
  })

  test('that is turned down moves nothing, ever', async () => {
    const merchant = await app.merchant()
    const { id } = await app.made('/v1/settlements/adjustments', {
      merchant_id: merchant,
      amount: -5,
      reason: 'a mistake',
    })
    await app.made(`/v1/settlements/adjustments/${id}/reject`, undefined, { key: app.second })
    await app.clock('2026-11-15 00:00:01')
    await app.settle()
    assert.deepEqual(await app.statements(merchant), [])
  })
})

describe('a payout', () => {
  const run = async (command: Result<Command>) => {
    assert.ok(command.ok)
    const done = await app.engine.execute(command.value)
    return done.status === 'done' ? done.kind : done.refusal.code
  }

  test('leaves payable, is in flight, comes back or arrives; and each step happens once', async () => {
    const merchant = await app.merchant()
    await app.pay(await app.card(10_000), 6_000, merchant)
    await app.clock('2026-11-16 00:00:01')
    await app.settle()
    const [{ id }] = await app.statements(merchant)
    const settlementId = parseId('settlement', id)
    const merchantId = parseId('merchant', merchant)
    assert.ok(settlementId && merchantId)
    const step = (payout: string, amount = 6_000n): PayoutStep => ({
      settlementId,
      merchantId,
      payoutId: asId(payout),
      amount,
    })
    const [one, two, three] = [newId(), newId(), newId()]
    const { flows, book } = app
    const status = async () => (await app.got(`/v1/settlements/${id}`)).status
    const due = async (day: string) =>
      (
        await portionsDue(
          app.database.app.sql,
          app.engine.lanesOf('test'),
          book,
          day,
          undefined,
          100,
        )
      )
        .filter((portion) => portion.merchantId === merchantId)
        .map(({ amount }) => amount)
    // 2026-11-15 is a Sunday: its takings are paid on Monday.
    assert.deepEqual([await due('2026-11-15'), await due('2026-11-16')], [[], [6_000n]])

    assert.equal(
      await run(sendPayoutCommand(flows, book, step(newId(), 5_999n))),
      'amount.out_of_range',
    )
    assert.equal(
      await run(confirmPayoutCommand(flows, book, step(one))),
      'settlement.not_in_flight',
    )
    assert.equal(await run(sendPayoutCommand(flows, book, step(two))), 'payout.sent')
    assert.equal(await run(sendPayoutCommand(flows, book, step(two))), 'payout.sent', 'a repeat')
    assert.equal(await run(sendPayoutCommand(flows, book, step(three))), 'settlement.not_payable')
    assert.deepEqual([await status(), await due('2026-11-16')], ['in_flight', []])
    const sent = await trialBalance()
    assert.equal(sent['merchant_in_flight'], -6_000)
    assert.equal(
      await run(returnPayoutCommand(flows, book, step(two), 'payout.failed')),
      'payout.failed',
    )
    assert.equal(await status(), 'payable')

    const [four, five] = [newId(), newId()]
    assert.equal(await run(sendPayoutCommand(flows, book, step(four))), 'payout.sent')
    assert.equal(await run(confirmPayoutCommand(flows, book, step(four))), 'payout.confirmed')
    assert.equal(await run(confirmPayoutCommand(flows, book, step(four))), 'payout.confirmed')
    const paid = { settlementId, payoutId: asId<'payout'>(four) }
    assert.equal(await run(paidStatementCommand(flows, book, paid)), 'settlement.paid')
    assert.deepEqual([await status(), (await trialBalance())['bank']], ['paid', -6_000])
    assert.equal(
      await run(returnPayoutCommand(flows, book, step(two), 'payout.returned')),
      'settlement.not_in_flight',
      'what came back once does not come back again',
    )
    assert.equal(
      await run(returnPayoutCommand(flows, book, step(four), 'payout.failed')),
      'settlement.not_in_flight',
      'what has arrived did not fail',
    )
    assert.equal(
      await run(returnPayoutCommand(flows, book, step(four), 'payout.returned')),
      'payout.returned',
    )
    assert.deepEqual([await status(), (await trialBalance())['bank']], ['payable', undefined])
    assert.equal(await run(sendPayoutCommand(flows, book, step(five))), 'payout.sent')
    assert.equal(await run(confirmPayoutCommand(flows, book, step(five))), 'payout.confirmed')
    assert.equal((await trialBalance())['merchant_in_flight'], undefined)
    await assertSound()
  })

  test('of another issuer’s statement is not found', async () => {
    const stranger = asId<'settlement'>(newId(601)) satisfies SettlementId
    const merchantId = asId<'merchant'>(newId())
    const step = {
      settlementId: stranger,
      merchantId,
      payoutId: asId<'payout'>(newId()),
      amount: 1n,
    }
    assert.equal(await run(sendPayoutCommand(app.flows, app.book, step)), 'settlement.not_found')
  })
})

describe('a split with a merchant of the issuer’s own', () => {
  test('pays the partner, and books the rest to the issuer’s sales', async () => {
    const [partner, own] = [await app.merchant(), await app.merchant({ ownership: 'own' })]
    await app.contract(partner, {
      split: [
        { merchant_id: partner, share_bp: 9_000 },
        { merchant_id: own, share_bp: 1_000 },
      ],
    })
    const before = (await trialBalance())['own_sales'] ?? 0
    await app.pay(await app.card(10_000), 1_005, partner)
    await app.clock('2026-11-17 00:00:01')
    await app.settle()
    const [{ id, payable, own_sales: sales }] = await app.statements(partner)
    // 904.5 and 100.5 are floored, and the fen that is left goes to the first.
    assert.deepEqual([payable, sales], [905, 100])
    const { portions } = await app.got(`/v1/settlements/${id}`)
    assert.deepEqual(
      portions.map((one: { merchant_id: string; amount: number }) => [one.merchant_id, one.amount]),
      [[partner, 905]],
    )
    assert.equal((await trialBalance())['own_sales'], before - 100)
    await assertSound()
  })
})

describe('a share of the bonus', () => {
  test('is counted on bonus that crossed lanes too, less what of it came back', async () => {
    const merchant = await app.merchant()
    await app.contract(merchant, { bonus_share_bp: 3_333 })
    const [one, two] = [await app.card(10_000, 1_000), await app.card(10_000, 700)]
    const lanes = new Set([one, two].map((id) => laneOfId(parseId('card', id) ?? '')))
    assert.equal(lanes.size, 2)
    const paid = await app.made('/v1/payments', {
      amount: 5_700,
      currency: 'CNY',
      merchant_id: merchant,
      reference: 'over-lanes',
      sources: [
        { card_id: one, amount: 3_000 },
        { card_id: two, amount: 2_700 },
      ],
    })
    // The last taken comes back first: 2,000 of principal, then 500 of the second card's bonus.
    await app.refund(paid.id, 2_500)
    await app.clock('2026-11-18 00:00:01')
    await app.settle()
    const [statement] = await app.statements(merchant)
    // 1,700 − 500 = 1,200; 33.33 % of it is 399.96.
    assert.deepEqual([statement.net, statement.bonus_share, statement.payable], [3_200, 400, 2_800])
    const { data } = await app.got(`/v1/settlements/${statement.id}/lines`)
    const bonus = data.filter((line: { source: string }) => line.source === 'bonus')
    assert.deepEqual(
      bonus.map((line: { amount: number }) => line.amount),
      [1_000, 700, -500],
    )
    await assertSound()
  })
})

describe('takings by closing balances and takings by transfers', () => {
  test('are the same for every merchant, lane and stretch of days, settlements in between or not', async () => {
    const { sql } = app.database.app
    const lanes = app.engine.lanesOf('test')
    const { data } = await app.got('/v1/merchants?limit=200')
    const ids = data.map((one: { id: string }) => parseId('merchant', one.id))
    let compared = 0
    for (const [afterDay, day] of [
      ['2026-11-01', '2026-11-15'],
      ['2026-11-01', '2026-11-03'],
      ['2026-11-03', '2026-11-10'],
      ['2026-11-10', '2026-11-12'],
    ] as const) {
      const [from, to] = [await readCuts(sql, lanes, afterDay), await readCuts(sql, lanes, day)]
      for (const lane of lanes) {
        const [after, until] = [from.get(lane) ?? 0n, to.get(lane) ?? 0n]
        const starts = ids.map((merchantId: MerchantId) => ({ merchantId, after, afterDay }))
        const [transfers, closings] = await Promise.all(
          [true, false].map((bySource) => sumsOfLane(sql, lane, starts, { until, day }, bySource)),
        )
        const plain = (sums: Sums | undefined) =>
          [...(sums ?? [])]
            .map(([id, one]) => [id, one.taken, one.refunded, one.cancelled, one.adjusted].join())
            .toSorted()
        assert.deepEqual(plain(closings), plain(transfers))
        compared += closings?.size ?? 0
      }
    }
    assert.ok(compared > 15, `${compared} sums`)
  })
})

describe('the auditor', () => {
  const changes = [
    ['statement', 'to_cut', `'{"601": "1"}'`],
    ['statement', 'from_cut', `'{"601": "1"}'`],
    ['statement', 'nets', `'{"601": "1"}'`],
    ['statement', 'pay_on', `pay_on + 1`],
    ['statement', 'seq', `seq + 1`],
    ['statement_portion', 'amount', 'amount + 1'],
    ['merchant_clearing', 'receivable', 'receivable + 1'],
  ] as const
  for (const [table, column, value] of changes) {
    test(`names the row whose ${column} was changed`, async () => {
      const { data } = await app.got('/v1/settlements?status=payable&limit=1')
      const [id, merchantId] = [
        parseId('settlement', data[0].id),
        parseId('merchant', data[0].merchant_id),
      ]
      const where = {
        statement: `id = '${id}'`,
        statement_portion: `statement_id = '${id}'`,
        merchant_clearing: `merchant_id = '${merchantId}'`,
      }[table]
      const { sql } = app.database.owner
      const [before] = await sql.unsafe(
        `select ${column}::text as value from lika.${table} where ${where}`,
      )
      await sql.unsafe(`update lika.${table} set ${column} = ${value} where ${where}`)
      const { ok, first_wrong: wrong } = await app.verify()
      await sql.unsafe(`update lika.${table} set ${column} = '${before?.['value']}' where ${where}`)
      assert.equal(ok, false)
      assert.ok(['statement', 'merchant_clearing'].includes(wrong.table), JSON.stringify(wrong))
      await assertSound()
    })
  }
})
