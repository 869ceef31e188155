/** Money to merchants through a bank, whatever the bank answers: each payout arrives once, or its money is owed again. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { formatYuan, parseId, type Result } from '@lika/contract'
import { stepOf } from '../server/src/flows/payouts/end.ts'
import { confirmPayoutCommand, sendPayoutCommand } from '../server/src/flows/settle/payouts.ts'
import { selectPayoutsByIds } from '../server/src/modules/payouts/index.ts'
import type { Command } from '../server/src/platform/lanes/index.ts'
import type { BankAnswerName } from './harness/bank.ts'
import type { Answered } from './harness/http-app.ts'
import { assertPaidOut } from './harness/paid-out.ts'
import { type PayoutApp, startPayoutApp } from './harness/payout-app.ts'

let app: PayoutApp
before(async () => {
  app = await startPayoutApp()
})
after(async () => {
  await assertPaidOut(app.database.owner.sql)
  const { body } = await app.call('POST', '/v1/ledger/verify', { key: app.maker })
  assert.deepEqual([body.ok, body.first_wrong], [true, null])
  await app.stop()
})

type Payout = Answered['body']

/** Until every payout has its outcome; more visits than that are a fault. */
async function visitUntilFinished(batch: string, most = 6): Promise<void> {
  for (let visits = 0; visits < most; visits += 1) {
    await app.visit()
    if ((await app.batch(batch)).status === 'finished') return
  }
  assert.fail(`${JSON.stringify(await app.batch(batch))} after ${most} visits`)
}

/** What the bank paid under these references, in their order. */
async function paidUnder(payouts: Payout[]): Promise<string[][]> {
  const paid = await app.bank.paid()
  return payouts.map(({ bank_reference }) =>
    paid.filter(({ reference }) => reference === bank_reference).map(({ amount }) => amount),
  )
}

const yuanOf = (payouts: Payout[]) =>
  payouts.map(({ amount }: Payout) => [formatYuan(BigInt(amount))])
const inOrder = (numbers: number[]) => numbers.toSorted((one, other) => one - other)

async function balances(): Promise<Record<string, number>> {
  const { body } = await app.get(app.maker, '/v1/ledger/trial_balance')
  const lines: { kind: string; debit: number; credit: number }[] = body.data
  return Object.fromEntries(lines.map(({ kind, debit, credit }) => [kind, credit - debit]))
}

/** How the balances of the three accounts changed: payable, in flight, out of the bank. */
async function moved(work: () => Promise<void>): Promise<Record<string, number>> {
  const start = await balances()
  await work()
  const end = await balances()
  const kinds = ['merchant_payable', 'merchant_in_flight', 'bank']
  return Object.fromEntries(kinds.map((kind) => [kind, (end[kind] ?? 0) - (start[kind] ?? 0)]))
}

const states = (payouts: Payout[]) => payouts.map(({ status }) => status)

