import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { paidOrder, refundBody } from '../testing/orders.ts'
import { isSigned, opened, openReceiver } from '../testing/receiver.ts'
import { openWorld } from '../testing/world.ts'

const world = await openWorld()
const receiver = await openReceiver()
after(async () => {
  await world.close()
  await receiver.close()
})
const merchant = await world.merchant()
const user = world.user()
const { received, url: notify_url } = receiver

beforeEach(async () => {
  await settle()
  received.length = 0
  receiver.answer(() => 204)
  await world.control('DELETE', '/faults')
})

const settle = () => world.control('POST', '/settle', {})
/** Sets the virtual clock, which real time moves on while a test waits for something. */
const turnTo = (at: number) => {
  world.twin.clock.setOffset(at - world.twin.clock.real())
  return settle()
}
const order = (more: Record<string, unknown> = {}) =>
  paidOrder(world, merchant, user, { notify_url, ...more })
const fault = (effect: unknown, path = 'TRANSACTION.SUCCESS') =>
  world.control('POST', '/faults', { rule: { match: { path, mchid: merchant.mchid }, effect } })
const noticeOf = async (ref: string) => {
  const { data } = await world.control('GET', `/notifications?mchid=${merchant.mchid}`)
  return data.find((notice: { ref: string }) => notice.ref === ref)
}
const numbersOf = () => received.map((one) => opened(merchant, one).out_trade_no)

test('a payment is notified: signed, encrypted, and as a query would answer it', async () => {
  const paid = await order()
  await settle()
  const [one] = received
  assert.ok(one !== undefined && received.length === 1)
  assert.ok(isSigned(merchant, one))
  const told = JSON.parse(one.body)
  assert.match(told.id, /^[0-9a-f-]{36}$/)
  assert.match(told.create_time, /\+08:00$/)
  assert.deepEqual(
    { ...told, id: '', create_time: '', resource: { ...told.resource, ciphertext: '', nonce: '' } },
    {
      id: '',
      create_time: '',
      resource_type: 'encrypt-resource',
      event_type: 'TRANSACTION.SUCCESS',
      summary: '支付成功',
      resource: {
        original_type: 'transaction',
        algorithm: 'AEAD_AES_256_GCM',
        ciphertext: '',
        associated_data: 'transaction',
        nonce: '',
      },
    },
  )
  const query = `/v3/pay/transactions/out-trade-no/${paid.out_trade_no}?mchid=${merchant.mchid}`
  assert.deepEqual(opened(merchant, one), (await world.v3(merchant, 'GET', query)).body)
  assert.equal((await noticeOf(paid.out_trade_no)).state, 'delivered')
})

test('the timestamp of a notification is real time, whatever the virtual clock says', async () => {
  world.advance(86_400)
  await order()
  await settle()
  world.advance(-86_400)
  const seconds = Number(received[0]?.headers['wechatpay-timestamp'])
  assert.ok(Math.abs(seconds - Date.now() / 1000) < 5)
})

for (const { end, effect } of [
  { end: 'SUCCESS', effect: undefined },
  { end: 'ABNORMAL', effect: 'refund_abnormal' },
  { end: 'CLOSED', effect: 'refund_closed' },
]) {
  test(`a refund that ends as ${end} is notified with refund_status`, async () => {
    const paid = await paidOrder(world, merchant, user)
    const base = '/v3/refund/domestic/refunds'
    if (effect !== undefined) await fault(effect, base)
    const body = refundBody(paid, 100, { notify_url })
    const { refund_id, user_received_account } = (await world.v3(merchant, 'POST', base, body)).body
    world.advance(31)
    await settle()
    const [one] = received
    assert.ok(one !== undefined)
    const { event_type, resource } = JSON.parse(one.body)
    assert.deepEqual([event_type, resource.original_type], [`REFUND.${end}`, 'refund'])
    const { success_time, ...rest } = opened(merchant, one)
    assert.equal(success_time !== undefined, end === 'SUCCESS')
    assert.deepEqual(rest, {
      mchid: merchant.mchid,
      transaction_id: paid.transaction_id,
      out_trade_no: paid.out_trade_no,
      refund_id,
      out_refund_no: body.out_refund_no,
      refund_status: end,
      user_received_account,
      amount: { total: 10_000, refund: 100, payer_total: 10_000, payer_refund: 100 },
    })
  })
}

