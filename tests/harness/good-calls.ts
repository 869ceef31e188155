/**
 * How each operation of the document is called so that it succeeds: what tests of all routes at once vary. An operation
 * may be called in several ways, which together fill every member that takes an id.
 */
import { newId } from '../../server/src/platform/ids.ts'
import type { Operation } from './answer-check.ts'
import { cardFile, formOf } from './card-file.ts'
import type { Options } from './client.ts'
import { orderCalls, orderRefusals } from './good-calls-orders.ts'
import { tillCalls, tillRefusals } from './good-calls-tills.ts'
import { wechatCalls, wechatRefusals } from './good-calls-wechat.ts'
import { type Book, type Things, terms } from './world.ts'
import { cashBack } from './world-campaigns.ts'
import { application, contract, licenceFile } from './world-candidates.ts'
import { custodyAccount, filing, guarantee } from './world-reserve.ts'

export type GoodCall = {
  /** In place of `{id}`. */
  id?: string
  query?: Record<string, string>
  body?: Record<string, unknown>
  /** Fields of a multipart body that has a card file. */
  fields?: Record<string, string>
  /** With the operator's key. */
  operator?: true
  /** The code with which this one is refused for the state that things are in. */
  refused?: string
}

type Ways = (things: Things, book: Pick<Book, 'issuer' | 'mode' | 'receiverUrl'>) => GoodCall[]

const cash = { method: 'cash' }
const reason = { reason: 'asked for' }
const toAccount = {
  method: 'same_name_account',
  account_name: '王芳',
  account_number: '6222020000000000',
}

const onCard =
  (body?: Record<string, unknown>, which: 'card' | 'created' | 'frozen' = 'card'): Ways =>
  (things) => [{ id: things[which], ...(body && { body }) }]

/** The three ways to name a card at a till. */
const charge =
  (more: object): Ways =>
  ({ card, number, secret, payCode, merchant, store, terminal }) => {
    const till = { merchant_id: merchant, store_id: store, terminal_id: terminal }
    const order = { amount: 120, currency: 'CNY', ...till, ...more }
    const sources = [{ card_id: card }, { number, secret }, { pay_code: payCode }]
    const bodies = sources.map((source) => ({ ...order, reference: newId(), sources: [source] }))
    const [first] = bodies
    return [...bodies, { ...first, reference: newId(), dry_run: true }].map((body) => ({ body }))
  }

const one =
  (thing: keyof Things, more: Omit<GoodCall, 'id'> = {}): Ways =>
  (things) => [{ id: things[thing], ...more }]

const nothing: Ways = () => [{}]

const stretch = { from: '2020-01-01', to: '2020-01-02' }

