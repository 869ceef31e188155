/** The three ways of a card into a wallet, what each refuses, and that all end in the same event and state. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { cardSignature, pageSignature } from '../signatures.ts'
import { type Json, memberCard, startWorld, type TestApp, type TestWorld } from '../test-world.ts'

let world: TestWorld
let account: TestApp
before(async () => {
  world = await startWorld()
  account = await world.app('official_account', { js_hosts: ['shop.example.cn'] })
})
after(() => world.stop())

const newCard = async (base: object = {}): Promise<string> =>
  (await world.ok(account, '/card/create', memberCard(base))).card_id
const ticketOf = async (type: string, app = account) =>
  (await world.get('/cgi-bin/ticket/getticket', { access_token: app.access_token, type })).ticket
const seconds = () => world.twin.clock.realSeconds()
let nonces = 0

interface Ext {
  code?: string | undefined
  openid?: string | undefined
  timestamp?: string
  nonce_str?: string
  outer_str?: string
  ticket?: string
  fixed_begintimestamp?: number
}

/** A `cardExt` as an account makes it. */
async function signed(cardId: string, given: Ext = {}) {
  nonces += 1
  const { timestamp = String(seconds()), nonce_str = `nonce-${nonces}`, ...rest } = given
  const { code, openid, outer_str, fixed_begintimestamp } = rest
  const { ticket = await ticketOf('wx_card') } = rest
  const signature = cardSignature({ ticket, timestamp, cardId, nonceStr: nonce_str, code, openid })
  const ext = { code, openid, timestamp, nonce_str, fixed_begintimestamp, outer_str, signature }
  return { cardId, cardExt: JSON.stringify(ext) }
}

const add = (user: Json, ...card_list: Json[]) =>
  world.do(user, 'add_card', { appid: account.appid, card_list })
const refused = (user: Json, ...card_list: Json[]) =>
  world.refused(user, 'add_card', { appid: account.appid, card_list })
const decrypt = async (encrypt_code: string, app = account) =>
  world.post(app, '/card/code/decrypt', { encrypt_code })

test('a page offers a card: the user has it, the page an encrypted code, the account an event', async () => {
  const user = await world.user()
  const cardId = await newCard()
  const { card_list } = await add(user, await signed(cardId, { outer_str: 'poster-7' }))
  assert.equal(card_list[0].cardId, cardId)
  assert.equal(card_list[0].isSuccess, true)
  const { code } = await decrypt(card_list[0].code)
  assert.notEqual(code, card_list[0].code)
  const event = (await world.posted(account)).at(-1)
  assert.equal(event.name, 'user_get_card')
  assert.equal(event.message.CardId, cardId)
  assert.equal(event.message.UserCardCode, code)
  assert.equal(event.message.IsGiveByFriend, 0)
  assert.equal(event.message.OuterStr, 'poster-7')
  const got = await world.ok(account, '/card/code/get', { code })
  assert.equal(got.user_card_status, 'NORMAL')
  assert.equal(got.openid, world.twin.users.openidOf(user.id, account.appid))
})

test('a mini-program offers the account’s card, signed with the account’s ticket', async () => {
  const user = await world.user()
  const mini = await world.app('mini_program')
  const offer = await signed(await newCard())
  const given = { appid: mini.appid, card_list: [offer] }
  const { card_list } = await world.do(user, 'add_card', given)
  assert.equal((await decrypt(card_list[0].code)).errcode, 0)
  const event = (await world.posted(account)).at(-1)
  assert.equal(event.message.FromUserName, world.twin.users.openidOf(user.id, account.appid))
})

test('several cards are taken together', async () => {
  const user = await world.user()
  const offers = [await signed(await newCard()), await signed(await newCard())]
  assert.equal((await add(user, ...offers)).card_list.length, 2)
})

test('an encrypted code is opened by its account alone', async () => {
  const user = await world.user()
  const { card_list } = await add(user, await signed(await newCard()))
  const other = await world.app('official_account')
  assert.equal((await decrypt(card_list[0].code, other)).errcode, 40116)
  assert.equal((await decrypt('')).errcode, 40116)
})

