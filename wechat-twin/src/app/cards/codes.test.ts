/** What an account does with codes that users hold, and what users do with them: states, events, and cards as a whole. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, memberCard, startWorld, type TestApp, type TestWorld } from '../test-world.ts'

let world: TestWorld
let account: TestApp
let user: Json
before(async () => {
  world = await startWorld()
  account = await world.app('official_account')
  user = await world.user()
})
after(() => world.stop())

const many = { get_limit: 50 }
const newCard = async (base: object = {}, detail: object = {}): Promise<string> =>
  (await world.ok(account, '/card/create', memberCard({ ...many, ...base }, detail))).card_id

/** Takes one of the card for the user; an own code where the card has such. */
async function take(card_id: string, code?: string, who: Json = user): Promise<string> {
  const action_info = { card: { card_id, code } }
  const asked = { action_name: 'QR_CARD', action_info }
  const { ticket } = await world.ok(account, '/card/qrcode/create', asked)
  const { card_list } = await world.do(who, 'add_card', { qr: ticket })
  const opened = { encrypt_code: card_list[0].code }
  return (await world.ok(account, '/card/code/decrypt', opened)).code
}
const taken = async (base: object = {}) => {
  const card_id = await newCard(base)
  return { card_id, code: await take(card_id) }
}
const ask = (path: string, body: object) => world.post(account, `/card/code/${path}`, body)
const errcode = async (path: string, body: object) => (await ask(path, body)).errcode
const mine = (more: object) => ({ appid: account.appid, ...more })
const last = async () => (await world.posted(account)).at(-1)
const openid = (who: Json) => world.twin.users.openidOf(who.id, account.appid)

test('a code says whose it is, for how long, and whether it can be used', async () => {
  const { card_id, code } = await taken({
    date_info: { type: 'DATE_TYPE_FIX_TERM', fixed_term: 1 },
  })
  const got = await ask('get', { code })
  assert.equal(got.errcode, 0)
  assert.equal(got.card.card_id, card_id)
  assert.equal(got.card.end_time - got.card.begin_time, 86_400)
  assert.equal(got.openid, openid(user))
  assert.deepEqual([got.can_consume, got.user_card_status], [true, 'NORMAL'])
  await world.wait(86_400)
  assert.equal(await errcode('get', { code }), 40079)
  const over = await ask('get', { code, check_consume: false })
  assert.deepEqual([over.errcode, over.can_consume, over.user_card_status], [0, false, 'EXPIRE'])
})

test('a code that begins later cannot be used yet', async () => {
  const { code } = await taken({
    date_info: { type: 'DATE_TYPE_FIX_TERM', fixed_term: 5, fixed_begin_term: 1 },
  })
  assert.equal(await errcode('consume', { code }), 40079)
  await world.wait(86_400)
  assert.equal(await errcode('consume', { code }), 0)
})

test('of a hundred consumptions of one code at once, one succeeds and one event is sent', async () => {
  const { card_id, code } = await taken()
  const before = (await world.events(account)).length
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask('consume', { code })))
  const [good, ...others] = answers.filter(({ errcode: e }: Json) => e === 0)
  assert.deepEqual(others, [])
  assert.deepEqual([good.card.card_id, good.openid], [card_id, openid(user)])
  assert.equal(answers.filter(({ errcode: e }: Json) => e === 40099).length, 99)
  const events = (await world.posted(account)).slice(before)
  assert.deepEqual(
    events.map(({ name }: Json) => name),
    ['user_consume_card'],
  )
  assert.equal(events[0].message.ConsumeSource, 'FROM_API')
  assert.equal(await errcode('get', { code }), 40099)
  assert.equal((await ask('get', { code, check_consume: false })).user_card_status, 'CONSUMED')
})