describe('a batch', () => {
  test('holds what is due, and nothing leaves before a second person says so', async () => {
    await app.payees.due(12_345, 200)
    const made = await app.call('POST', '/v1/payout_batches', { key: app.maker, body: {} })
    assert.deepEqual(
      [made.status, made.body.status, made.body.payouts, made.body.amount, made.body.skipped],
      [201, 'created', 2, 12_545, []],
    )
    assert.equal(made.body.created_by.owner, '林梅')
    const { id } = made.body
    await app.visit()
    assert.deepEqual(await app.bank.list('/in'), [])
    const same = await app.call('POST', `/v1/payout_batches/${id}/release`, { key: app.maker })
    assert.deepEqual([same.status, same.body.code], [409, 'approval.same_person'])
    const released = await app.call('POST', `/v1/payout_batches/${id}/release`, {
      key: app.checker,
    })
    assert.deepEqual([released.status, released.body.released_by.owner], [200, '吴军'])
    const change = await moved(() => visitUntilFinished(id))
    assert.deepEqual(change, { merchant_payable: -12_545, merchant_in_flight: 0, bank: 12_545 })
    const payouts = await app.payoutsOf(id)
    assert.deepEqual(states(payouts), ['confirmed', 'confirmed'])
    assert.deepEqual(await paidUnder(payouts), yuanOf(payouts))
    const again = await app.call('POST', `/v1/payout_batches/${id}/release`, { key: app.checker })
    assert.deepEqual([again.status, again.body.code], [409, 'payout_batch.already_decided'])
  })

  test('goes to the account of the contract, by its own name', async () => {
    const { payees } = await app.payees.due(777)
    await visitUntilFinished(await app.release())
    const paid = (await app.bank.paid()).at(-1)
    assert.deepEqual(
      [paid?.account, paid?.name],
      [payees[0]?.accountNumber, payees[0]?.accountName],
    )
  })

  test('is one for each thing that is due: two at once share nothing', async () => {
    await app.payees.due(100, 200, 300)
    const create = () => app.call('POST', '/v1/payout_batches', { key: app.maker, body: {} })
    const made = await Promise.all([create(), create(), create()])
    const ids = made.flatMap(({ status, body }) => (status === 201 ? [body.id] : []))
    const refused = made.filter(({ status }) => status !== 201)
    assert.ok(refused.every(({ body }) => body.code === 'payout.nothing_due'))
    const lists = await Promise.all(ids.map((id) => app.payoutsOf(id)))
    assert.deepEqual(inOrder(lists.flat().map(({ amount }) => amount)), [100, 200, 300])
    for (const id of ids)
      await app.call('POST', `/v1/payout_batches/${id}/cancel`, { key: app.maker })
  })

  test('that is called off leaves everything due, and cannot be released', async () => {
    // Called off above: 600 are due still.
    const made = await app.call('POST', '/v1/payout_batches', { key: app.maker, body: {} })
    assert.deepEqual([made.body.payouts, made.body.amount], [3, 600])
    const { id } = made.body
    const cancelled = await app.call('POST', `/v1/payout_batches/${id}/cancel`, { key: app.maker })
    assert.deepEqual([cancelled.status, cancelled.body.status], [200, 'cancelled'])
    assert.deepEqual(states(await app.payoutsOf(id)), ['cancelled', 'cancelled', 'cancelled'])
    const late = await app.call('POST', `/v1/payout_batches/${id}/release`, { key: app.checker })
    assert.equal(late.body.code, 'payout_batch.already_decided')
    await visitUntilFinished(await app.release())
  })

  test('leaves out who has no account, says so, and has it as soon as there is one', async () => {
    const { merchant } = await app.payees.makeMerchant({ isMissing: true })
    await app.payees.pay(merchant, 450)
    await app.payees.settle(merchant)
    const none = await app.call('POST', '/v1/payout_batches', { key: app.maker, body: {} })
    assert.deepEqual([none.body.code, none.body.skipped], ['payout.nothing_due', 1])
    await app.payees.agree(merchant, {
      accountName: '后补的户名',
      accountNumber: '6222000011112222',
      valid_from: app.payees.tomorrow(),
    })
    await app.payees.due(460)
    const batch = await app.release()
    await visitUntilFinished(batch)
    assert.deepEqual(
      (await app.payoutsOf(batch)).map(({ amount }: Payout) => amount),
      [450, 460],
    )
  })

  test('has nothing to hold when nothing is due, nor what is due later', async () => {
    const none = await app.call('POST', '/v1/payout_batches', { key: app.maker, body: {} })
    assert.deepEqual([none.status, none.body.code], [409, 'payout.nothing_due'])
    const body = { pay_on: '2026-12-31' }
    const later = await app.call('POST', '/v1/payout_batches', { key: app.maker, body })
    assert.deepEqual([later.status, later.body.code], [422, 'date.out_of_range'])
  })
})

type Case = {
  answer: BankAnswerName
  /** For each of three payouts of 100, 250 and 4,000.01 yuan. */
  ends: string[]
  /** Of the money, what left the bank account. */
  paid: number[]
  deliver?: true
}

const amounts = [10_000, 25_000, 400_001]

const cases: Case[] = [
  { answer: 'success', ends: ['confirmed', 'confirmed', 'confirmed'], paid: [1, 1, 1] },
  { answer: 'failure', ends: ['failed', 'failed', 'failed'], paid: [0, 0, 0] },
  { answer: 'partial', ends: ['confirmed', 'failed', 'confirmed'], paid: [1, 0, 1] },
  { answer: 'late', ends: ['confirmed', 'confirmed', 'confirmed'], paid: [1, 1, 1], deliver: true },
  { answer: 'doubled', ends: ['confirmed', 'confirmed', 'confirmed'], paid: [1, 1, 1] },
  { answer: 'lost_answer', ends: ['confirmed', 'confirmed', 'confirmed'], paid: [1, 1, 1] },
  { answer: 'lost_file', ends: ['confirmed', 'confirmed', 'confirmed'], paid: [1, 1, 1] },
  {
    answer: 'unattended',
    ends: ['confirmed', 'confirmed', 'confirmed'],
    paid: [1, 1, 1],
    deliver: true,
  },
]

