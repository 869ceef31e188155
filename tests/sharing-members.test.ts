/** Persons who get a share of a sale: found as members, known to WeChat by an OpenID that nobody else sees. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sendShares } from '../server/src/flows/sharing/send.ts'
import type { Answer, Share, WechatPay } from '../server/src/modules/wechat/index.ts'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

let shop: SharingShop

before(async () => {
  shop = await startSharingShop()
})
after(() => shop.stop())

test('a person gets his part by his OpenID, which no answer shows', async () => {
  const { buyer } = shop
  const told = { member_id: buyer.member, name: '张三', relation: 'STAFF', share_bp: 1_000 }
  const product = await shop.makeProduct(shop.key, { cooling_off_hours: 3 })
  const rule = await shop.rule({ product_id: product }, [told])
  assert.equal(rule.status, 201)
  assert.deepEqual(rule.body.receivers, [
    { mchid: null, member_id: buyer.member, name: null, relation: 'STAFF', share_bp: 1_000 },
  ])
  const order = await shop.bought({ product_id: product, amount: 10_000 })
  await shop.shareOf(order.id)
  await shop.send(62, 60)
  const share = await shop.shareOf(order.id)
  assert.deepEqual([share.status, share.amount], ['finished', 1_000])
  const { payments } = await shop.show(order.id)
  const [sent] = await shop.callsOf('/v3/profitsharing/orders', payments[0].out_trade_no)
  assert.deepEqual(
    sent.receivers.map(({ type, account, amount }: Record<string, unknown>) => [
      type,
      account,
      amount,
    ]),
    [['PERSONAL_OPENID', buyer.openid, 1_000]],
  )
  for (const answer of [rule.body, share, await shop.listed()])
    assert.ok(!JSON.stringify(answer).includes(buyer.openid))
})

test('what a person got does not come back, and the buyer has all of his refund', async () => {
  const { buyer } = shop
  const product_id = await shop.sharedProduct([
    { member_id: buyer.member, relation: 'STAFF', share_bp: 1_000 },
    shop.receiver(0, 500),
  ])
  const order = await shop.bought({ product_id, amount: 10_000 })
  await shop.shareOf(order.id)
  await shop.send(62, 60)
  assert.equal((await shop.refund(order.id)).status, 200)
  for (let visits = 0; visits < 4; visits += 1) {
    await shop.advance(60)
    await shop.tend()
    await shop.twin.control.settle()
  }
  const shown = await shop.show(order.id)
  assert.deepEqual([shown.status, shown.refunded_amount], ['refunded', 10_000])
  const { returns } = await shop.shareOf(order.id)
  const by = (has: 'mchid' | 'member_id') =>
    returns.find((one: Record<string, unknown>) => one[has] !== null)
  assert.deepEqual(
    [by('member_id').status, by('member_id').reason],
    ['failed', 'payee_is_a_person'],
  )
  assert.deepEqual([by('mchid').status, by('mchid').amount], ['succeeded', 500])
})

test('a member of nobody is refused, beside whoever may get a share', async () => {
  const product_id = await shop.makeProduct(shop.key, {})
  const nobody = { member_id: `mem_${'0'.repeat(32)}`, relation: 'STAFF', share_bp: 100 }
  const answer = await shop.rule({ product_id }, [shop.receiver(0, 100), nobody])
  assert.equal(answer.body.code, 'member.not_found')
  const { body } = await shop.get(shop.key, '/v1/wechat/sharing_rules')
  assert.ok(!body.data.some((rule: { product_id: string }) => rule.product_id === product_id))
})

test('who comes by the app of the sale while his part is under way by another is told by his amount', async () => {
  const { buyer } = shop
  const receivers = [{ member_id: buyer.member, relation: 'STAFF', share_bp: 1_000 }]
  const product_id = await shop.sharedProduct(receivers)
  const order = await shop.bought({ product_id, amount: 10_000 })
  await shop.shareOf(order.id)
  const before = await shop.accounts('shared_sales', 'wechat')
  const told = (result: 'pending' | 'closed'): Answer<Share> => ({
    status: 'done',
    value: {
      outOrderNo: '',
      orderId: '30',
      transactionId: '',
      state: result === 'pending' ? 'processing' : 'finished',
      receivers: [
        {
          account: 'of-another-app',
          amount: 1_000n,
          result,
          ...(result === 'closed' && { failReason: 'RECEIVER_REAL_NAME_NOT_VERIFIED' }),
        },
      ],
    },
  })
  const wechatPay: WechatPay = {
    ...shop.flows.wechatPay,
    share: async () => told('pending'),
    queryShare: async () => told('closed'),
  }
  for (const seconds of [62, 60]) {
    await shop.advance(seconds)
    await sendShares({ ...shop.flows, wechatPay }, 'test')
  }
  const share = await shop.shareOf(order.id)
  assert.deepEqual([share.status, share.reason], ['failed', 'RECEIVER_REAL_NAME_NOT_VERIFIED'])
  assert.deepEqual(await shop.accounts('shared_sales', 'wechat'), before)
})