test('own codes are looked for within their card, WeChat’s anywhere', async () => {
  const [one, other] = [
    await newCard({ use_custom_code: true }),
    await newCard({ use_custom_code: true }),
  ]
  await take(one, 'LK-1')
  await take(other, 'LK-1')
  assert.equal(await errcode('get', { code: 'LK-1' }), 40056)
  assert.equal((await ask('get', { code: 'LK-1', card_id: one })).card.card_id, one)
  assert.equal((await ask('get', { code: 'LK-1', card_id: other })).card.card_id, other)
  const { card_id, code } = await taken()
  assert.equal(await errcode('get', { code, card_id }), 0)
  assert.equal(await errcode('get', { code, card_id: await newCard() }), 40056)
})

test('a code is named, short enough, and of a card of the account', async () => {
  const { card_id, code } = await taken()
  assert.equal(await errcode('get', {}), 41011)
  assert.equal(await errcode('get', { code: 'x'.repeat(65) }), 40116)
  const other = await world.app('official_account')
  assert.equal((await world.post(other, '/card/code/get', { code })).errcode, 40056)
  assert.equal((await world.post(other, '/card/code/get', { code, card_id })).errcode, 45030)
})

test('a code gets another number, and the old one is nobody’s', async () => {
  const { card_id, code } = await taken()
  const { code: other } = { code: await take(card_id) }
  assert.equal(await errcode('update', { code, card_id }), 40116)
  assert.equal(await errcode('update', { code, card_id, new_code: other }), 40116)
  assert.equal(await errcode('update', { code, card_id, new_code: 'a b' }), 40116)
  assert.equal(await errcode('update', { code, card_id, new_code: 'NEW-1' }), 0)
  assert.equal(await errcode('get', { code }), 40056)
  assert.equal(await errcode('get', { code: 'NEW-1' }), 0)
})

test('a code that was withdrawn cannot be used, a used one not withdrawn', async () => {
  const { code } = await taken()
  assert.equal(await errcode('unavailable', { code, reason: '退款' }), 0)
  assert.equal(await errcode('consume', { code }), 40127)
  assert.equal(await errcode('unavailable', { code }), 40127)
  assert.equal((await ask('get', { code, check_consume: false })).user_card_status, 'UNAVAILABLE')
  const { code: used } = await taken()
  await ask('consume', { code: used })
  assert.equal(await errcode('unavailable', { code: used }), 40099)
})

test('a card given to a friend is his under another code, and both are told', async () => {
  const friend = await world.user()
  const { card_id, code } = await taken()
  await world.do(user, 'give_card', mine({ code, to: friend.id }))
  const given = await last()
  assert.equal(given.name, 'user_gifting_card')
  assert.equal(given.message.FriendUserName, openid(friend))
  assert.deepEqual([given.message.IsReturnBack, given.message.IsChatRoom], [0, 0])
  assert.equal(await errcode('consume', { code }), 40127)
  const accepted = await world.do(friend, 'accept_card', mine({ code }))
  assert.notEqual(accepted.code, code)
  const got = await last()
  assert.equal(got.name, 'user_get_card')
  assert.equal(got.message.IsGiveByFriend, 1)
  assert.equal(got.message.FriendUserName, openid(user))
  assert.equal(got.message.OldUserCardCode, code)
  assert.equal(got.message.UserCardCode, accepted.code)
  assert.equal((await ask('get', { code: accepted.code })).openid, openid(friend))
  assert.equal(await errcode('consume', { code }), 40127)
  assert.equal(await world.refused(friend, 'accept_card', mine({ code })), '40127')
  assert.deepEqual(accepted.card_id, card_id)
})

test('an own code stays the same when it is given', async () => {
  const friend = await world.user()
  const card_id = await newCard({ use_custom_code: true })
  const code = await take(card_id, 'LK-GIFT')
  await world.do(user, 'give_card', mine({ code, card_id }))
  assert.equal((await world.do(friend, 'accept_card', mine({ code, card_id }))).code, 'LK-GIFT')
  assert.equal((await ask('get', { code, card_id })).openid, openid(friend))
})

