/**
 * Payments at a till of a card and WeChat together: both or neither, whatever is refused, lost, late or never answered;
 * every fen on the card, with the merchant, or at WeChat. Servers that die are in combined-crash.test.ts.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { LegContext } from '../server/src/flows/combined/leg.ts'
import { learnRefund, learnTrade, lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import type { FlowContext } from '../server/src/flows/context.ts'
import { expireHolds } from '../server/src/flows/expire-holds.ts'
import { outNumberOf } from '../server/src/modules/combined/index.ts'
import { assertBooks } from './harness/books.ts'
import {
  FakeWechatPay,
  type Fate,
  fakeAccount,
  fakeAppid,
  fakeMchid,
} from './harness/fake-wechat-pay.ts'
import { startTills, type TestCard, type Tills } from './harness/tills.ts'

const member = `mem_${'0'.repeat(28)}0259`
const openid = 'o-of-the-member'

let tills: Tills
let wechat: FakeWechatPay

before(async () => {
  tills = await startTills()
  wechat = new FakeWechatPay(() => tills.lanes.engine.now('test'))
  const account = { id: fakeAccount, mchid: fakeMchid, appids: [fakeAppid] }
  Object.assign(tills.flows, {
    wechatPay: wechat.port,
    payAccounts: { active: async () => [account], find: async () => account },
    wechatApps: { find: async () => undefined },
    members: { isThere: async () => true, openidOf: async () => openid },
  } as unknown as Partial<FlowContext>)
})
after(async () => {
  wechat.letGo()
  try {
    await assertBooks(tills.database.owner.sql)
  } finally {
    await tills.stop()
  }
})

type Scene = 'native' | 'jsapi' | 'micropay'
const scenes: readonly Scene[] = ['native', 'jsapi', 'micropay']

const restOf = (scene: Scene) => ({
  method: 'wechat',
  scene,
  ...(scene === 'jsapi' && { member_id: member }),
  ...(scene === 'micropay' && { auth_code: '134567890123456789' }),
})

/** 30.00, of which a card gives what it has. */
const begin = (card: TestCard, scene: Scene, more: object = {}, key?: string) =>
  tills.request(
    'POST',
    '/v1/combined_payments',
    {
      amount: 3_000,
      merchant_id: tills.shop,
      reference: tills.reference(),
      sources: [{ card_id: card.id }],
      rest: restOf(scene),
      ...more,
    },
    key,
  )

const look = async (id: string) => (await tills.request('GET', `/v1/combined_payments/${id}`)).body
const numberOf = (id: string) =>
  outNumberOf('trade', id.slice(5).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))

const leg = (): LegContext => ({
  ...tills.flows,
  legLog: { error: (details, said) => void errors.push([said, details]) },
})
const errors: unknown[] = []

/** The timer comes by, again and again, so many seconds apart. */
async function timer(...seconds: number[]): Promise<void> {
  for (const some of seconds) {
    await tills.passTime(some * 1_000)
    await lookAfterCombined(leg(), 'test')
  }
}

/** Until nothing more is expected of WeChat. */
const toTheEnd = () => timer(11, 5, 5, 5, 5, 30, 300, 61, 61, 301)

/** What of the merchant's takings came by WeChat and is still there, what WeChat owes us, what we owe to payers. */
async function books() {
  const rows = await tills.database.owner.sql<{ kind: number; net: bigint }[]>`
    with moved as (
      select debit_account as id, amount from transfer
      union all
      select credit_account, -amount from transfer
    )
    select (('x' || right(id::text, 4))::bit(16)::int >> 10) as kind, sum(amount)::bigint as net
    from moved
    group by 1`
  const of = (kind: number) => Number(rows.find((row) => row.kind === kind)?.net ?? 0n)
  return { merchants: -of(3), wechat: of(7), owedBack: -of(29) }
}

