/**
 * What was shared comes back before a refund: asked about before it is asked for again, and where it does not come back
 * the refund goes out all the same, at the cost of the merchant that sold. And what each code of WeChat leads to.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { followReturns } from '../server/src/flows/sharing/late-returns.ts'
import { countShares, noteReturn } from '../server/src/modules/sharing/index.ts'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

const ordersPath = '/v3/profitsharing/orders'
const unfreezePath = '/v3/profitsharing/orders/unfreeze'
const returnsPath = '/v3/profitsharing/return-orders'

let shop: SharingShop
let product_id: string

before(async () => {
  shop = await startSharingShop()
  product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
  // Out of which the merchant pays what does not come back.
  await shop.bought()
})
after(() => shop.stop())

type Json = ReturnType<typeof JSON.parse>

/** A sale of which the share has arrived, and whose refund was asked for. */
async function refunding(): Promise<Json> {
  const order = await shop.bought({ product_id })
  await shop.shareOf(order.id)
  await shop.send(62, 60)
  assert.equal((await shop.shareOf(order.id)).status, 'finished')
  const asked = await shop.refund(order.id)
  assert.equal(asked.status, 200, JSON.stringify(asked.body))
  return order
}

async function minutes(count: number): Promise<void> {
  for (let minute = 0; minute < count; minute += 1) {
    await shop.advance(70)
    await shop.tend()
  }
}

/** Calls about returns since this many. */
async function callsSince(before: number): Promise<string[]> {
  const all: Json[] = await shop.twin.control.requests(returnsPath, 1_000)
  return all.slice(before).map(({ method }) => method)
}
const callsSoFar = async () => (await callsSince(0)).length

const returnsOf = async ({ id }: Json) => {
  const { returns } = await shop.shareOf(id)
  return returns.map(({ mchid, amount, status, reason }: Json) => [mchid, amount, status, reason])
}

describe('a share that comes back', () => {
  test('is asked about where the answer was lost, and asked for once', async () => {
    const before = await callsSoFar()
    await shop.twin.control.fault({ path: returnsPath, times: 1 }, 'answer_500_after')
    const order = await refunding()
    await minutes(8)
    assert.deepEqual(await callsSince(before), ['POST', 'GET'])
    assert.deepEqual(await returnsOf(order), [[shop.payees[0]?.mchid, 1_000, 'succeeded', null]])
    assert.equal((await shop.shareOf(order.id)).returned_amount, 1_000)
    assert.equal((await shop.show(order.id)).status, 'refunded')
  })

  test('is waited for while WeChat works on it', async () => {
    await shop.twin.control.settings({ returnSeconds: 300 })
    const order = await refunding()
    await shop.tend()
    assert.deepEqual(await returnsOf(order), [[shop.payees[0]?.mchid, 1_000, 'asked', null]])
    assert.equal((await shop.show(order.id)).status, 'refunding')
    await shop.twin.control.settings({ returnSeconds: 0 })
    await shop.advance(300)
    const before = await callsSoFar()
    await minutes(8)
    assert.equal((await callsSince(before))[0], 'GET')
    assert.equal((await shop.shareOf(order.id)).returned_amount, 1_000)
    assert.equal((await shop.show(order.id)).status, 'refunded')
  })

  test('and fails in the end: the merchant bears it, which is shown', async () => {
    const { control } = shop.twin
    const account = shop.payees[0]?.mchid
    await control.settings({ returnSeconds: 300 })
    const order = await refunding()
    await shop.tend()
    const conditions = ['ACCOUNT_ABNORMAL']
    await control.call('POST', '/sharing/conditions', { account, conditions })
    await shop.advance(300)
    await minutes(8)
    await control.call('POST', '/sharing/conditions', { account, conditions: [] })
    await control.settings({ returnSeconds: 0 })
    assert.deepEqual(await returnsOf(order), [[account, 1_000, 'failed', 'ACCOUNT_ABNORMAL']])
    assert.equal((await shop.shareOf(order.id)).returned_amount, 0)
    assert.equal((await shop.show(order.id)).status, 'refunded')
  })

  test('is not taken for failed because nobody may ask just now', async () => {
    const { control } = shop.twin
    await control.fault({ method: 'POST', path: returnsPath, times: 1 }, 'answer_500_after')
    const order = await refunding()
    await control.fault(
      { method: 'GET', path: `${returnsPath}/*`, times: 2 },
      { name: 'status', http: 403, code: 'NO_AUTH' },
    )
    await minutes(8)
    assert.deepEqual(await returnsOf(order), [[shop.payees[0]?.mchid, 1_000, 'succeeded', null]])
    assert.equal((await shop.show(order.id)).status, 'refunded')
  })
})

