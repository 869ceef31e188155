/**
 * Every number of the delivered packs at −1, exact and +1, then again after it was edited: were one
 * written in code, the refusal would not move.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { addMonths, dayMs, type Result, startOfDay } from '@lika/contract'
import {
  checkBatch,
  checkCardBalance,
  checkCash,
  checkHoldLife,
  checkIdentity,
  checkRefundWindow,
  checkSale,
  checkSplitDepth,
  checkValidity,
} from './checks.ts'
import { loadPacks } from './load.ts'
import {
  choosePacks,
  countLimit,
  effectiveRules,
  isRuleId,
  type Pack,
  type Policy,
  type RuleId,
  ruleKinds,
} from './model.ts'
import { checkCashBackRate, checkRandomRebate, checkVoucherValidity } from './rebate-checks.ts'
import {
  checkCoolingOff,
  checkOnDemand,
  checkPayout,
  checkWithdrawal,
} from './redemption-checks.ts'
import { addDays } from './tables.ts'

const delivered = await loadPacks(join(import.meta.dirname, '../../../../policies'))
const now = startOfDay('2026-11-24')

const buyer = {
  kind: 'person',
  name: '王芳',
  idType: 'id_card',
  idNumber: '1',
  phone: '1',
} as const

const packOf = (name: string): Pack => {
  const pack = delivered.get(name)
  assert.ok(pack, name)
  return pack
}

const policyOf = (...names: string[]): Policy => effectiveRules(names.map(packOf), now)

const codeOf = (result: Result<void>) => (result.ok ? 'ok' : result.refusal.code)

/** What the number `n` meets: the first refused number relative to the rule's, and the refusal. */
interface Edge {
  readonly refusedFrom?: 0 | 1
  readonly refusedBelow?: 0
  readonly code: string
  readonly probe: (policy: Policy, n: number) => Result<void>
}

const cash = (policy: Policy, n: number, buyerKind: 'person' | 'unit', remote = false) =>
  checkCash(policy, { purchaseFen: BigInt(n), method: 'cash', buyerKind, remote })

/** A Monday, so that none of the periods below ends on a weekend. */
const soldOn = '2026-11-02'
const soldAt = startOfDay(soldOn)
const noHolidays = { restYears: [] }
const nobody = { holder: undefined, accountName: undefined, cash: 0n }