describe('whatever the bank answers, each payout is paid once or owed again', () => {
  for (const { answer, ends, paid, deliver } of cases)
    test(answer, async () => {
      await app.payees.due(...amounts)
      await app.bank.next(answer)
      const batch = await app.release()
      const change = await moved(async () => {
        if (deliver === true) {
          for (const _ of [1, 2, 3]) await app.visit()
          assert.deepEqual(states(await app.payoutsOf(batch)), ['sent', 'sent', 'sent'])
          await app.bank.deliver()
        }
        await visitUntilFinished(batch)
        // What comes after the end changes nothing.
        for (const _ of [1, 2]) await app.visit()
      })
      const payouts = await app.payoutsOf(batch)
      assert.deepEqual(states(payouts), ends)
      assert.deepEqual(
        payouts.map(({ attention }: Payout) => attention),
        [null, null, null],
      )
      assert.deepEqual(inOrder(payouts.map(({ amount }: Payout) => amount)), amounts)
      const arrived = payouts.filter((_: Payout, at: number) => paid[at] === 1)
      const left = arrived.reduce((sum: number, { amount }: Payout) => sum + amount, 0)
      const once = payouts.map(({ amount }: Payout, at: number) =>
        paid[at] === 1 ? [formatYuan(BigInt(amount))] : [],
      )
      assert.deepEqual(await paidUnder(payouts), once)
      assert.deepEqual(await app.bank.duplicates(), [])
      assert.deepEqual(change, { merchant_payable: 0 - left, merchant_in_flight: 0, bank: left })
    })

  test('returned: confirmed first, and owed again when it comes back', async () => {
    await app.payees.due(5_000)
    await app.bank.next('returned')
    const batch = await app.release()
    await visitUntilFinished(batch)
    const [before] = await app.payoutsOf(batch)
    assert.equal(before.status, 'confirmed')
    const change = await moved(async () => {
      await app.bank.deliver()
      for (const _ of [1, 2]) await app.visit()
    })
    const [payout] = await app.payoutsOf(batch)
    assert.deepEqual(
      [payout.status, payout.reason, payout.attention],
      ['returned', '账户已销户', null],
    )
    assert.deepEqual(change, { merchant_payable: 5_000, merchant_in_flight: 0, bank: -5_000 })
    const path = `/v1/payouts/${payout.id}/repost`
    const again = await app.call('POST', path, { key: app.maker, body: {} })
    assert.equal(again.status, 201, JSON.stringify(again.body))
    const release = `/v1/payout_batches/${again.body.id}/release`
    await app.call('POST', release, { key: app.checker })
    const arrived = await moved(() => visitUntilFinished(again.body.id))
    assert.deepEqual(arrived, { merchant_payable: -5_000, merchant_in_flight: 0, bank: 5_000 })
    const next = await app.payoutsOf(again.body.id)
    assert.deepEqual(states(next), ['confirmed'])
    // Two payments of the bank, of which one came back: each under a reference of its own.
    assert.deepEqual(await paidUnder([payout, ...next]), [['50.00'], ['50.00']])
    const { body } = await app.get(app.maker, `/v1/settlements/${payout.settlement_id}`)
    assert.deepEqual(
      [body.status, body.portions.map((one: Payout) => one.status)],
      ['paid', ['paid']],
    )
  })
})

