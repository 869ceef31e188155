/** V2's payment by code over HTTP, called by a client that is not ours: each error code, passwords, reversals, refunds. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Hash, Transformer } from 'wechatpay-axios-plugin'
import { formatTime } from '../kernel/time.ts'
import type { Trade } from '../kernel/trades.ts'
import { appid, openWorld, type TestMerchant } from '../testing/world.ts'
import { decideReverse } from './model.ts'

const world = await openWorld()
after(() => world.close())
const { twin } = world
twin.settings.change({ refundGapSeconds: 0 })
const merchant = await world.merchant()
const stranger = await world.merchant()
const user = world.user()
let count = 0
function fresh(prefix = 'M'): string {
  count += 1
  return `${prefix}${String(count).padStart(9, '0')}`
}

type Fields = Record<string, string | undefined>

/** Signed and written by wechatpay-axios-plugin; the answer's signature is verified by it too. */
async function v2(
  path: string,
  fields: Fields,
  more: {
    as?: TestMerchant
    type?: 'MD5' | 'HMAC-SHA256'
    key?: string
    headers?: Record<string, string>
    url?: string
  } = {},
): Promise<Record<string, string>> {
  const { as = merchant, type = 'HMAC-SHA256', headers = {}, url = world.url } = more
  const key = more.key ?? as.api_v2_key ?? ''
  const all = { appid, mch_id: as.mchid, nonce_str: fresh('nonce'), sign_type: type, ...fields }
  const members = Object.fromEntries(
    Object.entries(all).filter((member): member is [string, string] => member[1] !== undefined),
  )
  const sign = Hash.sign(type, members, key)
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers,
    body: Transformer.toXml({ ...members, sign: fields['sign'] ?? sign }),
  })
  const text = await response.text()
  if (response.status !== 200) return { http: String(response.status) }
  const answer = Transformer.toObject(text) as Record<string, string>
  if (answer['return_code'] === 'SUCCESS') {
    const { sign: given, ...rest } = answer
    assert.equal(Hash.sign(type, rest, key), given, 'the signature of the answer')
  }
  return answer
}

async function show(more: object = {}, who = user): Promise<{ auth_code: string }> {
  const shown = await world.control('POST', `/users/${who.id}/do`, { action: 'show_code', ...more })
  return { auth_code: shown.auth_code }
}
const enter = (ok: boolean, more: object = {}, who = user) =>
  world.control('POST', `/users/${who.id}/do`, { action: 'enter_password', ok, ...more })

async function micropay(fields: Fields = {}, more: Parameters<typeof v2>[2] = {}) {
  const auth_code = fields['auth_code'] ?? (await show()).auth_code
  const order = {
    body: '礼卡',
    out_trade_no: fresh(),
    total_fee: '1250',
    spbill_create_ip: '1.2.3.4',
  }
  return v2('/pay/micropay', { ...order, ...fields, auth_code }, more)
}
const query = (out_trade_no: string) => v2('/pay/orderquery', { out_trade_no })
const reverse = (out_trade_no: string) => v2('/secapi/pay/reverse', { out_trade_no })
const codeOf = (answer: Record<string, string>) =>
  answer['result_code'] === 'SUCCESS' ? 'SUCCESS' : answer['err_code']

for (const type of ['MD5', 'HMAC-SHA256'] as const) {
  test(`a code pays at once, under ${type}`, async () => {
    const before = twin.trades.balanceOf(merchant.mchid)
    const out_trade_no = fresh()
    const paid = await micropay({ out_trade_no, attach: '门店<1>', device_info: 'T1' }, { type })
    assert.equal(codeOf(paid), 'SUCCESS')
    assert.equal(paid['trade_type'], 'MICROPAY')
    assert.equal(paid['openid'], world.openid(user))
    assert.equal(paid['total_fee'], '1250')
    assert.equal(paid['attach'], '门店<1>')
    assert.match(paid['time_end'] ?? '', /^\d{14}$/)
    assert.match(paid['transaction_id'] ?? '', /^4200\d{24}$/)
    assert.equal(twin.trades.balanceOf(merchant.mchid), before + 1_250 - 8)
    const asked = await v2('/pay/orderquery', { transaction_id: paid['transaction_id'] }, { type })
    assert.equal(asked['trade_state'], 'SUCCESS')
    assert.equal(asked['out_trade_no'], out_trade_no)
  })
}

