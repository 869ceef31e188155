/**
 * Every route that moves value against every rule, one fen (day, card …) below its number, at it and above it; then again
 * with another number, so that one written in code would be seen. The routes come from /openapi.json: a new one that is
 * not in the table fails.
 */
import assert from 'node:assert/strict'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type RuleId, ruleKinds } from '../server/src/modules/policy/index.ts'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import { type Answered, deliveredPolicies } from './harness/http-app.ts'
import { temporaryFolder } from './harness/server.ts'

/** Which numbers around the rule's are refused: those above it, it and those above, those below, none. */
type Edge = 'above' | 'from' | 'below' | 'never'

interface Cell {
  readonly edge: Edge
  /** What the route answers when it meets the number: `ok`, or the code of the refusal. */
  readonly probe: (party: Party, n: number) => Promise<string>
}

interface Switch {
  /** Refused where the rule says false. */
  readonly turned: (party: Party) => Promise<string>
}

type Cells = Partial<Record<RuleId, Cell | Switch>>

/** The numbers that a rule is tried with; where the product's own limit would win over 1,000 and 1,007, others. */
const numbers: Partial<Record<RuleId, readonly [number, number]>> = {
  split_depth_max: [1, 2],
  batch_size_max: [3, 4],
  cooling_off_days: [8, 10],
  redemption_wait_months: [3, 5],
  refund_window_days: [3_651, 3_653],
  validity_min_anonymous_months: [36, 40],
}
const numbersOf = (rule: RuleId) => numbers[rule] ?? [1_000, 1_007]

const codes: Partial<Record<RuleId, string>> = {
  card_limit_registered_fen: 'policy.card_limit',
  card_limit_anonymous_fen: 'policy.card_limit',
  identity_from_registered_fen: 'policy.identity_required',
  identity_from_anonymous_fen: 'policy.identity_required',
  no_cash_from_unit_fen: 'policy.cash_not_allowed',
  no_cash_from_person_fen: 'policy.cash_not_allowed',
  no_cash_from_remote_fen: 'policy.cash_not_allowed',
  split_depth_max: 'policy.split_depth',
  batch_size_max: 'policy.batch_too_large',
  batch_value_max_fen: 'policy.amount_limit',
  hold_life_max_seconds: 'policy.hold_too_long',
  refund_window_days: 'policy.refund_too_late',
  sale_may_precede_charter: 'policy.charter_missing',
  sale_may_go_on_when_stopped: 'policy.sale_stopped',
  cooling_off_days: 'policy.cooling_off_over',
  cooling_off_may_need_unused_card: 'policy.card_already_used',
  identity_from_redemption_fen: 'policy.identity_required',
  redemption_account_name_may_differ: 'policy.account_name_differs',
  redemption_cash_max_fen: 'policy.cash_not_allowed',
  anonymous_card_may_be_redeemed: 'policy.redemption_not_allowed',
  redemption_wait_months: 'policy.redemption_too_early',
  withdrawal_may_be_made: 'policy.withdrawal_not_allowed',
}

type Party = { id: string; key: string; anonymous: string; registered: string; merchant: string }

let app: CardApp
let folder: string

const packName = (rule: RuleId, index: number) => `only-${rule.replaceAll('_', '-')}-${index}`

function writePack(name: string, rules: object[]): void {
  const source = { document: 'A law', article: '1' }
  const common = { effectiveFrom: '2000-01-01', effectiveTo: null, source, status: 'confirmed' }
  const all = rules.map((rule) => ({ ...common, ...rule }))
  const pack = { name, title: { zh: name, en: name }, standing: 'by_name', rules: all }
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(pack))
}