describe('what came to nothing', () => {
  async function failed(amount: number): Promise<Payout> {
    await app.payees.due(amount)
    await app.bank.next('failure')
    const batch = await app.release()
    await visitUntilFinished(batch)
    const [payout] = await app.payoutsOf(batch)
    assert.equal(payout.status, 'failed')
    return payout
  }

  const repost = (id: string, body: object = {}) =>
    app.call('POST', `/v1/payouts/${id}/repost`, { key: app.maker, body })

  test('is not paid again by itself', async () => {
    await failed(1_100)
    const next = await app.call('POST', '/v1/payout_batches', { key: app.maker, body: {} })
    assert.equal(next.body.code, 'payout.nothing_due')
  })

  test('is paid anew when somebody says so and another one agrees, to the account of now', async () => {
    const payout = await failed(1_200)
    const right = { accountName: '改正后的户名', accountNumber: '6222999900001111' }
    await app.payees.agree(payout.merchant_id, {
      ...right,
      valid_from: app.payees.tomorrow(),
    })
    await app.payees.due(1)
    await visitUntilFinished(await app.release())
    const made = await repost(payout.id)
    assert.deepEqual([made.status, made.body.payouts, made.body.amount], [201, 1, 1_200])
    const twice = await repost(payout.id)
    assert.deepEqual([twice.status, twice.body.code], [409, 'payout.not_repostable'])
    const alone = await app.call('POST', `/v1/payout_batches/${made.body.id}/release`, {
      key: app.maker,
    })
    assert.equal(alone.body.code, 'approval.same_person')
    await app.call('POST', `/v1/payout_batches/${made.body.id}/release`, { key: app.checker })
    await visitUntilFinished(made.body.id)
    const [next] = await app.payoutsOf(made.body.id)
    assert.deepEqual([next.status, next.previous_id], ['confirmed', payout.id])
    const paid = (await app.bank.paid()).at(-1)
    assert.deepEqual([paid?.account, paid?.name], [right.accountNumber, right.accountName])
  })

  test('cannot be paid anew when it arrived', async () => {
    await app.payees.due(1_300)
    const batch = await app.release()
    await visitUntilFinished(batch)
    const [payout] = await app.payoutsOf(batch)
    const refused = await repost(payout.id)
    assert.deepEqual([refused.status, refused.body.code], [409, 'payout.not_repostable'])
  })

  test('and then arrived after all, as the bank says, is for a person to look at', async () => {
    const payout = await failed(1_400)
    const header = '批次号,流水号,状态,金额,银行流水号,原因,查询号'
    const batch = payout.batch_id.replace('pbat_', '')
    const row = `${batch},${payout.bank_reference},SUCCESS,14.00,B9,,`
    await app.bank.put('/out/LATER.csv', Buffer.from(`${header}\r\n${row}\r\n合计,1,,,,,\r\n`))
    const change = await moved(async () => {
      await app.visit()
    })
    assert.deepEqual(change, { merchant_payable: 0, merchant_in_flight: 0, bank: 0 })
    const { body } = await app.get(app.maker, `/v1/payouts/${payout.id}`)
    assert.deepEqual(
      [body.status, body.attention, body.answers.map((one: Payout) => one.verdict)],
      ['failed', 'contradiction', ['applied', 'contradiction']],
    )
    const listed = await app.get(app.maker, '/v1/payouts?attention=true')
    assert.deepEqual(
      listed.body.data.map((one: Payout) => one.id),
      [payout.id],
    )
    const refused = await repost(payout.id)
    assert.deepEqual([refused.status, refused.body.code], [409, 'payout.needs_attention'])
    assert.equal((await repost(payout.id, { despite_attention: true })).status, 201)
  })
})