test('MD5 is the kind where none is named', async () => {
  assert.equal(codeOf(await micropay({ sign_type: undefined }, { type: 'MD5' })), 'SUCCESS')
})

test('nobody is told of a payment by code', async () => {
  await micropay()
  assert.equal(twin.notifier.ofMerchant.all(merchant.mchid).length, 0)
})

test('v3 finds the order too, and cannot close it', async () => {
  const out_trade_no = fresh()
  await micropay({ out_trade_no })
  const path = `/v3/pay/transactions/out-trade-no/${out_trade_no}`
  const found = await world.v3(merchant, 'GET', `${path}?mchid=${merchant.mchid}`)
  assert.deepEqual([found.body.trade_type, found.body.trade_state], ['MICROPAY', 'SUCCESS'])
  const closed = await world.v3(merchant, 'POST', `${path}/close`, { mchid: merchant.mchid })
  assert.equal(closed.outcome, '400 INVALID_REQUEST')
})

const other = world.user({ name: '李四' })
for (const [expected, what, ask] of [
  ['SIGNERROR', 'another key', () => micropay({}, { key: '0'.repeat(32) })],
  ['SIGNERROR', 'a signature of other members', () => micropay({ sign: 'A'.repeat(64) })],
  ['PARAM_ERROR', 'no body', () => micropay({ body: undefined })],
  ['PARAM_ERROR', 'no number', () => micropay({ out_trade_no: undefined })],
  ['PARAM_ERROR', 'a number of 33', () => micropay({ out_trade_no: 'M'.repeat(33) })],
  ['PARAM_ERROR', 'nothing to pay', () => micropay({ total_fee: '0' })],
  ['PARAM_ERROR', 'a fraction of a fen', () => micropay({ total_fee: '12.5' })],
  ['PARAM_ERROR', 'an address that is none', () => micropay({ spbill_create_ip: '1.2.3' })],
  ['PARAM_ERROR', 'another currency', () => micropay({ fee_type: 'USD' })],
  ['PARAM_ERROR', 'a member that nobody knows', () => micropay({ notify_url: 'https://a.cn' })],
  ['PARAM_ERROR', 'a character of four bytes', () => micropay({ body: '🎁' })],
  ['PARAM_ERROR', 'a body of 129', () => micropay({ body: '字'.repeat(129) })],
  [
    'APPID_MCHID_NOT_MATCH',
    'an appid that is not bound',
    () => micropay({ appid: 'wx0000000000000000' }),
  ],
  [
    'NOAUTH',
    'a merchant that may not',
    async () => micropay({}, { as: await world.merchant({ suspended: true }) }),
  ],
  ['AUTH_CODE_ERROR', '17 digits', () => micropay({ auth_code: '13'.padEnd(17, '0') })],
  [
    'AUTH_CODE_ERROR',
    'digits that begin with 16',
    () => micropay({ auth_code: '16'.padEnd(18, '0') }),
  ],
  [
    'AUTH_CODE_INVALID',
    'a code that no phone shows',
    () => micropay({ auth_code: '13'.padEnd(18, '0') }),
  ],
  [
    'TRADE_ERROR',
    'a user whose account is closed',
    async () => micropay(await show({}, world.user({ account: 'closed' }))),
  ],
  [
    'NOTSUPORTCARD',
    'a credit card where none may pay',
    async () =>
      micropay({
        ...(await show({}, world.user({ pays_with: 'credit' }))),
        limit_pay: 'no_credit',
      }),
  ],
  [
    'NOTENOUGH',
    'a user with a fen too little',
    async () => micropay(await show({}, world.user({ balance_fen: 1_249 }))),
  ],
  [
    'SUCCESS',
    'a user with just enough',
    async () => micropay(await show({}, world.user({ balance_fen: 1_250 }))),
  ],
] as [string, string, () => Promise<Record<string, string>>][]) {
  test(`micropay with ${what}: ${expected}`, async () => {
    const answer = await ask()
    assert.equal(codeOf(answer), expected, JSON.stringify(answer))
  })
}