/** An issuer under this pack alone; without the charter that it began with, which no number needs. */
async function partyUnder(pack: string): Promise<Party> {
  const body = { name: 'Tea', legal_name: 'Tea House Ltd', packs: [pack] }
  const { body: issuer } = await app.call('POST', '/v1/issuers', { key: app.operator, body })
  const { secret: key } = await app.makeKey(issuer.id, 'test')
  await app.database.owner.sql`delete from lika.charter`
  const faces = { face_range: { min: 1, max: 4_000_000 } }
  return {
    id: issuer.id,
    key,
    anonymous: await app.makeProduct(key, { ...faces, validity_months: null }),
    registered: await app.makeProduct(key, { ...faces, registered: true, validity_months: null }),
    merchant: (
      await app.call('POST', '/v1/merchants', { key, body: { name: 'Bistro', category: 'food' } })
    ).body.id,
  }
}

const bank = { method: 'bank_transfer', reference: 'T-1' }
const cash = { method: 'cash' }
const reason = 'asked for'
const account = { method: 'same_name_account', account_name: 'A', account_number: '1' }
let orders = 0

async function send(party: Party, path: string, body?: object): Promise<Answered['body']> {
  return (await app.post(party.key, path, body)).body
}

async function codeOf(party: Party, path: string, body?: object): Promise<string> {
  const answer = await app.post(party.key, path, body)
  if (answer.status >= 300) assert.ok(answer.body.policy?.rule, JSON.stringify(answer.body))
  return answer.status < 300 ? 'ok' : answer.body.code
}

type Sold = { registered?: boolean; funding?: object; buyer?: object; more?: object }

const newCard = (party: Party, amount: number, sold: Sold = {}) => ({
  product_id: sold.registered === true ? party.registered : party.anonymous,
  amount,
  funding: sold.funding ?? bank,
  ...(sold.buyer !== undefined && { buyer: sold.buyer }),
  ...sold.more,
})

async function cardWith(party: Party, amount: number, sold: Sold = {}): Promise<string> {
  const { id } = await send(party, '/v1/cards', newCard(party, amount, sold))
  assert.ok(id)
  return id
}

async function pay(party: Party, card: string, amount: number): Promise<string> {
  orders += 1
  const { id } = await send(party, '/v1/payments', order(party, card, amount))
  assert.ok(id)
  return id
}

const order = (party: Party, card: string, amount: number) => ({
  amount,
  currency: 'CNY',
  merchant_id: party.merchant,
  reference: `order-${orders}`,
  sources: [{ card_id: card }],
})

/** A card at its cap, spent by that much and topped up again: what comes back lifts it above the cap. */
async function fullCard(party: Party, cap: number, spent: number, sold: Sold = {}) {
  const card = await cardWith(party, cap, sold)
  const payment = await pay(party, card, spent)
  const load = { amount: spent, funding: bank }
  assert.equal(await codeOf(party, `/v1/cards/${card}/loads`, load), 'ok')
  return { card, payment }
}

async function refunded(party: Party, payment: string, amount: number): Promise<string> {
  orders += 1
  const body = { amount, reference: `back-${orders}` }
  return codeOf(party, `/v1/payments/${payment}/refunds`, body)
}

const unit = { kind: 'unit' }
const person = { kind: 'person' }

/** What binds every sale: `sell` puts that much on a card of that kind. */
function saleCells(sell: (party: Party, amount: number, sold: Sold) => Promise<string>): Cells {
  const cell = (edge: Edge, sold: Sold): Cell => ({
    edge,
    probe: (party, n) => sell(party, n, sold),
  })
  return {
    card_limit_registered_fen: cell('above', { registered: true }),
    card_limit_anonymous_fen: cell('above', {}),
    identity_from_registered_fen: cell('from', { registered: true }),
    identity_from_anonymous_fen: cell('from', {}),
    no_cash_from_unit_fen: cell('from', { funding: cash, buyer: unit }),
    no_cash_from_person_fen: cell('from', { funding: cash, buyer: person }),
    no_cash_from_remote_fen: cell('from', { funding: { ...cash, remote: true }, buyer: person }),
    sale_may_precede_charter: { turned: (party) => sell(party, 100, {}) },
  }
}

const without = (cells: Cells, ...rules: RuleId[]): Cells =>
  Object.fromEntries(Object.entries(cells).filter(([rule]) => !rules.includes(rule as RuleId)))

