/**
 * Red packets: cash from the budget of a campaign to a member, once for each business number; what nobody takes is the
 * budget's again.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { businessDateOf, dayMs, parseId } from '@lika/contract'
import { endRedPacket, giveRedPacketCommand } from '../server/src/flows/red-packets/give.ts'
import { tendRedPackets } from '../server/src/flows/red-packets/send.ts'
import { takeNotice } from '../server/src/flows/wechat-notices.ts'
import { findRedPacket } from '../server/src/modules/red-packets/index.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
let campaign: string
/** The key of another person. */
let second: string
let given = 0

before(async () => {
  shop = await startOrderShop()
  await shop.twin.control.call('POST', `/merchants/${shop.merchant.mchid}/recharge`, {
    fen: 1_000_000,
  })
  second = (await shop.makeKey(shop.issuer.id, 'test', { owner: 'Somebody Else' })).secret
  campaign = await proposed()
  await publish(campaign)
})
after(async () => {
  try {
    const { body } = await shop.call('POST', '/v1/ledger/verify', { key: shop.key, body: {} })
    assert.equal(body.ok, true, JSON.stringify(body))
    assert.deepEqual(shop.faults, [])
  } finally {
    await shop.stop()
  }
})

async function proposed(): Promise<string> {
  const now = shop.flows.engine.now('test')
  const body = {
    name: '红包',
    rule: { kind: 'load_bonus', tiers: [{ from: 1_000_000, bonus: 1 }] },
    budget: 10_000,
    starts_on: businessDateOf(now),
    ends_on: businessDateOf(now + 60 * dayMs),
  }
  const made = await shop.post(shop.key, '/v1/campaigns', body)
  assert.equal(made.status, 201, JSON.stringify(made.body))
  return made.body.id
}

async function publish(id: string): Promise<void> {
  const published = await shop.call('POST', `/v1/campaigns/${id}/publish`, { key: second })
  assert.equal(published.status, 200, JSON.stringify(published.body))
}

const give = (more: object = {}) => {
  given += 1
  return shop.post(shop.key, `/v1/campaigns/${campaign}/red_packets`, {
    member_id: shop.buyer.member,
    amount: 888,
    remark: '恭喜发财',
    reference: `packet-${given}`,
    ...more,
  })
}

const show = async (id: string) => (await shop.get(shop.key, `/v1/red_packets/${id}`)).body

async function tend(...seconds: number[]): Promise<void> {
  for (const some of seconds) {
    await shop.advance(some)
    await tendRedPackets(shop.flows, 'test', shop.log)
  }
}

/** What the campaign has left, what we owe to people, what WeChat has of ours. */
const books = () => shop.accounts('rebate_budget', 'order_suspense', 'wechat')

test('a member takes what was given to him, and it has left the budget and WeChat', async () => {
  const before = await books()
  const { status, body } = await give()
  assert.equal(status, 201, JSON.stringify(body))
  assert.equal(body.status, 'sending')
  assert.ok(body.package_info)
  await shop.twin.control.do(shop.buyer.id, 'confirm_transfer', { package_info: body.package_info })
  await tend(11, 61, 301)
  assert.equal((await show(body.id)).status, 'received')
  const after = await books()
  assert.deepEqual(
    after.map((balance, index) => balance - (before[index] ?? 0)),
    [888, 0, -888],
  )
})

test('the same business number gives once', async () => {
  const reference = 'once'
  const first = await give({ reference })
  const again = await give({ reference })
  assert.deepEqual(
    [again.status, again.body.code, again.body.existing_id],
    [409, 'reference.already_used', first.body.id],
  )
})

test('what nobody takes within a day goes back to the budget', async () => {
  const before = await books()
  const { body } = await give()
  await tend(11, 86_400, 1_801, 1_801)
  const now = await show(body.id)
  assert.equal(now.status, 'returned', JSON.stringify(now))
  const after = await books()
  // The one of the test before comes back as well.
  assert.deepEqual(after[2], before[2])
  assert.equal(after[1], (before[1] ?? 0) + 888)
})

test('an answer that was lost gives once', async () => {
  const before = await books()
  await shop.twin.control.fault(
    { path: '/v3/fund-app/mch-transfer/transfer-bills', times: 1 },
    'answer_500_after',
  )
  const { body } = await give()
  assert.equal(body.status, 'sending')
  await tend(11, 61, 86_400, 1_801, 1_801)
  assert.equal((await show(body.id)).status, 'returned')
  assert.deepEqual(await books(), before)
})

test('the budget gives what it has and not a fen more', async () => {
  const { body } = await give({ amount: 20_000 })
  assert.equal(body.code, 'campaign.budget_spent')
  const stranger = await shop.flows.members.makeGuest(shop.book)
  const guest = await give({ member_id: `mem_${stranger.replaceAll('-', '')}` })
  assert.equal(guest.body.code, 'order.payer_unknown')
})