test('neither an unpaid nor a closed order is notified', async () => {
  const paid = await order()
  const { transaction_id: _, ...body } = paid
  const other = { ...body, out_trade_no: `${body.out_trade_no}C` }
  await world.v3(merchant, 'POST', '/v3/pay/transactions/jsapi', other)
  await world.v3(
    merchant,
    'POST',
    `/v3/pay/transactions/out-trade-no/${other.out_trade_no}/close`,
    {
      mchid: merchant.mchid,
    },
  )
  await settle()
  assert.deepEqual(numbersOf(), [paid.out_trade_no])
})

test('without an APIv3 key nothing is sent', async () => {
  const bare = await world.merchant({ api_v3_key: '' })
  await paidOrder(world, bare, user, { notify_url })
  await settle()
  assert.equal(received.length, 0)
})

test('what is not answered by 200 or 204 is sent again after 15 s, the same and newly signed', async () => {
  receiver.answer((_, count) => [500, 302, 200][count - 1] ?? 204)
  await order()
  await settle()
  world.advance(5)
  await settle()
  assert.equal(received.length, 1)
  world.advance(11)
  await settle()
  world.advance(16)
  await settle()
  assert.equal(received.length, 3)
  assert.equal(new Set(received.map(({ body }) => body)).size, 1)
  assert.equal(new Set(received.map(({ headers }) => headers['wechatpay-nonce'])).size, 3)
  world.advance(86_400)
  await settle()
  assert.equal(received.length, 3)
})

test('the ladder has fifteen steps over 24 hours and 4 minutes, and then it is given up', async () => {
  receiver.answer(() => 500)
  const paid = await order()
  await settle()
  const steps = [
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600,
  ]
  let due = Date.parse((await noticeOf(paid.out_trade_no)).created_at)
  for (const [place, seconds] of steps.entries()) {
    due += seconds * 1000
    await turnTo(due - 10_000)
    assert.equal(received.length, place + 1, `not before ${seconds} s`)
    await turnTo(due)
    assert.equal(received.length, place + 2, `after ${seconds} s`)
  }
  assert.equal(
    steps.reduce((sum, step) => sum + step, 0),
    24 * 3600 + 240,
  )
  world.advance(10 * 86_400)
  await settle()
  assert.equal(received.length, 16)
  assert.equal((await noticeOf(paid.out_trade_no)).state, 'given_up')
})

test('a jump of the clock climbs the whole ladder at once', async () => {
  receiver.answer(() => 500)
  await order()
  world.advance(86_400 + 240)
  await settle()
  assert.equal(received.length, 16)
})

test('an answer after five seconds is none', async () => {
  assert.equal(world.twin.settings.now.notificationAnswerMs, 5_000)
  await world.control('POST', '/settings', { notificationAnswerMs: 50 })
  receiver.answer(() => 'nothing')
  const paid = await order()
  await settle()
  await world.control('POST', '/settings', { notificationAnswerMs: 5_000 })
  const { state, attempts } = await noticeOf(paid.out_trade_no)
  assert.equal(state, 'pending')
  assert.equal(attempts[0].status, undefined)
  world.advance(16)
  receiver.answer(() => 204)
  await settle()
  assert.equal((await noticeOf(paid.out_trade_no)).state, 'delivered')
})

test('drop_notification: nothing comes, on no step of the ladder', async () => {
  await fault('drop_notification')
  const paid = await order()
  world.advance(86_400)
  await settle()
  assert.equal(received.length, 0)
  assert.equal((await noticeOf(paid.out_trade_no)).state, 'dropped')
})

test('drop_notification of one attempt: it comes with the next', async () => {
  await fault({ drop_notification: { attempts: 1 } })
  await order()
  await settle()
  assert.equal(received.length, 0)
  world.advance(16)
  await settle()
  assert.equal(received.length, 1)
})

test('duplicate_notification: the same comes as often as asked', async () => {
  await fault({ duplicate_notification: { count: 3 } })
  await order()
  await settle()
  assert.equal(received.length, 3)
  assert.equal(new Set(received.map(({ body }) => JSON.parse(body).id)).size, 1)
})

test('delay_notification: it comes so much later', async () => {
  await fault({ delay_notification: { seconds: 300 } })
  await order()
  world.advance(280)
  await settle()
  assert.equal(received.length, 0)
  world.advance(21)
  await settle()
  assert.equal(received.length, 1)
})