test('a signature of another card, ticket, code or user is refused with 40080', async () => {
  const user = await world.user()
  const [one, other] = [await newCard(), await newCard()]
  const offer = await signed(one)
  assert.equal(await refused(user, { ...offer, cardId: other }), '40080')
  assert.equal(await refused(user, await signed(one, { ticket: 'forged' })), '40080')
  assert.equal(await refused(user, await signed(one, { ticket: await ticketOf('jsapi') })), '40080')
  const changed = (more: object) => ({
    ...offer,
    cardExt: JSON.stringify({ ...JSON.parse(offer.cardExt), ...more }),
  })
  assert.equal(await refused(user, changed({ code: '123' })), '40080')
  assert.equal(await refused(user, changed({ openid: 'o1' })), '40080')
  assert.equal(await refused(user, changed({ timestamp: String(seconds() + 1) })), '40080')
  assert.equal(await refused(user, changed({ nonce_str: 'other' })), '40080')
  assert.ok(await add(user, changed({ outer_str: 'is not signed' })))
})

test('a cardExt that is not whole is refused with 40080', async () => {
  const user = await world.user()
  const offer = await signed(await newCard())
  const without = (name: string) => {
    const { [name]: _, ...rest } = JSON.parse(offer.cardExt)
    return { ...offer, cardExt: JSON.stringify(rest) }
  }
  for (const name of ['signature', 'nonce_str', 'timestamp'])
    assert.equal(await refused(user, without(name)), '40080', name)
  assert.equal(await refused(user, { ...offer, cardExt: '[]' }), '40080')
  assert.equal(await refused(user, { cardId: offer.cardId }), '40080')
  assert.equal(await refused(user, 'offer'), '40080')
  assert.equal(await refused(user, { cardExt: offer.cardExt }), '41012')
  assert.equal(await refused(user, { ...offer, cardId: 'p1' }), '40078')
})

test('a nonce is good once, also within one list and after a restart', async () => {
  const cardId = await newCard({ get_limit: 50 })
  const user = await world.user()
  const offer = await signed(cardId)
  assert.equal(await refused(user, offer, offer), '40080')
  await add(user, offer)
  assert.equal(await refused(user, offer), '40080')
  await world.restart()
  assert.equal(await refused(await world.user(), offer), '40080')
  assert.ok(await add(user, await signed(cardId)))
})

test('a cardExt is neither older than a ticket lives nor from tomorrow', async () => {
  const cardId = await newCard({ get_limit: 50 })
  const user = await world.user()
  const aged = (age: number) => signed(cardId, { timestamp: String(seconds() - age) })
  assert.ok(await add(user, await aged(7190)))
  assert.equal(await refused(user, await aged(7210)), '40080')
  assert.ok(await add(user, await aged(-290)))
  assert.equal(await refused(user, await aged(-310)), '40080')
})

test('the term of a card counts from where the page says', async () => {
  const user = await world.user()
  const cardId = await newCard({ date_info: { type: 'DATE_TYPE_FIX_TERM', fixed_term: 1 } })
  const later = Math.floor(world.twin.clock.now() / 1000) + 1000
  const { card_list } = await add(user, await signed(cardId, { fixed_begintimestamp: later }))
  const { code } = await decrypt(card_list[0].code)
  const { card } = await world.post(account, '/card/code/get', { code, check_consume: false })
  assert.deepEqual([card.begin_time, card.end_time], [later, later + 86_400])
})

test('an account without a valid ticket can offer no card', async () => {
  const user = await world.user()
  const offer = await signed(await newCard())
  world.pass(7201)
  assert.equal(await refused(user, offer), '40080')
  account = await world.withToken(account)
})

