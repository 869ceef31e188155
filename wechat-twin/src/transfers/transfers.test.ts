/** Transfers to users over v3: each documented refusal, every state, the user's yes, the day that runs out, and the notification. */
import assert from 'node:assert/strict'
import { after as afterAll, test } from 'node:test'
import { isSigned, opened, openReceiver } from '../testing/receiver.ts'
import { appid, openWorld } from '../testing/world.ts'
import { after, isFinal, type TransferEvent, type TransferState } from './model.ts'

const world = await openWorld()
const ear = await openReceiver()
afterAll(async () => {
  await ear.close()
  await world.close()
})
const { twin } = world
const merchant = await world.merchant()
await world.control('POST', `/merchants/${merchant.mchid}/recharge`, { fen: 1_000_000 })
const poor = await world.merchant()
const user = world.user({ balance_fen: 0 })
const openid = world.openid(user)
const { headers } = world.secret(merchant, '')
const seal = (name: string) => world.secret(merchant, name).value
const base = '/v3/fund-app/mch-transfer/transfer-bills'
let count = 0
function fresh(): string {
  count += 1
  return `B${String(count).padStart(9, '0')}`
}
function transfer(more: Record<string, unknown> = {}, as = merchant) {
  const body = {
    appid,
    out_bill_no: fresh(),
    transfer_scene_id: '1000',
    openid,
    transfer_amount: 100,
    transfer_remark: '新会员有礼',
    transfer_scene_report_infos: [
      { info_type: '活动名称', info_content: '新会员有礼' },
      { info_type: '奖励说明', info_content: '注册会员抽奖一等奖' },
    ],
    ...more,
  }
  return world.v3(as, 'POST', base, body, headers)
}
const look = async (no: string, as = merchant) =>
  (await world.v3(as, 'GET', `${base}/out-bill-no/${no}`)).body
const cancel = (no: string) => world.v3(merchant, 'POST', `${base}/out-bill-no/${no}/cancel`)
const act = (action: string, more: object, who = user.id) =>
  world.control('POST', `/users/${who}/do`, { action, ...more })

test('states go only where they may', () => {
  const states: TransferState[] = [
    'ACCEPTED',
    'PROCESSING',
    'WAIT_USER_CONFIRM',
    'TRANSFERING',
    'SUCCESS',
    'FAIL',
    'CANCELING',
    'CANCELLED',
  ]
  const events: TransferEvent[] = [
    'start',
    'ask_user',
    'confirm',
    'expire',
    'cancel',
    'finish',
    'fail',
  ]
  const ways = states.flatMap((state) =>
    events.flatMap((event) => {
      const next = after(state, event)
      return next === undefined ? [] : [`${state} ${event} ${next}`]
    }),
  )
  assert.deepEqual(ways, [
    'ACCEPTED start PROCESSING',
    'ACCEPTED cancel CANCELING',
    'ACCEPTED fail FAIL',
    'PROCESSING ask_user WAIT_USER_CONFIRM',
    'PROCESSING cancel CANCELING',
    'PROCESSING fail FAIL',
    'WAIT_USER_CONFIRM confirm TRANSFERING',
    'WAIT_USER_CONFIRM expire FAIL',
    'WAIT_USER_CONFIRM cancel CANCELING',
    'WAIT_USER_CONFIRM fail FAIL',
    'TRANSFERING finish SUCCESS',
    'TRANSFERING fail FAIL',
    'CANCELING finish CANCELLED',
  ])
  assert.deepEqual(states.filter(isFinal), ['SUCCESS', 'FAIL', 'CANCELLED'])
})

test('the user confirms and has the money; the merchant is told, once', async () => {
  const before = twin.trades.balanceOf(merchant.mchid)
  const made = await transfer({ notify_url: ear.url, transfer_amount: 888 })
  assert.equal(made.outcome, '200', made.text)
  const { out_bill_no, transfer_bill_no, state, package_info, create_time } = made.body
  assert.equal(state, 'WAIT_USER_CONFIRM')
  assert.match(create_time, /\+08:00$/)
  assert.equal(twin.trades.balanceOf(merchant.mchid), before - 888)
  assert.equal((await look(out_bill_no)).package_info, package_info)
  await act('confirm_transfer', { package_info })
  assert.equal((await look(out_bill_no)).state, 'TRANSFERING')
  assert.equal(twin.users.table.get(user.id)?.balance_fen, 0)
  world.advance(2)
  const done = await look(out_bill_no)
  assert.deepEqual(
    [done.state, done.package_info, done.transfer_amount],
    ['SUCCESS', undefined, 888],
  )
  assert.equal(twin.users.table.get(user.id)?.balance_fen, 888)
  const byNumber = await world.v3(merchant, 'GET', `${base}/transfer-bill-no/${transfer_bill_no}`)
  assert.deepEqual(byNumber.body, done)
  await world.control('POST', '/settle', {})
  assert.equal(ear.received.length, 1)
  const [notice] = ear.received
  assert.ok(notice !== undefined && isSigned(merchant, notice))
  const { event_type, resource } = JSON.parse(notice.body)
  assert.deepEqual(
    [event_type, resource.original_type],
    ['MCHTRANSFER.BILL.FINISHED', 'mch_payment'],
  )
  const plain = opened(merchant, notice)
  assert.deepEqual(
    [plain.out_bill_no, plain.state, plain.transfer_amount, plain.mch_id, plain.openid],
    [out_bill_no, 'SUCCESS', 888, merchant.mchid, openid],
  )
})