describe('a payment of a card and WeChat', () => {
  for (const scene of scenes) {
    test(`by ${scene} takes both in one step`, async () => {
      const card = await tills.card(1_250)
      const before = await books()
      wechat.codeLeadsTo = 'paid'
      const { status, body } = await begin(card, scene)
      assert.equal(status, 201)
      assert.equal(body.card_amount, 1_250)
      assert.equal(body.wechat_amount, 1_750)
      if (scene !== 'micropay') {
        assert.equal(body.status, 'waiting')
        assert.equal((await tills.balance(card)).held, 1_250)
        assert.equal(body.invitation.scene, scene)
        assert.ok(wechat.pay(numberOf(body.id)))
        assert.equal(await tell(body.id), 'in_book')
      }
      const now = await look(body.id)
      assert.equal(now.status, 'succeeded')
      assert.deepEqual(await tills.balance(card), { principal: 0, bonus: 0, held: 0 })
      const after = await books()
      assert.equal(after.merchants - before.merchants, 3_000)
      assert.equal(after.wechat - before.wechat, 1_750)
      const payment = await tills.request('GET', `/v1/payments/${now.payment_id}`)
      assert.equal(payment.body.amount, 1_250)
    })
  }

  test('takes from a card that covers all of it without asking WeChat', async () => {
    const card = await tills.card(5_000)
    const calls = wechat.calls.length
    const { body } = await begin(card, 'native')
    assert.equal(body.status, 'succeeded')
    assert.equal(body.wechat_amount, 0)
    assert.equal(wechat.calls.length, calls)
    assert.equal((await tills.balance(card)).principal, 2_000)
  })

  test('takes of the card what is said', async () => {
    const card = await tills.card(5_000)
    const { body } = await begin(card, 'native', { sources: [{ card_id: card.id, amount: 400 }] })
    assert.equal(body.card_amount, 400)
    assert.equal(body.wechat_amount, 2_600)
    await tills.request('POST', `/v1/combined_payments/${body.id}/cancel`)
    const more = await begin(card, 'native', { sources: [{ card_id: card.id, amount: 3_001 }] })
    assert.equal(more.body.code, 'sources.invalid')
  })

  test('is none where the card has nothing', async () => {
    const card = await tills.card(1_000)
    await tills.pay(card, 1_000)
    const { status, body } = await begin(card, 'native')
    assert.equal(status, 409)
    assert.equal(body.code, 'funds.insufficient')
  })

  test('asks again for the same invitation under the same key, and never makes a second payment', async () => {
    const card = await tills.card(1_250)
    const order = { reference: tills.reference() }
    const first = await begin(card, 'native', order, 'same-key')
    const again = await begin(card, 'native', order, 'same-key')
    assert.deepEqual(again.body, first.body)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.equal((await tills.balance(card)).held, 1_250)
    await tills.request('POST', `/v1/combined_payments/${first.body.id}/cancel`)
    assert.equal((await tills.balance(card)).held, 0)
  })

  test('waits on where its merchant number takes no more orders by the time its key is sent again', async () => {
    const card = await tills.card(1_250)
    const order = { reference: tills.reference() }
    const first = await begin(card, 'native', order, 'disabled-key')
    wechat.next('prepay', 'refused', 'ACCOUNT_DISABLED')
    const again = await begin(card, 'native', order, 'disabled-key')
    assert.deepEqual(
      [again.status, again.body.id, again.body.status, again.body.invitation],
      [201, first.body.id, 'waiting', undefined],
    )
    assert.ok(wechat.pay(numberOf(first.body.id)))
    await timer(11)
    assert.equal((await look(first.body.id)).status, 'succeeded')
  })

  test('is not paid by a genuine notice of another amount, app, merchant or person', async () => {
    const card = await tills.card(1_250)
    const { body } = await begin(card, 'jsapi')
    const number = numberOf(body.id)
    const right = {
      ...wechat.tradeOf(number),
      state: 'paid',
      transactionId: 't',
      amount: 1_750n,
      openid,
    } as const
    for (const wrong of [{ amount: 1n }, { mchid: '1' }, { appid: 'wx1' }, { openid: 'other' }])
      await learnTrade(leg(), { book: tills.book, accountId: fakeAccount }, { ...right, ...wrong })
    assert.equal((await look(body.id)).status, 'waiting')
    await learnTrade(leg(), { book: tills.book, accountId: fakeAccount }, right)
    assert.equal((await look(body.id)).status, 'succeeded')
    // The payer at our WeChat never paid: the books of this test are put right again.
    const order = wechat.orders.get(number)
    assert.ok(order)
    order.state = 'paid'
    order.paidAt = 1
  })

  test('is not paid by what was given back at WeChat behind its back', async () => {
    const card = await tills.card(1_250)
    const { body } = await begin(card, 'native')
    const number = numberOf(body.id)
    assert.ok(wechat.pay(number))
    const order = wechat.orders.get(number)
    assert.ok(order)
    order.state = 'refunded'
    order.refunded = order.amount
    await timer(11)
    const now = await look(body.id)
    assert.deepEqual([now.status, now.reason], ['failed', 'refunded_at_wechat'])
    assert.equal((await tills.balance(card)).held, 0)
  })

  test('holds its card part against everybody else', async () => {
    const card = await tills.card(1_250)
    const order = { reference: tills.reference() }
    const { body } = await begin(card, 'native', order)
    const hold = body.hold_id
    const refusals = [
      await tills.request('POST', `/v1/holds/${hold}/release`),
      await tills.request('POST', `/v1/holds/${hold}/capture`, { amount: 1_250 }),
      await tills.request('POST', '/v1/payments/cancel', { merchant_id: tills.shop, ...order }),
      await tills.pay(card, 1),
    ]
    assert.deepEqual(
      refusals.map((one) => one.body.code),
      ['hold.tied', 'hold.tied', 'hold.tied', 'funds.insufficient'],
    )
    assert.ok(wechat.pay(numberOf(body.id)))
    await timer(11)
    const { payment_id: payment } = await look(body.id)
    const cancelled = await tills.request('POST', `/v1/payments/${payment}/cancel`)
    assert.equal(cancelled.body.code, 'payment.is_combined')
  })
})