const ways: Record<string, Ways> = {
  post_issuers: () => [
    { operator: true, body: { name: 'Tea', legal_name: 'Tea Ltd', packs: ['open'] } },
  ],
  get_issuers: () => [{ operator: true }],
  get_issuers_id: (_, { issuer }) => [{ id: issuer }],
  post_issuers_id_sale: (_, { issuer }) => [
    { id: issuer, operator: true, body: { stopped: false, reason: 'all is well' } },
  ],
  get_issuers_id_sale: (_, { issuer }) => [{ id: issuer }],
  get_policies_explain: (_, { issuer }) => [{ query: { issuer_id: issuer } }],
  post_charters: () => [{ body: { title: 'Charter', document: 'What you agree to.' } }],
  get_charters: nothing,
  get_charters_id: one('charter'),
  post_keys: (_, { issuer, mode }) => [
    { body: { issuer_id: issuer, mode, name: 'k', owner: 'o', scopes: ['cards:read'] } },
  ],
  get_keys: (_, { issuer }) => [{ query: { issuer_id: issuer } }],
  get_keys_id: one('key'),
  delete_keys_id: one('key'),
  post_products: ({ merchant, store }) => [
    { body: { ...terms, acceptance: { merchants: [merchant], stores: [store] } } },
  ],
  get_products: nothing,
  patch_products_id: ({ draft, merchant, store }) => [
    { id: draft, body: { acceptance: { merchants: [merchant], stores: [store] } } },
  ],
  get_products_id: one('product'),
  post_products_id_publish: one('draft'),
  post_merchants: () => [{ body: { name: 'Shop', category: 'food' } }],
  get_merchants: nothing,
  get_merchants_id: one('merchant'),
  patch_merchants_id: one('draftMerchant', { body: { onboarding: application } }),
  get_merchants_id_onboarding: one('draftMerchant'),
  post_merchants_id_documents: one('draftMerchant', { body: licenceFile }),
  get_merchant_documents_id_file: one('document'),
  post_merchants_id_submit: one('draftMerchant'),
  post_merchants_id_approve: one('submittedMerchant'),
  post_merchants_id_reject: one('submittedMerchant', { body: reason }),
  post_merchants_id_suspend: one('approvedMerchant', { body: reason }),
  post_merchants_id_resume: one('suspendedMerchant'),
  get_merchants_id_terms: one('merchant', { query: { on: '2026-12-31' } }),
  post_merchants_id_contracts: ({ merchant, approvedMerchant }) => [
    {
      id: merchant,
      body: { ...contract, split: [{ merchant_id: approvedMerchant, share_bp: 10_000 }] },
    },
  ],
  get_contracts: ({ merchant }) => [{ query: { merchant_id: merchant } }],
  get_contracts_id: one('contract'),
  post_contracts_id_approve: one('contract'),
  post_contracts_id_reject: one('contract', { body: reason }),
  get_merchants_coverage: () => [{ query: { districts: 'West,East' } }],
  post_merchants_coverage: () => [{ body: { districts: ['West', 'East'] } }],
  post_merchants_what_if: () => [{ body: { volume: 100_000, rate_bp: 1_000, change_bp: 100 } }],
  post_merchants_id_stores: one('merchant', { body: { name: 'Store', district: 'West' } }),
  get_merchants_id_stores: one('merchant'),
  get_stores_id: one('store'),
  post_stores_id_terminals: one('store', { body: { name: 'Till' } }),
  get_stores_id_terminals: one('store'),
  get_terminals_id: one('terminal'),
  post_cards: ({ product }) =>
    [true, false].map((activate) => ({
      body: { product_id: product, amount: 5_000, funding: cash, activate },
    })),
  get_cards: ({ product, batch, number }) => [
    { query: { product_id: product } },
    { query: { batch_id: batch } },
    { query: { number } },
  ],
  get_cards_id: one('card'),
  post_cards_lookup: ({ number, secret }) => [{ body: { number, secret } }],
  post_cards_id_freeze: onCard(reason),
  post_cards_id_unfreeze: onCard(reason, 'frozen'),
  post_cards_id_close: onCard(reason, 'created'),
  post_cards_id_report_lost: onCard(),
  post_cards_id_extend: onCard({ until: '2045-12-31' }),
  post_cards_id_activate: onCard({ funding: cash }, 'created'),
  post_cards_id_replace: onCard({}),
  post_cards_id_split: onCard({ amounts: [100, 50] }),
  post_cards_id_reveal: onCard(),
  post_cards_id_reset_secret: onCard(),
  post_cards_id_pay_codes: onCard(),
  post_cards_id_loads: onCard({ amount: 1_000, bonus_amount: 50, funding: cash }),
  post_cards_id_adjustments: onCard({ amount: -10, sub_balance: 'principal', reason: 'typo' }),
  post_cards_id_redemptions: onCard(
    { reason: 'operator', payout: toAccount, dry_run: true },
    'frozen',
  ),
  get_redemptions_id: one('redemption'),
  post_loads_id_refunds: ({ load }) => [{ id: load, body: { amount: 10, reference: newId() } }],
  get_loads_id_refunds: one('load'),
  post_campaigns: ({ product, merchant }) => [
    { body: { ...cashBack, products: [product], merchants: [merchant] } },
  ],
  patch_campaigns_id: ({ draftCampaign, product, merchant }) => [
    { id: draftCampaign, body: { products: [product], merchants: [merchant] } },
  ],
  post_campaigns_run: nothing,
  post_campaigns_id_publish: one('draftCampaign'),
  post_campaigns_id_end: one('campaign'),
  get_campaigns: nothing,
  get_campaigns_id: one('campaign'),
  get_campaigns_id_budget: one('campaign'),
  get_campaigns_id_versions: one('campaign'),
  post_campaigns_id_claims: ({ claimed, load }) => [{ id: claimed, body: { load_id: load } }],
  get_rebates: ({ card, campaign }) => [{ query: { card_id: card, campaign_id: campaign } }],
  get_cards_id_rebate_debt: onCard(),
  get_cards_id_vouchers: onCard(),
  get_vouchers_id: one('voucher'),
  ...orderCalls,
  post_presales: ({ presold }) => [{ body: { campaign_id: presold, funding: cash } }],
  post_presales_id_deliver: one('presale'),
  post_presales_id_refunds: one('presale'),
  get_presales_id: one('presale'),
  get_presales: ({ presold }) => [{ query: { campaign_id: presold } }],
  get_cards_id_statement: onCard(),
  post_payments: (things, book) => [
    ...charge({})(things, book),
    {
      body: {
        amount: 20,
        currency: 'CNY',
        merchant_id: things.merchant,
        reference: newId(),
        sources: [{ card_id: things.voucherCard }],
        vouchers: [things.voucher],
      },
    },
  ],
  get_payments: ({ merchant }) => [{ query: { merchant_id: merchant } }],
  get_payments_id: one('payment'),
  post_payments_id_cancel: one('payment'),
  post_payments_cancel: ({ merchant }) => [{ body: { merchant_id: merchant, reference: newId() } }],
  post_payments_id_refunds: ({ payment }) => [
    { id: payment, body: { amount: 10, reference: newId() } },
  ],
  get_refunds_id: one('refund'),
  post_holds: charge({ expires_in: 86_400 }),
  get_holds_id: one('hold'),
  post_holds_id_capture: one('hold', { body: { amount: 20 } }),
  post_holds_id_release: one('hold'),
  post_bulk: ({ card, created }) => [
    { body: { on_error: 'continue', operations: [bulked(`/v1/cards/${card}/freeze`, reason)] } },
    { body: { on_error: 'atomic', operations: [bulked(`/v1/cards/${created}/close`, reason)] } },
  ],
  post_cards_batches: ({ product }) => [
    { body: { product_id: product, amount: 100, count: 1, funding: cash } },
  ],
  post_imports: ({ product }) => [{ fields: { product_id: product, dry_run: 'true' } }],
  get_imports_id: one('import'),
  get_imports_id_errors: one('import'),
  post_imports_id_reverse: one('import'),
  get_jobs_id: one('job'),
  get_jobs_id_file: one('fileJob'),
  get_exports_cards_csv: nothing,
  post_test_clock: () => [{ body: { advance_seconds: 1 } }],
  delete_test_clock: nothing,
  delete_test_data: nothing,
  post_webhook_endpoints: (_, { receiverUrl }) => [
    { body: { url: receiverUrl, events: ['payment.*'] } },
  ],
  get_webhook_endpoints: nothing,
  get_webhook_endpoints_id: one('endpoint'),
  delete_webhook_endpoints_id: one('endpoint'),
  post_webhook_endpoints_id_replay: ({ endpoint, event }) => [
    { id: endpoint, body: { after: event } },
  ],
  get_webhook_deliveries: ({ endpoint, event }) => [
    { query: { endpoint_id: endpoint, event_id: event } },
  ],
  get_events: nothing,
  get_ledger_accounts: nothing,
  get_ledger_accounts_id: one('account'),
  get_ledger_entries: nothing,
  get_ledger_trial_balance: nothing,
  post_ledger_verify: nothing,
  get_ledger_days_trial_balance: () => [{ query: { day: '2020-01-01' } }],
  get_ledger_accounts_id_days: one('account', { query: stretch }),
  post_ledger_entries_id_corrections: one('entry', { body: { reason: 'typed twice' } }),
  get_ledger_corrections: nothing,
  get_ledger_corrections_id: one('correction'),
  post_ledger_corrections_id_approve: one('correction'),
  post_ledger_corrections_id_reject: one('correction'),
  post_reserve_profile: () => [{ body: { issuer_class: 'other' } }],
  post_reserve_profile_approve: nothing,
  get_reserve_profile: nothing,
  get_reserve: nothing,
  get_reserve_positions: nothing,
  get_reserve_quarters: () => [{ query: { quarter: '2020Q1' } }],
  get_reserve_balance_ledger: () => [{ query: stretch }],
  get_reserve_turnover: () => [{ query: stretch }],
  get_reserve_issuance_ledger_csv: () => [{ query: stretch }],
  get_reserve_buyers_csv: () => [{ query: stretch }],
  post_custody_accounts: () => [{ body: custodyAccount() }],
  get_custody_accounts: nothing,
  get_custody_accounts_id: one('custody'),
  post_custody_accounts_id_movements: one('custody', { body: { kind: 'deposit', amount: 100 } }),
  get_custody_accounts_id_movements: one('custody'),
  post_custody_accounts_id_statements: one('custody', {
    body: {
      day: '2020-01-02',
      opening_balance: 1,
      closing_balance: 1,
      content: 'date,amount\n',
    },
  }),
  get_bank_statements: ({ custody }) => [{ query: { custody_id: custody } }],
  get_bank_statements_id: one('statement'),
  get_bank_statements_id_lines: one('statement'),
  post_guarantees: () => [{ body: guarantee() }],
  get_guarantees: nothing,
  get_guarantees_id: one('guarantee'),
  post_guarantees_id_approve: one('guarantee'),
  post_guarantees_id_end: one('guarantee'),
  get_reserve_cases: nothing,
  get_reserve_cases_id: one('case'),
  post_reserve_cases_id_propose: one('case', { body: { action: 'suspend', reason: 'asked' } }),
  post_reserve_cases_id_approve: one('case'),
  post_filings: () => [{ body: filing() }],
  get_filings: nothing,
  get_filings_id: one('filing'),
  get_filings_id_form: one('filing'),
  get_settlements: ({ merchant }) => [{ query: { merchant_id: merchant } }],
  get_settlements_id: one('settlement'),
  get_settlements_id_lines: one('settlement'),
  get_settlements_id_file: one('settlement', { query: { format: 'csv' } }),
  post_settlements_run: () => [{ body: {} }],
  get_merchants_id_margins: one('merchant'),
  get_merchants_id_position: one('merchant'),
  post_settlements_adjustments: ({ merchant }) => [
    { body: { merchant_id: merchant, amount: 5, ...reason } },
  ],
  post_settlements_adjustments_id_approve: one('settlementAdjustment'),
  post_settlements_adjustments_id_reject: one('settlementAdjustment'),
  get_settlements_adjustments: ({ merchant }) => [{ query: { merchant_id: merchant } }],
  get_settlements_adjustments_id: one('settlementAdjustment'),
  get_calendar: nothing,
  post_calendar: () => [{ operator: true, body: { year: 2099, off: [], work: [], ...reason } }],
  post_payout_batches: () => [{ body: {} }],
  get_payout_batches: nothing,
  get_payout_batches_id: one('payoutBatch'),
  post_payout_batches_id_release: one('payoutBatch'),
  post_payout_batches_id_cancel: one('payoutBatch'),
  get_payouts: ({ payoutBatch, settlement, merchant }) => [
    { query: { batch_id: payoutBatch, settlement_id: settlement, merchant_id: merchant } },
  ],
  get_payouts_id: one('payout'),
  post_payouts_id_repost: one('payout', { body: {} }),
  post_payouts_id_outcome: one('payout', {
    body: { outcome: 'failed', reason: 'the bank said so' },
  }),
  ...tillCalls,
  ...wechatCalls,
  get_members: nothing,
  get_members_id: one('member'),
  get_members_id_merges: one('member'),
  post_members_id_merge: ({ member, otherMember }) => [{ id: member, body: { with: otherMember } }],
  post_members_id_unmerge: one('mergedMember'),
  get_healthz: nothing,
  get_readyz: nothing,
  get_metrics: nothing,
}