test('whoever does not confirm within 24 hours finds it closed, and the merchant has the money back', async () => {
  const before = twin.trades.balanceOf(merchant.mchid)
  const { body } = await transfer()
  world.advance(86_399)
  assert.equal((await look(body.out_bill_no)).state, 'WAIT_USER_CONFIRM')
  world.advance(1)
  const over = await look(body.out_bill_no)
  assert.deepEqual([over.state, over.fail_reason], ['FAIL', 'OVERDUE_CLOSE'])
  assert.equal(twin.trades.balanceOf(merchant.mchid), before)
  await act('confirm_transfer', { package_info: body.package_info })
  assert.equal((await look(body.out_bill_no)).state, 'FAIL')
})

test('a yes in time outlasts the 24 hours', async () => {
  const { body } = await transfer()
  world.advance(86_399)
  await act('confirm_transfer', { package_info: body.package_info })
  world.advance(10)
  assert.equal((await look(body.out_bill_no)).state, 'SUCCESS')
})

test('a merchant cancels until the user has confirmed, again and again', async () => {
  const before = twin.trades.balanceOf(merchant.mchid)
  const { body } = await transfer()
  assert.equal((await cancel(body.out_bill_no)).body.state, 'CANCELING')
  assert.equal((await cancel(body.out_bill_no)).body.state, 'CANCELING')
  await act('confirm_transfer', { package_info: body.package_info })
  world.advance(2)
  const gone = await cancel(body.out_bill_no)
  assert.equal(gone.body.state, 'CANCELLED')
  assert.equal((await look(body.out_bill_no)).fail_reason, 'MCH_CANCEL')
  assert.equal(twin.trades.balanceOf(merchant.mchid), before)
  const late = await transfer()
  await act('confirm_transfer', { package_info: late.body.package_info })
  assert.equal((await cancel(late.body.out_bill_no)).outcome, '400 INVALID_REQUEST')
  assert.equal((await cancel('B0')).outcome, '404 NOT_FOUND')
})

test('a transfer may first be ACCEPTED and PROCESSING', async () => {
  twin.settings.change({ transferAcceptSeconds: 10 })
  const { body } = await transfer()
  twin.settings.change({ transferAcceptSeconds: 0 })
  assert.deepEqual([body.state, body.package_info], ['ACCEPTED', undefined])
  world.advance(5)
  assert.equal((await look(body.out_bill_no)).state, 'PROCESSING')
  world.advance(5)
  assert.equal((await look(body.out_bill_no)).state, 'WAIT_USER_CONFIRM')
})

test('what goes wrong after the yes gives the money back, with a reason', async () => {
  const before = twin.trades.balanceOf(merchant.mchid)
  const { body } = await transfer()
  await act('confirm_transfer', { package_info: body.package_info })
  await act('fail_transfer', { package_info: body.package_info, reason: 'PAYEE_ACCOUNT_ABNORMAL' })
  world.advance(5)
  const failed = await look(body.out_bill_no)
  assert.deepEqual([failed.state, failed.fail_reason], ['FAIL', 'PAYEE_ACCOUNT_ABNORMAL'])
  assert.equal(twin.trades.balanceOf(merchant.mchid), before)
})

test('the same number transfers once; with other terms it exists already', async () => {
  const before = twin.trades.balanceOf(merchant.mchid)
  const out_bill_no = fresh()
  const large = () => ({ out_bill_no, transfer_amount: 200_000, user_name: seal(user.name) })
  const first = await transfer(large())
  const again = await transfer(large())
  assert.deepEqual(again.body, first.body)
  assert.equal(twin.trades.balanceOf(merchant.mchid), before - 200_000)
  assert.equal(
    (await transfer({ ...large(), transfer_remark: '别的' })).outcome,
    '400 ALREADY_EXISTS',
  )
  assert.equal(
    (await transfer({ ...large(), user_name: seal('李四') })).outcome,
    '400 ALREADY_EXISTS',
  )
})