/** The notification of WeChat. */
function tell(id: string) {
  const trade = wechat.tradeOf(numberOf(id))
  const told = scenesOpenid(trade)
  return learnTrade(leg(), { book: tills.book, accountId: fakeAccount }, told)
}

function scenesOpenid<T extends { openid?: string | undefined }>(trade: T): T {
  return trade.openid === undefined ? trade : trade
}

type Card = 'ok' | 'refused' | 'timeout' | 'lost answer' | 'paid after release'
const whats: readonly Card[] = ['ok', 'refused', 'timeout', 'lost answer', 'paid after release']

/** What the first call to WeChat is, by scene. */
const firstCall = (scene: Scene) => (scene === 'micropay' ? 'micropay' : 'prepay')

const fates: Partial<Record<Card, Fate>> = { refused: 'refused', 'lost answer': 'lost' }

describe('both or neither', () => {
  for (const scene of scenes) {
    for (const what of whats) {
      test(`by ${scene}, WeChat: ${what}`, () => cashCell(scene, what, false))
      test(`by ${scene}, card: ${what}`, () => cardCell(scene, what, false))
      // What is refused at once is not left hanging.
      if (what === 'refused') continue
      const hanging = 'while the first call to WeChat hangs'
      test(`by ${scene}, WeChat: ${what}, ${hanging}`, () => cashCell(scene, what, true))
      test(`by ${scene}, card: ${what}, ${hanging}`, () => cardCell(scene, what, true))
    }
  }
})

/** What went right, went wrong, or came too late, on the side of WeChat. */
async function cashCell(scene: Scene, what: Card, hangs: boolean): Promise<void> {
  const card = await tills.card(1_250)
  const before = await money()
  wechat.codeLeadsTo = scene === 'micropay' && what === 'timeout' ? 'password' : 'paid'
  if (scene === 'micropay' && what === 'paid after release') wechat.codeLeadsTo = 'password'
  const fate = hangs ? 'hung' : fates[what]
  if (fate !== undefined) wechat.next(firstCall(scene), fate)
  const id = await beginUnheard(card, scene, hangs)
  const isPayersTurn = scene !== 'micropay' && what !== 'refused' && what !== 'timeout'
  if (isPayersTurn && what !== 'paid after release') assert.ok(wechat.pay(numberOf(id)))
  if (what === 'paid after release') await payAfterRelease(id, scene)
  else await toTheEnd()
  const isSold = what === 'ok' || what === 'lost answer'
  await assertEnd(id, card, before, isSold)
}