describe('what does not fit is not acted upon', () => {
  const header = '批次号,流水号,状态,金额,银行流水号,原因,查询号'
  let files = 0

  async function sent(...due: number[]): Promise<Payout[]> {
    await app.payees.due(...due)
    await app.bank.next('late')
    const batch = await app.release()
    await app.visit()
    return app.payoutsOf(batch)
  }

  async function says(payout: Payout, ...cells: string[]): Promise<Payout> {
    files += 1
    const row = [payout.batch_id.replace('pbat_', ''), payout.bank_reference, ...cells].join()
    const file = `${header}\r\n${row}\r\n合计,1,,,,,\r\n`
    await app.bank.put(`/out/SAYS-${files}.csv`, Buffer.from(file))
    await app.visit()
    return (await app.get(app.maker, `/v1/payouts/${payout.id}`)).body
  }

  test('another amount', async () => {
    const [payout] = await sent(900)
    const after = await says(payout, 'SUCCESS', '9.01', 'B1', '', '')
    assert.deepEqual([after.status, after.attention], ['sent', 'amount'])
    const confirmed = await says(payout, 'SUCCESS', '9.00', 'B1', '', '')
    assert.equal(confirmed.status, 'confirmed')
    const twice = await says(payout, 'SUCCESS', '9.00', 'B2', '', '')
    assert.deepEqual([twice.status, twice.attention], ['confirmed', 'paid_twice'])
    await app.bank.deliver()
  })

  test('that the bank does not know one of several', async () => {
    const [known, unknown] = await sent(910, 920)
    await says(known, 'SUCCESS', '9.10', 'B3', '', '')
    const after = await says(unknown, 'NOT_FOUND', '', '', '', '')
    assert.deepEqual([after.status, after.attention], ['sent', 'missing'])
    const delivery = (await app.batch(known.batch_id)).delivery
    assert.equal(delivery, 'delivered')
    await app.bank.deliver()
    await visitUntilFinished(known.batch_id)
  })

  test('that the bank does not know one, and says of the others in another file', async () => {
    await app.payees.due(915, 925)
    await app.bank.next('lost_answer')
    const batch = await app.release()
    for (const _ of [1, 2]) await app.visit()
    const [payout] = await app.payoutsOf(batch)
    const { questions } = await app.batch(batch)
    const reference = batch.replace('pbat_', '')
    const row = `${reference},${payout.bank_reference},NOT_FOUND,,,,${reference}-Q${questions}`
    const file = `${header}\r\n${row}\r\n合计,1,,,,,\r\n`
    // The other file takes its time.
    const [other = ''] = await app.bank.list('/out')
    await app.bank.rename(`/out/${other}`, `/out/.${other}`)
    await app.bank.put('/out/FIRST.csv', Buffer.from(file))
    await app.visit()
    assert.equal((await app.batch(batch)).delivery, 'delivered')
    await app.bank.rename(`/out/.${other}`, `/out/${other}`)
    await app.visit()
    assert.deepEqual(states(await app.payoutsOf(batch)), ['confirmed', 'confirmed'])
    assert.deepEqual(await app.bank.duplicates(), [])
  })

  test('an old answer, that the bank knew nothing before the order went a second time', async () => {
    await app.payees.due(935)
    await app.bank.next('lost_file', 'lost_answer')
    const batch = await app.release()
    for (const _ of [1, 2]) await app.visit()
    const [old = ''] = await app.bank.list('/out')
    const bytes = await app.bank.fetch(`/out/${old}`)
    assert.match(bytes.toString(), /NOT_FOUND/)
    await app.visit()
    assert.equal((await app.batch(batch)).delivery, 'delivered')
    await app.bank.put('/out/OLD.csv', bytes)
    await app.visit()
    assert.equal((await app.batch(batch)).delivery, 'delivered')
    await visitUntilFinished(batch)
    assert.deepEqual(await app.bank.duplicates(), [])
  })

  test('a payout of another batch, or of nobody', async () => {
    const [payout] = await sent(930)
    const elsewhere = { ...payout, batch_id: `pbat_${'0'.repeat(32)}` }
    assert.equal((await says(elsewhere, 'FAILED', '', '', '', '')).status, 'sent')
    const nobody = { ...payout, bank_reference: 'f'.repeat(32) }
    assert.equal((await says(nobody, 'FAILED', '', '', '', '')).status, 'sent')
    await app.bank.deliver()
    await visitUntilFinished(payout.batch_id)
  })

  test('what the bank told otherwise is said by somebody else than who released it', async () => {
    const [payout] = await sent(940)
    const path = `/v1/payouts/${payout.id}/outcome`
    const body = { outcome: 'failed', reason: '银行电话答复' }
    const same = await app.call('POST', path, { key: app.checker, body })
    assert.deepEqual([same.status, same.body.code], [409, 'approval.same_person'])
    const change = await moved(async () => {
      const said = await app.call('POST', path, { key: app.maker, body })
      assert.deepEqual(
        [said.status, said.body.status, said.body.reason],
        [200, 'failed', body.reason],
      )
    })
    assert.deepEqual(change, { merchant_payable: 940, merchant_in_flight: -940, bank: 0 })
    assert.equal((await app.batch(payout.batch_id)).status, 'finished')
    const again = await app.call('POST', path, { key: app.maker, body })
    assert.deepEqual([again.status, again.body.code], [409, 'payout.not_open'])
    await app.bank.deliver()
    await app.visit()
  })
})

