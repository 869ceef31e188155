/** Every errcode that the local WeChat knows is provoked here by a call that deserves it; none is left without one. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { errcodes } from './errcodes.ts'
import { type Json, memberCard, startWorld, type TestApp, type TestWorld } from './test-world.ts'

let world: TestWorld
let account: TestApp
let mini: TestApp
let user: Json

before(async () => {
  world = await startWorld()
  account = await world.app('official_account')
  mini = await world.app('mini_program')
  user = await world.user({ phone: '13800138000' })
  await world.control('POST', '/users', { name: '李四' })
})
after(() => world.stop())

const grant = { grant_type: 'client_credential' }
const exchange = { grant_type: 'authorization_code' }
const openid = (app: TestApp, who: Json = user) => world.twin.users.openidOf(who.id, app.appid)
const proof = ({ appid, secret }: TestApp) => ({ appid, secret })
const create = (body: unknown, app = account) => world.post(app, '/card/create', body)
const setting = (app: object) => world.control('POST', '/settings', { app })

async function newCard(base: object = {}, detail: object = {}): Promise<string> {
  return (await world.ok(account, '/card/create', memberCard(base, detail))).card_id
}

/** A code that the user has taken by scanning. */
async function taken(base: object = {}, who: Json = user) {
  const card_id = await newCard({ get_limit: 50, ...base })
  const action_info = { card: { card_id } }
  const { ticket } = await world.ok(account, '/card/qrcode/create', {
    action_name: 'QR_CARD',
    action_info,
  })
  const { card_list } = await world.do(who, 'add_card', { qr: ticket })
  const { code } = await world.ok(account, '/card/code/decrypt', {
    encrypt_code: card_list[0].code,
  })
  return { card_id, code, ticket }
}

async function paidOrder(more: object = {}) {
  const out_trade_no = `order${world.twin.random.digits(12)}`
  const trade = world.twin.trades.add({
    mchid: '1900000001',
    appid: mini.appid,
    out_trade_no,
    description: '礼品卡',
    total: 100,
    trade_type: 'JSAPI',
    state: 'NOTPAY',
    expires_at: world.twin.clock.now() + 60_000,
    profit_sharing: false,
    no_credit: false,
    terms: '',
    ...more,
  })
  return world.twin.trades.markPaid(trade, user)
}

const upload_time = '2026-11-25T13:29:35.120+08:00'
/** Reports a paid order; `more` says what is wrong with it. */
async function ship(more: object = {}, order?: Json) {
  const { transaction_id } = order ?? (await paidOrder())
  return world.post(mini, '/wxa/sec/order/upload_shipping_info', {
    order_key: { order_number_type: 2, transaction_id },
    logistics_type: 3,
    delivery_mode: 1,
    shipping_list: [{ item_desc: '礼品卡*1' }],
    upload_time,
    payer: { openid: openid(mini) },
    ...more,
  })
}

async function userToken(scope = 'snsapi_userinfo', who: Json = user) {
  const { code } = await world.do(who, 'oauth_code', { appid: account.appid, scope })
  return world.get('/sns/oauth2/access_token', { ...proof(account), ...exchange, code })
}

async function subscribed(keys?: string[]) {
  const template_id = world.twin.random.letters(43)
  await world.control('POST', `/apps/${mini.appid}/templates`, { template_id, keys })
  await world.do(user, 'subscribe', { appid: mini.appid, template_id })
  return { touser: openid(mini), template_id, data: { thing1: { value: '礼卡' } } }
}

const remind = (body: Json) => world.post(mini, '/cgi-bin/message/subscribe/send', body)