test('what is no request of a merchant is not signed', async () => {
  const say = async (body: string) =>
    Transformer.toObject(
      await (await fetch(`${world.url}/pay/micropay`, { method: 'POST', body })).text(),
    ) as Fields
  for (const body of ['', '{}', '<xml><mch_id>1</mch_id></xml>', '<!DOCTYPE x><xml></xml>']) {
    const answer = await say(body)
    assert.equal(answer['return_code'], 'FAIL')
    assert.equal(answer['sign'], undefined)
  }
  const keyless = await world.merchant({ api_v2_key: '' })
  assert.equal(codeOf(await micropay({}, { as: keyless })), 'SIGNERROR')
})

test('a code lives a minute and pays once', async () => {
  const { auth_code } = await show()
  world.advance(59)
  assert.equal(codeOf(await micropay({ auth_code })), 'SUCCESS')
  assert.equal(codeOf(await micropay({ auth_code })), 'AUTH_CODE_INVALID')
  const late = await show()
  world.advance(61)
  assert.equal(codeOf(await micropay(late)), 'AUTHCODEEXPIRE')
})

test('a number is paid once: ORDERPAID, ORDERCLOSED, ORDERREVERSED, OUT_TRADE_NO_USED', async () => {
  const out_trade_no = fresh()
  await micropay({ out_trade_no })
  assert.equal(codeOf(await micropay({ out_trade_no })), 'ORDERPAID')
  await reverse(out_trade_no)
  assert.equal(codeOf(await micropay({ out_trade_no })), 'ORDERREVERSED')
  const placed = fresh()
  const native = await world.v3(merchant, 'POST', '/v3/pay/transactions/native', {
    appid,
    mchid: merchant.mchid,
    description: 'a',
    out_trade_no: placed,
    notify_url: 'http://127.0.0.1:9/',
    amount: { total: 1_250 },
  })
  assert.equal(codeOf(await micropay({ out_trade_no: placed })), 'OUT_TRADE_NO_USED')
  assert.ok(twin.prepays.pay(native.body.code_url, user).paid)
  assert.equal(codeOf(await micropay({ out_trade_no: placed })), 'OUT_TRADE_NO_USED')
  const asked = fresh()
  await micropay({ out_trade_no: asked, ...(await show({ password: true })) })
  assert.equal(
    codeOf(await micropay({ out_trade_no: asked, total_fee: '1251' })),
    'OUT_TRADE_NO_USED',
  )
  const expired = fresh()
  const soon = formatTime(twin.clock.now() + 60_000)
    .slice(0, 19)
    .replace(/[-T:]/g, '')
  await micropay({
    out_trade_no: expired,
    time_expire: soon,
    ...(await show({ stumble: { code: 'BANKERROR', when: 'before' } })),
  })
  world.advance(61)
  assert.equal(codeOf(await micropay({ out_trade_no: expired, time_expire: soon })), 'ORDERCLOSED')
})

test('a password: USERPAYING until it was entered', async () => {
  const out_trade_no = fresh()
  const code = await show({ password: true })
  assert.equal(codeOf(await micropay({ out_trade_no, ...code })), 'USERPAYING')
  assert.equal((await query(out_trade_no))['trade_state'], 'USERPAYING')
  assert.equal(codeOf(await micropay({ out_trade_no })), 'USERPAYING')
  assert.deepEqual(await enter(true), { trade_state: 'SUCCESS' })
  const paid = await query(out_trade_no)
  assert.deepEqual([paid['trade_state'], paid['openid']], ['SUCCESS', world.openid(user)])
  await assert.rejects(enter(true), /404/)
})

test('from 1,000 yuan on a password is asked for', async () => {
  assert.equal(codeOf(await micropay({ total_fee: '99999' })), 'SUCCESS')
  assert.equal(codeOf(await micropay({ total_fee: '100000' })), 'USERPAYING')
  await enter(false)
})