/** Made before the sale; the cap was asked when the card was made, and is asked again by date below. */
async function plastic(party: Party, amount: number, sold: Sold): Promise<string> {
  const { id } = await send(
    party,
    '/v1/cards',
    newCard(party, amount, { ...sold, funding: bank, more: { activate: false } }),
  )
  assert.ok(id)
  return id
}

const onCards = (path: string, body: object) => async (party: Party, card: string) =>
  codeOf(party, `/v1/cards/${card}/${path}`, body)

const setAt = (at: number) =>
  app.call('POST', '/v1/test/clock', {
    key: clockKey,
    body: { set_at: new Date(at).toISOString() },
  })
let clockKey: string

/** Does something that many days after `begin`, at noon in Shanghai. */
async function later<T>(party: Party, days: number, act: () => Promise<T>): Promise<T> {
  clockKey = party.key
  const { body } = await app.call('POST', '/v1/test/clock', {
    key: party.key,
    body: { advance_seconds: days * 86_400 },
  })
  assert.ok(body.now)
  try {
    return await act()
  } finally {
    await app.call('DELETE', '/v1/test/clock', { key: party.key })
  }
}

const nothing = 'moves no value'
const spends =
  'spends what is on a card already: no rule of a sale, and the money stays the holder’s'

/** By method and path. Text says why no rule bites there. */
const table: Record<string, Cells | string> = {
  'POST /v1/cards': saleCells((party, amount, sold) =>
    codeOf(party, '/v1/cards', newCard(party, amount, sold)),
  ),
  'POST /v1/cards/batches': {
    ...saleCells((party, amount, sold) =>
      codeOf(party, '/v1/cards/batches', { ...newCard(party, amount, sold), count: 1 }),
    ),
    batch_size_max: {
      edge: 'above',
      probe: (party, count) => codeOf(party, '/v1/cards/batches', { ...newCard(party, 1), count }),
    },
    batch_value_max_fen: {
      edge: 'above',
      probe: (party, n) => codeOf(party, '/v1/cards/batches', { ...newCard(party, n), count: 1 }),
    },
  },
  'POST /v1/cards/{id}/activate': without(
    saleCells(async (party, amount, { funding = bank, buyer, ...sold }) => {
      const card = await plastic(party, amount, sold)
      return onCards('activate', { funding, ...(buyer !== undefined && { buyer }) })(party, card)
    }),
    'card_limit_registered_fen',
    'card_limit_anonymous_fen',
  ),
  'POST /v1/cards/{id}/loads': {
    ...without(
      saleCells(async (party, amount, { funding = bank, buyer, ...sold }) => {
        const card = await cardWith(party, 1, sold)
        const load = { amount, funding, ...(buyer !== undefined && { buyer }) }
        return onCards('loads', load)(party, card)
      }),
      'card_limit_registered_fen',
      'card_limit_anonymous_fen',
      'sale_may_precede_charter',
    ),
    ...Object.fromEntries(
      [true, false].map((registered) => [
        registered ? 'card_limit_registered_fen' : 'card_limit_anonymous_fen',
        {
          edge: 'above' as const,
          probe: async (party: Party, n: number) => {
            const card = await cardWith(party, n - 10, { registered })
            const load = { amount: 7, bonus_amount: 3, funding: bank }
            return onCards('loads', load)(party, card)
          },
        },
      ]),
    ),
  },
  'POST /v1/cards/{id}/adjustments': Object.fromEntries(
    [true, false].map((registered) => [
      registered ? 'card_limit_registered_fen' : 'card_limit_anonymous_fen',
      {
        edge: 'above' as const,
        probe: async (party: Party, n: number) => {
          const card = await cardWith(party, n - 10, { registered })
          const more = { amount: 10, sub_balance: 'bonus', reason }
          return onCards('adjustments', more)(party, card)
        },
      },
    ]),
  ),
  'POST /v1/cards/{id}/split': {
    ...Object.fromEntries(
      [true, false].map((registered) => [
        registered ? 'card_limit_registered_fen' : 'card_limit_anonymous_fen',
        {
          edge: 'above' as const,
          probe: async (party: Party, n: number) => {
            const { card, payment } = await fullCard(party, n - 2, 10, { registered })
            assert.equal(await refunded(party, payment, 10), 'ok')
            return onCards('split', { amounts: [n] })(party, card)
          },
        },
      ]),
    ),
    split_depth_max: {
      edge: 'above',
      probe: async (party, depth) => {
        let card = await cardWith(party, 1_000)
        let code = 'ok'
        for (let generation = 1; generation <= depth && code === 'ok'; generation += 1) {
          const path = `/v1/cards/${card}/split`
          const { status, body } = await app.post(party.key, path, { amounts: [100 - generation] })
          code = status < 300 ? 'ok' : body.code
          card = status < 300 ? body.cards[0].id : card
        }
        return code
      },
    },
  },
  'POST /v1/cards/{id}/replace': Object.fromEntries(
    [true, false].map((registered) => [
      registered ? 'card_limit_registered_fen' : 'card_limit_anonymous_fen',
      {
        edge: 'never' as const,
        probe: async (party: Party, n: number) => {
          const { card, payment } = await fullCard(party, n - 2, 10, { registered })
          assert.equal(await refunded(party, payment, 10), 'ok')
          return onCards('replace', {})(party, card)
        },
      },
    ]),
  ),
  'POST /v1/payments/{id}/refunds': {
    ...Object.fromEntries(
      [true, false].map((registered) => [
        registered ? 'card_limit_registered_fen' : 'card_limit_anonymous_fen',
        {
          edge: 'never' as const,
          // What was spent comes back whatever is on the card by now.
          probe: async (party: Party, n: number) => {
            const { payment } = await fullCard(party, n - 2, 10, { registered })
            return refunded(party, payment, 10)
          },
        },
      ]),
    ),
    refund_window_days: {
      edge: 'above',
      probe: async (party, days) => {
        const payment = await pay(party, await cardWith(party, 100), 10)
        return later(party, days, () => refunded(party, payment, 10))
      },
    },
  },
  'POST /v1/holds': {
    hold_life_max_seconds: {
      edge: 'above',
      probe: async (party, seconds) => {
        orders += 1
        const hold = order(party, await cardWith(party, 100), 10)
        return codeOf(party, '/v1/holds', { ...hold, expires_in: seconds })
      },
    },
  },
  'POST /v1/combined_payments':
    'sets aside what a hold does, for so long: flows/combined/create.ts',
  'POST /v1/combined_payments/{id}/refunds':
    'gives its card part back as a refund does: flows/combined/refund.ts',
  'POST /v1/combined_refunds/{id}/retry': 'moves no value: asks WeChat for what is owed already',
  'POST /v1/combined_refunds/{id}/apply_abnormal_refund': 'moves no value',
  'POST /v1/products/{id}/stock': 'moves no value',
  'POST /v1/campaigns/{id}/red_packets':
    'gives cash of a budget, nothing of a card: tests/red-packets.test.ts',
  'POST /v1/cards/{id}/redemptions': {
    identity_from_redemption_fen: {
      edge: 'from',
      probe: async (party, n) =>
        onCards('redemptions', { reason: 'operator', payout: account })(
          party,
          await cardWith(party, n),
        ),
    },
    redemption_cash_max_fen: {
      edge: 'above',
      probe: async (party, n) => {
        const card = await cardWith(party, n, { funding: cash })
        const payout = { method: 'original_route' }
        return onCards('redemptions', { reason: 'operator', payout })(party, card)
      },
    },
    cooling_off_days: {
      edge: 'above',
      probe: async (party, days) =>
        atMonday(party, async () => {
          const card = await cardWith(party, 100)
          await advance(party, days)
          return onCards('redemptions', { reason: 'cooling_off', payout: account })(party, card)
        }),
    },
    redemption_wait_months: {
      edge: 'below',
      // On the same day of the month, so many months later.
      probe: async (party, months) =>
        atMonday(party, async () => {
          const card = await cardWith(party, 100)
          await setAt(Date.UTC(2029, months, 1, 4))
          return onCards('redemptions', { reason: 'consumer', payout: account })(party, card)
        }),
    },
    redemption_account_name_may_differ: {
      turned: async (party) =>
        onCards('redemptions', {
          reason: 'operator',
          payout: account,
          holder: { kind: 'person', name: 'B' },
        })(party, await cardWith(party, 100)),
    },
    anonymous_card_may_be_redeemed: {
      turned: async (party) =>
        onCards('redemptions', { reason: 'consumer', payout: account })(
          party,
          await cardWith(party, 100),
        ),
    },
    withdrawal_may_be_made: {
      turned: async (party) =>
        onCards('redemptions', { reason: 'withdrawal', payout: account })(
          party,
          await cardWith(party, 100),
        ),
    },
  },
  'POST /v1/loads/{id}/refunds': {
    refund_window_days: {
      edge: 'above',
      probe: async (party, days) => {
        const card = await cardWith(party, 100)
        const { id } = await send(party, `/v1/cards/${card}/loads`, { amount: 10, funding: bank })
        orders += 1
        const back = { amount: 10, reference: `back-${orders}` }
        return later(party, days, () => codeOf(party, `/v1/loads/${id}/refunds`, back))
      },
    },
  },
  'POST /v1/campaigns/{id}/claims':
    'counts for the cap of the card as a load does: tests/claims.test.ts',
  'POST /v1/orders': without(
    saleCells((party, amount, { registered, buyer }) =>
      codeOf(party, '/v1/orders', {
        kind: 'purchase',
        product_id: registered === true ? party.registered : party.anonymous,
        amount,
        channel: 'h5',
        ...(buyer !== undefined && { buyer }),
      }),
    ),
    'no_cash_from_unit_fen',
    'no_cash_from_person_fen',
    'no_cash_from_remote_fen',
  ),
  'POST /v1/orders/{id}/pay':
    'moves no value: the law is asked when the order is made, and again when it was paid',
  'POST /v1/orders/{id}/review': 'moves no value',
  'POST /v1/orders/{id}/close': 'moves no value',
  'POST /v1/orders/{id}/unseal': 'moves no value',
  'POST /v1/orders/{id}/apply_abnormal_refund': 'moves no value',
  'POST /v1/orders/{id}/refunds':
    'asks what a redemption asks, of an order that was paid: tests/orders-refunds.test.ts',
  'POST /v1/members/{id}/merge': 'moves no value',
  'POST /v1/members/{id}/unmerge': 'moves no value',
  'POST /v1/wechat/card_codes/consume': 'moves no value: consumes a code of a card at WeChat',
  'POST /v1/presales':
    'asks what a sale asks: flows/cards/purchase.ts; its law in tests/presales.test.ts',
  'POST /v1/presales/{id}/deliver': 'delivers what was sold under the law of its sale',
  'POST /v1/presales/{id}/refunds': 'gives back what was not delivered',
  'POST /v1/imports':
    'a row above the cap is an error of that row: judged by server/src/flows/import/judge.ts',
  'POST /v1/imports/{id}/reverse': 'takes back what the import brought',
  'POST /v1/custody_accounts': 'moves no value',
  'POST /v1/custody_accounts/{id}/movements':
    'the rules of the reserve, each at its number: tests/reserve-policy.test.ts',
  'POST /v1/guarantees': 'moves no value',
  'POST /v1/guarantees/{id}/approve': 'moves no value',
  'POST /v1/guarantees/{id}/end': 'asks the same as a withdrawal: tests/reserve.test.ts',
  'POST /v1/reserve_cases/{id}/propose': 'moves no value',
  'POST /v1/reserve_cases/{id}/approve': 'the books follow the bank, whatever the rules say',
  'POST /v1/ledger/entries/{id}/corrections': 'moves no value',
  'POST /v1/ledger/corrections/{id}/approve':
    'asks what a withdrawal and an adjustment ask: tests/corrections.test.ts',
  'POST /v1/ledger/corrections/{id}/reject': 'moves no value',
  'POST /v1/merchants/{id}/contracts': 'moves no value: it says how a merchant is paid',
  'POST /v1/settlements/adjustments': 'moves no value: it asks a second person to',
  'POST /v1/settlements/adjustments/{id}/approve': 'between issuer and merchant, by two people',
  'POST /v1/settlements/adjustments/{id}/reject': 'moves no value',
  'POST /v1/payments': spends,
  'POST /v1/payments/{id}/cancel': spends,
  'POST /v1/payments/cancel': spends,
  'POST /v1/holds/{id}/capture': spends,
  'POST /v1/holds/{id}/release': spends,
  'POST /v1/cards/{id}/reveal': nothing,
  'POST /v1/cards/{id}/reset_secret': nothing,
  'POST /v1/cards/{id}/freeze': nothing,
  'POST /v1/cards/{id}/unfreeze': nothing,
  'POST /v1/cards/{id}/report_lost': nothing,
  'POST /v1/cards/{id}/close': nothing,
  'POST /v1/cards/{id}/extend': nothing,
}