test('reorder_notifications: it comes after the next one, or after a minute', async () => {
  await fault('reorder_notifications')
  const first = await order()
  await settle()
  assert.equal(received.length, 0)
  const second = await order()
  await settle()
  assert.deepEqual(numbersOf(), [second.out_trade_no, first.out_trade_no])
  await fault('reorder_notifications')
  const alone = await order()
  world.advance(61)
  await settle()
  assert.equal(numbersOf().at(-1), alone.out_trade_no)
})

test('wrong_amount_notification: genuine, of another amount, which a query does not confirm', async () => {
  await fault({ wrong_amount_notification: { fen: 1 } })
  const paid = await order()
  await settle()
  const [one] = received
  assert.ok(one !== undefined && isSigned(merchant, one))
  const { amount } = opened(merchant, one)
  assert.deepEqual([amount.total, amount.payer_total], [1, 1])
  const query = `/v3/pay/transactions/out-trade-no/${paid.out_trade_no}?mchid=${merchant.mchid}`
  assert.equal((await world.v3(merchant, 'GET', query)).body.amount.total, 10_000)
})

test('bad_signature: it does not hold, and the one on the next step does', async () => {
  receiver.answer((one) => (isSigned(merchant, one) ? 204 : 401))
  await fault('bad_signature')
  const paid = await order()
  await settle()
  assert.deepEqual(
    received.map((one) => isSigned(merchant, one)),
    [false],
  )
  world.advance(16)
  await settle()
  assert.deepEqual(
    received.map((one) => isSigned(merchant, one)),
    [false, true],
  )
  assert.equal((await noticeOf(paid.out_trade_no)).state, 'delivered')
})

test('a probe comes before the notification, and who takes it has not seen that it is one', async () => {
  receiver.answer((one) => (isSigned(merchant, one) ? 204 : 401))
  await fault('probe_signature')
  const careful = await order()
  await settle()
  const signatures = received.map(({ headers }) => String(headers['wechatpay-signature']))
  assert.deepEqual(
    signatures.map((signature) => signature.startsWith('WECHATPAY/SIGNTEST/')),
    [true, false],
  )
  const { attempts } = await noticeOf(careful.out_trade_no)
  assert.deepEqual(
    attempts.map(({ signature, status }: { signature: string; status: number }) => [
      signature,
      status,
    ]),
    [
      ['probe', 401],
      ['good', 204],
    ],
  )
})

test('probeEvery sends a probe before every so many notifications', async () => {
  await world.control('POST', '/settings', { probeEvery: 2 })
  for (let made = 0; made < 4; made += 1) {
    await order()
    await settle()
  }
  await world.control('POST', '/settings', { probeEvery: 0 })
  const isProbe = received.map(({ headers }) =>
    String(headers['wechatpay-signature']).startsWith('WECHATPAY/SIGNTEST/'),
  )
  assert.equal(isProbe.filter(Boolean).length, 2)
  assert.equal(isProbe.length, 6)
})

test('notifications are signed on the side of the ramp that the share says', async () => {
  const both = await world.merchant({ key_mode: 'mixed', share_percent: 100 })
  await paidOrder(world, both, user, { notify_url })
  await settle()
  assert.equal(received.at(-1)?.headers['wechatpay-serial'], both.public_key?.id)
  await world.control('POST', `/merchants/${both.mchid}/rotate`, {
    what: 'public_key',
    share_percent: 0,
  })
  await paidOrder(world, both, user, { notify_url })
  await settle()
  const certificate = both.platform_certificates[0]?.serial_no
  assert.equal(received.at(-1)?.headers['wechatpay-serial'], certificate)
})

test('a fault may be meant for the path of the notify_url, and for the nth of several', async () => {
  const match = { path: '/wechat/*', mchid: merchant.mchid, nth: 2, times: 1 }
  await world.control('POST', '/faults', { rule: { match, effect: 'drop_notification' } })
  const made = [await order(), await order(), await order()]
  await settle()
  const numbers = made.map(({ out_trade_no }) => out_trade_no)
  assert.deepEqual(new Set(numbersOf()), new Set([numbers[0], numbers[2]]))
})

test('a kept connection that the merchant has just closed does not cost a step of the ladder', async () => {
  await order()
  await settle()
  receiver.dropConnections()
  const paid = await order()
  await settle()
  const { state, attempts } = await noticeOf(paid.out_trade_no)
  assert.equal(state, 'delivered')
  assert.equal(attempts.length, 1)
})