test('a wrong password, or none in thirty seconds: PAYERROR, and the same payer may try again', async () => {
  const out_trade_no = fresh()
  await micropay({ out_trade_no, ...(await show({ password: true })) })
  assert.deepEqual(await enter(false), { trade_state: 'PAYERROR' })
  assert.equal((await query(out_trade_no))['trade_state'], 'PAYERROR')
  assert.equal(
    codeOf(await micropay({ out_trade_no, ...(await show({}, other)) })),
    'BUYER_MISMATCH',
  )
  assert.equal(
    codeOf(await micropay({ out_trade_no, ...(await show({ password: true })) })),
    'USERPAYING',
  )
  world.advance(29)
  assert.equal((await query(out_trade_no))['trade_state'], 'USERPAYING')
  world.advance(1)
  assert.equal((await query(out_trade_no))['trade_state'], 'PAYERROR')
  assert.equal(codeOf(await micropay({ out_trade_no })), 'SUCCESS')
})

for (const code of ['BANKERROR', 'SYSTEMERROR'] as const) {
  test(`${code} may come before the money moved, or after it`, async () => {
    const [before, behind] = [fresh(), fresh()]
    const first = await micropay({
      out_trade_no: before,
      ...(await show({ stumble: { code, when: 'before' } })),
    })
    const second = await micropay({
      out_trade_no: behind,
      ...(await show({ stumble: { code, when: 'after' } })),
    })
    assert.deepEqual([codeOf(first), codeOf(second)], [code, code])
    assert.equal((await query(before))['trade_state'], 'NOTPAY')
    assert.equal((await query(behind))['trade_state'], 'SUCCESS')
  })
}

test('an order that is not there: ORDERNOTEXIST, as is another merchant’s', async () => {
  const out_trade_no = fresh()
  const paid = await micropay({ out_trade_no })
  assert.equal(codeOf(await query('M0')), 'ORDERNOTEXIST')
  assert.equal(
    codeOf(await v2('/pay/orderquery', { out_trade_no }, { as: stranger })),
    'ORDERNOTEXIST',
  )
  const { transaction_id } = paid
  assert.equal(
    codeOf(await v2('/pay/orderquery', { transaction_id }, { as: stranger })),
    'ORDERNOTEXIST',
  )
  const nothing = await reverse('M0')
  assert.deepEqual([codeOf(nothing), nothing['recall']], ['ORDERNOTEXIST', 'N'])
  assert.equal(codeOf(await v2('/pay/orderquery', {})), 'PARAM_ERROR')
  assert.equal(codeOf(await v2('/pay/orderquery', { out_trade_no, transaction_id })), 'PARAM_ERROR')
})

test('a reversal ends what is unpaid, and gives back what was paid, once', async () => {
  const rich = world.user({ balance_fen: 1_250 })
  const [paid, asked] = [fresh(), fresh()]
  await micropay({ out_trade_no: paid, ...(await show({}, rich)) })
  const before = twin.trades.balanceOf(merchant.mchid)
  for (const _ of [1, 2]) {
    const done = await reverse(paid)
    assert.deepEqual([codeOf(done), done['recall']], ['SUCCESS', 'N'])
  }
  assert.equal((await query(paid))['trade_state'], 'REVOKED')
  assert.equal(twin.trades.balanceOf(merchant.mchid), before - 1_250 + 8)
  world.advance(30)
  assert.equal(twin.users.table.get(rich.id)?.balance_fen, 1_250)
  await micropay({ out_trade_no: asked, ...(await show({ password: true })) })
  assert.equal(codeOf(await reverse(asked)), 'SUCCESS')
  await assert.rejects(enter(true, { out_trade_no: asked }), /404/)
  assert.equal((await query(asked))['trade_state'], 'REVOKED')
})

test('a reversal may have to be asked for again: recall=Y', async () => {
  const out_trade_no = fresh()
  await micropay({ out_trade_no, ...(await show({ recalls: 2 })) })
  for (const _ of [1, 2]) {
    const again = await reverse(out_trade_no)
    assert.deepEqual([codeOf(again), again['recall']], ['SYSTEMERROR', 'Y'])
    assert.equal((await query(out_trade_no))['trade_state'], 'SUCCESS')
  }
  const done = await reverse(out_trade_no)
  assert.deepEqual([codeOf(done), done['recall']], ['SUCCESS', 'N'])
})

