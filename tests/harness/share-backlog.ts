/**
 * A backlog of shares that is sent by two processes at once on the test clock, a second at a time, while every so manieth
 * call or answer is lost and one process dies with what it took: each goes out once, and never more than WeChat takes in a second.
 */
import assert from 'node:assert/strict'
import type { Uuid } from '@lika/contract'
import { sendShares } from '../../server/src/flows/sharing/send.ts'
import type { Answer, Share, WechatPay } from '../../server/src/modules/wechat/index.ts'
import { newId } from '../../server/src/platform/ids.ts'
import { fakeAppid } from './fake-wechat-pay.ts'
import type { SharingShop } from './sharing.ts'

const payeeCount = 15
const accountCount = 12
const accountOf = (index: number) => `01900000-0000-7000-8000-0000000${10_000 + index}`

/** What was seen, in seconds of the test clock; full are those with the most calls of all. */
export async function drainBacklog(shop: SharingShop, count: number) {
  await fill(shop, count)
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
  let seconds = 0
  while (seconds < 2_000) {
    await engine.setTestOffset(engine.testOffsetMs + 1_000)
    // Two processes at once; and one that dies with what it took.
    if (seconds === 3) {
      const dying = {
        ...context,
        wechatPay: { share: () => Promise.reject(new Error('killed')) } as never,
      }
      await sendShares(dying, 'test').catch(() => (dead += 1))
    }
    await Promise.all([sendShares(context, 'test'), sendShares(context, 'test')])
    seconds += 1
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
  const inEach = [...perSecond.values()].map((counts) => counts.get('') ?? 0)
  const mostInASecond = Math.max(...inEach)
  const fullSeconds = inEach.filter((sent) => sent === mostInASecond).length
  return { calls, seconds, mostInASecond, fullSeconds }
}

/** Sales that were shared with 15 payees in turn. */
async function fill(shop: SharingShop, all: number): Promise<void> {
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
