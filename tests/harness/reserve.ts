/** An issuer with a reserve: two people, a product, a merchant, a custody account; days that end and a watch that looks. */
import assert from 'node:assert/strict'
import { bookOf, businessDateOf, dayMs, parseId, startOfDay } from '@lika/contract'
import { startDayCloser } from '../../server/src/flows/close-day.ts'
import { watchReserves } from '../../server/src/flows/reserve/watch.ts'
import { addDays } from '../../server/src/modules/policy/index.ts'
import { quarterOf } from '../../server/src/modules/reserve/index.ts'
import type { CardApp } from './card-app.ts'
import type { Answered } from './http-app.ts'

export type ReserveParty = Awaited<ReturnType<typeof reserveParty>>

const cash = { method: 'cash' }

/** Under these packs, of that class. Fen everywhere. */
export async function reserveParty(app: CardApp, packs: string[], profile: object = {}) {
  const { id, test: first } = await app.makeIssuer(packs)
  const { secret: second } = await app.makeKey(id, 'test', { owner: 'Wang' })
  const key = first
  const must = (answer: Answered, status = 201): Answered['body'] => {
    assert.equal(answer.status, status, JSON.stringify(answer.body))
    return answer.body
  }
  const given = { issuer_class: 'brand', ...profile }
  must(await app.call('POST', '/v1/reserve/profile', { key, body: given }), 200)
  const faces = { face_range: { min: 1, max: 5_000_000 } }
  const product = await app.makeProduct(key, faces)
  const shop = { name: 'Bistro', category: 'food' }
  const merchant = must(await app.call('POST', '/v1/merchants', { key, body: shop })).id
  let numbers = 0
  const bank = { bank_name: '工商银行', bank_code: '102', account_name: 'Tea House Ltd' }
  const account = must(
    await app.post(key, '/v1/custody_accounts', {
      ...bank,
      account_number: `6222${id.slice(-12)}`,
    }),
  ).id

  async function sell(amount: number): Promise<string> {
    return must(await app.post(key, '/v1/cards', { product_id: product, amount, funding: cash })).id
  }

  async function pay(card: string, amount: number): Promise<string> {
    numbers += 1
    const order = {
      amount,
      currency: 'CNY',
      merchant_id: merchant,
      reference: `o-${id}-${numbers}`,
    }
    return must(await app.post(key, '/v1/payments', { ...order, sources: [{ card_id: card }] })).id
  }

  /** `kind` by the sign unless it is named. */
  function move(amount: number, more: object = {}): Promise<Answered> {
    const kind = amount > 0 ? 'deposit' : 'withdrawal'
    const body = { kind, amount: Math.abs(amount), ...more }
    return app.post(key, `/v1/custody_accounts/${account}/movements`, body)
  }

  /** `ok`, or the code of the refusal. */
  async function codeOfMove(amount: number, more: object = {}): Promise<string> {
    const { status, body } = await move(amount, more)
    return status === 201 ? 'ok' : body.code
  }

  const get = async (path: string) => must(await app.get(key, path), 200)
  /** Without the reports that fall due, unless they are asked for. */
  const cases = async (query = ''): Promise<Answered['body'][]> => {
    const { data } = await get(`/v1/reserve_cases?limit=200${query}`)
    const isReport = ({ kind }: Answered['body']) => kind === 'filing_due'
    return query.includes('filing_due') ? data : data.filter((one: unknown) => !isReport(one))
  }

  return {
    id,
    book: bookOf(parseId('issuer', id) ?? assert.fail(), 'test'),
    key,
    second,
    product,
    merchant,
    account,
    must,
    sell,
    pay,
    move,
    codeOfMove,
    get,
    cases,
  }
}

/** The days and clocks of an app in test mode. */
export function reserveDays(app: CardApp) {
  const { flows } = app
  const today = () => businessDateOf(flows.engine.now('test'))

  /** Ends every day that is over, and looks after the reserves. */
  async function settle(): Promise<void> {
    const closer = startDayCloser(flows, { log: { error: () => {} }, lookEveryMs: 1_000_000 })
    await closer.runNow()
    await closer.stop()
    await watchReserves(flows)
  }

  /** Noon of a later day. */
  async function leapTo(day: string): Promise<void> {
    const ahead = startOfDay(day) + dayMs / 2 - flows.engine.now('test')
    assert.ok(ahead > 0, `${day} is past`)
    await flows.engine.setTestOffset(flows.engine.testOffsetMs + ahead)
    await settle()
  }

  return {
    today,
    watch: () => watchReserves(flows),
    settle,
    leapTo,
    nextDay: () => leapTo(addDays(today(), 1)),
    /** The third day of the next quarter. */
    nextQuarter: () => leapTo(addDays(quarterOf(today()).to, 3)),
    quarterEnd: () => addDays(quarterOf(today()).from, -1),
  }
}

const yuan = (fen: number) => (fen / 100).toFixed(2)

/** Brings in the bank's statement of a day: lines of fen and number. */
export function bankStatement(
  app: CardApp,
  party: ReserveParty,
  day: string,
  opening: number,
  lines: readonly (readonly [fen: number, reference?: string])[],
) {
  const rows = lines.map(([fen, reference]) => `${day},${yuan(fen)},${reference ?? ''}`)
  const closing = lines.reduce((sum, [fen]) => sum + fen, opening)
  const body = {
    day,
    opening_balance: opening,
    closing_balance: closing,
    content: ['date,amount,reference', ...rows, ''].join('\n'),
  }
  return app.call('POST', `/v1/custody_accounts/${party.account}/statements`, {
    key: party.key,
    body,
  })
}