const trade = { trade_type: 'MICROPAY', paid_at: 0 } as Trade
const week = 7 * 86_400_000
for (const [what, given, now, expected] of [
  ['paid', { state: 'SUCCESS' }, week, 'refund'],
  ['paid more than a week ago', { state: 'SUCCESS' }, week + 1, 'REVERSE_EXPIRE'],
  ['refunded', { state: 'REFUND' }, 0, 'TRADE_ERROR'],
  ['not by code', { state: 'SUCCESS', trade_type: 'JSAPI' }, 0, 'TRADE_ERROR'],
  ['reversed', { state: 'REVOKED' }, 0, 'done'],
  ['failed', { state: 'PAYERROR' }, 0, 'revoke'],
  ['not paid', { state: 'NOTPAY' }, 0, 'revoke'],
  ['being paid', { state: 'USERPAYING' }, 0, 'revoke'],
] as const) {
  test(`reversing what is ${what}: ${expected}`, () => {
    const decision = decideReverse({ ...trade, ...given }, now, 7)
    assert.equal(decision.act === 'refuse' ? decision.code : decision.act, expected)
  })
}

test('a refund by V2 is the refund that v3 tells of', async () => {
  const out_trade_no = fresh()
  await micropay({ out_trade_no })
  const out_refund_no = fresh('R')
  const ask = (more: Fields = {}) =>
    v2('/secapi/pay/refund', {
      out_trade_no,
      out_refund_no,
      total_fee: '1250',
      refund_fee: '250',
      ...more,
    })
  const done = await ask()
  assert.equal(codeOf(done), 'SUCCESS')
  assert.equal((await ask())['refund_id'], done['refund_id'])
  const found = await world.v3(merchant, 'GET', `/v3/refund/domestic/refunds/${out_refund_no}`)
  assert.deepEqual([found.body.refund_id, found.body.amount.refund], [done['refund_id'], 250])
  assert.equal((await query(out_trade_no))['trade_state'], 'REFUND')
  assert.equal(codeOf(await reverse(out_trade_no)), 'TRADE_ERROR')
  assert.equal(codeOf(await ask({ refund_fee: '251' })), 'INVALID_REQUEST')
  assert.equal(
    codeOf(await ask({ out_refund_no: fresh('R'), refund_fee: '1001' })),
    'INVALID_REQUEST',
  )
  assert.equal(
    codeOf(await ask({ out_refund_no: fresh('R'), out_trade_no: 'M0' })),
    'ORDERNOTEXIST',
  )
  assert.equal(codeOf(await ask({ out_refund_no: fresh('R'), total_fee: '1' })), 'INVALID_REQUEST')
  assert.equal(codeOf(await ask({ out_refund_no: undefined })), 'PARAM_ERROR')
  twin.trades.move({
    mchid: merchant.mchid,
    kind: 'other',
    serial: 'x',
    out_no: 'x',
    amount: -twin.trades.balanceOf(merchant.mchid),
  })
  assert.equal(codeOf(await ask({ out_refund_no: fresh('R') })), 'NOTENOUGH')
})

test('a code tells whose it is without being used', async () => {
  const code = await show()
  const ask = (fields: Fields) => v2('/tools/authcodetoopenid', fields)
  assert.equal((await ask(code))['openid'], world.openid(user))
  assert.equal((await ask(code))['openid'], world.openid(user))
  assert.equal(codeOf(await micropay(code)), 'SUCCESS')
  assert.equal(codeOf(await ask(code)), 'AUTH_CODE_INVALID')
  assert.equal(codeOf(await ask({ auth_code: '13'.padEnd(18, '0') })), 'AUTH_CODE_INVALID')
  const late = await show()
  world.advance(61)
  assert.equal(codeOf(await ask(late)), 'AUTHCODEEXPIRE')
})