/** Rules that bite elsewhere than on these routes, or nowhere: they set a value. */
const elsewhere: Partial<Record<RuleId, string>> = {
  registered_card_may_expire: 'at publish, below',
  validity_min_anonymous_months: 'at publish, below',
  sale_may_go_on_when_stopped:
    'below, with the switch: the product’s own limits always stop the sale',
  pay_code_life_seconds: 'a life: tests/cards-access.test.ts',
  cooling_off_may_need_unused_card: 'true is the one that refuses: below',
  cooling_off_pay_within_days: 'a date in the answer: tests/redemptions.test.ts',
  redemption_pay_within_days: 'a date in the answer: tests/redemptions.test.ts',
  withdrawal_fee_bp: 'an amount: tests/redemptions.test.ts',
  voucher_validity_max_days: 'at publish of a campaign: tests/campaigns.test.ts',
  cash_back_min_bp: 'at publish of a campaign: tests/campaigns.test.ts',
  cash_back_max_bp: 'at publish of a campaign: tests/campaigns.test.ts',
  random_rebate_max_fen: 'at publish of a campaign: tests/campaigns.test.ts',
  retention_buyer_years: 'a duty of the operator',
  sale_seal_min_hours: 'hours of a seal: flows/purchase/law-of-order.test.ts',
  top_up_review_above_fen: 'asks a second person: tests/orders-top-ups.test.ts',
  credit_card_may_pay: 'said to WeChat: flows/purchase/law-of-order.test.ts',
  reserve_scale_bp: 'on custody accounts: tests/reserve-policy.test.ts',
  reserve_group_bp: 'on custody accounts: tests/reserve-policy.test.ts',
  reserve_brand_bp: 'on custody accounts: tests/reserve-policy.test.ts',
  reserve_other_bp: 'on custody accounts: tests/reserve-policy.test.ts',
  reserve_daily_bp: 'on custody accounts: tests/reserve-policy.test.ts',
  reserve_top_up_bp: 'on custody accounts: tests/reserve-policy.test.ts',
  reserve_local_free_fen: 'on custody accounts: modules/reserve/model.test.ts',
  reserve_local_bp: 'on custody accounts: modules/reserve/model.test.ts',
  reserve_full_revenue_bp: 'on custody accounts: modules/reserve/model.test.ts',
  reserve_full_floor_fen: 'on custody accounts: modules/reserve/model.test.ts',
  reserve_full_ceiling_fen: 'on custody accounts: modules/reserve/model.test.ts',
  reserve_full_bp: 'on custody accounts: modules/reserve/model.test.ts',
  reserve_guarantees_bp: 'on custody accounts: modules/reserve/model.test.ts',
  reserve_guarantees_may_be_mixed: 'on custody accounts: modules/reserve/model.test.ts',
  filing_within_days: 'a date: modules/reserve/calendar.test.ts',
  filing_reminder_days: 'a date: modules/reserve/calendar.test.ts',
  report_group_days: 'a date: modules/reserve/calendar.test.ts',
  report_scale_days: 'a date: modules/reserve/calendar.test.ts',
  report_other_days: 'a date: modules/reserve/calendar.test.ts',
  report_local_days: 'a date: modules/reserve/calendar.test.ts',
  retention_transactions_years: 'a duty of the operator',
}