test('the memory of nonces is no longer than a ticket’s life', async () => {
  const cardId = await newCard({ get_limit: 50 })
  const user = await world.user()
  for (let count = 0; count < 3; count++) await add(user, await signed(cardId))
  world.pass(7300)
  account = await world.withToken(account)
  await add(user, await signed(cardId))
  // The log is written anew at a start, a line for each row that is left.
  await world.restart()
  const lines = readFileSync(join(world.folder, 'log.jsonl'), 'utf8').split('\n')
  assert.equal(lines.filter((line) => line.startsWith('["card_nonces"')).length, 1)
})

test('a card for one user is taken by no other', async () => {
  const [one, other] = [await world.user(), await world.user()]
  const openid = world.twin.users.openidOf(one.id, account.appid)
  const cardId = await newCard()
  assert.equal(await refused(other, await signed(cardId, { openid })), '40003')
  assert.ok(await add(one, await signed(cardId, { openid })))
})

test('own codes are named, fit, and are used once', async () => {
  const cardId = await newCard({ use_custom_code: true, get_limit: 50 })
  const user = await world.user()
  assert.equal(await refused(user, await signed(cardId)), '40116')
  assert.equal(await refused(user, await signed(cardId, { code: '1'.repeat(21) })), '40116')
  assert.equal(await refused(user, await signed(cardId, { code: 'a b' })), '40116')
  await add(user, await signed(cardId, { code: 'LK-0001' }))
  assert.equal(await refused(user, await signed(cardId, { code: 'LK-0001' })), '40116')
  const plain = await newCard()
  assert.equal(await refused(user, await signed(plain, { code: 'LK-0002' })), '40116')
})

/** What a page gives to `wx.config`. */
async function page(url: string, given: object = {}) {
  const [ticket, nonceStr, timestamp] = [await ticketOf('jsapi'), 'n1', seconds()]
  const signature = pageSignature({ ticket, nonceStr, timestamp, url })
  return { url, nonceStr, timestamp, signature, ...given }
}

test('a page of the account’s own host with the right signature may call WeChat', async () => {
  const user = await world.user()
  const open = (given: object) => world.do(user, 'open_page', { appid: account.appid, page: given })
  const refusedPage = (given: object) =>
    world.refused(user, 'open_page', { appid: account.appid, page: given })
  const url = 'https://shop.example.cn/cards?from=menu'
  assert.deepEqual(await open(await page(url)), { errMsg: 'config:ok' })
  const routed = { ...(await page(url)), url: `${url}#/card` }
  assert.deepEqual(await open(routed), { errMsg: 'config:ok' })
  assert.equal(await refusedPage(await page('https://evil.example.cn/')), 'INVALID_URL_DOMAIN')
  assert.equal(await refusedPage(await page(url, { nonceStr: 'n2' })), 'INVALID_SIGNATURE')
  assert.equal(await refusedPage({ ...(await page(url)), url: `${url}&x=1` }), 'INVALID_SIGNATURE')
  assert.equal(await refusedPage({ ...(await page(url)), url: 'no address' }), 'INVALID_URL_DOMAIN')
  const late = await page(url)
  world.pass(7201)
  assert.equal(await refusedPage(late), 'INVALID_SIGNATURE')
  account = await world.withToken(account)
})

test('where a page says how it was configured, a card is offered only by a good one', async () => {
  const user = await world.user()
  const offer = await signed(await newCard())
  const good = await page('https://shop.example.cn/cards')
  const given = (shown: object) => ({ appid: account.appid, card_list: [offer], page: shown })
  const code = await world.refused(user, 'add_card', given({ ...good, signature: 'x' }))
  assert.equal(code, 'INVALID_SIGNATURE')
  assert.ok(await world.do(user, 'add_card', given(good)))
})

const qr = (card: object, more: object = {}) =>
  world.post(account, '/card/qrcode/create', {
    action_name: 'QR_CARD',
    action_info: { card },
    ...more,
  })