/** How each numeric rule is met; a rule that only sets a value is read back instead. */
const edges: Record<RuleId, Edge | 'value' | 'switch'> = {
  card_limit_registered_fen: {
    refusedFrom: 1,
    code: 'policy.card_limit',
    probe: (policy, n) =>
      checkCardBalance(policy, { registered: true, carriedFen: 0n, addedFen: BigInt(n) }),
  },
  card_limit_anonymous_fen: {
    refusedFrom: 1,
    code: 'policy.card_limit',
    probe: (policy, n) =>
      checkCardBalance(policy, { registered: false, carriedFen: BigInt(n) - 2n, addedFen: 2n }),
  },
  registered_card_may_expire: 'switch',
  validity_min_anonymous_months: {
    refusedBelow: 0,
    code: 'policy.validity_too_short',
    probe: (policy, n) => checkValidity(policy, { registered: false, validityMonths: n }),
  },
  identity_from_registered_fen: {
    refusedFrom: 0,
    code: 'policy.identity_required',
    probe: (policy, n) =>
      checkIdentity(policy, { registered: true, purchaseFen: BigInt(n), buyer: undefined }),
  },
  identity_from_anonymous_fen: {
    refusedFrom: 0,
    code: 'policy.identity_required',
    probe: (policy, n) =>
      checkIdentity(policy, { registered: false, purchaseFen: BigInt(n), buyer: undefined }),
  },
  no_cash_from_unit_fen: {
    refusedFrom: 0,
    code: 'policy.cash_not_allowed',
    probe: (policy, n) => cash(policy, n, 'unit'),
  },
  no_cash_from_person_fen: {
    refusedFrom: 0,
    code: 'policy.cash_not_allowed',
    probe: (policy, n) => cash(policy, n, 'person'),
  },
  no_cash_from_remote_fen: {
    refusedFrom: 0,
    code: 'policy.cash_not_allowed',
    probe: (policy, n) => cash(policy, n, 'person', true),
  },
  split_depth_max: { refusedFrom: 1, code: 'policy.split_depth', probe: checkSplitDepth },
  batch_size_max: {
    refusedFrom: 1,
    code: 'policy.batch_too_large',
    probe: (policy, n) => checkBatch(policy, { count: n, amountFen: 1n }),
  },
  batch_value_max_fen: {
    refusedFrom: 1,
    code: 'policy.amount_limit',
    probe: (policy, n) => checkBatch(policy, { count: 1, amountFen: BigInt(n) }),
  },
  pay_code_life_seconds: 'value',
  hold_life_max_seconds: {
    refusedFrom: 1,
    code: 'policy.hold_too_long',
    probe: checkHoldLife,
  },
  refund_window_days: {
    refusedFrom: 1,
    code: 'policy.refund_too_late',
    probe: (policy, n) => checkRefundWindow(policy, { paidAt: now, now: now + n * dayMs }),
  },
  retention_buyer_years: 'value',
  retention_transactions_years: 'value',
  sale_may_precede_charter: 'switch',
  sale_may_go_on_when_stopped: 'switch',
  cooling_off_days: {
    refusedFrom: 1,
    code: 'policy.cooling_off_over',
    probe: (policy, n) => {
      const now = startOfDay(addDays(soldOn, n))
      return checkCoolingOff(policy, { soldAt, now, consumed: 0n }, noHolidays)
    },
  },
  cooling_off_may_need_unused_card: 'switch',
  cooling_off_pay_within_days: 'value',
  sale_seal_min_hours: 'value',
  top_up_review_above_fen: 'value',
  credit_card_may_pay: 'switch',
  redemption_pay_within_days: 'value',
  identity_from_redemption_fen: {
    refusedFrom: 0,
    code: 'policy.identity_required',
    probe: (policy, n) => checkPayout(policy, { ...nobody, amount: BigInt(n) }),
  },
  redemption_account_name_may_differ: 'switch',
  redemption_cash_max_fen: {
    refusedFrom: 1,
    code: 'policy.cash_not_allowed',
    probe: (policy, n) =>
      checkPayout(policy, { ...nobody, holder: buyer, amount: 1n, cash: BigInt(n) }),
  },
  anonymous_card_may_be_redeemed: 'switch',
  redemption_wait_months: {
    refusedBelow: 0,
    code: 'policy.redemption_too_early',
    probe: (policy, n) => {
      const now = startOfDay(addMonths(soldOn, n))
      return checkOnDemand(policy, { registered: true, soldAt, now })
    },
  },
  withdrawal_may_be_made: 'switch',
  withdrawal_fee_bp: 'value',
  reserve_scale_bp: 'value',
  reserve_group_bp: 'value',
  reserve_brand_bp: 'value',
  reserve_other_bp: 'value',
  reserve_daily_bp: 'value',
  reserve_top_up_bp: 'value',
  reserve_local_free_fen: 'value',
  reserve_local_bp: 'value',
  reserve_full_revenue_bp: 'value',
  reserve_full_floor_fen: 'value',
  reserve_full_ceiling_fen: 'value',
  reserve_full_bp: 'value',
  reserve_guarantees_bp: 'value',
  reserve_guarantees_may_be_mixed: 'switch',
  filing_within_days: 'value',
  filing_reminder_days: 'value',
  report_group_days: 'value',
  report_scale_days: 'value',
  report_other_days: 'value',
  report_local_days: 'value',
  voucher_validity_max_days: {
    refusedFrom: 1,
    code: 'policy.rebate_out_of_range',
    probe: checkVoucherValidity,
  },
  cash_back_min_bp: {
    refusedBelow: 0,
    code: 'policy.rebate_out_of_range',
    probe: (policy, n) => checkCashBackRate(policy, n),
  },
  cash_back_max_bp: {
    refusedFrom: 1,
    code: 'policy.rebate_out_of_range',
    // Beside the lower bound of the same pack, which here stands far below.
    probe: (policy, n) => checkCashBackRate(policy, n),
  },
  random_rebate_max_fen: {
    refusedFrom: 1,
    code: 'policy.rebate_out_of_range',
    probe: (policy, n) => checkRandomRebate(policy, BigInt(n)),
  },
}

