/**
 * The ways of paying an order, each from the question to the delivery: in a page, in the mini-program, by a code, in a
 * browser; without credit cards where a policy forbids them, and for a company.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openBuyer } from '../server/src/modules/cards/index.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

type Json = ReturnType<typeof JSON.parse>

/** Under the law of multi-purpose cards, and without any. */
let lawful: OrderShop
let open: OrderShop
before(async () => {
  lawful = await startOrderShop({ issuerPacks: ['multi-purpose'] })
  open = await startOrderShop()
  const charter = { title: '章程', document: 'The rules of the card.' }
  const { status, body } = await lawful.call('POST', '/v1/charters', {
    key: lawful.key,
    body: charter,
  })
  assert.equal(status, 201, JSON.stringify(body))
})
after(async () => {
  try {
    for (const shop of [lawful, open]) await shop.check()
  } finally {
    for (const shop of [lawful, open]) await shop.stop()
  }
})

/** A person in WeChat who has logged in to both apps, and is one member. */
async function inBothApps(shop: OrderShop) {
  const { control } = shop.twin
  const user = await control.user({ balance_fen: 1_000_000 })
  const logIn = async (app: Json, action: string) => {
    const asked = { appid: app.appid, scope: 'snsapi_userinfo' }
    const { code } = await control.do(user.id, action, asked)
    const body = { app_id: app.id, code }
    const session = await shop.call('POST', '/wallet/v1/sessions', { body })
    assert.equal(session.status, 201, JSON.stringify(session.body))
    return session.body
  }
  const { member } = await logIn(shop.official, 'oauth_code')
  const session = await logIn(shop.miniProgram, 'js_code')
  return { id: user.id, member: member.id as string, token: session.token as string }
}

const atWechat = async (shop: OrderShop, outTradeNo: string): Promise<Json> => {
  const all: Json[] = await shop.twin.control.orders(shop.merchant.mchid)
  return all.find((one) => one.out_trade_no === outTradeNo)
}

const paymentsOf = async (shop: OrderShop, id: string) =>
  (await shop.show(id)).payments.map(({ scene, status }: Json) => [scene, status])

/** Ways, with what each needs besides its name. */
const waysOf = (shop: OrderShop): { scene: string; more: object }[] => [
  { scene: 'jsapi', more: { app_id: shop.official.id } },
  { scene: 'mini_program', more: { app_id: shop.miniProgram.id } },
  { scene: 'native', more: {} },
  { scene: 'h5', more: { client_ip: '203.0.113.7' } },
]
const scenes = ['jsapi', 'mini_program', 'native', 'h5']

async function asked(shop: OrderShop, member: string, scene: string) {
  const { id } = await shop.ordered({ member_id: member })
  const way = waysOf(shop).find((one) => one.scene === scene)
  const invitation = await shop.invited(id, { scene, ...way?.more })
  return { id: id as string, invitation }
}

describe('a credit card', () => {
  for (const scene of scenes) {
    test(`is kept out of ${scene} where the policy of the issuer forbids it`, async () => {
      const buyer = await inBothApps(lawful)
      await lawful.twin.control.do(buyer.id, 'change', { pays_with: 'credit' })
      const { id, invitation } = await asked(lawful, buyer.member, scene)
      assert.equal((await atWechat(lawful, invitation.out_trade_no)).no_credit, true)
      const path = `/v3/pay/transactions/${scene === 'mini_program' ? 'jsapi' : scene}`
      const sent = (await lawful.twin.control.requests(path)).at(-1)
      assert.deepEqual(JSON.parse(sent.body).limit_pay, ['no_credit'])
      await assert.rejects(lawful.payInWechat(invitation, buyer.id), /409.*NO_CREDIT_CARDS/)
      assert.equal((await lawful.show(id)).status, 'paying')
      await lawful.twin.control.do(buyer.id, 'change', { pays_with: 'debit' })
      await lawful.payInWechat(invitation, buyer.id)
      assert.equal((await lawful.show(id)).status, 'delivered')
    })

    test(`pays in ${scene} where no policy speaks of it`, async () => {
      const buyer = await inBothApps(open)
      await open.twin.control.do(buyer.id, 'change', { pays_with: 'credit' })
      const { id, invitation } = await asked(open, buyer.member, scene)
      assert.equal((await atWechat(open, invitation.out_trade_no)).no_credit, false)
      await open.payInWechat(invitation, buyer.id)
      assert.equal((await open.show(id)).status, 'delivered')
    })
  }

  test('does not top a card up either', async () => {
    const buyer = await inBothApps(lawful)
    await lawful.twin.control.do(buyer.id, 'change', { pays_with: 'credit' })
    const card = await lawful.makeCard(lawful.key, lawful.product, 1_000)
    assert.ok(card.id, JSON.stringify(card))
    const topUp = { kind: 'top_up', card_id: card.id, product_id: undefined, amount: 2_000 }
    const { id } = await lawful.ordered({ ...topUp, member_id: buyer.member })
    const invitation = await lawful.invited(id, { scene: 'native' })
    assert.equal((await atWechat(lawful, invitation.out_trade_no)).no_credit, true)
    await assert.rejects(lawful.payInWechat(invitation, buyer.id), /NO_CREDIT_CARDS/)
  })
})

