/** Member cards are activated and written on; gift cards are sold by WeChat, sent, taken and refunded. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  baseInfo,
  type Json,
  memberCard,
  startWorld,
  type TestApp,
  type TestWorld,
} from '../test-world.ts'

let world: TestWorld
let account: TestApp
let user: Json
before(async () => {
  world = await startWorld()
  account = await world.app('official_account')
  user = await world.user()
})
after(() => world.stop())

const call = (path: string, body: object) => world.post(account, `/card/${path}`, body)
const errcode = async (path: string, body: object) => (await call(path, body)).errcode
const last = async () => (await world.posted(account)).at(-1)
const openid = (who: Json) => world.twin.users.openidOf(who.id, account.appid)

async function taken(body: object = memberCard()) {
  const { card_id } = await world.ok(account, '/card/create', body)
  const asked = { action_name: 'QR_CARD', action_info: { card: { card_id } } }
  const { ticket } = await world.ok(account, '/card/qrcode/create', asked)
  const { card_list } = await world.do(user, 'add_card', { qr: ticket })
  const opened = { encrypt_code: card_list[0].code }
  const { code } = await world.ok(account, '/card/code/decrypt', opened)
  return { card_id, code }
}
const info = (held: object) => call('membercard/userinfo/get', held)

test('a member card is activated with a number and what is on it', async () => {
  const held = await taken()
  assert.equal((await info(held)).has_active, false)
  const activation = {
    ...held,
    membership_number: '357898858',
    init_bonus: 100,
    init_balance: 1250,
  }
  assert.equal(
    await errcode('membercard/activate', { ...activation, init_custom_field_value1: '白银' }),
    0,
  )
  const shown = await info(held)
  assert.equal(shown.membership_number, '357898858')
  assert.deepEqual([shown.bonus, shown.balance, shown.has_active], [100, 1250, true])
  assert.deepEqual([shown.openid, shown.nickname], [openid(user), '张三'])
  assert.equal((await call('code/get', held)).card.membership_number, '357898858')
})

test('an activation is refused for what it lacks or must not have', async () => {
  const held = await taken()
  const refused = (more: object) =>
    errcode('membercard/activate', { ...held, membership_number: '1', ...more })
  assert.equal(await refused({ membership_number: undefined }), 41011)
  assert.equal(await refused({ code: undefined }), 41011)
  assert.equal(await refused({ code: '1' }), 40056)
  assert.equal(await refused({ init_balance: -1 }), 40097)
  assert.equal(await refused({ init_bonus: -1 }), 40097)
  assert.equal(await refused({ init_bonus: '100' }), 47001)
  assert.equal(await refused({ init_bonus_record: '礼'.repeat(15) }), 45021)
  assert.equal(await refused({ init_balance_record: '礼'.repeat(15) }), 45021)
  assert.equal(await refused({ init_custom_field_value4: 'x' }), 40124)
  assert.equal(await refused({ activate_begin_time: 5, activate_end_time: 5 }), 40100)
  assert.equal(await refused({ activate_begin_time: 5, activate_end_time: 6 }), 0)
  const bonusOnly = await taken(memberCard({}, { supply_balance: false }))
  const onto = { ...bonusOnly, membership_number: '1' }
  assert.equal(await errcode('membercard/activate', { ...onto, init_balance: 1 }), 43010)
  assert.equal(await errcode('membercard/activate', onto), 0)
})

test('a card that activates itself is a member’s at once', async () => {
  const held = await taken(memberCard({}, { auto_activate: true }))
  const shown = await info(held)
  assert.deepEqual([shown.has_active, shown.membership_number], [true, held.code])
})

async function member() {
  const held = await taken()
  await world.ok(account, '/card/membercard/activate', {
    ...held,
    membership_number: '1',
    init_balance: 100,
  })
  return { held, update: (more: object) => call('membercard/updateuser', { ...held, ...more }) }
}

test('figures are set or added to, answered, and told by an event', async () => {
  const { update } = await member()
  const set = await update({ bonus: 3000, balance: 5000 })
  assert.deepEqual([set.result_bonus, set.result_balance, set.openid], [3000, 5000, openid(user)])
  const event = await last()
  assert.equal(event.name, 'update_member_card')
  assert.deepEqual([event.message.ModifyBonus, event.message.ModifyBalance], [3000, 4900])
  const added = await update({ add_bonus: -1000, add_balance: 50 })
  assert.deepEqual([added.result_bonus, added.result_balance], [2000, 5050])
  const before = (await world.events(account)).length
  await update({ custom_field_value1: '黄金' })
  assert.equal((await world.events(account)).length, before)
})

test('an update is refused below nothing, too long, too many fields, or before activation', async () => {
  const { update } = await member()
  const refused = async (more: object) => (await update(more)).errcode
  assert.equal(await refused({ add_balance: -101 }), 40097)
  assert.equal(await refused({ bonus: -1 }), 40097)
  assert.equal(await refused({ balance: 1.5 }), 47001)
  assert.equal(await refused({ record_bonus: '礼'.repeat(15) }), 45021)
  assert.equal(await refused({ record_balance: '礼'.repeat(15) }), 45021)
  assert.equal(await refused({ custom_field_value4: 'x' }), 40124)
  assert.equal(await refused({ notify_optional: [] }), 47001)
  assert.equal((await info((await member()).held)).balance, 100)
  const fresh = await taken()
  assert.equal(await errcode('membercard/updateuser', { ...fresh, bonus: 1 }), 40078)
  const bonusOnly = await taken(memberCard({}, { supply_balance: false }))
  await world.ok(account, '/card/membercard/activate', { ...bonusOnly, membership_number: '1' })
  assert.equal(await errcode('membercard/updateuser', { ...bonusOnly, balance: 1 }), 43010)
  assert.equal(await errcode('membercard/updateuser', { ...bonusOnly, bonus: 1 }), 0)
})

test('a card that its holder does not have any more is not written on', async () => {
  const { held, update } = await member()
  await world.do(user, 'delete_card', { appid: account.appid, code: held.code })
  assert.equal((await update({ bonus: 1 })).errcode, 40127)
})

test('the holder is told of a change where the account asks for it', async () => {
  const { update } = await member()
  const count = async () => (await world.do(user, 'messages')).data.length
  const before = await count()
  await update({ balance: 90 })
  assert.equal(await count(), before)
  await update({
    balance: 80,
    record_balance: '消费 0.10 元',
    notify_optional: { is_notify_balance: true },
  })
  assert.equal(await count(), before + 1)
  assert.equal((await world.do(user, 'messages')).data.at(-1).text, '消费 0.10 元')
})

test('one code is written on sixty times a minute', async () => {
  const { update } = await member()
  await world.control('POST', '/settings', { app: { memberUpdateMinute: 1 } })
  assert.equal((await update({ bonus: 1 })).errcode, 0)
  assert.equal((await update({ bonus: 2 })).errcode, 45061)
  world.pass(60)
  assert.equal((await update({ bonus: 2 })).errcode, 0)
  await world.control('POST', '/settings', { app: { memberUpdateMinute: 60 } })
})

test('the form of a one-click card activates it, and is read by the page’s ticket', async () => {
  const held = await taken(memberCard({}, { wx_activate: true }))
  const fields = { USER_FORM_INFO_FLAG_MOBILE: '13800138000' }
  const form = { required_form: { common_field_id_list: ['USER_FORM_INFO_FLAG_MOBILE'] } }
  assert.equal(await errcode('membercard/activate/geturl', held), 40097)
  assert.equal(await errcode('membercard/activateuserform/set', held), 41011)
  assert.equal(await errcode('membercard/activateuserform/set', { ...held, ...form }), 0)
  const { url } = await call('membercard/activate/geturl', { ...held, outer_str: 'door' })
  assert.equal(new URL(url).searchParams.get('outer_str'), 'door')
  const mine = { appid: account.appid, code: held.code, fields }
  const { activate_ticket } = await world.do(user, 'submit_member_info', mine)
  assert.equal((await last()).name, 'submit_membercard_user_info')
  const filled = await call('membercard/activatetempinfo/get', { activate_ticket })
  const expected = [{ name: 'USER_FORM_INFO_FLAG_MOBILE', value: '13800138000' }]
  assert.deepEqual(filled.info.common_field_list, expected)
  const shown = await info(held)
  assert.equal(shown.has_active, true)
  assert.deepEqual(shown.user_info.common_field_list, expected)
  assert.equal(await errcode('membercard/activatetempinfo/get', { activate_ticket: 'x' }), 40097)
  await world.ok(account, '/card/membercard/activate', { ...held, membership_number: '7' })
  assert.deepEqual((await info(held)).user_info.common_field_list, expected)
})

test('another card has no form', async () => {
  const held = await taken()
  const form = { required_form: { common_field_id_list: [] } }
  assert.equal(await errcode('membercard/activateuserform/set', { ...held, ...form }), 40097)
  const mine = { appid: account.appid, code: held.code, fields: {} }
  assert.equal(await world.refused(user, 'submit_member_info', mine), '40097')
})

const giftCard = {
  card: {
    card_type: 'GENERAL_CARD',
    general_card: { sub_card_type: 'GIFT_CARD', base_info: { ...baseInfo, get_limit: 50 } },
  },
}
const newGiftCard = async () => (await world.ok(account, '/card/create', giftCard)).card_id
const pageOf = (card_id: string) => ({
  page_title: '礼品卡',
  banner_pic_url: 'http://mmbiz.qpic.cn/1/0',
  service_phone: '020-88888888',
  theme_list: [{ theme_pic_url: 'http://mmbiz.qpic.cn/2/0', item_list: [{ card_id }] }],
})

test('a member card is no gift card, nor the other way', async () => {
  const gift = await taken(giftCard)
  assert.equal(await errcode('membercard/activate', { ...gift, membership_number: '1' }), 40071)
  const { held } = await member()
  assert.equal(await errcode('generalcard/updateuser', { ...held, balance: 1 }), 40071)
  assert.equal(await errcode('generalcard/updateuser', { code: gift.code }), 41012)
  assert.equal(await errcode('membercard/userinfo/get', { code: held.code }), 41012)
})

test('a gift card’s balance is written without an activation', async () => {
  const gift = await taken(giftCard)
  const more = { balance: 1250, record_balance: '消费', can_give_friend: false }
  const answer = await call('generalcard/updateuser', { ...gift, ...more })
  assert.deepEqual([answer.errcode, answer.result_balance], [0, 1250])
})

test('pages of gift cards are made, shown, changed, listed, and taken down', async () => {
  const page = pageOf(await newGiftCard())
  const { page_id } = await world.ok(account, '/card/giftcard/page/add', { page })
  assert.equal((await call('giftcard/page/get', { page_id })).page.page_title, '礼品卡')
  await world.ok(account, '/card/giftcard/page/update', {
    page: { ...page, page_id, page_title: '新' },
  })
  assert.equal((await call('giftcard/page/get', { page_id })).page.page_title, '新')
  assert.deepEqual((await call('giftcard/page/batchget', {})).page_id_list, [page_id])
  assert.equal(await errcode('giftcard/page/get', { page_id: 'x' }), 40097)
  const refused = (more: object) => errcode('giftcard/page/add', { page: { ...page, ...more } })
  for (const name of ['page_title', 'banner_pic_url', 'service_phone', 'theme_list'])
    assert.equal(await refused({ [name]: undefined }), 41011, name)
  const item_list = [{ card_id: (await member()).held.card_id }]
  assert.equal(await refused({ theme_list: [{ theme_pic_url: 'u', item_list }] }), 40071)
  assert.equal(await errcode('giftcard/page/add', {}), 41011)
  assert.equal(await errcode('giftcard/maintain/set', { page_id }), 41011)
})

async function bought() {
  const card_id = await newGiftCard()
  const { page_id } = await world.ok(account, '/card/giftcard/page/add', { page: pageOf(card_id) })
  const card_list = [{ card_id, price: 10_000 }]
  const buy = () => world.do(user, 'buy_gift_card', { page_id, card_list, outer_str: 'mid-autumn' })
  return { card_id, page_id, card_list, buy, ...(await buy()) }
}

test('a gift is bought, sent, taken by a friend, and told at each step', async () => {
  const friend = await world.user()
  const { order_id, page_id, card_id } = await bought()
  assert.equal((await last()).name, 'giftcard_pay_done')
  assert.deepEqual(
    [(await last()).message.OrderId, (await last()).message.PageId],
    [order_id, page_id],
  )
  await world.do(user, 'send_gift_card', { order_id, chat_room: true })
  assert.equal((await last()).name, 'giftcard_send_to_friend')
  assert.equal((await last()).message.IsChatRoom, 1)
  await world.do(friend, 'accept_gift_card', { order_id })
  assert.deepEqual((await world.events(account)).slice(-2), [
    'user_get_card',
    'giftcard_user_accept',
  ])
  const { order } = await call('giftcard/order/get', { order_id })
  assert.deepEqual([order.open_id, order.accepter_openid], [openid(user), openid(friend)])
  assert.deepEqual(
    [order.total_price, order.outer_str, order.IsChatRoom],
    [10_000, 'mid-autumn', true],
  )
  const { code } = order.card_list[0]
  assert.equal((await call('code/get', { code })).openid, openid(friend))
  assert.equal((await call('code/get', { code })).card.card_id, card_id)
  assert.equal(await world.refused(user, 'accept_gift_card', { order_id }), '40097')
  assert.equal(await errcode('giftcard/order/refund', { order_id }), 40097)
})

test('a gift is sent by its buyer, once, and not after a refund', async () => {
  const { order_id, buy } = await bought()
  assert.equal(await world.refused(await world.user(), 'send_gift_card', { order_id }), '40097')
  await world.do(user, 'send_gift_card', { order_id })
  assert.equal(await world.refused(user, 'send_gift_card', { order_id }), '40097')
  const { order_id: other } = await buy()
  assert.equal(await errcode('giftcard/order/refund', { order_id: other }), 0)
  assert.equal(await world.refused(user, 'accept_gift_card', { order_id: other }), '40097')
  assert.equal(await errcode('giftcard/order/get', { order_id: 'x' }), 40097)
})

test('nothing is bought on a page in maintenance', async () => {
  const { page_id, card_list } = await bought()
  await world.ok(account, '/card/giftcard/maintain/set', { page_id, maintain: true })
  assert.equal(await world.refused(user, 'buy_gift_card', { page_id, card_list }), '40097')
  await world.ok(account, '/card/giftcard/maintain/set', { all: true, maintain: false })
  assert.ok(await world.do(user, 'buy_gift_card', { page_id, card_list }))
})

test('gift orders are listed by time, order and page', async () => {
  const { order_id } = await bought()
  const now = Math.floor(world.twin.clock.now() / 1000)
  const span = { begin_time: now - 3600, end_time: now + 60, offset: 0, count: 100 }
  const list = (more: object) => call('giftcard/order/batchget', { ...span, ...more })
  assert.equal((await list({})).order_list.at(-1).order_id, order_id)
  assert.equal((await list({ sort_type: 'DESC' })).order_list[0].order_id, order_id)
  assert.equal((await list({ count: 1 })).order_list.length, 1)
  assert.ok((await list({ count: 1 })).total_count > 1)
  assert.equal((await list({ sort_type: 'UP' })).errcode, 40097)
  assert.equal((await list({ count: 101 })).errcode, 40097)
  assert.equal((await list({ offset: -1 })).errcode, 40097)
  assert.equal((await list({ end_time: now - 3600 })).errcode, 40100)
})

test('which merchant and which mini-program sell gifts is told in full', async () => {
  assert.equal(await errcode('giftcard/pay/whitelist/add', { sub_mch_id: '1' }), 0)
  assert.equal(await errcode('giftcard/pay/whitelist/add', {}), 41011)
  assert.equal(await errcode('giftcard/pay/submch/bind', { sub_mch_id: '1' }), 41011)
  assert.equal(await errcode('giftcard/wxa/set', { wxa_appid: 'wx1', page_id: 'p' }), 0)
})