/** A switch that stands the other way lets through what it refused. */
const switches: Partial<Record<RuleId, (policy: Policy) => Result<void>>> = {
  registered_card_may_expire: (policy) =>
    checkValidity(policy, { registered: true, validityMonths: 36 }),
  sale_may_precede_charter: (policy) => checkSale(policy, { stopped: false, hasCharter: false }),
  sale_may_go_on_when_stopped: (policy) => checkSale(policy, { stopped: true, hasCharter: true }),
  redemption_account_name_may_differ: (policy) =>
    checkPayout(policy, { amount: 1n, holder: buyer, accountName: '李雷', cash: 0n }),
  anonymous_card_may_be_redeemed: (policy) =>
    checkOnDemand(policy, { registered: false, soldAt, now: startOfDay('2027-11-02') }),
  withdrawal_may_be_made: checkWithdrawal,
}

function edited(pack: Pack, id: RuleId, value: number | boolean): Pack {
  return { ...pack, rules: pack.rules.map((rule) => (rule.id === id ? { ...rule, value } : rule)) }
}

function isRefused(edge: Edge, offset: number): boolean {
  if (edge.refusedFrom !== undefined) return offset >= edge.refusedFrom
  return offset < 0
}

for (const name of delivered.keys()) {
  const pack = packOf(name)
  for (const { id, value } of pack.rules) {
    const edge = edges[id]
    if (typeof value === 'boolean' || edge === 'switch') continue
    test(`${name}: ${id} bites at its number and moves with it`, () => {
      for (const number of [value, value + 7, Math.max(value - 3, 0)]) {
        const policy = effectiveRules([edited(pack, id, number)], now)
        if (edge === 'value') {
          assert.equal(policy.get(id)?.value, number)
          continue
        }
        for (const offset of [-1, 0, 1].filter((step) => number + step >= 0)) {
          const result = edge.probe(policy, number + offset)
          const expected: string = isRefused(edge, offset) ? edge.code : 'ok'
          assert.equal(codeOf(result), expected, `${number} ${offset}`)
          if (result.ok) continue
          const source = policy.get(id)?.source
          assert.deepEqual(result.refusal.policy, {
            pack: name,
            rule: id,
            article: source?.article ?? 'unconfirmed',
          })
        }
      }
    })
  }
}

for (const [name, pack] of delivered) {
  for (const { id, value } of pack.rules) {
    const probe = switches[id]
    if (value !== false || probe === undefined) continue
    test(`${name}: ${id} refuses, and no longer once it is turned`, () => {
      const refusing = probe(effectiveRules([pack], now))
      assert.equal(refusing.ok ? '' : refusing.refusal.policy?.rule, id)
      assert.equal(codeOf(probe(effectiveRules([edited(pack, id, true)], now))), 'ok')
    })
  }
}

test('Beijing alone takes only unused cards back; with the national pack it need not be unused', () => {
  const card = { soldAt, now: soldAt + dayMs, consumed: 1n }
  const check = (policy: Policy) => codeOf(checkCoolingOff(policy, card, noHolidays))
  assert.equal(check(policyOf('cn-beijing')), 'policy.card_already_used')
  assert.equal(check(policyOf('cn-beijing', 'cn-national')), 'ok')
})

