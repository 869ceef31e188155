/** Tills with an issuer that runs campaigns: proposed under one key, published under that of another person. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { businessDateOf, dayMs, type Lane } from '@lika/contract'
import { startDayCloser } from '../../server/src/flows/close-day.ts'
import { expireVouchers } from '../../server/src/flows/rebates/expire-vouchers.ts'
import { newId } from '../../server/src/platform/ids.ts'
import { assertBooks } from './books.ts'
import type { Answered } from './http-app.ts'
import { startTills, type TestCard } from './tills.ts'

export type Campaigns = Awaited<ReturnType<typeof startCampaigns>>

export async function startCampaigns() {
  const tills = await startTills()
  const second = await tills.makeKey(tills.issuer.id, 'test', { owner: 'Somebody Else' })

  const now = () => tills.flows.engine.now('test')
  const today = () => businessDateOf(now())
  const dayIn = (days: number) => businessDateOf(now() + days * dayMs)

  const terms = (rule: object, more: object = {}) => ({
    name: 'Campaign',
    rule,
    budget: 1_000_000,
    starts_on: today(),
    ends_on: dayIn(60),
    ...more,
  })

  const propose = (rule: object, more: object = {}) =>
    tills.request('POST', '/v1/campaigns', terms(rule, more))

  const publish = (id: string, key: string = second.secret) =>
    tills.call('POST', `/v1/campaigns/${id}/publish`, { key })

  /** Proposed and published. */
  async function campaign(rule: object, more: object = {}): Promise<string> {
    const { status, body } = await propose(rule, more)
    assert.equal(status, 201, JSON.stringify(body))
    const published = await publish(body.id)
    assert.equal(published.status, 200, JSON.stringify(published.body))
    return body.id
  }

  const end = (id: string) => tills.request('POST', `/v1/campaigns/${id}/end`)

  async function budget(id: string) {
    const { status, body } = await tills.request('GET', `/v1/campaigns/${id}/budget`)
    assert.equal(status, 200, JSON.stringify(body))
    return body.lines
  }

  const load = (card: TestCard, amount: number, more: object = {}, key?: string) =>
    tills.request(
      'POST',
      `/v1/cards/${card.id}/loads`,
      { amount, funding: { method: 'cash' }, ...more },
      key,
    )

  const refundLoad = (id: string, amount: number, more: object = {}, key?: string) =>
    tills.request(
      'POST',
      `/v1/loads/${id}/refunds`,
      { amount, reference: tills.reference(), ...more },
      key,
    )

  const refund = (id: string, amount: number) =>
    tills.request('POST', `/v1/payments/${id}/refunds`, { amount, reference: tills.reference() })

  const rebates = async (query: string) =>
    (await tills.request('GET', `/v1/rebates?${query}`)).body.data

  async function closeDays(): Promise<void> {
    const { engine, database } = tills.flows
    const closer = startDayCloser({ engine, database }, { log: { error: assert.fail } })
    while ((await closer.runNow()).closed.length > 0);
    await closer.stop()
  }

  /** The balance of a kind of account in the issuer's book, in fen, on its normal side. */
  async function account(kind: string): Promise<number> {
    const { body } = await tills.request('GET', '/v1/ledger/accounts')
    const found = body.data.find((one: { kind: string }) => one.kind === kind)
    assert.ok(found, kind)
    return found.balance
  }

  /** An empty card of a product of its own. */
  const emptyCard = (more: { lane?: Lane; productId?: string } = {}) => tills.card(1, more)

  return {
    ...tills,
    second: second.secret,
    now,
    today,
    dayIn,
    terms,
    propose,
    publish,
    campaign,
    end,
    budget,
    load,
    refundLoad,
    refund,
    rebates,
    account,
    emptyCard,
    newKey: () => newId(),
    /** The data of the event of that type in which a member has that value; this harness shows those of lanes 601 and 602. */
    event: async (type: string, member: string, value: string): Promise<Answered['body']> => {
      let cursor = ''
      for (let attempt = 1; attempt <= 100; attempt += 1) {
        const { body } = await tills.request('GET', `/v1/events?type=${type}&limit=200${cursor}`)
        for (const { data } of body.data) if (data[member] === value) return data
        cursor = `&cursor=${body.next_cursor}`
        if (body.data.length === 0) await sleep(20)
      }
      return assert.fail(`no ${type} with ${member} ${value}`)
    },
    /** To that instant, and every day before it is closed. */
    goTo: async (at: number) => {
      await tills.passTime(at - now())
      await closeDays()
    },
    /** Posts what is due; answers how many rebates that were. */
    run: async () => {
      const { status, body } = await tills.request('POST', '/v1/campaigns/run')
      assert.equal(status, 200, JSON.stringify(body))
      return body
    },
    sweepVouchers: () => expireVouchers(tills.flows),
    /** Lays down a year of the calendar; `off` are its holidays. */
    setCalendar: async (year: number, off: [string, string][] = []) => {
      const { status, body } = await tills.call('POST', '/v1/calendar', {
        key: tills.operator,
        body: { year, off: off.map(([from, to]) => ({ from, to })), work: [], reason: 'test' },
      })
      assert.ok(status < 300, JSON.stringify(body))
    },
    vouchers: async (card: TestCard) =>
      (await tills.request('GET', `/v1/cards/${card.id}/vouchers`)).body.data,
    /** The books are right and the auditor finds nothing. */
    check: async () => {
      await assertBooks(tills.database.owner.sql)
      await assertBudgets(tills)
      const { body } = await tills.request('POST', '/v1/ledger/verify')
      assert.deepEqual([body.ok, body.first_wrong], [true, null])
    },
  }
}

/** What was put into a line is what was given, what is left in all lanes and what came back; and rows say what the ledger says. */
async function assertBudgets({ database }: Awaited<ReturnType<typeof startTills>>): Promise<void> {
  const wrong = await database.owner.sql`
    with given as (
      select budget_line, sum(amount) as amount
      from (
        select budget_line, amount from lika.rebate
        union all
        select budget_line.id, face - price
        from lika.presale
        join lika.budget_line using (campaign_id)
      ) as parts
      group by 1
    ), shares as (
      select left(id::text, 32) as line, sum(balance) as balance
      from lika.account
      where ('x' || right(id::text, 4))::bit(16)::int >> 10 = 24
      group by 1
    )
    select budget_line.id, opened, returned, given.amount, shares.balance
    from lika.budget_line
    left join given on given.budget_line = budget_line.id
    left join shares on shares.line = left(budget_line.id::text, 32)
    where opened <> returned + coalesce(given.amount, 0) + coalesce(shares.balance, 0)`
  assert.deepEqual([...wrong], [])
  const owed = await database.owner.sql`
    with debts as (
      select book_id, sum(amount) as amount from lika.rebate_debt group by 1
    ), moved as (
      select book_id,
        sum(case when ('x' || right(debit_account::text, 4))::bit(16)::int >> 10 = 28 then amount else 0 end)
        - sum(case when ('x' || right(credit_account::text, 4))::bit(16)::int >> 10 = 28 then amount else 0 end)
          as amount
      from lika.transfer
      group by 1
    )
    select book_id, debts.amount as debts, moved.amount as moved
    from debts full join moved using (book_id)
    where coalesce(debts.amount, 0) <> coalesce(moved.amount, 0)`
  assert.deepEqual([...owed], [])
}
