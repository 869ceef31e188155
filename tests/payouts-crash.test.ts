/** Payouts of a server that is killed again and again, whatever it is doing: the bank pays each once. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatYuan, scopes } from '@lika/contract'
import { type Bank, type BankAnswerName, startBank } from './harness/bank.ts'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'
import { assertPaidOut } from './harness/paid-out.ts'
import { beginOnMonday, onMonday, openPayees } from './harness/payees.ts'

/** Of each batch of two; some need questions, and orders that go a second time. */
const answers: BankAnswerName[] = [
  'success',
  'doubled',
  'partial',
  'lost_answer',
  'lost_file',
  'returned',
]
type Payout = {
  id: string
  batch_id: string
  settlement_id: string
  line: number
  amount: number
  status: string
  bank_reference: string
  attention: string | null
}

/** After how long the server dies; drawn so that each kind of work is hit on some machine. */
const lifetimesMs = [20, 300, 1_200]

let bank: Bank
let lika: LikaProcess
let maker: string
before(async () => {
  bank = await startBank()
  lika = await startLikaProcess({
    ...bank.env,
    LIKA_BANK_TEST_EVERY_SECONDS: '1',
    LIKA_BANK_TEST_ASK_SECONDS: '1',
  })
  // Days are closed by the test clock, and once only: both begin on that Monday.
  maker = await lika.makeIssuer()
  const { status } = await lika.call('POST', '/v1/test/clock', { key: maker, body: onMonday })
  assert.equal(status, 200)
  await lika.kill()
  await beginOnMonday(lika.database.owner.sql)
  await lika.start()
})
after(async () => {
  await lika?.stop()
  await bank?.stop()
})

test('killed at any moment, each payout is paid once or owed again', async () => {
  const checker = await secondPerson()
  const product = await lika.makeProduct(maker)
  const call = (method: string, path: string, options: { key: string; body?: unknown }) =>
    lika.call(method, path, options)
  const closedUpTo = async (day: string) => {
    for (;;) {
      const [row] = await lika.database.owner.sql<{ open: number }[]>`
        select count(*)::int as open from lika.lane where pool = 'test' and open_day < ${day}`
      if (row?.open === 0) return
      await sleep(50)
    }
  }
  const payees = openPayees(
    {
      call,
      post: (key, path, body) => call('POST', path, { key, body }),
      closeDays: () => closedUpTo(payees.clockDay()),
    },
    { maker, checker },
    product,
  )
  await payees.begin()
  const merchants = await Promise.all(
    answers.map((_, at) =>
      Promise.all(
        [1, 2].map(async (one) => {
          const { merchant } = await payees.makeMerchant({ days: at + 1 })
          await payees.pay(merchant, 1_000 * (at + 1) + one)
          return merchant
        }),
      ),
    ),
  )
  await payees.settle(merchants.at(-1)?.[0] ?? '')
  const batches: string[] = []
  for (const [merchant = ''] of merchants) {
    const body = { pay_on: await payees.payDayOf(merchant) }
    const made = await call('POST', '/v1/payout_batches', { key: maker, body })
    assert.deepEqual([made.status, made.body.payouts], [201, 2])
    batches.push(made.body.id)
  }
  await bank.next(...answers)
  for (const id of batches) await call('POST', `/v1/payout_batches/${id}/release`, { key: checker })
  for (const lifetime of lifetimesMs) {
    await sleep(lifetime)
    await lika.kill()
    await lika.start()
  }
  const rows = await finished()
  const paid = await bank.paid()
  assert.deepEqual(
    rows.map((payouts) => payouts.map(({ amount }) => amount).sort((one, other) => one - other)),
    answers.map((_, at) => [1, 2].map((one) => 1_000 * (at + 1) + one)),
  )
  for (const payout of rows.flat()) {
    const under = paid.filter(({ reference }) => reference === payout.bank_reference)
    const isPaid = payout.status === 'confirmed'
    assert.ok(isPaid || payout.status === 'failed', payout.status)
    assert.deepEqual(
      under.map(({ amount }) => amount),
      isPaid ? [formatYuan(BigInt(payout.amount))] : [],
      payout.id,
    )
    assert.equal(payout.attention, null)
  }
  assert.deepEqual(await bank.duplicates(), [])
  const confirmed = rows.flat().filter(({ status }) => status === 'confirmed')
  // Orders arrive at the bank in the order of their batches: the partial one has one failure.
  assert.equal(confirmed.length, 11)
  const { body: trial } = await call('GET', '/v1/ledger/trial_balance', { key: maker })
  const balanceOf = (kind: string) => {
    const line = trial.data.find((one: { kind: string }) => one.kind === kind)
    return line.credit - line.debit
  }
  const sum = (of: { amount: number }[]) => of.reduce((all, { amount }) => all + amount, 0)
  assert.equal(balanceOf('merchant_in_flight'), 0)
  assert.equal(balanceOf('bank'), sum(confirmed))
  assert.equal(balanceOf('merchant_payable'), sum(rows.flat()) - sum(confirmed))
  await assertPaidOut(lika.database.owner.sql)
  const verified = await call('POST', '/v1/ledger/verify', { key: maker })
  assert.equal(verified.body.ok, true)
  await bank.deliver()
  const returned = await until((payouts) => payouts.filter((one) => one.status === 'returned'), 2)
  const events = await Promise.all(
    ['payout.sent', 'payout.confirmed', 'payout.failed', 'payout.returned'].map(async (type) => {
      const path = `/v1/events?type=${type}&limit=200`
      const { body } = await call('GET', path, { key: maker })
      return body.data.map((event: { data: { payout_id: string } }) => event.data.payout_id).sort()
    }),
  )
  const ids = (of: { id: string }[]) => of.map(({ id }) => id).sort()
  const failed = rows.flat().filter(({ status }) => status === 'failed')
  assert.deepEqual(events, [ids(rows.flat()), ids(confirmed), ids(failed), ids(returned)])
  const paidEvents = await call('GET', '/v1/events?type=settlement.paid&limit=200', { key: maker })
  assert.deepEqual(
    paidEvents.body.data
      .map((event: { data: { settlement_id: string } }) => event.data.settlement_id)
      .sort(),
    confirmed.map(({ settlement_id }) => settlement_id).sort(),
  )

  async function secondPerson(): Promise<string> {
    const body = { mode: 'test', name: 'second', owner: '吴军', scopes }
    const made = await lika.call('POST', '/v1/keys', { key: maker, body })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    return made.body.secret
  }

  /** Of each batch, in the order of its lines. */
  async function finished(): Promise<Payout[][]> {
    const all = batches.length * 2
    const isEnded = ({ status }: Payout) => status !== 'created' && status !== 'sent'
    const ended = await until((payouts) => payouts.filter(isEnded), all)
    return batches.map((id) =>
      ended.filter(({ batch_id }) => batch_id === id).sort((one, other) => one.line - other.line),
    )
  }

  /** Those of all payouts that are meant, once there are so many. */
  async function until(meant: (payouts: Payout[]) => Payout[], many: number): Promise<Payout[]> {
    const end = performance.now() + 60_000
    for (;;) {
      const { body } = await call('GET', '/v1/payouts?limit=200', { key: maker })
      const found = meant(body.data)
      if (found.length >= many) return found
      assert.ok(performance.now() < end, `${JSON.stringify(body.data)} ${lika.said()}`)
      await sleep(100)
    }
  }
})