test('closing is for orders that are not by code', async () => {
  const close = async (out_trade_no: string) =>
    codeOf(await v2('/pay/closeorder', { out_trade_no }))
  const byCode = fresh()
  await micropay({ out_trade_no: byCode })
  assert.equal(await close(byCode), 'INVALID_REQUEST')
  const place = async () => {
    const out_trade_no = fresh()
    const { body } = await world.v3(merchant, 'POST', '/v3/pay/transactions/native', {
      appid,
      mchid: merchant.mchid,
      description: 'a',
      out_trade_no,
      notify_url: 'http://127.0.0.1:9/',
      amount: { total: 1 },
    })
    return { out_trade_no, code_url: body.code_url as string }
  }
  const [open, paid] = [await place(), await place()]
  assert.equal(await close(open.out_trade_no), 'SUCCESS')
  assert.equal(await close(open.out_trade_no), 'ORDERCLOSED')
  twin.prepays.pay(paid.code_url, user)
  assert.equal(await close(paid.out_trade_no), 'ORDERPAID')
  assert.equal(await close('M0'), 'ORDERNOTEXIST')
})

test('more than 33 a second are refused with FREQUENCY_LIMITED', async () => {
  const { defaults } = await import('../kernel/settings.ts')
  assert.equal(defaults.rates['v2.micropay'], 33)
  const hasty = await world.merchant()
  twin.settings.change({ rates: { 'v2.micropay': 2 } })
  const answers = await Promise.all(Array.from({ length: 5 }, () => micropay({}, { as: hasty })))
  twin.settings.change({ rates: { 'v2.micropay': 33 } })
  assert.ok(answers.some((answer) => codeOf(answer) === 'FREQUENCY_LIMITED'))
  assert.ok(answers.some((answer) => codeOf(answer) === 'SUCCESS'))
})

test('under the strict profile /secapi demands the merchant’s certificate, as a TLS proxy tells of it', async () => {
  const strict = await openWorld({ profile: 'strict' })
  try {
    const owner = await strict.merchant()
    const ask = async (headers: Record<string, string>) => {
      const answer = await v2(
        '/secapi/pay/reverse',
        { out_trade_no: 'M0' },
        { as: owner, headers, url: strict.url },
      )
      return answer['http'] ?? codeOf(answer)
    }
    const good = {
      'x-ssl-client-verify': 'SUCCESS',
      'x-ssl-client-serial': owner.serial.toLowerCase(),
    }
    assert.equal(await ask(good), 'ORDERNOTEXIST')
    assert.equal(await ask({}), '400')
    assert.equal(await ask({ ...good, 'x-ssl-client-verify': 'FAILED:unable to verify' }), '400')
    assert.equal(await ask({ ...good, 'x-ssl-client-serial': '0123' }), '400')
    const free = await v2('/pay/orderquery', { out_trade_no: 'M0' }, { as: owner, url: strict.url })
    assert.equal(codeOf(free), 'ORDERNOTEXIST')
  } finally {
    await strict.close()
  }
})

test('the bill of the day tells payments by code, and what was reversed as REVOKED', async () => {
  const { formatDay, startOfDay } = await import('../kernel/time.ts')
  const { tradeBillHeaders } = await import('../bills/trade-bill.ts')
  const till = await world.merchant()
  const start = startOfDay(formatDay(twin.clock.now())) ?? 0
  world.advance(Math.ceil((start + 33 * 3_600_000 - twin.clock.now()) / 1000))
  const day = formatDay(twin.clock.now())
  const [kept, undone] = [fresh(), fresh()]
  await micropay({ out_trade_no: kept }, { as: till })
  await micropay({ out_trade_no: undone }, { as: till })
  await v2('/secapi/pay/reverse', { out_trade_no: undone }, { as: till })
  world.advance(25 * 3_600)
  const { body } = await world.v3(till, 'GET', `/v3/bill/tradebill?bill_date=${day}`)
  const url = new URL(body.download_url)
  const { bytes } = await world.v3Bytes(till, url.pathname + url.search)
  const at = (name: string) => tradeBillHeaders.ALL.indexOf(name)
  const rows = bytes
    .toString()
    .split('\r\n')
    .slice(1, 4)
    .map((line) => line.slice(1).split(',`'))
  assert.deepEqual(
    rows.map((row) => [
      row[at('商户订单号')],
      row[at('交易类型')],
      row[at('交易状态')],
      row[at('商户退款单号')],
      row[at('手续费')],
    ]),
    [
      [kept, 'MICROPAY', 'SUCCESS', '0', '0.08000'],
      [undone, 'MICROPAY', 'SUCCESS', '0', '0.08000'],
      [undone, 'MICROPAY', 'REVOKED', undone, '-0.08000'],
    ],
  )
})