describe('an outcome that a person says', () => {
  const say = (id: string) =>
    app.call('POST', `/v1/payouts/${id}/outcome`, {
      key: app.maker,
      body: { outcome: 'failed', reason: '银行电话答复' },
    })

  test('is none while the order has not left: it would leave all the same', async () => {
    await app.payees.due(6_100)
    const batch = await app.release()
    app.faults.send = 'unwritten'
    await app.visit()
    const [payout] = await app.payoutsOf(batch)
    assert.deepEqual([payout.status, (await app.batch(batch)).delivery], ['sent', 'none'])
    const early = await say(payout.id)
    assert.deepEqual([early.status, early.body.code], [409, 'payout.not_open'])
    await visitUntilFinished(batch)
    assert.deepEqual(states(await app.payoutsOf(batch)), ['confirmed'])
  })

  test('keeps the payout out of an order that goes again', async () => {
    await app.payees.due(6_200, 6_300)
    await app.bank.next('lost_file')
    const batch = await app.release()
    await app.visit()
    const [first] = await app.payoutsOf(batch)
    assert.equal((await say(first.id)).status, 200)
    await visitUntilFinished(batch)
    const payouts = await app.payoutsOf(batch)
    assert.deepEqual(states(payouts), ['failed', 'confirmed'])
    const [, second] = yuanOf(payouts)
    assert.deepEqual(await paidUnder(payouts), [[], second])
    assert.deepEqual(await app.bank.duplicates(), [])
  })
})

describe('a connection that is lost', () => {
  for (const send of ['before', 'after'] as const)
    test(`${send} the order was there: the bank is asked, and pays once`, async () => {
      await app.payees.due(3_300, 44)
      // Nothing comes by itself: what became of the order is learned by asking.
      await app.bank.next(send === 'after' ? 'lost_answer' : 'success')
      const batch = await app.release()
      app.faults.send = send
      await app.visit()
      assert.deepEqual(
        [(await app.batch(batch)).delivery, (await app.batch(batch)).questions],
        ['begun', 0],
      )
      await visitUntilFinished(batch)
      assert.ok((await app.batch(batch)).questions > 0)
      const payouts = await app.payoutsOf(batch)
      assert.deepEqual(states(payouts), ['confirmed', 'confirmed'])
      assert.deepEqual(await paidUnder(payouts), yuanOf(payouts))
      assert.deepEqual(await app.bank.duplicates(), [])
    })

  test('when a file of answers comes again under its name: what is new in it counts', async () => {
    await app.payees.due(5_600)
    await app.bank.next('late')
    const batch = await app.release()
    await app.visit()
    const [payout] = await app.payoutsOf(batch)
    const header = '批次号,流水号,状态,金额,银行流水号,原因,查询号'
    for (const state of ['PROCESSING', 'FAILED']) {
      const row = `${batch.replace('pbat_', '')},${payout.bank_reference},${state},,,,`
      const file = `${header}\r\n${row}\r\n合计,1,,,,,\r\n`
      await app.bank.put('/out/RESULT.csv', Buffer.from(file))
      await app.visit()
    }
    const { body } = await app.get(app.maker, `/v1/payouts/${payout.id}`)
    const told = body.answers.filter((one: Payout) => one.file_name === 'RESULT.csv')
    assert.deepEqual(
      [body.status, told.map((one: Payout) => one.verdict)],
      ['failed', ['noted', 'applied']],
    )
    // The bank had paid after all: somebody has to look at it.
    await app.bank.deliver()
    await app.visit()
    assert.equal((await app.payoutsOf(batch))[0].attention, 'contradiction')
  })

  test('when answers were taken and not put away: they are taken once', async () => {
    await app.payees.due(5_500)
    const batch = await app.release()
    await app.visit()
    app.faults.poll = true
    const change = await moved(async () => {
      for (const _ of [1, 2]) await app.visit()
    })
    assert.deepEqual(change, { merchant_payable: 0, merchant_in_flight: -5_500, bank: 5_500 })
    const [payout] = await app.payoutsOf(batch)
    const { body } = await app.get(app.maker, `/v1/payouts/${payout.id}`)
    assert.deepEqual(
      body.answers.map((one: Payout) => one.verdict),
      ['applied'],
    )
  })
})