test('a gift that nobody takes in a day comes back and can be used', async () => {
  const friend = await world.user()
  const { code } = await taken()
  await world.do(user, 'give_card', mine({ code, chat_room: true }))
  assert.equal((await last()).message.IsChatRoom, 1)
  await world.wait(86_400)
  const back = await last()
  assert.equal(back.name, 'user_gifting_card')
  assert.equal(back.message.IsReturnBack, 1)
  const got = await ask('get', { code, check_consume: false })
  assert.deepEqual([got.user_card_status, got.can_consume], ['GIFT_TIMEOUT', true])
  assert.equal(await world.refused(friend, 'accept_card', mine({ code })), '40127')
  assert.equal(await errcode('consume', { code }), 0)
})

test('the day of one gift does not end the next one', async () => {
  const [friend, other] = [await world.user(), await world.user()]
  const card_id = await newCard({ use_custom_code: true })
  const held = mine({ card_id, code: await take(card_id, 'LK-TWICE') })
  await world.do(user, 'give_card', held)
  await world.do(friend, 'accept_card', held)
  await world.wait(43_200)
  await world.do(friend, 'give_card', held)
  await world.wait(43_200)
  const got = await ask('get', { card_id, code: 'LK-TWICE', check_consume: false })
  assert.equal(got.user_card_status, 'GIFTING')
  assert.ok(await world.do(other, 'accept_card', held))
})

test('only the holder gives, deletes or shows a card, and not everything may be given', async () => {
  const other = await world.user()
  const { code } = await taken()
  for (const action of ['give_card', 'delete_card', 'view_card', 'enter_session'])
    assert.equal(await world.refused(other, action, mine({ code })), '40127', action)
  assert.equal(await world.refused(user, 'give_card', mine({ code, to: 'nobody' })), '40003')
  await world.do(user, 'give_card', mine({ code }))
  assert.equal(await world.refused(user, 'give_card', mine({ code })), '40127')
  assert.equal(await world.refused(user, 'accept_card', mine({ code })), '40127')
  const { code: kept } = await taken({ can_give_friend: false })
  assert.equal(await world.refused(user, 'give_card', mine({ code: kept })), '40097')
})

test('looking at a card, going to its account and paying from it are told', async () => {
  const { card_id, code } = await taken()
  for (const [action, event] of [
    ['view_card', 'user_view_card'],
    ['enter_session', 'user_enter_session_from_card'],
    ['pay_from_card', 'user_pay_from_pay_cell'],
  ] as const) {
    await world.do(user, action, mine({ code, fee: 100, original_fee: 200 }))
    const { name, message } = await last()
    assert.equal(name, event)
    assert.deepEqual([message.CardId, message.UserCardCode], [card_id, code])
  }
  assert.deepEqual([(await last()).message.Fee, (await last()).message.OriginalFee], [100, 200])
})

test('a member card that was deleted comes back with its code', async () => {
  const { card_id, code } = await taken()
  await world.do(user, 'delete_card', mine({ code }))
  assert.equal((await last()).name, 'user_del_card')
  assert.equal(await take(card_id), code)
  assert.equal((await last()).message.IsRestoreMemberCard, 1)
  assert.equal(await errcode('get', { code }), 0)
})

test('a coupon that was deleted is gone: the next one has another code', async () => {
  const { base_info } = memberCard({
    ...many,
    date_info: { type: 'DATE_TYPE_FIX_TERM', fixed_term: 9 },
  }).card.member_card
  const coupon = { card: { card_type: 'GIFT', gift: { base_info, gift: '一份甜点' } } }
  const { card_id } = await world.ok(account, '/card/create', coupon)
  const code = await take(card_id)
  await world.do(user, 'delete_card', mine({ code }))
  assert.notEqual(await take(card_id), code)
  assert.equal((await last()).message.IsRestoreMemberCard, 0)
})

