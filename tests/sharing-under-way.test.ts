/**
 * A share of which no answer came may still arrive at WeChat, whatever WeChat says a moment later: it is not cancelled for
 * a refund until that is over, and of two processes only the one that has it says what came of it.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sendShares } from '../server/src/flows/sharing/send.ts'
import type { Answer, Share, WechatPay } from '../server/src/modules/wechat/index.ts'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

type Json = ReturnType<typeof JSON.parse>
type Asked = Parameters<WechatPay['share']>

let shop: SharingShop
let product_id: string

before(async () => {
  shop = await startSharingShop()
  product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
  // Out of which the merchant pays what does not come back.
  await shop.bought()
})
after(() => shop.stop())

const lost: Answer<Share> = { status: 'unknown', why: 'the answer was lost' }
const refused = (code: string): Answer<Share> => ({ status: 'refused', code, detail: '' })

/** WeChat as one process sees it: as it is, but for sharing. */
function wechatWith(own: Partial<WechatPay>): SharingShop['flows'] {
  const { wechatPay } = shop.flows
  const seen = {
    share: (...asked: Asked) => wechatPay.share(...asked),
    queryShare: (...asked: Parameters<WechatPay['queryShare']>) => wechatPay.queryShare(...asked),
    unfreeze: (...asked: Parameters<WechatPay['unfreeze']>) => wechatPay.unfreeze(...asked),
    ...own,
  }
  return { ...shop.flows, wechatPay: seen as WechatPay }
}

async function sendBy(flows: SharingShop['flows'], ...seconds: number[]): Promise<void> {
  for (const some of seconds) {
    await shop.advance(some)
    await sendShares(flows, 'test')
    await shop.twin.control.settle()
  }
}

async function queued(): Promise<Json> {
  const order = await shop.bought({ product_id })
  await shop.shareOf(order.id)
  return order
}

async function refunding({ id }: Json): Promise<void> {
  const asked = await shop.refund(id)
  assert.equal(asked.status, 200, JSON.stringify(asked.body))
  await shop.tend()
}

async function minutes(count: number): Promise<void> {
  for (let minute = 0; minute < count; minute += 1) {
    await shop.advance(70)
    await shop.tend()
  }
}

const retry = ({ id }: Json) =>
  shop.call('POST', '/v1/wechat/shares/retry', { key: shop.key, body: { sale_id: id } })

const stateOf = async ({ id }: Json) => (await shop.shareOf(id)).status

for (const next of [lost, refused('NO_AUTH'), refused('INVALID_REQUEST')])
  test(`what arrives late is found, and comes back before the refund: then ${next.status}`, async () => {
    const order = await queued()
    const late: Asked[] = []
    const flows = wechatWith({
      share: async (...asked) => (late.push(asked) === 1 ? lost : next),
    })
    await sendBy(flows, 62, 5)
    await refunding(order)
    assert.equal(await stateOf(order), 'asked')
    assert.equal((await shop.show(order.id)).status, 'refunding')
    const [first] = late
    assert.ok(first)
    await shop.flows.wechatPay.share(...first)
    await shop.twin.control.settle()
    await sendBy(shop.flows, 60, 60)
    assert.equal(await stateOf(order), 'finished')
    await minutes(8)
    assert.equal((await shop.shareOf(order.id)).returned_amount, 1_000)
    assert.equal((await shop.show(order.id)).status, 'refunded')
  })

test('what never arrived is cancelled once no call can be under way, though WeChat refuses it for now', async () => {
  const order = await queued()
  let calls = 0
  const flows = wechatWith({
    share: async () => {
      calls += 1
      return calls === 1 ? lost : refused('NO_AUTH')
    },
  })
  await sendBy(flows, 62, 5, 10, 30, 60)
  await refunding(order)
  assert.equal(await stateOf(order), 'asked')
  await sendBy(flows, 300)
  assert.equal(await stateOf(order), 'waiting')
  await minutes(8)
  assert.equal(await stateOf(order), 'cancelled')
  assert.equal((await shop.show(order.id)).status, 'refunded')
})

test('what nobody may ask about ends when WeChat keeps it no longer, for a person to see, and the refund goes out', async () => {
  const order = await queued()
  const flows = wechatWith({ share: async () => lost, queryShare: async () => refused('NO_AUTH') })
  await sendBy(flows, 62)
  await refunding(order)
  const day = 24 * 3_600
  for (let some = 0; some < 29; some += 1) await sendBy(flows, day)
  assert.equal(await stateOf(order), 'asked')
  assert.equal((await shop.show(order.id)).status, 'refunding')
  await sendBy(flows, day)
  const share = await shop.shareOf(order.id)
  assert.deepEqual(
    [share.status, share.reason, share.rest, share.attention],
    ['failed', 'unknown_at_wechat', 'refused', true],
  )
  await minutes(8)
  assert.equal((await shop.show(order.id)).status, 'refunded')
  // Who has looked ends it.
  assert.equal((await retry(order)).status, 200)
  await sendBy(shop.flows, 1, 60)
  assert.equal((await shop.shareOf(order.id)).attention, false)
})

test('and so does what is to be let go', async () => {
  const order = await queued()
  const flows = wechatWith({
    share: async () => refused('INVALID_REQUEST'),
    unfreeze: async () => lost,
    queryShare: async () => refused('NO_AUTH'),
  })
  const day = 24 * 3_600
  await sendBy(flows, 62, 60, ...Array.from({ length: 29 }, () => day))
  assert.equal((await shop.shareOf(order.id)).rest, 'asked')
  await sendBy(flows, day)
  const { rest, rest_reason } = await shop.shareOf(order.id)
  assert.deepEqual([rest, rest_reason], ['free', 'expired'])
})

/** A process that is asking WeChat until `answer` says what came of it. */
async function asking(): Promise<(it: Answer<Share>) => Promise<void>> {
  const called = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<Answer<Share>>()
  const flows = wechatWith({
    share: () => {
      called.resolve()
      return answered.promise
    },
  })
  await shop.advance(62)
  const sending = sendShares(flows, 'test')
  await called.promise
  return async (it) => {
    answered.resolve(it)
    await sending
  }
}

test('a retry leaves alone what a process is asking for, and what may be under way', async () => {
  const order = await queued()
  let calls = 0
  const count = async () => {
    calls += 1
    return refused('RESOURCE_NOT_EXISTS')
  }
  const other = wechatWith({ share: count, queryShare: count })
  const answer = await asking()
  assert.equal((await retry(order)).status, 200)
  await sendBy(other, 1)
  assert.equal(calls, 0)
  await answer(lost)
  assert.equal((await retry(order)).status, 200)
  await sendBy(other, 1)
  assert.equal(calls, 0)
  await sendBy(shop.flows, 75, 60)
  assert.equal(await stateOf(order), 'finished')
})

test('who had it before does not say what came of it any more', async () => {
  const order = await queued()
  const answer = await asking()
  // The lease is over.
  await shop.advance(61)
  await sendShares(shop.flows, 'test')
  assert.equal(await stateOf(order), 'processing')
  await answer(refused('INVALID_REQUEST'))
  assert.equal(await stateOf(order), 'processing')
  await shop.twin.control.settle()
  await sendBy(shop.flows, 60)
  assert.equal(await stateOf(order), 'finished')
})