type Provoke = () => Promise<Json>
const table: readonly [errcode: number, why: string, provoke: Provoke][] = [
  [
    -1,
    'a fault says that WeChat is busy',
    async () => {
      const rule = {
        match: { path: '/cgi-bin/clear_quota' },
        effect: { name: 'status', http: 200, code: -1 },
      }
      await world.control('POST', '/faults', { rule })
      return world.post(account, '/cgi-bin/clear_quota', { appid: account.appid })
    },
  ],
  [
    40001,
    'a token that was never given',
    async () => world.post({ ...account, access_token: `88_${'x'.repeat(133)}` }, '/card/get', {}),
  ],
  [
    40002,
    'another grant_type',
    async () => world.get('/cgi-bin/token', { ...proof(account), grant_type: 'password' }),
  ],
  [
    40003,
    'an OpenID of another app',
    async () => remind({ ...(await subscribed()), touser: openid(account) }),
  ],
  [
    40009,
    'a picture of more than a megabyte',
    async () =>
      world.post(
        account,
        '/cgi-bin/media/uploadimg',
        multipart(Buffer.concat([png, Buffer.alloc(1 << 20)])),
      ),
  ],
  [
    40013,
    'an unknown appid',
    async () => world.get('/cgi-bin/token', { ...grant, appid: 'wx99', secret: 's' }),
  ],
  [
    40014,
    'what is no token at all',
    async () => world.post({ ...account, access_token: 'abc' }, '/card/get', {}),
  ],
  [
    40029,
    'a code of another app',
    async () => {
      const other = await world.app('official_account')
      const { code } = await world.do(user, 'oauth_code', { appid: other.appid })
      return world.get('/sns/oauth2/access_token', { ...proof(account), ...exchange, code })
    },
  ],
  [
    40030,
    'an unknown refresh token',
    async () =>
      world.get('/sns/oauth2/refresh_token', {
        appid: account.appid,
        grant_type: 'refresh_token',
        refresh_token: 'x',
      }),
  ],
  [
    40036,
    'an endless template_id',
    async () => remind({ ...(await subscribed()), template_id: 't'.repeat(65) }),
  ],
  [
    40037,
    'an unknown template',
    async () => remind({ ...(await subscribed()), template_id: 'unknown' }),
  ],
  [
    40053,
    'an unknown action',
    async () =>
      world.post(account, '/card/qrcode/create', { action_name: 'QR_ALL', action_info: {} }),
  ],
  [
    40056,
    'a code that nobody has',
    async () => world.post(account, '/card/code/consume', { code: '1' }),
  ],
  [40071, 'an unknown type of card', async () => create({ card: { card_type: 'PASS', pass: {} } })],
  [
    40072,
    'an unknown type of code',
    async () => create(memberCard({ code_type: 'CODE_TYPE_COLOUR' })),
  ],
  [
    40078,
    'a deleted card',
    async () => {
      const card_id = await newCard()
      await world.ok(account, '/card/delete', { card_id })
      return world.post(account, '/card/get', { card_id })
    },
  ],
  [
    40079,
    'an unknown kind of validity',
    async () => create(memberCard({ date_info: { type: 'DATE_TYPE_LONG' } })),
  ],
  [
    40080,
    'a cardExt that is no JSON',
    async () =>
      doing(user, 'add_card', {
        appid: account.appid,
        card_list: [{ cardId: await newCard(), cardExt: 'x' }],
      }),
  ],
  [40097, 'an unknown colour', async () => create(memberCard({ color: 'Color999' }))],
  [
    40099,
    'a second consumption',
    async () => {
      const { code } = await taken()
      await world.ok(account, '/card/code/consume', { code })
      return world.post(account, '/card/code/consume', { code })
    },
  ],
  [
    40100,
    'an end before the begin',
    async () =>
      create(
        memberCard({
          date_info: {
            type: 'DATE_TYPE_FIX_TIME_RANGE',
            begin_timestamp: 4e9,
            end_timestamp: 3.9e9,
          },
        }),
      ),
  ],
  [
    40116,
    'an encrypted code that was given to no page',
    async () => world.post(account, '/card/code/decrypt', { encrypt_code: 'AAAA' }),
  ],
  [
    40122,
    'more stock than can be',
    async () => create(memberCard({ sku: { quantity: 100_000_001 } })),
  ],
  [
    40124,
    'a fourth custom field',
    async () => create(memberCard({}, { custom_field4: { name: 'x' } })),
  ],
  [
    40125,
    'a wrong secret',
    async () => world.get('/cgi-bin/token', { ...grant, appid: account.appid, secret: 'no' }),
  ],
  [
    40127,
    'consuming what its holder deleted',
    async () => {
      const { code } = await taken()
      await world.do(user, 'delete_card', { appid: account.appid, code })
      return world.post(account, '/card/code/consume', { code })
    },
  ],
  [
    40163,
    'a code used twice',
    async () => {
      const { code } = await world.do(user, 'oauth_code', { appid: account.appid })
      const asked = { ...proof(account), ...exchange, code }
      assert.ok((await world.get('/sns/oauth2/access_token', asked)).openid)
      return world.get('/sns/oauth2/access_token', asked)
    },
  ],
  [
    40164,
    'an address that is not listed',
    async () => {
      const listed = {
        appid: 'wxlisted00000001',
        secret: 's',
        kind: 'official_account',
        ip_allow_list: ['10.0.0.1'],
      }
      await world.control('POST', '/apps', listed)
      return world.get('/cgi-bin/token', { ...grant, appid: listed.appid, secret: 's' })
    },
  ],
  [
    40226,
    'a user of high risk',
    async () => {
      const risky = await world.user()
      await world.do(risky, 'set', { high_risk: true })
      return login(risky)
    },
  ],
  [41001, 'no token', async () => world.post({ ...account, access_token: '' }, '/card/get', {})],
  [41002, 'no appid', async () => world.get('/cgi-bin/token', { ...grant, secret: 's' })],
  [41004, 'no secret', async () => world.get('/cgi-bin/token', { ...grant, appid: account.appid })],
  [
    41008,
    'no code',
    async () => world.get('/sns/oauth2/access_token', { ...proof(account), ...exchange }),
  ],
  [
    41009,
    'no openid',
    async () => {
      const { access_token } = await userToken()
      return world.get('/sns/userinfo', { access_token })
    },
  ],
  [
    41011,
    'a card without base_info',
    async () => create({ card: { card_type: 'GIFT', gift: {} } }),
  ],
  [41012, 'no card_id', async () => world.post(account, '/card/get', {})],
  [
    41030,
    'a page with a host',
    async () => remind({ ...(await subscribed()), page: 'https://x.cn/a' }),
  ],
  [
    42001,
    'a token whose time is over',
    async () => {
      const other = await world.app('official_account')
      await world.control('POST', `/apps/${other.appid}/expire_tokens`, {})
      return world.post(other, '/card/get', {})
    },
  ],
  [
    42002,
    'a refresh token after thirty days',
    async () => {
      const { refresh_token } = await userToken()
      world.pass(30 * 86_400)
      const asked = { appid: account.appid, grant_type: 'refresh_token', refresh_token }
      const answer = await world.get('/sns/oauth2/refresh_token', asked)
      account = await world.withToken(account)
      mini = await world.withToken(mini)
      return answer
    },
  ],
  [
    42003,
    'a code after five minutes',
    async () => {
      const { code } = await world.do(user, 'oauth_code', {
        appid: account.appid,
        age_seconds: 300,
      })
      return world.get('/sns/oauth2/access_token', { ...proof(account), ...exchange, code })
    },
  ],
  [
    42007,
    'a token from before a new password',
    async () => {
      const careful = await world.user()
      const { access_token, openid: id } = await userToken('snsapi_userinfo', careful)
      await world.do(careful, 'change_password')
      return world.get('/sns/userinfo', { access_token, openid: id })
    },
  ],
  [43001, 'POST where GET is due', async () => (await world.send('POST', '/cgi-bin/token', {}))[1]],
  [
    43002,
    'GET where POST is due',
    async () => world.get('/card/get', { access_token: account.access_token }),
  ],
  [
    43004,
    'a template message to nobody’s follower',
    async () => {
      const template_id = 'order-paid'
      await world.control('POST', `/apps/${account.appid}/templates`, { template_id })
      const data = { first: { value: '你好' } }
      return world.post(account, '/cgi-bin/message/template/send', {
        touser: openid(account),
        template_id,
        data,
      })
    },
  ],
  [
    43009,
    'own codes without the right',
    async () =>
      create(
        memberCard({ use_custom_code: true }),
        await world.app('official_account', { card_rights: [] }),
      ),
  ],
  [
    43010,
    'stored value without the right',
    async () =>
      create(memberCard(), await world.app('official_account', { card_rights: ['custom_code'] })),
  ],
  [
    43101,
    'no consent left',
    async () => {
      const message = await subscribed()
      assert.equal((await remind(message)).errcode, 0)
      return remind(message)
    },
  ],
  [44002, 'an empty body', async () => world.post(account, '/card/get', '')],
  [
    45009,
    'one call more than a day has',
    async () => {
      await setting({ tokenDay: 1 })
      const other = await world.app('official_account')
      const answer = await world.get('/cgi-bin/token', { ...grant, ...proof(other) })
      await setting({ tokenDay: 2000 })
      return answer
    },
  ],
  [
    45011,
    'logging in too often in a minute',
    async () => {
      await setting({ loginUserMinute: 1 })
      const busy = await world.user()
      assert.ok((await login(busy)).openid)
      const answer = await login(busy)
      await setting({ loginUserMinute: 100 })
      return answer
    },
  ],
  [45015, 'writing to whom did nothing for two days', async () => say(await world.user(), false)],
  [
    45021,
    'a brand of thirteen characters',
    async () => create(memberCard({ brand_name: '礼'.repeat(13) })),
  ],
  [
    45030,
    'another account’s card',
    async () =>
      world.post(await world.app('official_account'), '/card/get', { card_id: await newCard() }),
  ],
  [
    45031,
    'a card that is sold out',
    async () => {
      const { ticket } = await taken({ sku: { quantity: 1 } })
      return doing(await world.user(), 'add_card', { qr: ticket })
    },
  ],
  [
    45033,
    'a second one where one is the limit',
    async () => {
      const { ticket } = await taken({ get_limit: 1 })
      return doing(user, 'add_card', { qr: ticket })
    },
  ],
  [
    45047,
    'a sixth answer',
    async () => {
      const talker = await world.user()
      for (let count = 0; count < 5; count++)
        assert.equal((await say(talker, count === 0)).errcode, 0)
      return say(talker, false)
    },
  ],
  [
    45061,
    'writing on a card too often',
    async () => {
      const { code, card_id } = await taken()
      await world.ok(account, '/card/membercard/activate', { code, membership_number: '1' })
      await setting({ memberUpdateMinute: 1 })
      const body = { code, card_id, add_bonus: 1 }
      await world.ok(account, '/card/membercard/updateuser', body)
      const answer = await world.post(account, '/card/membercard/updateuser', body)
      await setting({ memberUpdateMinute: 60 })
      return answer
    },
  ],
  [47001, 'a body that is no JSON', async () => world.post(account, '/card/get', '{"card_id":')],
  [
    47003,
    'a value that is too long',
    async () => remind({ ...(await subscribed()), data: { thing1: { value: '礼'.repeat(21) } } }),
  ],
  [48001, 'cards of a mini-program', async () => world.post(mini, '/card/get', {})],
  [
    48004,
    'a call that was taken from the account',
    async () =>
      world.post(
        await world.app('official_account', { banned_paths: ['/card/get'] }),
        '/card/get',
        {},
      ),
  ],
  [
    48006,
    'clearing a quota for the eleventh time',
    async () => {
      const other = await world.app('official_account')
      const clear = () => world.post(other, '/cgi-bin/clear_quota', { appid: other.appid })
      for (let count = 0; count < 10; count++) assert.equal((await clear()).errcode, 0)
      return clear()
    },
  ],
  [
    50001,
    'a profile that the user took back',
    async () => {
      const { access_token, openid: id } = await userToken()
      await world.do(user, 'withdraw', { appid: account.appid })
      return world.get('/sns/userinfo', { access_token, openid: id })
    },
  ],
  [
    50002,
    'a user whom WeChat limits',
    async () => {
      const limited = await world.user()
      await world.do(limited, 'set', { limited: true })
      return userToken('snsapi_base', limited)
    },
  ],
  [
    10060001,
    'an order that there is not',
    async () => ship({ order_key: { order_number_type: 2, transaction_id: '4200000000' } }),
  ],
  [
    10060002,
    'an order that the user has confirmed',
    async () => {
      const order = await paidOrder()
      assert.equal((await ship({}, order)).errcode, 0)
      await world.do(user, 'confirm_receipt', { transaction_id: order.transaction_id })
      return ship({}, order)
    },
  ],
  [
    10060003,
    'a third report',
    async () => {
      const order = await paidOrder()
      for (const item_desc of ['一', '二'])
        assert.equal((await ship({ shipping_list: [{ item_desc }] }, order)).errcode, 0)
      return ship({ shipping_list: [{ item_desc: '三' }] }, order)
    },
  ],
  [
    10060004,
    'an order that was refunded',
    async () => {
      const order = await paidOrder()
      const all = { state: 'REFUND' as const, refunded: order.total }
      return ship({}, world.twin.trades.change(order, all))
    },
  ],
  [10060005, 'an unknown way to deliver', async () => ship({ logistics_type: 5 })],
  [10060006, 'parts of what is no parcel', async () => ship({ delivery_mode: 2 })],
  [
    10060007,
    'parts without saying whether it is the last',
    async () => ship({ logistics_type: 1, delivery_mode: 2 }),
  ],
  [10060008, 'nothing said about the goods', async () => ship({ shipping_list: [{}] })],
  [
    10060009,
    'too much said about the goods',
    async () => ship({ shipping_list: [{ item_desc: '礼'.repeat(121) }] }),
  ],
  [10060014, 'an empty list', async () => ship({ shipping_list: [] })],
  [
    10060023,
    'the same again',
    async () => {
      const order = await paidOrder()
      assert.equal((await ship({}, order)).errcode, 0)
      return ship({}, order)
    },
  ],
  [
    10060024,
    'two parcels in one',
    async () => ship({ shipping_list: [{ item_desc: '一' }, { item_desc: '二' }] }),
  ],
  [
    10060025,
    'an endless carrier',
    async () =>
      ship({
        logistics_type: 1,
        shipping_list: [{ item_desc: '一', express_company: 'S'.repeat(129), tracking_no: '1' }],
      }),
  ],
  [
    10060026,
    'an endless parcel number',
    async () =>
      ship({
        logistics_type: 1,
        shipping_list: [{ item_desc: '一', express_company: 'STO', tracking_no: '1'.repeat(129) }],
      }),
  ],
  [
    10060031,
    'somebody else’s OpenID',
    async () => ship({ payer: { openid: openid(mini, await world.user()) } }),
  ],
  [
    268485194,
    'no number of the merchant’s',
    async () => ship({ order_key: { order_number_type: 1, mchid: '1' } }),
  ],
  [268485195, 'no number of WeChat’s', async () => ship({ order_key: { order_number_type: 2 } })],
  [
    268485196,
    'no merchant',
    async () => ship({ order_key: { order_number_type: 1, out_trade_no: '1' } }),
  ],
  [268485216, 'a time in another form', async () => ship({ upload_time: '2026/11/25 13:29' })],
  [268485224, 'an unknown mode of delivery', async () => ship({ delivery_mode: 3 })],
]