/** WeChat is at it, and answers the same request with this code. */
async function takenAndRefused(one: (typeof codes)[number]): Promise<Json> {
  await shop.twin.control.settings({ returnSeconds: 3_600 })
  const order = await refunding()
  await shop.tend()
  await meet(returnsPath, one)
  await minutes(8)
  return order
}

async function carryOut(): Promise<void> {
  await shop.twin.control.clearFaults()
  await shop.twin.control.settings({ returnSeconds: 0 })
  await shop.advance(3_600)
  await shop.twin.control.settle()
}

test('what a payee cannot give back yet holds no refund, and is booked when it comes', async () => {
  const order = await takenAndRefused([403, 'NOT_ENOUGH'])
  const mchid = shop.payees[0]?.mchid
  assert.equal((await shop.show(order.id)).status, 'refunded')
  // Of two processes one asks, and then nobody for a quarter of an hour.
  const before = await callsSoFar()
  const looks = await Promise.all([1, 2].map(() => followReturns(shop.flows, 'test')))
  assert.equal(
    looks.reduce((sum, one) => sum + one),
    1,
  )
  await shop.advance(890)
  assert.equal(await followReturns(shop.flows, 'test'), 0)
  assert.deepEqual(await callsSince(before), ['GET', 'POST'])
  assert.deepEqual(await returnsOf(order), [[mchid, 1_000, 'asked', 'NOT_ENOUGH']])
  await carryOut()
  assert.equal(await followReturns(shop.flows, 'test'), 1)
  assert.deepEqual(await returnsOf(order), [[mchid, 1_000, 'succeeded', null]])
  assert.equal((await shop.shareOf(order.id)).returned_amount, 1_000)
})

test('what WeChat keeps is followed whatever it refuses later, and whoever was slower to hear of it', async () => {
  const order = await takenAndRefused([403, 'NOT_ENOUGH'])
  const mchid = shop.payees[0]?.mchid
  assert.equal((await shop.show(order.id)).status, 'refunded')
  // Of two who asked at once the slower one had no answer.
  const { sql } = shop.database.owner
  const [kept] = await sql<{ lane: number; no: string }[]>`
    select lane, out_return_no as no from share_return where state = 'asked' and reason = 'NOT_ENOUGH'`
  assert.ok(kept)
  const slower = { outReturnNo: kept.no }
  await noteReturn(sql, kept.lane, slower, { reason: 'timeout', isThere: false })
  assert.deepEqual(await returnsOf(order), [[mchid, 1_000, 'asked', 'NOT_ENOUGH']])
  await shop.advance(30 * 3_600)
  await shop.twin.control.clearFaults()
  for (const path of [returnsPath, `${returnsPath}/*`])
    await shop.twin.control.fault(
      { path, times: 0 },
      { name: 'status', http: 401, code: 'SIGN_ERROR' },
    )
  assert.equal(await followReturns(shop.flows, 'test'), 1)
  assert.deepEqual(await returnsOf(order), [[mchid, 1_000, 'asked', 'NOT_ENOUGH']])
  await carryOut()
  await shop.advance(86_400)
  assert.equal(await followReturns(shop.flows, 'test'), 1)
  assert.deepEqual(await returnsOf(order), [[mchid, 1_000, 'succeeded', null]])
})