test('a key whose server died before it was refused gives once the campaign is published', async () => {
  const [firstLane] = shop.flows.engine.lanesOf('test')
  const homeOf = async (id: string) => {
    const [row] = await shop.database.owner.sql<{ lane: number }[]>`
      select home_lane as lane from campaign where id = ${parseId('campaign', id) ?? null}`
    return row?.lane
  }
  let draft = await proposed()
  while ((await homeOf(draft)) === firstLane) draft = await proposed()
  const [campaignId, memberId] = [parseId('campaign', draft), shop.buyer.memberId]
  assert.ok(campaignId)
  const said = { amount: 100, remark: '恭喜', reference: 'died' }
  const input = { ...said, amount: 100n, campaignId, memberId }
  const command = await giveRedPacketCommand(shop.flows, shop.book, input, 'died')
  const plan = () => assert.fail('the server dies')
  await assert.rejects(shop.flows.engine.execute({ ...command, plan }), /dies/)
  await publish(draft)
  const path = `/v1/campaigns/${draft}/red_packets`
  const made = await shop.again(shop.key, path, 'died', { ...said, member_id: shop.buyer.member })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  assert.equal((await give({ reference: 'died' })).body.code, 'reference.already_used')
})

const transfers = '/v3/fund-app/mch-transfer/transfer-bills'
const refuse = (method: 'GET' | 'POST', http: number, code: string) =>
  shop.twin.control.fault(
    { path: method === 'GET' ? `${transfers}/out-bill-no/*` : transfers, method, times: 1 },
    { name: 'status', http, code },
  )
const confirm = (body: { package_info: string }) =>
  shop.twin.control.do(shop.buyer.id, 'confirm_transfer', { package_info: body.package_info })

for (const [http, code] of [
  [401, 'SIGN_ERROR'],
  [403, 'NO_AUTH'],
  [429, 'FREQUENCY_LIMITED'],
  [400, 'PARAM_ERROR'],
  [400, 'INVALID_REQUEST'],
  [404, 'MCH_NOT_EXISTS'],
  [400, 'ANOTHER_CODE'],
] as const) {
  test(`that WeChat answers ${code} to who asks about it gives nothing back: the member may take it all the same`, async () => {
    const before = await books()
    const { body } = await give({ amount: 100 })
    await refuse('GET', http, code)
    await tend(11)
    const [budget = 0, owed = 0] = before
    assert.equal((await show(body.id)).status, 'sending')
    assert.deepEqual((await books()).slice(0, 2), [budget + 100, owed - 100])
    await confirm(body)
    await tend(61, 301)
    assert.equal((await show(body.id)).status, 'received')
  })
}

test('what WeChat has never heard of is sent again once no call is on its way, and ends where that is refused', async () => {
  const before = await books()
  const { body: there } = await give({ amount: 100 })
  await refuse('GET', 404, 'NOT_FOUND')
  await refuse('POST', 403, 'NO_AUTH')
  await tend(11)
  assert.equal((await show(there.id)).status, 'sending')
  await confirm(there)
  await tend(61)
  assert.equal((await show(there.id)).status, 'received')
  await shop.twin.control.clearFaults()
  const after = await books()
  const path = { path: transfers, method: 'POST', times: 2 }
  await shop.twin.control.fault(path, 'answer_500_before')
  const { body: lost } = await give({ amount: 100 })
  await shop.twin.control.clearFaults()
  await refuse('POST', 403, 'NO_AUTH')
  await tend(11)
  assert.equal((await show(lost.id)).status, 'sending')
  await tend(61)
  const ended = await show(lost.id)
  assert.deepEqual([ended.status, ended.reason], ['returned', 'NO_AUTH'])
  assert.deepEqual(await books(), after)
  assert.equal(after[0], (before[0] ?? 0) + 100)
})

test('what WeChat refuses to send ends at once, or is sent again where that may do', async () => {
  await refuse('POST', 403, 'NO_AUTH')
  const { body: refused } = await give({ amount: 100 })
  assert.deepEqual([refused.status, refused.reason], ['returned', 'NO_AUTH'])
  await refuse('POST', 429, 'FREQUENCY_LIMITED')
  const { body: early } = await give({ amount: 100 })
  assert.equal(early.status, 'sending')
  await tend(11, 61)
  const again = await give({ amount: 100 })
  await confirm(again.body)
  await tend(86_400, 1_801, 1_801)
  assert.equal((await show(early.id)).status, 'returned')
  assert.equal((await show(again.body.id)).status, 'received')
})

test('a notice of WeChat says that the member has it before anybody asks', async () => {
  const { body } = await give({ amount: 100 })
  await confirm(body)
  await shop.advance(3)
  await shop.twin.control.settle()
  assert.equal((await show(body.id)).status, 'received')
})