const other = world.user({ name: '李四' })
for (const [what, expected, more] of [
  ['an appid that is not bound', '400 APPID_MCHID_NOT_MATCH', { appid: 'wx0000000000000000' }],
  ['an openid of nobody', '400 PARAM_ERROR', { openid: 'oNobody' }],
  [
    "another app's openid",
    '400 PARAM_ERROR',
    { openid: twin.users.openidOf(other.id, 'wx0000000000000000') },
  ],
  ['9 fen', '400 PARAM_ERROR', { transfer_amount: 9 }],
  ['10 fen', '200', { transfer_amount: 10 }],
  ['a number with a dash', '400 PARAM_ERROR', { out_bill_no: 'B-1' }],
  ['a number of 33', '400 PARAM_ERROR', { out_bill_no: 'B'.repeat(33) }],
  ['a remark of 33', '400 PARAM_ERROR', { transfer_remark: '字'.repeat(33) }],
  ['a scene that is not open', '403 NO_AUTH', { transfer_scene_id: '9999' }],
  [
    'a scene without its reports',
    '400 INVALID_REQUEST',
    { transfer_scene_report_infos: [{ info_type: '活动名称', info_content: 'a' }] },
  ],
  ['no reports', '400 PARAM_ERROR', { transfer_scene_report_infos: [] }],
  ['1,999.99 yuan without a name', '200', { transfer_amount: 199_999 }],
  ['2,000 yuan without a name', '400 PARAM_ERROR', { transfer_amount: 200_000 }],
  [
    '2,000 yuan with the name',
    '200',
    { transfer_amount: 200_000, user_name: () => seal(user.name) },
  ],
  ['a name that is not the user’s', '400 INVALID_REQUEST', { user_name: () => seal('王五') }],
  ['a name in the clear', '400 PARAM_ERROR', { user_name: '张三' }],
  ['a notify_url with a query', '400 PARAM_ERROR', { notify_url: 'https://a.cn/?b=c' }],
  ['a member that nobody knows', '400 PARAM_ERROR', { mchid: 'x', extra: 1 }],
  ['more than the merchant has', '403 NOT_ENOUGH', { as: 'poor' }],
] as [string, string, Record<string, unknown>][]) {
  test(`a transfer with ${what}: ${expected}`, async () => {
    const { as, user_name, ...rest } = more
    const name =
      typeof user_name === 'function'
        ? { user_name: user_name() }
        : user_name === undefined
          ? {}
          : { user_name }
    const answer = await transfer({ ...rest, ...name }, as === 'poor' ? poor : merchant)
    assert.equal(answer.outcome, expected, answer.text)
  })
}

test('a name needs the key that it was encrypted for', async () => {
  const body = { user_name: seal(user.name) }
  const without = await world.v3(merchant, 'POST', base, {
    appid,
    out_bill_no: fresh(),
    transfer_scene_id: '1002',
    openid,
    transfer_amount: 100,
    transfer_remark: 'a',
    transfer_scene_report_infos: [{ info_type: 'a', info_content: 'b' }],
    ...body,
  })
  assert.equal(without.outcome, '400 PARAM_ERROR')
})

test('a bill is found for thirty days, by its merchant, and confirmed by its user', async () => {
  const { body } = await transfer()
  assert.equal((await look(body.out_bill_no, poor)).code, 'NOT_FOUND')
  await assert.rejects(
    act('confirm_transfer', { package_info: body.package_info }, other.id),
    /404/,
  )
  world.advance(30 * 86_400 - 10)
  assert.equal((await look(body.out_bill_no)).state, 'FAIL')
  world.advance(11)
  assert.equal((await look(body.out_bill_no)).code, 'NOT_FOUND')
})

test('more than 100 transfers a second are refused with 429 FREQUENCY_LIMITED', async () => {
  const { defaults } = await import('../kernel/settings.ts')
  assert.equal(defaults.rates['transfer.create'], 100)
  twin.settings.change({ rates: { 'transfer.create': 2 } })
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => transfer({}, poor)))
  twin.settings.change({ rates: { 'transfer.create': 100 } })
  assert.ok(outcomes.some(({ outcome }) => outcome === '429 FREQUENCY_LIMITED'))
  assert.ok(outcomes.some(({ outcome }) => outcome === '403 NOT_ENOUGH'))
})