for (const [errcode, why, provoke] of table)
  test(`${errcode}: ${why}`, async () => {
    const answer = await provoke()
    assert.equal(answer.errcode, errcode, JSON.stringify(answer))
    assert.equal(typeof answer.errmsg, 'string')
  })

test('every errcode is provoked', () => {
  const provoked = new Set(table.map(([errcode]) => errcode))
  assert.deepEqual(
    errcodes.filter((errcode) => !provoked.has(errcode)),
    [],
  )
})

/** What a user's doing is refused with, as an answer. */
async function doing(who: Json, action: string, more: object): Promise<Json> {
  return { errcode: Number(await world.refused(who, action, more)), errmsg: action }
}

async function login(who: Json): Promise<Json> {
  const { code } = await world.do(who, 'js_code', { appid: mini.appid })
  return world.get('/sns/jscode2session', { ...proof(mini), ...exchange, js_code: code })
}

async function say(who: Json, afterDoing: boolean): Promise<Json> {
  if (afterDoing) await world.do(who, 'follow', { appid: account.appid })
  const text = { content: '你好' }
  return world.post(account, '/cgi-bin/message/custom/send', {
    touser: openid(account, who),
    msgtype: 'text',
    text,
  })
}

const png = Buffer.from('89504e470d0a1a0a', 'hex')

function multipart(picture: Uint8Array): Uint8Array {
  const head = '--b\r\ncontent-disposition: form-data; name="media"; filename="a.png"\r\n\r\n'
  return Buffer.concat([Buffer.from(head), picture, Buffer.from('\r\n--b--\r\n')])
}