test('what WeChat is at does not end by what it answers to the same request', async () => {
  const order = await takenAndRefused([400, 'INVALID_REQUEST'])
  const mchid = shop.payees[0]?.mchid
  assert.deepEqual(await returnsOf(order), [[mchid, 1_000, 'asked', 'INVALID_REQUEST']])
  await carryOut()
  await minutes(8)
  assert.deepEqual(await returnsOf(order), [[mchid, 1_000, 'succeeded', null]])
  assert.equal((await shop.show(order.id)).status, 'refunded')
})

test('a payee whose part WeChat closed is not asked to give back what he never had', async () => {
  const { control } = shop.twin
  const account = shop.payees[1]?.mchid
  const two = await shop.sharedProduct([shop.receiver(0, 1_000), shop.receiver(1, 500)])
  const conditions = ['RECEIVER_REAL_NAME_NOT_VERIFIED']
  await control.call('POST', '/sharing/conditions', { account, conditions })
  const order = await shop.bought({ product_id: two })
  await shop.shareOf(order.id)
  await shop.send(62, 60)
  await control.call('POST', '/sharing/conditions', { account, conditions: [] })
  const share = await shop.shareOf(order.id)
  assert.deepEqual([share.status, share.reason], ['finished', conditions[0]])
  await shop.refund(order.id)
  await minutes(8)
  assert.deepEqual(await returnsOf(order), [[shop.payees[0]?.mchid, 1_000, 'succeeded', null]])
  assert.equal((await shop.show(order.id)).status, 'refunded')
})

/** Codes that WeChat documents for sharing, with the status that goes with each. */
const codes = [
  [400, 'PARAM_ERROR'],
  [400, 'INVALID_REQUEST'],
  [400, 'APPID_MCHID_NOT_MATCH'],
  [400, 'MCH_NOT_EXISTS'],
  [401, 'SIGN_ERROR'],
  [403, 'NO_AUTH'],
  [403, 'NOT_ENOUGH'],
  [403, 'RULE_LIMIT'],
  [403, 'USER_ACCOUNT_ABNORMAL'],
  [404, 'RESOURCE_NOT_EXISTS'],
  [404, 'ORDER_NOT_EXIST'],
  [429, 'FREQUENCY_LIMITED'],
  [500, 'SYSTEM_ERROR'],
] as const
type Code = (typeof codes)[number][1]

function meet(path: string, [http, code]: (typeof codes)[number]) {
  return shop.twin.control.fault({ method: 'POST', path, times: 0 }, { name: 'status', http, code })
}

describe('a share that WeChat refuses', () => {
  const never: Code[] = ['PARAM_ERROR', 'INVALID_REQUEST', 'RULE_LIMIT', 'ORDER_NOT_EXIST']
  for (const one of codes) {
    const [http, code] = one
    const isNever = never.includes(code)
    test(`with ${code} ${isNever ? 'is given up, and the rest let go' : 'goes out later'}`, async () => {
      const order = await shop.bought({ product_id })
      await shop.shareOf(order.id)
      await meet(ordersPath, one)
      await shop.send(62)
      const refused = await shop.shareOf(order.id)
      await shop.twin.control.clearFaults()
      await shop.send(60, 60, 60)
      const done = await shop.shareOf(order.id)
      if (isNever) {
        assert.deepEqual([refused.status, refused.reason], ['failed', code])
        assert.deepEqual([done.status, done.rest], ['failed', 'free'])
      } else {
        // Of what WeChat's side failed at it is not known whether it was done.
        assert.equal(refused.status, http === 500 ? 'asked' : 'waiting')
        assert.deepEqual([done.status, done.rest], ['finished', 'free'])
      }
    })
  }
})