test('a code to scan gives the card by ticket or address, and is shown as a picture', async () => {
  const user = await world.user()
  const card_id = await newCard({ get_limit: 2 })
  const made = await qr({ card_id, outer_str: 'shelf' })
  assert.equal(made.errcode, 0)
  assert.equal(made.expire_seconds, 365 * 86_400)
  await world.do(user, 'add_card', { qr: made.ticket })
  await world.do(user, 'add_card', { qr: made.url })
  const event = (await world.posted(account)).at(-1)
  assert.equal(event.name, 'user_get_card')
  assert.equal(event.message.OuterStr, 'shelf')
  const picture = await fetch(made.show_qrcode_url)
  assert.equal(picture.headers.get('content-type'), 'image/svg+xml')
  assert.equal((await fetch(`${world.twin.url}/cgi-bin/showqrcode?ticket=x`)).status, 404)
})

test('a code to scan is good for its time, and once where it is unique', async () => {
  const card_id = await newCard()
  const { ticket } = await qr({ card_id }, { expire_seconds: 60 })
  await world.wait(61)
  assert.equal(await world.refused(await world.user(), 'add_card', { qr: ticket }), '40079')
  const unique = await qr({ card_id, is_unique_code: true })
  await world.do(await world.user(), 'add_card', { qr: unique.ticket })
  assert.equal(await world.refused(await world.user(), 'add_card', { qr: unique.ticket }), '40053')
  assert.equal(await world.refused(await world.user(), 'add_card', { qr: 'unknown' }), '40053')
})

test('a code to scan is refused for what it offers', async () => {
  const card_id = await newCard()
  const own = await newCard({ use_custom_code: true })
  const errcode = async (card: object, more: object = {}) => (await qr(card, more)).errcode
  assert.equal(await errcode({ card_id }, { expire_seconds: 59 }), 40053)
  assert.equal(await errcode({ card_id }, { expire_seconds: 1801 }), 40053)
  assert.equal(await errcode({ card_id }, { action_name: undefined }), 40053)
  assert.equal(await errcode({ card_id }, { action_info: {} }), 40053)
  assert.equal(await errcode({}), 41012)
  assert.equal(await errcode({ card_id, outer_str: 'x'.repeat(129) }), 45021)
  assert.equal(await errcode({ card_id, openid: 'o1' }), 40003)
  assert.equal(await errcode({ card_id: own }), 40116)
  assert.equal(await errcode({ card_id, code: '1' }), 40116)
  assert.equal(await errcode({ card_id: own, code: 'LK-1' }), 0)
})

test('a code to scan for one user is scanned by no other', async () => {
  const [one, other] = [await world.user(), await world.user()]
  const openid = world.twin.users.openidOf(one.id, account.appid)
  const { ticket } = await qr({ card_id: await newCard(), openid })
  assert.equal(await world.refused(other, 'add_card', { qr: ticket }), '40003')
  assert.ok(await world.do(one, 'add_card', { qr: ticket }))
})

test('a card that says no limit is held fifty times', async () => {
  const user = await world.user()
  const { ticket } = await qr({ card_id: await newCard({ get_limit: undefined }) })
  for (let count = 0; count < 50; count++) await world.do(user, 'add_card', { qr: ticket })
  assert.equal(await world.refused(user, 'add_card', { qr: ticket }), '45033')
})

test('one code to scan may give up to five cards', async () => {
  const user = await world.user()
  const card_list = [{ card_id: await newCard() }, { card_id: await newCard() }]
  const several = (list: object[]) =>
    qr({}, { action_name: 'QR_MULTIPLE_CARD', action_info: { multiple_card: { card_list: list } } })
  const { ticket } = await several(card_list)
  assert.equal((await world.do(user, 'add_card', { qr: ticket })).card_list.length, 2)
  assert.equal((await several(Array.from({ length: 6 }, () => card_list[0] ?? {}))).errcode, 40053)
  assert.equal((await several([])).errcode, 40053)
})