test('a notice that a packet was taken which had been given up is a case for people, once', async () => {
  const { body } = await give({ amount: 100 })
  const id = parseId('red_packet', body.id)
  const row = id && (await findRedPacket(shop.database.app.sql, shop.book, id))
  assert.ok(row)
  await endRedPacket(shop.flows, row, { status: 'returned', reason: 'NO_AUTH' })
  await confirm(body)
  await shop.advance(3)
  await shop.twin.control.settle()
  const bill = { outBillNo: row.outBillNo, transferBillNo: '1330', state: 'succeeded' as const }
  const told = { book: shop.book, accountId: row.accountId }
  const said: string[] = []
  const log = { error: (_: object, sentence: string) => void said.push(sentence) }
  const notice = { kind: 'transfer' as const, id: 'again', bill }
  assert.equal(await takeNotice(shop.flows, log, told, notice), 'in_book')
  assert.deepEqual(said, ['WeChat paid a red packet that was given up'])
  assert.equal(shop.logged.filter((line) => line.includes(said[0] ?? '-')).length, 1)
  assert.equal((await show(body.id)).status, 'returned')
  const opened = await shop.database.owner.sql`
    select kind, amount
    from reserve_case
    where subject = ${row.outBillNo}`
  assert.deepEqual(
    opened.map(({ kind, amount }) => [kind, Number(amount)]),
    [['wechat_row_differs', -100]],
  )
  // Where the case could not be written down WeChat has to tell again.
  const execute = () => Promise.reject(new Error('no database'))
  const broken = { ...shop.flows, engine: Object.create(shop.flows.engine) }
  Object.assign(broken.engine, {
    execute,
    lanesOf: (mode: 'test') => shop.flows.engine.lanesOf(mode),
    laneForNew: (mode: 'test') => shop.flows.engine.laneForNew(mode),
  })
  await assert.rejects(takeNotice(broken, log, told, notice), /no database/)
  const foreign = { ...notice, bill: { ...bill, outBillNo: 'OTHER1' } }
  assert.equal(await takeNotice(shop.flows, log, told, foreign), 'in_book')
})

test('a key that is sent again gets the first outcome, whatever became of member, merchant number and campaign', async () => {
  const guest = `mem_${(await shop.flows.members.makeGuest(shop.book)).replaceAll('-', '')}`
  const merged = await shop.post(shop.key, `/v1/members/${guest}/merge`, {
    with: shop.buyer.member,
  })
  assert.equal(merged.status, 200, JSON.stringify(merged.body))
  const body = { member_id: guest, amount: 100, remark: '恭喜', reference: 'again' }
  const asked = (key: string, more: object = {}) =>
    shop.again(shop.key, `/v1/campaigns/${campaign}/red_packets`, key, { ...body, ...more })
  const first = await asked('packet')
  assert.equal(first.status, 201, JSON.stringify(first.body))
  const before = await books()
  const same = async (why: string) => {
    const { status, body: now, headers } = await asked('packet')
    assert.deepEqual([status, now.id, now.status], [201, first.body.id, 'sending'], why)
    assert.equal(headers.get('idempotent-replayed'), 'true')
  }
  await same('nothing has changed')
  const path = `/v1/wechat/pay_accounts/${shop.account.id}/disable`
  assert.equal((await shop.call('POST', path, { key: shop.key })).status, 200)
  // By the time that every process knows: what is refused here says nothing of what WeChat took before.
  const port = shop.flows.wechatPay
  const transfer = async () =>
    ({ status: 'refused', code: 'ACCOUNT_DISABLED', detail: '' }) as const
  Object.assign(shop.flows, { wechatPay: { ...port, transfer } })
  await same('the merchant number takes no more orders')
  Object.assign(shop.flows, { wechatPay: port })
  const fresh = await asked('packet-2', { reference: 'again-2' })
  assert.equal(fresh.body.code, 'wechat_account.not_found')
  for (const one of [guest, shop.buyer.member])
    await shop.post(shop.key, `/v1/members/${one}/unmerge`)
  await same('the member is somebody else')
  await shop.call('POST', `/v1/campaigns/${campaign}/end`, { key: shop.key })
  await same('the campaign has ended')
  assert.equal(
    (await asked('packet-3', { reference: 'again-3' })).body.code,
    'campaign.not_running',
  )
  assert.equal((await asked('packet', { amount: 101 })).body.code, 'idempotency.key_reused')
  const [, owed, wechat] = await books()
  assert.deepEqual([owed, wechat], before.slice(1))
  const info = first.body.package_info
  await shop.twin.control.do(shop.buyer.id, 'confirm_transfer', { package_info: info })
  await tend(11, 61, 301)
  assert.equal((await show(first.body.id)).status, 'received')
})