describe('an order in the mini-program', () => {
  test('is paid there and delivered, under one key once', async () => {
    const buyer = await inBothApps(open)
    const { id } = await open.ordered({ channel: 'mini_program', member_id: buyer.member })
    const [before = 0] = await open.accounts('wechat')
    const ask = () =>
      open.again(open.key, `/v1/orders/${id}/pay`, `mini-${id}`, {
        scene: 'mini_program',
        app_id: open.miniProgram.id,
      })
    const first = await ask()
    assert.equal(first.status, 200, JSON.stringify(first.body))
    assert.deepEqual((await ask()).body, first.body)
    const { out_trade_no: no, parameters } = first.body
    const order = await atWechat(open, no)
    assert.deepEqual([order.appid, order.trade_type], [open.miniProgram.appid, 'JSAPI'])
    // As `wx.requestPayment` gets them: their signature is looked at.
    await open.twin.control.do(buyer.id, 'pay', { parameters })
    await open.twin.control.settle()
    const paid = await open.show(id)
    assert.deepEqual(
      [paid.status, paid.channel, paid.cards.length],
      ['delivered', 'mini_program', 1],
    )
    assert.deepEqual(await paymentsOf(open, id), [['mini_program', 'paid']])
    assert.deepEqual(await open.accounts('wechat'), [before + 10_000])
  })

  test('is paid by whom it was made for: another member of the app cannot', async () => {
    const [buyer, other] = [await inBothApps(open), await inBothApps(open)]
    const { id, invitation } = await asked(open, buyer.member, 'mini_program')
    await assert.rejects(open.payInWechat(invitation, other.id), /ANOTHER_USER/)
    assert.equal((await open.show(id)).status, 'paying')
  })

  test('asks for a member who has been there', async () => {
    const { id } = await open.ordered()
    const more = { scene: 'mini_program', app_id: open.miniProgram.id }
    assert.equal((await open.invite(id, more)).body.code, 'order.payer_unknown')
  })

  test('is bought by the member himself, in his wallet', async () => {
    const buyer = await inBothApps(open)
    const body = { kind: 'purchase', product_id: open.product, amount: 10_000 }
    const own = await open.post(buyer.token, '/wallet/v1/orders', body)
    assert.deepEqual([own.status, own.body.channel], [201, 'mini_program'])
    const path = `/wallet/v1/orders/${own.body.id}`
    const invitation = await open.post(buyer.token, `${path}/pay`, { scene: 'mini_program' })
    assert.equal(invitation.status, 200, JSON.stringify(invitation.body))
    await open.payInWechat(invitation.body, buyer.id)
    assert.equal((await open.get(buyer.token, path)).body.status, 'delivered')
  })

  for (const [from, to] of [
    ['jsapi', 'mini_program'],
    ['mini_program', 'jsapi'],
  ] as const) {
    test(`taken along from ${from} to ${to}: the older number is closed, and one is charged`, async () => {
      const buyer = await inBothApps(open)
      const [before = 0] = await open.accounts('wechat')
      const { id, invitation: older } = await asked(open, buyer.member, from)
      const way = waysOf(open).find(({ scene }) => scene === to)
      const newer = await open.invited(id, { scene: to, ...way?.more })
      assert.notEqual(newer.out_trade_no, older.out_trade_no)
      assert.equal((await atWechat(open, older.out_trade_no)).state, 'CLOSED')
      await assert.rejects(open.payInWechat(older, buyer.id), /ORDER_CLOSED/)
      await open.payInWechat(newer, buyer.id)
      assert.equal((await open.show(id)).status, 'delivered')
      assert.deepEqual(await paymentsOf(open, id), [
        [from, 'closed'],
        [to, 'paid'],
      ])
      assert.deepEqual(await open.accounts('wechat'), [before + 10_000])
    })
  }
})

test('a company buys cards by order and pays by a code; it is on record as a unit', async () => {
  const buyer = {
    kind: 'unit',
    name: '北京茶叶进出口有限公司',
    id_type: 'social_credit_code',
    id_number: '91110000MA00000000',
    phone: '010-12345678',
  }
  const clerk = await inBothApps(lawful)
  const { id } = await lawful.ordered({
    channel: 'corporate',
    member_id: undefined,
    buyer,
    amount: 50_000,
    quantity: 30,
  })
  const invitation = await lawful.invited(id, { scene: 'native' })
  assert.match(invitation.code_url, /^weixin:/)
  await lawful.twin.control.do(clerk.id, 'change', { balance_fen: 2_000_000 })
  await lawful.payInWechat(invitation, clerk.id)
  const paid = await lawful.show(id)
  assert.deepEqual(
    [paid.status, paid.channel, paid.total, paid.cards.length],
    ['delivered', 'corporate', 1_500_000, 30],
  )
  const { database, keyring } = lawful.flows
  const { id_type: idType, id_number: idNumber, ...rest } = buyer
  assert.deepEqual(await openBuyer(database.sql, keyring, lawful.idOf(id)), {
    ...rest,
    idType,
    idNumber,
  })
  assert.ok(!JSON.stringify(paid).includes(buyer.id_number), 'answered nowhere')
  assert.ok(!lawful.logged.join().includes(buyer.id_number), 'logged nowhere')
})

test('what a company buys for so much needs the company known', async () => {
  const large = { channel: 'corporate', member_id: undefined, amount: 50_000, quantity: 30 }
  assert.equal((await lawful.order(large)).body.code, 'policy.identity_required')
})