/** What takes a day that ended, or a bank, is refused here for the state that things are in: it is found all the same. */
export const refusedForState: Readonly<Record<string, string>> = {
  post_payout_batches: 'payout.nothing_due',
  post_payout_batches_id_release: 'payout.no_bank',
  post_payouts_id_repost: 'payout.not_repostable',
  post_payouts_id_outcome: 'payout.not_open',
  ...orderRefusals,
  ...wechatRefusals,
  ...tillRefusals,
}

function bulked(path: string, body: object): object {
  return { path, idempotency_key: newId(), body }
}

/** @throws for an operation that is not known here: add it, so that no route goes untested. */
export function goodCalls(
  operation: Pick<Operation, 'id'>,
  things: Things,
  book: Pick<Book, 'issuer' | 'mode' | 'receiverUrl'>,
): GoodCall[] {
  const known = ways[operation.id]
  if (known === undefined)
    throw new Error(`tests/harness/good-calls.ts does not know how to call ${operation.id}`)
  return known(things, book)
}

/** What there is no operation for any more. */
export function outlivedCalls(operations: readonly Operation[]): string[] {
  const ids = new Set(operations.map(({ id }) => id))
  return Object.keys(ways).filter((id) => !ids.has(id))
}

export function pathOf(
  { path }: Pick<Operation, 'path'>,
  { id = '', query = {} }: GoodCall,
): string {
  const search = new URLSearchParams(query).toString()
  return path.replace('{id}', id) + (search === '' ? '' : `?${search}`)
}

/** `operator`: used where the call wants it. */
export function optionsOf(call: GoodCall, key: string, operator: string): Options {
  return {
    key: call.operator === true ? operator : key,
    idempotencyKey: newId(),
    ...(call.body !== undefined && { body: call.body }),
    ...(call.fields !== undefined && { form: formOf(call.fields, cardFile()) }),
  }
}