test('every rule of the catalogue is set by a delivered pack', () => {
  const policy = policyOf(...delivered.keys())
  for (const id of Object.keys(ruleKinds).filter(isRuleId)) assert.ok(policy.has(id), id)
})

test('under the national pack: 5,000 yuan registered, 1,000 yuan anonymous, article 18', () => {
  const policy = policyOf('cn-national', 'open')
  const over = checkCardBalance(policy, {
    registered: true,
    carriedFen: 499_999n,
    addedFen: 2n,
  })
  assert.deepEqual(over, {
    ok: false,
    refusal: {
      code: 'policy.card_limit',
      detail:
        'The card would hold 5000.01 yuan; the limit is 5000.00. (单用途商业预付卡管理办法(试行) art. 18)',
      data: { allowed: { min: 1, max: 1 } },
      policy: { pack: 'cn-national', rule: 'card_limit_registered_fen', article: '18' },
    },
  })
  const anonymous = { registered: false, carriedFen: 0n }
  assert.equal(codeOf(checkCardBalance(policy, { ...anonymous, addedFen: 100_000n })), 'ok')
  const refusedAt = checkCardBalance(policy, { ...anonymous, addedFen: 100_001n })
  assert.equal(codeOf(refusedAt), 'policy.card_limit')
})

test('value that a card carries is never refused, not even above a lowered cap', () => {
  const policy = policyOf('cn-national', 'open')
  const carried = { registered: false, carriedFen: 300_000n }
  assert.equal(codeOf(checkCardBalance(policy, { ...carried, addedFen: 0n })), 'ok')
  assert.equal(codeOf(checkCardBalance(policy, { ...carried, addedFen: -5n })), 'ok')
  const full = checkCardBalance(policy, { ...carried, addedFen: 1n })
  assert.deepEqual(full.ok ? {} : full.refusal.data, { allowed: { min: 1, max: 0 } })
})

test('without a national pack a card holds up to 50,000 yuan and may expire when it likes', () => {
  const policy = policyOf('open')
  const fresh = { registered: true, carriedFen: 0n }
  assert.equal(codeOf(checkCardBalance(policy, { ...fresh, addedFen: 5_000_000n })), 'ok')
  assert.equal(
    codeOf(checkCardBalance(policy, { ...fresh, addedFen: 5_000_001n })),
    'policy.card_limit',
  )
  assert.equal(codeOf(checkValidity(policy, { registered: true, validityMonths: 1 })), 'ok')
  assert.equal(codeOf(checkValidity(policy, { registered: false, validityMonths: 1 })), 'ok')
  const anyone = { registered: true, purchaseFen: 5_000_000n, buyer: undefined }
  assert.equal(codeOf(checkIdentity(policy, anyone)), 'ok')
})

test('a registered card must not expire under the national pack, an anonymous one need not', () => {
  const policy = policyOf('cn-national', 'open')
  const check = (registered: boolean, validityMonths: number | null) =>
    codeOf(checkValidity(policy, { registered, validityMonths }))
  assert.equal(check(true, 1200), 'policy.expiry_not_allowed')
  assert.equal(check(true, null), 'ok')
  assert.equal(check(false, null), 'ok')
  assert.equal(check(false, 35), 'policy.validity_too_short')
  assert.equal(check(false, 36), 'ok')
})

test('flipping the switch lets registered cards expire', () => {
  const pack = packOf('cn-national')
  const rules = pack.rules.map((rule) =>
    rule.id === 'registered_card_may_expire' ? { ...rule, value: true } : rule,
  )
  const policy = effectiveRules([{ ...pack, rules }], now)
  assert.equal(codeOf(checkValidity(policy, { registered: true, validityMonths: 1 })), 'ok')
})