describe('a bank that speaks GBK', () => {
  let gbk: PayoutApp
  before(async () => {
    gbk = await startPayoutApp('gbk')
  })
  after(() => gbk.stop())

  test('pays Chinese names; one that GBK cannot write is left out, and said', async () => {
    const odd = await gbk.payees.makeMerchant({ name: '𠮷野家餐饮有限公司' })
    await gbk.payees.pay(odd.merchant, 100)
    const { payees } = await gbk.payees.due(200)
    const made = await gbk.call('POST', '/v1/payout_batches', { key: gbk.maker, body: {} })
    assert.deepEqual(
      made.body.skipped.map((one: Payout) => [one.merchant_id, one.reason]),
      [[odd.merchant, 'not_in_gbk']],
    )
    const path = `/v1/payout_batches/${made.body.id}/release`
    await gbk.call('POST', path, { key: gbk.checker })
    for (const _ of [1, 2]) await gbk.visit()
    assert.deepEqual(
      (await gbk.bank.paid()).map(({ name, amount }) => [name, amount]),
      [[payees[0]?.accountName, '2.00']],
    )
    assert.equal((await gbk.batch(made.body.id)).status, 'finished')
  })
})

describe('a process that died', () => {
  const contextOf = async (batch: string) => {
    const [shown] = await app.payoutsOf(batch)
    const id = parseId('payout', shown.id)
    const { sql } = app.flows.database
    const [payout] = id === undefined ? [] : await selectPayoutsByIds(sql, [id])
    assert.ok(payout)
    return payout
  }
  const run = async (command: Result<Command>) => {
    assert.ok(command.ok)
    assert.equal((await app.flows.engine.execute(command.value)).status, 'done')
  }

  test('between the ledger and the row, on the way out: the payout leaves once', async () => {
    await app.payees.due(2_200)
    const batch = await app.release()
    const payout = await contextOf(batch)
    await run(sendPayoutCommand(app.flows, payout.bookId, stepOf(payout)))
    assert.equal((await contextOf(batch)).status, 'created')
    const change = await moved(() => visitUntilFinished(batch))
    assert.deepEqual(change, { merchant_payable: 0, merchant_in_flight: -2_200, bank: 2_200 })
    assert.deepEqual(await paidUnder(await app.payoutsOf(batch)), [['22.00']])
  })

  test('between the ledger and the row, on the way back: the payout ends once', async () => {
    await app.payees.due(2_300)
    const batch = await app.release()
    await app.visit()
    const payout = await contextOf(batch)
    await run(confirmPayoutCommand(app.flows, payout.bookId, stepOf(payout)))
    assert.equal((await contextOf(batch)).status, 'sent')
    const change = await moved(() => visitUntilFinished(batch))
    assert.deepEqual(change, { merchant_payable: 0, merchant_in_flight: 0, bank: 0 })
    assert.deepEqual(states(await app.payoutsOf(batch)), ['confirmed'])
  })

  test('leaves no room for a second payout of the same: the database holds that', async () => {
    await app.payees.due(2_400)
    const batch = await app.release()
    const { id } = await contextOf(batch)
    const second = app.database.owner.sql`
      insert into lika.payout
        (id, book_id, batch_id, line, settlement_id, merchant_id, contract_version, amount, status, created_at)
      select gen_random_uuid(), book_id, batch_id, 2, settlement_id, merchant_id, 1, amount, 'created', created_at
      from lika.payout
      where id = ${id}`
    await assert.rejects(second, /uq_payout_live/)
    await visitUntilFinished(batch)
  })
})

describe('two processes', () => {
  test('are never at the bank together', async () => {
    await app.payees.due(6_600, 7_700)
    const batch = await app.release()
    const other = app.anotherRunner()
    const visited = await Promise.all([app.visit(), other.visit('test')])
    assert.equal(visited.filter((isDone) => isDone).length, 1)
    await visitUntilFinished(batch)
    assert.deepEqual(states(await app.payoutsOf(batch)), ['confirmed', 'confirmed'])
    assert.deepEqual(await app.bank.duplicates(), [])
  })
})

describe('what is known', () => {
  test('no account number is anywhere but with the bank', async () => {
    const { payees } = await app.payees.due(9_900)
    const batch = await app.release()
    await visitUntilFinished(batch)
    const number = payees[0]?.accountNumber ?? ''
    assert.ok((await app.bank.paid()).some(({ account }) => account === number))
    const { sql } = app.database.owner
    const tables = await sql<{ name: string }[]>`
      select relname as name
      from pg_class
      where relnamespace = 'lika'::regnamespace
        and relkind in ('r', 'p')
        and not relispartition`
    for (const { name } of tables) {
      const [row] = await sql.unsafe(
        `select count(*)::int as count from lika.${name} as t where t::text like '%${number}%'`,
      )
      assert.equal(row?.['count'], 0, name)
    }
    assert.ok(!JSON.stringify(app.troubles).includes(number))
  })
})
