/** Requests of every kind for every operation: good ones, their variations, and what no client should ever send. */
import fc from 'fast-check'
import type { Operation } from './answer-check.ts'
import {
  type Change,
  changed,
  changes,
  oddText,
  placeholder,
  queryOf,
  shaped,
} from './fuzz-values.ts'
import { type GoodCall, goodCalls } from './good-calls.ts'
import type { Things } from './world.ts'

/** A request with placeholders still in it. */
export type Draft = {
  operation: string
  /** Whose key, counted around. */
  who: number
  /** Which key: of the book, of another one, without scopes, the operator's, none, a made-up one. */
  key: 'own' | 'foreign' | 'few' | 'operator' | 'none' | 'odd'
  method: string
  path: string
  query: Record<string, unknown>
  headers: Record<string, string>
  idempotency: 'new' | 'again' | 'none' | 'odd'
  /** As JSON, or as it is. */
  body?: unknown
  raw?: string
  fields?: Record<string, string>
  file?: string
}

/** How often an operation is called; 10 unless said. Those that make much work for the server are called rarely. */
const weights: Record<string, number> = {
  post_payments: 60,
  post_cards: 25,
  post_holds: 25,
  post_payments_id_refunds: 25,
  post_holds_id_capture: 20,
  post_cards_id_loads: 20,
  post_bulk: 20,
  post_cards_batches: 2,
  post_imports: 4,
  post_issuers: 1,
  post_webhook_endpoints: 1,
  get_exports_cards_csv: 1,
  post_ledger_verify: 1,
  get_ledger_trial_balance: 3,
  post_test_clock: 2,
  delete_test_data: 1,
  post_webhook_endpoints_id_replay: 1,
  get_metrics: 2,
}

export function draftsFor(operations: readonly Operation[]): fc.Arbitrary<Draft> {
  return fc.oneof(
    ...operations.map((operation) => ({
      weight: weights[operation.id] ?? 10,
      arbitrary: draftOf(operation),
    })),
  )
}

function draftOf(operation: Operation): fc.Arbitrary<Draft> {
  const good = goodDraft(operation)
  const variations = fc.tuple(good, changes).map(([draft, some]) => vary(draft, some))
  return fc.oneof(
    { weight: 50, arbitrary: good },
    { weight: 15, arbitrary: variations },
    { weight: 25, arbitrary: shapedDraft(operation) },
    { weight: 10, arbitrary: brokenDraft(good) },
  )
}

const key: fc.Arbitrary<Draft['key']> = fc.oneof(
  { weight: 188, arbitrary: fc.constant('own') },
  { weight: 5, arbitrary: fc.constantFrom('foreign', 'few') },
  { weight: 2, arbitrary: fc.constantFrom('operator', 'none') },
  { weight: 1, arbitrary: fc.constant('odd') },
)
const idempotency: fc.Arbitrary<Draft['idempotency']> = fc.oneof(
  { weight: 95, arbitrary: fc.constant('new') },
  { weight: 3, arbitrary: fc.constant('again') },
  { weight: 2, arbitrary: fc.constantFrom('none', 'odd') },
)

function goodDraft(operation: Operation): fc.Arbitrary<Draft> {
  const nths = fc.array(fc.nat(50_000), { minLength: 6, maxLength: 6 })
  return fc
    .record({ who: fc.nat(9), way: fc.nat(9), nths, key, idempotency })
    .map(({ who, way, nths: some, ...rest }) => {
      const calls = goodCalls(operation, thingsNamed(some), {
        issuer: placeholder('iss', 0),
        mode: 'test',
        receiverUrl: placeholder('receiver', 0),
      })
      const call: GoodCall = calls[way % calls.length] ?? {}
      return {
        ...rest,
        ...(call.operator === true && { key: 'operator' as const }),
        operation: operation.id,
        who,
        method: operation.method,
        path: operation.path.replace('{id}', call.id ?? ''),
        query: { ...call.query },
        headers: {},
        ...(call.body !== undefined && { body: call.body }),
        ...(call.fields !== undefined && { fields: call.fields, file: 'good' }),
      }
    })
}