test('the account sees what a user holds', async () => {
  const holder = await world.user()
  const card_id = await newCard()
  const code = await take(card_id, undefined, holder)
  const list = (more: object) =>
    world.post(account, '/card/user/getcardlist', { openid: openid(holder), ...more })
  assert.deepEqual((await list({})).card_list, [{ code, card_id }])
  assert.deepEqual((await list({ card_id: await newCard() })).card_list, [])
  assert.equal((await list({ openid: 'o1' })).errcode, 40003)
  const [shown, ...others] = (await world.do(holder, 'cards')).data
  assert.deepEqual(others, [])
  const { appid } = account
  assert.deepEqual(shown, { appid, card_id, code, title: '会员卡', status: 'NORMAL' })
})

test('codes that were deposited are handed out in turn, as many as were uploaded', async () => {
  const mode = { get_custom_code_mode: 'GET_CUSTOM_CODE_MODE_DEPOSIT', sku: { quantity: 0 } }
  const card_id = await newCard({ use_custom_code: true, ...mode })
  const deposit = (code: unknown) => ask('deposit', { card_id, code })
  assert.deepEqual((await deposit(['A1', 'A2', 'b c'])).fail_code, ['b c'])
  assert.deepEqual((await deposit(['A2', 'A3'])).duplicate_code, ['A2'])
  assert.equal((await ask('getdepositcount', { card_id })).count, 3)
  const checked = await ask('checkcode', { card_id, code: ['A1', 'A9'] })
  assert.deepEqual([checked.exist_code, checked.not_exist_code], [['A1'], ['A9']])
  assert.equal((await deposit([])).errcode, 40097)
  assert.equal((await deposit(Array.from({ length: 101 }, String))).errcode, 40097)
  assert.equal((await deposit('A1')).errcode, 47001)
  assert.equal((await deposit([1])).errcode, 47001)
  const stock = (more: object) => world.post(account, '/card/modifystock', { card_id, ...more })
  assert.equal((await stock({ increase_stock_value: 4 })).errcode, 40122)
  assert.equal((await stock({ increase_stock_value: 3 })).errcode, 0)
  assert.deepEqual([await take(card_id), await take(card_id)], ['A1', 'A2'])
  assert.deepEqual((await deposit(['A1'])).duplicate_code, ['A1'])
  const plain = await newCard()
  assert.equal((await ask('deposit', { card_id: plain, code: ['A1'] })).errcode, 40097)
})

const card = (path: string, body: object) => world.post(account, `/card/${path}`, body)

test('stock goes up and down, never below nothing', async () => {
  const card_id = await newCard({ sku: { quantity: 10 } })
  const stock = async (more: object) => (await card('modifystock', { card_id, ...more })).errcode
  assert.equal(await stock({ increase_stock_value: -1 }), 40122)
  assert.equal(await stock({ reduce_stock_value: -1 }), 40122)
  assert.equal(await stock({ increase_stock_value: 5 }), 0)
  assert.equal(await stock({ reduce_stock_value: 15 }), 0)
  assert.equal(await stock({ reduce_stock_value: 1 }), 40122)
  assert.equal(await stock({ increase_stock_value: '5' }), 47001)
  assert.equal(await stock({ increase_stock_value: 100_000_001 }), 40122)
  assert.equal(await stock({}), 40122)
  const shown = (await card('get', { card_id })).card
  assert.equal(shown.card_type, 'MEMBER_CARD')
  const { base_info } = shown.member_card
  assert.deepEqual(base_info.sku, { quantity: 0, total_quantity: 0 })
  assert.equal(base_info.status, 'CARD_STATUS_VERIFY_OK')
})