describe('letting go that WeChat refuses', () => {
  const never: Code[] = ['PARAM_ERROR', 'INVALID_REQUEST', 'RULE_LIMIT', 'ORDER_NOT_EXIST']
  for (const one of codes) {
    const [http, code] = one
    const isNever = never.includes(code)
    const isFree = code === 'NOT_ENOUGH'
    const end = isFree ? 'has nothing to let go' : isNever ? 'waits for a person' : 'is done later'
    test(`with ${code} ${end}`, async () => {
      const product = await shop.sharedProduct([shop.receiver(0, 1_000)])
      const order = await shop.ordered({ product_id: product })
      const invitation = await shop.invited(order.id)
      await shop.rule({ product_id: product }, [])
      await shop.payInWechat(invitation)
      await shop.shareOf(order.id)
      await meet(unfreezePath, one)
      await shop.send(62)
      const refused = await shop.shareOf(order.id)
      await shop.twin.control.clearFaults()
      await shop.send(60, 60, 60)
      const done = await shop.shareOf(order.id)
      if (isFree) assert.deepEqual([refused.rest, done.rest], ['free', 'free'])
      else if (isNever) assert.deepEqual([refused.rest, done.rest], ['refused', 'refused'])
      else assert.deepEqual([refused.rest, done.rest], [http === 500 ? 'asked' : 'waiting', 'free'])
    })
  }
})

describe('a return that WeChat refuses', () => {
  const never: Code[] = [
    'PARAM_ERROR',
    'INVALID_REQUEST',
    'RULE_LIMIT',
    'NOT_ENOUGH',
    'NO_AUTH',
    'RESOURCE_NOT_EXISTS',
    'ORDER_NOT_EXIST',
    'USER_ACCOUNT_ABNORMAL',
  ]
  for (const one of codes) {
    const [http, code] = one
    const isNever = never.includes(code)
    test(`with ${code} ${isNever ? 'does not come back, and the refund goes out' : 'is asked for again'}`, async () => {
      await meet(returnsPath, one)
      const order = await refunding()
      await shop.tend()
      const refused = await returnsOf(order)
      await shop.twin.control.clearFaults()
      await minutes(8)
      const mchid = shop.payees[0]?.mchid
      const why = http === 500 ? `WeChat answered 500 ${code}` : code
      const isOpen = !isNever || code === 'NOT_ENOUGH'
      assert.deepEqual(refused, [[mchid, 1_000, isOpen ? 'asked' : 'failed', why]])
      assert.equal((await shop.shareOf(order.id)).returned_amount, isNever ? 0 : 1_000)
      assert.equal((await shop.show(order.id)).status, 'refunded')
    })
  }

  const waitsForPerson = async ({ id }: Json) =>
    (await shop.listed('&attention=true')).some(({ sale_id }) => sale_id === id)
  /** Of the mode, as the metrics show it. */
  async function counted(): Promise<number> {
    const figures = await countShares(shop.database.owner.sql)
    return figures.find(({ mode }) => mode === 'test')?.attention ?? 0
  }

  for (const asking of ['may be asked about', 'may not even be asked about'])
    test(`for now, and ${asking}, holds the refund for a day, and is shown to a person meanwhile`, async () => {
      await meet(returnsPath, [400, 'APPID_MCHID_NOT_MATCH'])
      if (asking.includes('not'))
        await shop.twin.control.fault(
          { method: 'GET', path: `${returnsPath}/*`, times: 0 },
          { name: 'status', http: 400, code: 'APPID_MCHID_NOT_MATCH' },
        )
      const before = await counted()
      const order = await refunding()
      await minutes(3)
      const mchid = shop.payees[0]?.mchid
      const why = 'APPID_MCHID_NOT_MATCH'
      assert.deepEqual(await returnsOf(order), [[mchid, 1_000, 'asked', why]])
      assert.deepEqual([await waitsForPerson(order), await counted()], [true, before + 1])
      await shop.advance(23 * 3_600)
      await shop.tend()
      assert.equal((await shop.show(order.id)).status, 'refunding')
      await shop.advance(3_600)
      await minutes(8)
      await shop.twin.control.clearFaults()
      assert.deepEqual(await returnsOf(order), [[mchid, 1_000, 'failed', why]])
      assert.deepEqual([await waitsForPerson(order), await counted()], [false, before])
      assert.equal((await shop.shareOf(order.id)).returned_amount, 0)
      assert.equal((await shop.show(order.id)).status, 'refunded')
    })
})