async function advance(party: Party, days: number): Promise<void> {
  await app.call('POST', '/v1/test/clock', {
    key: party.key,
    body: { advance_seconds: days * 86_400 },
  })
}

/** From noon of Monday, 1 January 2029, a year of which the calendar knows no holidays. */
async function atMonday<T>(party: Party, act: () => Promise<T>): Promise<T> {
  clockKey = party.key
  await setAt(Date.UTC(2029, 0, 1, 4))
  try {
    return await act()
  } finally {
    await app.call('DELETE', '/v1/test/clock', { key: party.key })
  }
}

function isRefused(edge: Edge, offset: number): boolean {
  if (edge === 'never') return false
  if (edge === 'below') return offset < 0
  return edge === 'above' ? offset > 0 : offset >= 0
}

before(async () => {
  folder = temporaryFolder('lika-matrix-')
  cpSync(deliveredPolicies, folder, { recursive: true })
  for (const rule of Object.keys(ruleKinds) as RuleId[]) {
    const isSwitch = ruleKinds[rule].unit === 'switch'
    for (const [index, value] of (isSwitch ? [false, true] : numbersOf(rule)).entries())
      writePack(packName(rule, index), [{ id: rule, value }])
  }
  writePack('from-2030', [
    { id: 'card_limit_anonymous_fen', value: 1_000, effectiveFrom: '2030-01-01' },
  ])
  const jobs = { enqueue: async () => undefined }
  app = await startCardApp([], { policies: folder, jobs: jobs as never })
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('every ¤ route of the document is in the table, and no other', async () => {
  const { body } = await app.call('GET', '/openapi.json')
  type Parameter = { name: string; in: string }
  const found = Object.entries<Record<string, { parameters?: Parameter[] }>>(body.paths).flatMap(
    ([path, operations]) =>
      Object.entries(operations)
        .filter(([, { parameters = [] }]) =>
          parameters.some(({ name }) => name.toLowerCase() === 'idempotency-key'),
        )
        .map(([method]) => `${method.toUpperCase()} ${path}`),
  )
  assert.ok(found.length > 20)
  assert.deepEqual(found.toSorted(), Object.keys(table).toSorted())
})

test('every rule of the catalogue is met on some route, or said to be met elsewhere', () => {
  const met = Object.values(table).flatMap((cells) =>
    typeof cells === 'string' ? [] : Object.keys(cells),
  )
  const known = new Set([...met, ...Object.keys(elsewhere)])
  assert.deepEqual(
    Object.keys(ruleKinds).filter((rule) => !known.has(rule)),
    [],
  )
})

for (const [route, cells] of Object.entries(table)) {
  if (typeof cells === 'string') continue
  describe(route, () => {
    for (const [name, cell] of Object.entries(cells)) {
      const rule = name as RuleId
      test(rule, async () => {
        if ('turned' in cell) {
          const [no, yes] = [
            await partyUnder(packName(rule, 0)),
            await partyUnder(packName(rule, 1)),
          ]
          assert.equal(await cell.turned(no), codes[rule])
          assert.equal(await cell.turned(yes), 'ok')
          return
        }
        for (const [index, number] of numbersOf(rule).entries()) {
          const party = await partyUnder(packName(rule, index))
          for (const offset of [-1, 0, 1]) {
            const expected: string | undefined = isRefused(cell.edge, offset) ? codes[rule] : 'ok'
            const met: string = await cell.probe(party, number + offset)
            assert.equal(met, expected, `${number} ${offset}`)
          }
        }
      })
    }
  })
}

describe('beside the table', () => {
  test('an anonymous card is published with the shortest validity or longer', async () => {
    const rule = 'validity_min_anonymous_months'
    for (const [index, months] of numbersOf(rule).entries()) {
      const { key } = await partyUnder(packName(rule, index))
      for (const offset of [-1, 0, 1]) {
        const product = await app.makeProduct(key, { validity_months: months + offset })
        const { body } = await app.get(key, `/v1/products/${product}`)
        assert.equal(body.status, offset < 0 ? 'draft' : 'published')
      }
    }
  })

  test('a registered card that must not expire is not published with an expiry', async () => {
    for (const [index, status] of ['draft', 'published'].entries()) {
      const { key } = await partyUnder(packName('registered_card_may_expire', index))
      const product = await app.makeProduct(key, { registered: true })
      assert.equal((await app.get(key, `/v1/products/${product}`)).body.status, status)
    }
  })

  test('only unused cards come back without a reason where the law says so', async () => {
    for (const [index, expected] of ['ok', 'policy.card_already_used'].entries()) {
      const party = await partyUnder(packName('cooling_off_may_need_unused_card', index))
      const card = await cardWith(party, 100)
      await pay(party, card, 10)
      const body = { reason: 'cooling_off', payout: account }
      assert.equal(await onCards('redemptions', body)(party, card), expected)
    }
  })

  test('tomorrow’s rule does not bite today, nor what was made today once it is in force', async () => {
    const party = await partyUnder('from-2030')
    clockKey = party.key
    const shanghai = (text: string) => Date.parse(`${text}+08:00`)
    await setAt(shanghai('2029-12-31T23:59:00'))
    const early = await plastic(party, 1_001, {})
    const atCap = await plastic(party, 1_000, {})
    const full = await cardWith(party, 1_001)
    const sell = (amount: number) => codeOf(party, '/v1/cards', newCard(party, amount))
    assert.equal(await sell(1_001), 'ok')
    await setAt(shanghai('2030-01-01T00:00:00'))
    assert.equal(await sell(1_001), 'policy.card_limit')
    assert.equal(await sell(1_000), 'ok')
    const activate = onCards('activate', { funding: bank })
    assert.equal(await activate(party, early), 'policy.card_limit')
    assert.equal(await activate(party, atCap), 'ok')
    // Yesterday's sale keeps what was paid in: it pays, and only more is refused.
    await pay(party, full, 1)
    assert.equal(
      await onCards('loads', { amount: 1, funding: bank })(party, full),
      'policy.card_limit',
    )
    await app.call('DELETE', '/v1/test/clock', { key: party.key })
  })

  test('a sale that was stopped takes no money from anybody; what was sold pays and comes back', async () => {
    const party = await partyUnder('open')
    const card = await cardWith(party, 1_000)
    const unsold = await plastic(party, 1_000, {})
    const payment = await pay(party, card, 100)
    const turn = (stopped: boolean) =>
      app.call('POST', `/v1/issuers/${party.id}/sale`, {
        key: app.operator,
        body: { stopped, reason: 'at risk' },
      })
    const sales: [string, object][] = [
      ['/v1/cards', newCard(party, 100)],
      ['/v1/cards/batches', { ...newCard(party, 100), count: 2 }],
      [`/v1/cards/${unsold}/activate`, { funding: bank }],
      [`/v1/cards/${card}/loads`, { amount: 100, funding: bank }],
    ]
    assert.deepEqual((await turn(true)).body.stopped, true)
    for (const [path, body] of sales) {
      const refused = await app.post(party.key, path, body)
      assert.deepEqual(
        [refused.status, refused.body.code, refused.body.policy.rule],
        [422, 'policy.sale_stopped', 'sale_may_go_on_when_stopped'],
        path,
      )
    }
    await pay(party, card, 100)
    assert.equal(await refunded(party, payment, 100), 'ok')
    await plastic(party, 100, {})
    assert.equal((await app.get(party.key, `/v1/issuers/${party.id}/sale`)).body.reason, 'at risk')
    await turn(false)
    for (const [path, body] of sales) assert.equal(await codeOf(party, path, body), 'ok', path)
    const asIssuer = { key: party.key, body: { stopped: false, reason } }
    assert.equal((await app.call('POST', `/v1/issuers/${party.id}/sale`, asIssuer)).status, 403)
  })
})