test('a changed card is shown as it is now, and looked at again where its words changed', async () => {
  const card_id = await newCard()
  const change = (base_info: object) => card('update', { card_id, member_card: { base_info } })
  assert.equal((await change({ get_limit: 3 })).send_check, false)
  assert.equal((await change({ title: '新卡' })).send_check, true)
  assert.equal((await last()).name, 'card_pass_check')
  const { base_info } = (await card('get', { card_id })).card.member_card
  assert.deepEqual([base_info.title, base_info.get_limit], ['新卡', 3])
  assert.equal((await change({ brand_name: '新' })).errcode, 40097)
})

test('an account lists its own cards by page and status', async () => {
  account = await world.app('official_account')
  const ids = [await newCard(), await newCard(), await newCard()]
  await card('delete', { card_id: ids[1] })
  const list = (more: object) => card('batchget', { offset: 0, count: 50, ...more })
  assert.deepEqual((await list({})).card_id_list, ids)
  assert.deepEqual((await list({ offset: 1, count: 1 })).card_id_list, [ids[1]])
  assert.equal((await list({ count: 1 })).total_num, 3)
  assert.deepEqual((await list({ status_list: ['CARD_STATUS_DELETE'] })).card_id_list, [ids[1]])
  assert.equal((await list({ status_list: ['CARD_STATUS_GONE'] })).errcode, 40078)
  assert.equal((await list({ count: 51 })).errcode, 40097)
  assert.equal((await list({ count: 0 })).errcode, 40097)
  assert.equal((await list({ offset: -1 })).errcode, 40097)
  assert.equal((await list({ offset: undefined })).errcode, 40097)
})

test('cards are created so many a second and a day, as it is set', async () => {
  const setting = (app: object) => world.control('POST', '/settings', { app })
  const create = async () => (await card('create', memberCard())).errcode
  await setting({ cardCreateSecond: 2 })
  world.pass(5)
  assert.deepEqual([await create(), await create(), await create()], [0, 0, 45011])
  world.pass(1)
  assert.equal(await create(), 0)
  await setting({ cardCreateSecond: 50, cardCreateDay: 0 })
  world.pass(1)
  assert.equal(await create(), 45009)
  await setting({ cardCreateDay: 100_000 })
})

test('settings of a card are kept for cards of the account, and users of it', async () => {
  const card_id = await newCard()
  assert.equal((await card('paycell/set', { card_id, is_open: true })).errcode, 0)
  assert.equal((await card('selfconsumecell/set', { card_id })).errcode, 41011)
  assert.equal((await card('testwhitelist/set', { openid: [openid(user)] })).errcode, 0)
  assert.equal((await card('testwhitelist/set', { openid: ['o1'] })).errcode, 40003)
})

test('cards and codes are the same after a restart', async () => {
  const { card_id, code } = await taken()
  await world.restart()
  assert.equal((await ask('get', { code })).card.card_id, card_id)
  assert.equal(await errcode('consume', { code }), 0)
  await world.restart()
  assert.equal(await errcode('consume', { code }), 40099)
})

test('a picture for a card is a picture, and not too large', async () => {
  const upload = async (picture: Uint8Array) => {
    const head = Buffer.from('--b\r\ncontent-disposition: form-data; name="media"\r\n\r\n')
    const body = Buffer.concat([head, picture, Buffer.from('\r\n--b--\r\n')])
    return world.post(account, '/cgi-bin/media/uploadimg', body)
  }
  assert.match(
    (await upload(Buffer.from('89504e470d0a', 'hex'))).url,
    /^http:\/\/mmbiz\.qpic\.cn\//,
  )
  assert.match((await upload(Buffer.from('ffd8ffe000', 'hex'))).url, /^http/)
  assert.equal((await upload(Buffer.from('GIF89a'))).errcode, 40009)
  assert.equal((await world.post(account, '/cgi-bin/media/uploadimg', 'x')).errcode, 44002)
  const open = '--b\r\ncontent-type: image/png\r\n\r\nx'
  assert.equal((await world.post(account, '/cgi-bin/media/uploadimg', open)).errcode, 44002)
})