test('identity names what is missing; blank text does not identify anyone', () => {
  const policy = policyOf('cn-national', 'open')
  const check = (change: object) =>
    checkIdentity(policy, { registered: true, purchaseFen: 1n, buyer: { ...buyer, ...change } })
  assert.equal(codeOf(check({})), 'ok')
  const result = check({ idNumber: ' ', phone: undefined })
  assert.deepEqual(result.ok ? {} : result.refusal.data, {
    missing: ['buyer.id_number', 'buyer.phone'],
    from: 0,
  })
})

test('an identified buyer passes every threshold', () => {
  const policy = policyOf('cn-national', 'open')
  const purchase = { registered: false, purchaseFen: 1_000_000n }
  assert.equal(codeOf(checkIdentity(policy, { ...purchase, buyer })), 'ok')
  const unknown = checkIdentity(policy, { ...purchase, buyer: undefined })
  assert.equal(codeOf(unknown), 'policy.identity_required')
})

test('cash: a buyer who does not say what it is gets the stricter threshold', () => {
  const policy = policyOf('cn-national', 'open')
  const check = (purchaseFen: bigint, buyerKind: 'person' | 'unit' | undefined, method = 'cash') =>
    codeOf(
      checkCash(policy, { purchaseFen, buyerKind, method: method as 'cash' | 'bank_transfer' }),
    )
  assert.equal(check(499_999n, undefined), 'ok')
  assert.equal(check(500_000n, undefined), 'policy.cash_not_allowed')
  assert.equal(check(500_000n, 'person'), 'ok')
  assert.equal(check(5_000_000n, 'person'), 'policy.cash_not_allowed')
  assert.equal(check(5_000_000n, 'unit', 'bank_transfer'), 'ok')
})

test('cash is never taken for a remote purchase', () => {
  const purchase = { purchaseFen: 1n, method: 'cash', buyerKind: 'person', remote: true } as const
  const result = checkCash(policyOf('cn-national', 'open'), purchase)
  assert.equal(codeOf(result), 'policy.cash_not_allowed')
  assert.deepEqual(result.ok ? {} : result.refusal.data, { allowed: { min: 1, max: 0 } })
})

test('the refund window ends with the last day in Shanghai, the day of payment not counted', () => {
  const policy = effectiveRules([edited(packOf('open'), 'refund_window_days', 7)], now)
  const paidAt = Date.parse('2026-11-01T15:30:00Z')
  const check = (at: string) => codeOf(checkRefundWindow(policy, { paidAt, now: Date.parse(at) }))
  assert.equal(check('2026-11-08T15:59:59.999Z'), 'ok')
  assert.equal(check('2026-11-08T16:00:00.000Z'), 'policy.refund_too_late')
})

test('tomorrow’s rule does not bite today', () => {
  const pack = packOf('cn-national')
  const rules = pack.rules.map((rule) => ({ ...rule, effectiveFrom: '2026-11-25' }))
  const check = (at: number) =>
    codeOf(
      checkCardBalance(effectiveRules([{ ...pack, rules }], at), {
        registered: true,
        carriedFen: 0n,
        addedFen: 500_001n,
      }),
    )
  assert.equal(check(now), 'ok')
  assert.equal(check(startOfDay('2026-11-25')), 'policy.card_limit')
})

test('an unconfirmed rule bites and says so instead of naming an article', () => {
  const pack = packOf('cn-national')
  const rules = pack.rules.map((rule) => ({
    ...rule,
    source: { ...rule.source, article: null },
    status: 'unconfirmed' as const,
  }))
  const policy = effectiveRules([{ ...pack, rules }], now)
  const result = checkValidity(policy, { registered: false, validityMonths: 1 })
  assert.equal(result.ok ? '' : result.refusal.policy?.article, 'unconfirmed')
})

test('an issuer under the national pack alone has the product’s limits too', () => {
  const chosen = choosePacks(delivered, ['cn-national'])
  assert.ok(chosen.ok)
  const policy = effectiveRules(chosen.value, now)
  assert.equal(countLimit(policy, 'pay_code_life_seconds'), 60)
  assert.equal(policy.get('card_limit_registered_fen')?.pack, 'cn-national')
})
