/** What a book's world has of the reserve: accounts, a movement of each kind of trouble, things that wait for a second person. */
import { newId } from '../../server/src/platform/ids.ts'
import type { Json } from './answer-check.ts'

/** Fails where the answer is not a 2xx. */
type Ask = (method: string, path: string, body?: unknown) => Promise<Json>

export const custodyAccount = () => ({
  bank_name: 'Bank',
  bank_code: '102',
  account_name: 'Tea House Ltd',
  account_number: newId().replaceAll('-', '').slice(0, 20),
})

export const guarantee = () => ({
  kind: 'bank_guarantee',
  guarantor: 'Bank',
  document_number: newId(),
  amount: 100,
  valid_from: '2020-01-01',
  valid_to: '2099-12-31',
})

export const filing = () => ({
  form: 'mofcom_single_purpose',
  number: newId(),
  authority: 'Commission',
  filed_on: '2020-01-01',
})

/** A reserve with a statement that has one line too many. */
export async function makeReserve({ ask, askSecond }: { ask: Ask; askSecond: Ask }) {
  const profile = { issuer_class: 'other' }
  await ask('POST', '/v1/reserve/profile', profile)
  const [{ id: custody }, guaranteed, filed] = await Promise.all([
    ask('POST', '/v1/custody_accounts', custodyAccount()),
    askSecond('POST', '/v1/guarantees', guarantee()),
    ask('POST', '/v1/filings', filing()),
    askSecond('POST', '/v1/reserve/profile', profile),
  ])
  const moves = `/v1/custody_accounts/${custody}/movements`
  const deposit = { kind: 'deposit', amount: 10_000 }
  const day = '2020-01-01'
  const content = `date,amount\n${day},0.01\n`
  const brought = { day, opening_balance: 0, closing_balance: 1, content }
  const [movement, wrong, statement] = await Promise.all([
    ask('POST', moves, deposit),
    ask('POST', moves, deposit),
    ask('POST', `/v1/custody_accounts/${custody}/statements`, brought),
  ])
  const entryOf = ({ id }: Json) => id.replace('mvmt_', 'ent_')
  const asked = `/v1/ledger/entries/${entryOf(wrong)}/corrections`
  const [correction, { data: cases }] = await Promise.all([
    askSecond('POST', asked, { reason: 'typed twice' }),
    ask('GET', '/v1/reserve_cases?kind=unknown_inflow'),
  ])
  const [{ id: unknown }] = cases
  const proposal = { action: 'suspend', reason: 'asked the bank' }
  await askSecond('POST', `/v1/reserve_cases/${unknown}/propose`, proposal)
  return {
    custody,
    movement: movement.id,
    entry: entryOf(movement),
    correction: correction.id,
    guarantee: guaranteed.id,
    statement: statement.id,
    case: unknown,
    filing: filed.id,
  }
}
