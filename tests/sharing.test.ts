/**
 * Profit sharing behind the sale: queued by the journal, sent within WeChat's limits by all processes together, asked
 * about until it is known, and back before a refund.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Uuid } from '@lika/contract'
import { sendShares } from '../server/src/flows/sharing/send.ts'
import type { Answer, Share, WechatPay } from '../server/src/modules/wechat/index.ts'
import { newId } from '../server/src/platform/ids.ts'
import { fakeAppid } from './harness/fake-wechat-pay.ts'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

let shop: SharingShop
let product: string

before(async () => {
  shop = await startSharingShop()
  product = await shop.makeProduct(shop.key, { cooling_off_hours: 0 })
})
after(() => shop.stop())

const rule: SharingShop['rule'] = (...given) => shop.rule(...given)
const receiver: SharingShop['receiver'] = (...given) => shop.receiver(...given)
const shareOf: SharingShop['shareOf'] = (id) => shop.shareOf(id)
const send: SharingShop['send'] = (...seconds) => shop.send(...seconds)

type Json = ReturnType<typeof JSON.parse>

describe('a sale that is shared', () => {
  test('goes out to those who get a part, a minute later and behind the sale', async () => {
    const made = await rule({ product_id: product }, [receiver(0, 1_000), receiver(1, 500)])
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const before = await shop.accounts('shared_sales', 'wechat')
    const { id } = await shop.bought({ product_id: product })
    const waiting = await shareOf(id)
    assert.deepEqual(
      [waiting.status, waiting.amount, waiting.receivers.map((one: Json) => one.amount)],
      ['waiting', 1_500, [1_000, 500]],
    )
    await send(30)
    assert.equal((await shareOf(id)).status, 'waiting')
    await send(40, 60, 60, 60)
    const done = await shareOf(id)
    assert.equal(done.status, 'finished', JSON.stringify(done))
    const after = await shop.accounts('shared_sales', 'wechat')
    assert.deepEqual(
      [(after[0] ?? 0) - (before[0] ?? 0), (after[1] ?? 0) - (before[1] ?? 0)],
      [1_500, 10_000 - 1_500],
    )
  })

  test('comes back before the sale is refunded', async () => {
    const own = await shop.makeProduct(shop.key, { cooling_off_hours: 3 })
    await rule({ product_id: own }, [receiver(0, 1_000)])
    const { id } = await shop.bought({ product_id: own })
    await shareOf(id)
    await send(62, 60, 60)
    assert.equal((await shareOf(id)).status, 'finished')
    const before = await shop.accounts('shared_sales')
    const asked = await shop.refund(id)
    assert.equal(asked.status, 200, JSON.stringify(asked.body))
    for (let minute = 0; minute < 8; minute += 1) {
      await shop.advance(70)
      await shop.tend()
    }
    assert.equal((await shop.show(id)).status, 'refunded')
    assert.equal((await shareOf(id)).returned_amount, 1_000)
    const after = await shop.accounts('shared_sales')
    assert.equal((after[0] ?? 0) - (before[0] ?? 0), -1_000)
  })

  test('is not sent any more where the sale was refunded first', async () => {
    const own = await shop.makeProduct(shop.key, { cooling_off_hours: 3 })
    await rule({ product_id: own }, [receiver(0, 1_000)])
    const { id } = await shop.bought({ product_id: own })
    await shareOf(id)
    await shop.refund(id)
    await shop.tend()
    assert.equal((await shareOf(id)).status, 'cancelled')
  })

  test('is asked about where the answer was lost, and goes out once', async () => {
    const { id } = await shop.bought({ product_id: product })
    await shareOf(id)
    await shop.twin.control.fault(
      { path: '/v3/profitsharing/orders', times: 1 },
      'answer_500_after',
    )
    await send(62, 60, 60, 60)
    assert.equal((await shareOf(id)).status, 'finished')
  })

  for (const [http, code] of [
    [403, 'NO_AUTH'],
    [401, 'SIGN_ERROR'],
    [429, 'FREQUENCY_LIMITED'],
  ] as const)
    test(`stays asked for while WeChat does not say what came of it: ${code}`, async () => {
      const { id } = await shop.bought({ product_id: product })
      await shareOf(id)
      const { control } = shop.twin
      await control.fault({ path: '/v3/profitsharing/orders', times: 1 }, 'answer_500_after')
      await send(62)
      await control.fault(
        { method: 'GET', path: '/v3/profitsharing/orders/*' },
        { name: 'status', http, code },
      )
      await send(60)
      assert.equal((await shareOf(id)).status, 'asked')
      await control.clearFaults()
      await send(60, 60, 60)
      assert.equal((await shareOf(id)).status, 'finished')
    })

  for (const code of ['NO_AUTH', 'FREQUENCY_LIMITED'])
    test(`is sent again where WeChat refused it for now: ${code}`, async () => {
      const { id } = await shop.bought({ product_id: product })
      await shareOf(id)
      const { control } = shop.twin
      await control.fault(
        { method: 'POST', path: '/v3/profitsharing/orders' },
        { name: 'status', http: 403, code },
      )
      await send(62)
      assert.equal((await shareOf(id)).status, 'waiting')
      await control.clearFaults()
      await send(60, 60, 60)
      assert.equal((await shareOf(id)).status, 'finished')
    })

  test('has a rule that WeChat would take', async () => {
    const more = await rule({ product_id: product }, [receiver(0, 2_000), receiver(1, 1_001)])
    assert.equal(more.body.code, 'sharing.too_much')
    const twice = await rule({ product_id: product }, [receiver(0, 100), receiver(0, 100)])
    assert.equal(twice.body.code, 'sharing.too_much')
    const listed = await shop.get(shop.key, '/v1/wechat/sharing_rules')
    assert.equal(listed.body.data.at(-1).receivers[0].share_bp, 1_000)
  })
})

describe('a backlog', () => {
  const count = Number(process.env['SHARE_BACKLOG'] ?? 6_000)
  const payeeCount = 15
  const accountCount = 12
  const accountOf = (index: number) => `01900000-0000-7000-8000-0000000${10_000 + index}`

  test(`of ${count} drains within the limits, whatever is lost and however many send`, async () => {
    await fill(count)
    const accounts = `{${[...Array(accountCount).keys()].map(accountOf).join(',')}}`
    const waiting = async () => {
      const [row] = await shop.database.owner.sql<{ count: bigint }[]>`
        select count(*) as count from profit_share
        where account_id = any(${accounts}::uuid[]) and state in ('waiting', 'asked', 'processing')`
      return Number(row?.count)
    }
    const seen = new Map<string, number>()
    const perSecond = new Map<number, Map<string, number>>()
    let calls = 0
    const answer = (outOrderNo: string, transactionId: string, amount: bigint, payee: string) => ({
      status: 'done' as const,
      value: {
        outOrderNo,
        orderId: '30',
        transactionId,
        state: 'finished' as const,
        receivers: [{ account: payee, amount, result: 'success' as const }],
      },
    })
    const known = new Map<string, Answer<Share>>()
    const fake = {
      share: async (accountId: string, asked: Parameters<WechatPay['share']>[1]) => {
        if (!asked.transactionId.startsWith('B'))
          return { status: 'unknown', why: 'not of this test' }
        calls += 1
        const second = Math.floor(shop.flows.engine.now('test') / 1_000)
        const payee = asked.receivers[0]?.account ?? ''
        const account = `of ${accountId}`
        const counts = perSecond.get(second) ?? new Map<string, number>()
        counts.set(payee, (counts.get(payee) ?? 0) + 1)
        counts.set(account, (counts.get(account) ?? 0) + 1)
        counts.set('', (counts.get('') ?? 0) + 1)
        perSecond.set(second, counts)
        if (calls % 97 === 0) return { status: 'unknown', why: 'nothing was sent' }
        if (!known.has(asked.outOrderNo))
          seen.set(asked.outOrderNo, (seen.get(asked.outOrderNo) ?? 0) + 1)
        const amount = asked.receivers[0]?.amount ?? 0n
        known.set(asked.outOrderNo, answer(asked.outOrderNo, asked.transactionId, amount, payee))
        if (calls % 101 === 0) return { status: 'unknown', why: 'the answer was lost' }
        return known.get(asked.outOrderNo)
      },
      queryShare: async (_: string, no: string) =>
        known.get(no) ?? { status: 'refused', code: 'RESOURCE_NOT_EXISTS', detail: '' },
    } as unknown as WechatPay
    const context = { ...shop.flows, wechatPay: fake }
    const { engine } = shop.flows
    let dead = 0
    for (let second = 0; second < 2_000; second += 1) {
      await engine.setTestOffset(engine.testOffsetMs + 1_000)
      // Two processes at once; and one that dies with what it took.
      if (second === 3) {
        const dying = {
          ...context,
          wechatPay: { share: () => Promise.reject(new Error('killed')) } as never,
        }
        await sendShares(dying, 'test').catch(() => (dead += 1))
      }
      await Promise.all([sendShares(context, 'test'), sendShares(context, 'test')])
      if ((await waiting()) === 0) break
    }
    assert.equal(dead, 1)
    assert.equal(await waiting(), 0)
    assert.equal(seen.size, count)
    assert.ok([...seen.values()].every((times) => times === 1))
    for (const counts of perSecond.values())
      for (const [payee, times] of counts)
        assert.ok(times <= (payee === '' ? 300 : 30), `${payee} ${times}`)
    const [sum] = await shop.database.owner.sql<{ amount: bigint }[]>`
      select sum(amount)::bigint as amount from profit_share where account_id = any(${accounts}::uuid[]) and state = 'finished'`
    assert.equal(sum?.amount, BigInt(count))
  })

  /** Sales that were shared with 15 payees in turn. */
  async function fill(all: number): Promise<void> {
    const { engine } = shop.flows
    const lanes = engine.lanesOf('test')
    const ids = Array.from({ length: all }, (_, index): Uuid => newId(lanes[index % lanes.length]))
    const now = new Date(engine.now('test'))
    await shop.database.owner.sql`
      insert into profit_share (lane, id, book_id, account_id, appid, transaction_id, out_trade_no, total, receivers,
        amount, next_at, created_at)
      select
        (('x' || right(id::text, 3))::bit(12)::int & 1023), id, ${shop.book},
        ('01900000-0000-7000-8000-0000000' || (10000 + n % ${accountCount}))::uuid, ${fakeAppid}, 'B' || n, 'T' || n,
        100, jsonb_build_array(jsonb_build_object('mchid', (1910000000 + n % ${payeeCount})::text, 'amount', '1')),
        1, ${now}, ${now}
      from unnest(${`{${ids.join(',')}}`}::uuid[]) with ordinality as made (id, n)`
  }
})