test('a landing page gives the card that is chosen on it', async () => {
  const user = await world.user()
  const card_list = [{ card_id: await newCard() }, { card_id: await newCard() }]
  const asked = { page_title: '领卡', scene: 'SCENE_H5', card_list }
  const { url } = await world.ok(account, '/card/landingpage/create', asked)
  const card_id = card_list[1]?.card_id
  const taken = await world.do(user, 'add_card', { landing: url, card_id })
  assert.deepEqual(
    taken.card_list.map(({ cardId }: Json) => cardId),
    [card_id],
  )
  assert.equal((await world.events(account)).at(-1), 'user_get_card')
  const errcode = async (more: object) =>
    (await world.post(account, '/card/landingpage/create', { ...asked, ...more })).errcode
  assert.equal(await errcode({ scene: 'SCENE_MOON' }), 40097)
  assert.equal(await errcode({ page_title: undefined }), 41011)
  assert.equal(await errcode({ card_list: [] }), 41011)
  assert.equal(await errcode({ card_list: ['p1'] }), 47001)
})

test('a message with a card gives it to whoever received it, once', async () => {
  const [user, other] = [await world.user(), await world.user()]
  await world.do(user, 'follow', { appid: account.appid })
  const { cardId, cardExt } = await signed(await newCard())
  await world.ok(account, '/cgi-bin/message/custom/send', {
    touser: world.twin.users.openidOf(user.id, account.appid),
    msgtype: 'wxcard',
    wxcard: { card_id: cardId, card_ext: cardExt },
  })
  const [message] = (await world.do(user, 'messages')).data
  assert.equal(message.title, '会员卡')
  assert.equal(await world.refused(other, 'add_card', { message: message.id }), '40097')
  const { card_list } = await world.do(user, 'add_card', { message: message.id })
  assert.equal(card_list[0].cardId, cardId)
  assert.equal((await world.events(account)).at(-1), 'user_get_card')
  assert.equal(await world.refused(user, 'add_card', { message: message.id }), '40080')
})

test('stock, limit, review and end hold whatever the way', async () => {
  const user = await world.user()
  const scarce = await newCard({ sku: { quantity: 1 }, get_limit: 50 })
  await add(user, await signed(scarce))
  const sold = (await world.posted(account)).find(({ name }: Json) => name === 'card_sku_remind')
  assert.equal(sold?.message.CardId, scarce)
  assert.equal(await refused(user, await signed(scarce)), '45031')
  const limited = await newCard({ get_limit: 1 })
  await add(user, await signed(limited))
  assert.equal(await refused(user, await signed(limited)), '45033')
  const end = Math.floor(world.twin.clock.now() / 1000) + 100
  const range = { type: 'DATE_TYPE_FIX_TIME_RANGE', begin_timestamp: end - 200, end_timestamp: end }
  const ending = await newCard({ date_info: range })
  await world.wait(100)
  assert.equal(await refused(user, await signed(ending)), '40079')
})

test('a card that waits for review is given to nobody until it has passed', async () => {
  const careful = await world.app('official_account', { card_review: 'by_hand' })
  const { card_id } = await world.ok(careful, '/card/create', memberCard())
  const ask = { action_name: 'QR_CARD', action_info: { card: { card_id } } }
  assert.equal((await world.post(careful, '/card/qrcode/create', ask)).errcode, 40078)
  const path = `/apps/${careful.appid}/cards/${card_id}/review`
  await world.control('POST', path, { passes: false, reason: '图片不清晰' })
  const failed = (await world.posted(careful)).at(-1)
  assert.equal(failed.name, 'card_not_pass_check')
  assert.equal(failed.message.RefuseReason, '图片不清晰')
  assert.equal((await world.post(careful, '/card/qrcode/create', ask)).errcode, 40078)
  await world.control('POST', path, { passes: true })
  assert.equal((await world.events(careful)).at(-1), 'card_pass_check')
  const { ticket } = await world.ok(careful, '/card/qrcode/create', ask)
  await world.ok(careful, '/card/update', {
    card_id,
    member_card: { base_info: { title: '新卡' } },
  })
  assert.equal(await world.refused(await world.user(), 'add_card', { qr: ticket }), '40078')
})