/** `hangs`: WeChat has the call, and the till never hears an answer. */
async function beginUnheard(card: TestCard, scene: Scene, hangs: boolean): Promise<string> {
  const reference = tills.reference()
  const begun = begin(card, scene, { reference })
  if (!hangs) {
    const { status, body } = await begun
    assert.equal(status, 201, JSON.stringify(body))
    return body.id
  }
  begun.catch(() => undefined)
  for (;;) {
    const [row] = await tills.database.owner.sql<{ id: string }[]>`
      select id from combined_payment where reference = ${reference}`
    if (row !== undefined && wechat.orders.has(outNumberOf('trade', row.id)))
      return `cpay_${row.id.replaceAll('-', '')}`
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/**
 * It was paid in time, but nobody could ask WeChat until the hold was dead; or WeChat says that it was closed, and then
 * that it was paid.
 */
async function payAfterRelease(id: string, scene: Scene): Promise<void> {
  const number = numberOf(id)
  if (scene === 'micropay') {
    await toTheEnd()
    assert.equal((await look(id)).status, 'failed')
    const order = wechat.orders.get(number)
    assert.ok(order)
    order.state = 'paid'
    order.paidAt = tills.lanes.engine.now('test')
    assert.equal(await tell(id), 'in_book')
  } else {
    assert.ok(wechat.pay(number))
    await tills.passTime(1_300_000)
    await expireHolds(tills.flows)
  }
  await toTheEnd()
}

/** What goes wrong with the card while WeChat is asked. */
async function cardCell(scene: Scene, what: Card, hangs: boolean): Promise<void> {
  const card = await tills.card(1_250)
  const before = await money()
  if (what === 'refused') {
    await tills.freeze(card)
    const { body } = await begin(card, scene)
    assert.equal(body.code, 'card.frozen')
    assert.deepEqual(await money(), before)
    return
  }
  wechat.codeLeadsTo = 'password'
  if (hangs) wechat.next(firstCall(scene), 'hung')
  const id = await beginUnheard(card, scene, hangs)
  if (what === 'lost answer') await tills.freeze(card)
  if (what === 'timeout' || what === 'paid after release') await tills.reportLost(card)
  if (what === 'paid after release') await tills.passTime(1_300_000)
  if (what !== 'paid after release' || scene === 'micropay') assert.ok(wechat.pay(numberOf(id)))
  await toTheEnd()
  // A frozen card pays what its holder agreed to before; a lost one pays nothing, and WeChat gives back.
  await assertEnd(id, card, before, what === 'ok' || what === 'lost answer')
}

async function money() {
  return { ...(await books()), atWechat: Number(wechat.balance) }
}

type Money = Awaited<ReturnType<typeof money>>

async function assertEnd(
  id: string,
  card: TestCard,
  before: Money,
  isSold: boolean,
): Promise<void> {
  const now = await look(id)
  assert.equal(now.status, isSold ? 'succeeded' : 'failed', JSON.stringify(now))
  assert.deepEqual(await tills.balance(card), { principal: isSold ? 0 : 1_250, bonus: 0, held: 0 })
  const after = await money()
  assert.deepEqual(
    {
      merchants: after.merchants - before.merchants,
      wechat: after.wechat - before.wechat,
      owedBack: after.owedBack - before.owedBack,
      atWechat: after.atWechat - before.atWechat,
    },
    {
      merchants: isSold ? 3_000 : 0,
      wechat: isSold ? 1_750 : 0,
      owedBack: 0,
      atWechat: isSold ? 1_750 : 0,
    },
  )
  const [open] = await tills.database.owner.sql<{ count: bigint }[]>`
    select count(*) as count from combined_call`
  assert.equal(open?.count, 0n)
}

describe('an invitation that is asked for again', () => {
  const invited = async () => {
    const card = await tills.card(1_250)
    const order = { reference: tills.reference() }
    const key = `again-${order.reference}`
    const { body } = await begin(card, 'native', order, key)
    const again = async (code: string) => {
      wechat.next('prepay', 'refused', code)
      return (await begin(card, 'native', order, key)).body
    }
    return { card, id: body.id as string, again }
  }

  test('takes both where it was paid meanwhile', async () => {
    const { card, id, again } = await invited()
    assert.ok(wechat.pay(numberOf(id)))
    assert.equal((await again('ORDER_PAID')).status, 'succeeded')
    assert.equal((await tills.balance(card)).principal, 0)
  })

  for (const code of ['FREQUENCY_LIMITED', 'SIGN_ERROR', 'OUT_TRADE_NO_USED'])
    test(`is closed before the card is free, where the repeat is refused: ${code}`, async () => {
      const { card, id, again } = await invited()
      const now = await again(code)
      assert.deepEqual([now.status, now.reason], ['failed', code])
      assert.equal(wechat.orders.get(numberOf(id))?.state, 'closed')
      assert.equal((await tills.balance(card)).held, 0)
    })

  test('keeps the card while nobody knows whether it was closed', async () => {
    const { card, again, id } = await invited()
    wechat.next('close', 'unsent')
    assert.equal((await again('FREQUENCY_LIMITED')).status, 'waiting')
    assert.equal((await tills.balance(card)).held, 1_250)
    await toTheEnd()
    assert.equal((await look(id)).status, 'failed')
    assert.equal(wechat.orders.get(numberOf(id))?.state, 'closed')
  })

  test('is not given up while the call that asks for it may be on its way', async () => {
    const card = await tills.card(1_250)
    wechat.next('prepay', 'unsent')
    const { body } = await begin(card, 'native')
    const given = await tills.request('POST', `/v1/combined_payments/${body.id}/cancel`)
    assert.equal(given.body.status, 'waiting')
    assert.equal((await tills.balance(card)).held, 1_250)
    // The call arrives late.
    const [row] = await tills.database.owner.sql<{ at: Date }[]>`
      select leg_expires_at as at from combined_payment where out_trade_no = ${numberOf(body.id)}`
    await wechat.prepay(fakeAccount, {
      scene: 'native',
      outTradeNo: numberOf(body.id),
      amount: 1_750n,
      description: 'late',
      appid: fakeAppid,
      expiresAt: Number(row?.at),
      creditCards: true,
    })
    await timer(11)
    assert.equal((await look(body.id)).status, 'failed')
    assert.equal(wechat.orders.get(numberOf(body.id))?.state, 'closed')
  })
})

describe('payments in many lanes', () => {
  test('are looked after although WeChat is slow for one', async () => {
    const made: string[] = []
    const lanes = new Set<string>()
    while (lanes.size < 2) {
      const { body } = await begin(await tills.card(1_250), 'native')
      assert.ok(wechat.pay(numberOf(body.id)))
      made.push(body.id)
      lanes.add(body.id.slice(-3))
    }
    await tills.passTime(11_000)
    wechat.next('query', 'hung')
    const looking = lookAfterCombined(leg(), 'test')
    const succeeded = async () => {
      const all = await Promise.all(made.map(look))
      return all.filter(({ status }) => status === 'succeeded').length
    }
    for (let tries = 0; tries < 100 && (await succeeded()) < made.length - 1; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(await succeeded(), made.length - 1)
    wechat.letGo()
    await looking
    await toTheEnd()
  })
})

describe('what goes back of a payment of a card and WeChat', () => {
  const sold = async () => {
    const card = await tills.card(1_250)
    wechat.codeLeadsTo = 'paid'
    const { body } = await begin(card, 'micropay')
    assert.equal(body.status, 'succeeded')
    return { card, id: body.id as string }
  }
  const giveBack = (id: string, more: object = {}, key?: string) =>
    tills.request(
      'POST',
      `/v1/combined_payments/${id}/refunds`,
      { reference: tills.reference(), ...more },
      key,
    )

  test('goes back each its own way, once, however often it is asked for', async () => {
    const { card, id } = await sold()
    const before = await money()
    const order = { reference: tills.reference() }
    const { status, body } = await giveBack(id, order, 'refund-key')
    assert.equal(status, 201)
    assert.deepEqual(
      [body.card_amount, body.wechat_amount, body.status],
      [1_250, 1_750, 'processing'],
    )
    assert.equal((await giveBack(id, order, 'refund-key')).body.id, body.id)
    assert.equal((await giveBack(id)).body.code, 'refund.exceeds_payment')
    await toTheEnd()
    const shown = await tills.request('GET', `/v1/combined_refunds/${body.id}`)
    assert.equal(shown.body.status, 'succeeded')
    assert.equal((await tills.balance(card)).principal, 1_250)
    const after = await money()
    assert.equal(before.merchants - after.merchants, 3_000)
    assert.equal(before.atWechat - after.atWechat, 1_750)
    assert.equal(after.owedBack, before.owedBack)
    assert.equal(before.wechat - after.wechat, 1_750)
    assert.equal((await look(id)).refunded_amount, 3_000)
  })

  test('goes back in parts, first what came by WeChat', async () => {
    const { card, id } = await sold()
    const first = await giveBack(id, { amount: 2_000 })
    assert.deepEqual([first.body.card_amount, first.body.wechat_amount], [250, 1_750])
    const second = await giveBack(id, { amount: 1_000 })
    assert.deepEqual([second.body.card_amount, second.body.wechat_amount], [1_000, 0])
    assert.equal(second.body.status, 'succeeded')
    await toTheEnd()
    assert.equal((await tills.balance(card)).principal, 1_250)
  })

  for (const fate of ['lost', 'unsent', 'refused'] as const)
    test(`goes back once although WeChat’s answer is ${fate}`, async () => {
      const { id } = await sold()
      const before = await money()
      wechat.next('refund', fate)
      await giveBack(id)
      await toTheEnd()
      const after = await money()
      assert.equal(before.atWechat - after.atWechat, 1_750)
      assert.equal(after.owedBack, before.owedBack)
    })

  test('is not over by a notice of another merchant number or of another payment', async () => {
    const { id } = await sold()
    const { body } = await giveBack(id)
    const [row] = await tills.database.owner.sql<{ no: string }[]>`
      select refund.out_refund_no as no
      from combined_refund as refund
      join combined_payment as sale on sale.id = refund.combined_id and sale.lane = refund.lane
      where sale.out_trade_no = ${numberOf(id)}`
    const told = {
      outRefundNo: row?.no ?? '',
      outTradeNo: numberOf(id),
      refundId: '50',
      state: 'succeeded',
      amount: 1_750n,
    } as const
    const own = { book: tills.book, accountId: fakeAccount }
    const foreign = '01900000-0000-7000-8000-00000000bbbb' as typeof fakeAccount
    assert.equal(await learnRefund(leg(), { ...own, accountId: foreign }, told), 'foreign')
    assert.equal(await learnRefund(leg(), own, { ...told, outTradeNo: 'CP0' }), 'foreign')
    const shown = await tills.request('GET', `/v1/combined_refunds/${body.id}`)
    assert.equal(shown.body.status, 'processing')
    await toTheEnd()
  })

  test('waits for a person where WeChat cannot give it to the payer', async () => {
    const { id } = await sold()
    wechat.refundsEnd = 'abnormal'
    const { body } = await giveBack(id)
    await timer(1, 16)
    const stuck = await tills.request('GET', `/v1/combined_refunds/${body.id}`)
    assert.equal(stuck.body.status, 'abnormal')
    wechat.refundsEnd = 'succeeded'
    await timer(1_801)
    const shown = await tills.request('GET', `/v1/combined_refunds/${body.id}`)
    assert.equal(shown.body.status, 'succeeded')
  })

  test('stands on the statement of the merchant, all of it', async () => {
    const { id } = await sold()
    const shown = await look(id)
    const rows = await tills.database.owner.sql<{ kind: string }[]>`
      select kind from journal where body ->> 'combinedPaymentId' is not null
        and body ->> 'paymentId' = ${shown.payment_id.slice(4).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`
    assert.deepEqual(
      rows.map(({ kind }) => kind),
      ['combined_payment.succeeded'],
    )
  })
})
