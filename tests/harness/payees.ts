/**
 * Merchants that are owed money: under contract, with payments that were settled, on a day on which they are to be paid.
 * Over HTTP, whatever server answers; the days are fixed ones of 2026, of which the calendar is published.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { dayMs, formatInstant, startOfDay } from '@lika/contract'
import type { Sql } from '../../server/src/platform/db.ts'
import type { Answered } from './http-app.ts'

export type PayeeServer = {
  call(method: string, path: string, options: { key: string; body?: unknown }): Promise<Answered>
  post(key: string, path: string, body?: unknown): Promise<Answered>
  /** Closes the days that are over by the test clock. */
  closeDays(): Promise<unknown>
}

/** Two people of an issuer. */
export type People = { maker: string; checker: string }

export type Payee = { merchant: string; accountNumber: string; accountName: string; amount: number }

type Agreed = {
  accountName?: string
  accountNumber?: string
  valid_from?: string
  cycle?: { kind: 't_plus'; days: number }
}

/** A name in place of an ordinary one, or no account at all; paid after so many business days, one unless said. */
export type Account = { name?: string; isMissing?: boolean; days?: number }

export type Due = { payees: Payee[]; payOn: string }

const firstDay = '2026-11-02'

/** For the test clock. */
export const onMonday = { set_at: formatInstant(startOfDay(firstDay) + 10 * 3_600_000) }

/** Before anything is done in test mode: its lanes begin on a Monday of which the calendar is known. */
export async function beginOnMonday(owner: Sql): Promise<void> {
  await owner`update lika.lane set open_day = ${firstDay} where pool = 'test'`
}

export function openPayees(server: PayeeServer, { maker, checker }: People, product: string) {
  let day = firstDay
  let orders = 0
  let accounts = 0

  let clockDay = firstDay

  const setClock = async (to: string, hour: number) => {
    clockDay = to
    const at = formatInstant(startOfDay(to) + hour * 3_600_000)
    const set = await server.call('POST', '/v1/test/clock', { key: maker, body: { set_at: at } })
    assert.equal(set.status, 200, JSON.stringify(set.body))
  }

  async function made(answer: Promise<Answered>): Promise<Answered['body']> {
    const { status, body } = await answer
    assert.ok(status < 300, JSON.stringify(body))
    return body
  }

  async function makeMerchant(account: Account = {}): Promise<Omit<Payee, 'amount'>> {
    accounts += 1
    const shop = { name: `商户${accounts}`, category: 'food' }
    const { id: merchant } = await made(
      server.call('POST', '/v1/merchants', { key: maker, body: shop }),
    )
    const accountNumber = `62220210010${String(accounts).padStart(8, '0')}`
    const accountName = account.name ?? `商户${accounts}有限公司`
    const { days = 1, isMissing } = account
    const terms = { cycle: { kind: 't_plus', days } } as const
    await agree(merchant, isMissing ? terms : { ...terms, accountName, accountNumber })
    return { merchant, accountName, accountNumber }
  }

  /** A contract by which each day is settled by itself and paid on the next business day, without commission. */
  async function agree(
    merchant: string,
    { accountName, accountNumber, ...more }: Agreed,
  ): Promise<void> {
    const account = {
      bank_name: '中国工商银行',
      bank_code: '102290000000',
      account_name: accountName,
      account_number: accountNumber,
    }
    const { id } = await made(
      server.post(maker, `/v1/merchants/${merchant}/contracts`, {
        valid_from: day,
        class: 'none',
        commission: { kind: 'flat', rate_bp: 0 },
        cycle: { kind: 't_plus', days: 1 },
        ...(accountNumber !== undefined && { payout_account: account }),
        ...more,
      }),
    )
    await made(server.call('POST', `/v1/contracts/${id}/approve`, { key: checker }))
  }

  async function pay(merchant: string, amount: number): Promise<void> {
    const card = { product_id: product, amount, funding: { method: 'cash' } }
    const { id } = await made(server.post(maker, '/v1/cards', card))
    orders += 1
    await made(
      server.post(maker, '/v1/payments', {
        amount,
        currency: 'CNY',
        merchant_id: merchant,
        reference: `order-${orders}`,
        sources: [{ card_id: id }],
      }),
    )
  }

  /** Settles until there is a statement of the merchant: closing a day takes a moment. */
  async function payDayOf(merchant: string): Promise<string> {
    const end = performance.now() + 30_000
    for (;;) {
      await made(server.call('POST', '/v1/settlements/run', { key: maker, body: {} }))
      const path = `/v1/settlements?merchant_id=${merchant}&limit=1`
      const [found] = (await made(server.call('GET', path, { key: maker }))).data
      if (found !== undefined) return found.pay_on
      assert.ok(performance.now() < end, `${merchant} was not settled`)
      await sleep(50)
    }
  }

  /** Ends the day, settles it, and moves on to the day on which it is paid. */
  async function settle(merchant: string): Promise<string> {
    await setClock(nextDay(day), 1)
    await server.closeDays()
    day = await payDayOf(merchant)
    await setClock(day, 10)
    await server.closeDays()
    return day
  }

  return {
    setClock,
    today: () => day,
    clockDay: () => clockDay,
    tomorrow: () => nextDay(day),
    begin: () => setClock(firstDay, 10),
    makeMerchant,
    agree,
    pay,
    payDayOf,
    settle,
    /** New merchants, each owed one of these amounts, on the day on which they are to be paid. */
    async due(...amounts: number[]): Promise<Due> {
      const payees: Payee[] = []
      for (const amount of amounts) {
        const payee = await makeMerchant()
        await pay(payee.merchant, amount)
        payees.push({ ...payee, amount })
      }
      const payOn = await settle(payees[0]?.merchant ?? '')
      return { payees, payOn }
    },
  }
}

function nextDay(day: string): string {
  return formatInstant(startOfDay(day) + dayMs + dayMs / 2).slice(0, 10)
}