/** Names for what there will be when the request is sent. Merchant, store and terminal go together. */
function thingsNamed([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]: readonly number[]): Things {
  return {
    issuer: placeholder('iss', 0),
    key: placeholder('key', a),
    product: placeholder('place_product', 0),
    draft: placeholder('prod', b),
    scarce: placeholder('prod', c),
    tillApp: placeholder('wxapp', a),
    combined: placeholder('cpay', a),
    combinedPaid: placeholder('cpay', b),
    combinedRefund: placeholder('crfd', a),
    redPacket: placeholder('rpkt', a),
    merchant: placeholder('place_merchant', 0),
    store: placeholder('place_store', 0),
    terminal: placeholder('place_terminal', 0),
    draftMerchant: placeholder('merch', a),
    submittedMerchant: placeholder('merch', b),
    approvedMerchant: placeholder('merch', c),
    suspendedMerchant: placeholder('merch', d),
    contract: placeholder('ctr', e),
    document: placeholder('doc', f),
    card: placeholder(c % 5 === 0 ? 'card' : 'card_active', c),
    number: placeholder('number', d),
    secret: placeholder('secret', d),
    payCode: placeholder('pay_code', e),
    created: placeholder('card_created', e),
    frozen: placeholder('card_frozen', f),
    payment: placeholder('pay', a),
    refund: placeholder('rfnd', b),
    hold: placeholder('hold', c),
    batch: placeholder('batch', d),
    job: placeholder('job', e),
    fileJob: placeholder('job', f),
    import: placeholder('imp', a),
    endpoint: placeholder('whep', b),
    event: placeholder('evt', c),
    account: placeholder('acct', d),
    redemption: placeholder('rdmp', e),
    charter: placeholder('chtr', f),
    custody: placeholder('cust', a),
    movement: placeholder('mvmt', b),
    entry: placeholder('ent', c),
    correction: placeholder('corr', d),
    guarantee: placeholder('guar', e),
    statement: placeholder('bstm', f),
    case: placeholder('case', a),
    filing: placeholder('filg', b),
    settlement: placeholder('stl', c),
    settlementAdjustment: placeholder('sadj', d),
    payout: placeholder('pout', d),
    payoutBatch: placeholder('pbat', e),
    load: placeholder('load', c),
    campaign: placeholder('camp', d),
    claimed: placeholder('camp_random', 0),
    presold: placeholder('camp_presale', 0),
    draftCampaign: placeholder('camp', a),
    voucher: placeholder('vchr', b),
    voucherCard: placeholder('card', c),
    presale: placeholder('psale', d),
    wechatAccount: placeholder('wxpay', e),
    wechatAccountToDisable: placeholder('wxpay', f),
    order: placeholder('ord', a),
    orderToClose: placeholder('ord', b),
    orderUnderReview: placeholder('ord', c),
    wechatApp: placeholder('wxapp', a),
    cardConsume: placeholder('ccon', e),
    member: placeholder('mem', b),
    otherMember: placeholder('mem', c),
    mergedMember: placeholder('mem', d),
  }
}

function vary(draft: Draft, some: readonly Change[]): Draft {
  if (draft.body !== undefined) return { ...draft, body: changed(draft.body, some) }
  const asked = changed({ ...draft.query, limit: 50 }, some)
  return { ...draft, query: typeof asked === 'object' ? { ...asked } : { asked } }
}

/** By the schemas alone. */
function shapedDraft(operation: Operation): fc.Arbitrary<Draft> {
  const [only] = Object.entries(operation.bodies)
  const body = only === undefined ? fc.constant(undefined) : shaped(only[1])
  return fc
    .record({ good: goodDraft(operation), query: queryOf(operation), body })
    .map(({ good, query, body: given }) => {
      const { body: _, fields: __, ...rest } = good
      if (only?.[0].startsWith('multipart') === true)
        return { ...rest, query, fields: textsOf(given) }
      return { ...rest, query, ...(given !== undefined && { body: given }) }
    })
}

/** The file is sent by whoever sends the form. */
function textsOf(value: unknown): Record<string, string> {
  const { file: _, ...fields } = Object(value)
  return Object.fromEntries(
    Object.entries(fields).map(([name, one]) => [
      name,
      typeof one === 'string' ? one : JSON.stringify(one),
    ]),
  )
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND']
const types = [
  'text/plain',
  'application/xml',
  'application/json; charset=gbk',
  'multipart/form-data',
  'multipart/form-data; boundary=x',
  `multipart/form-data; boundary=${'x'.repeat(300)}`,
  'x',
  '',
]
const bodies = [
  '',
  '{',
  '[]',
  'null',
  '0',
  '"x"',
  '{"a":1,}',
  '\ufeff{}',
  '{"amount":1e400}',
  '[[[[',
  `{"a":"${'x'.repeat(300_000)}"}`,
]

function brokenDraft(good: fc.Arbitrary<Draft>): fc.Arbitrary<Draft> {
  const odd = oddText.map((text) => encodeURIComponent(text.toWellFormed()).slice(0, 600))
  return fc.oneof(
    fc.tuple(good, fc.constantFrom(...methods)).map(([draft, method]) => ({ ...draft, method })),
    fc.tuple(good, fc.constantFrom(...types)).map(([draft, type]) => withType(draft, type)),
    fc.tuple(good, fc.constantFrom(...bodies)).map(([draft, raw]) => ({ ...draft, raw })),
    fc.tuple(good, odd).map(([draft, text]) => ({ ...draft, path: `${draft.path}/${text}` })),
    fc
      .tuple(good, odd)
      .map(([draft, text]) => ({ ...draft, path: draft.path.replace(/@[^/]+$/, text) })),
    fc
      .tuple(good, odd)
      .map(([draft, text]) => ({ ...draft, query: { ...draft.query, [text]: text } })),
    fc
      .tuple(good, fc.constantFrom('text/csv', 'application/xml', '*/*', 'x'))
      .map(([draft, accept]) => ({
        ...draft,
        headers: { accept },
      })),
  )
}

function withType(draft: Draft, type: string): Draft {
  const raw = draft.raw ?? JSON.stringify(draft.body ?? {})
  const { fields: _, ...rest } = draft
  return { ...rest, raw, headers: { 'content-type': type } }
}
