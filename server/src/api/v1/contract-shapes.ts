/** Contracts as callers send and see them. Rates are basis points, amounts fen, days those of Shanghai. */

import type { Uuid } from '@lika/contract'
import {
  asId,
  type ContractId,
  fenToJson,
  formatId,
  formatInstant,
  type MerchantId,
  ok,
  type Result,
  refused,
} from '@lika/contract'
import {
  type Commission,
  type Contract,
  type ContractTerms,
  type ContractText,
  type Cycle,
  contractClasses,
  type PayoutAccount,
  type Proposal,
} from '../../modules/merchants/index.ts'
import {
  AmountOrZero,
  closed,
  DateText,
  given,
  idOf,
  nullable,
  oneOf,
  readId,
  type Static,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import { type PathError, shapeRefusal } from '../http/shapes.ts'
import { By, presentBy } from './onboarding-shapes.ts'

const Rate = Type.Integer({ minimum: 0, maximum: 10_000, description: 'basis points' })
const Days = Type.Integer({ minimum: 1, maximum: 60 })

const CommissionShape = closed(
  {
    kind: oneOf(['flat', 'tiered']),
    rate_bp: Type.Optional(Rate),
    by: Type.Optional(
      oneOf(['whole', 'marginal'], 'the rate of the tier holds for all, or for its part'),
    ),
    tiers: Type.Optional(
      Type.Array(closed({ from_amount: AmountOrZero, rate_bp: Rate }), {
        minItems: 1,
        maxItems: 20,
      }),
    ),
  },
  { description: 'flat has rate_bp; tiered has by and tiers, by the net amount of the cycle' },
)
const CycleShape = closed(
  {
    kind: oneOf(['t_plus', 'weekly', 'half_month', 'month']),
    days: Type.Optional(Days),
  },
  { description: 't_plus settles each day by itself and pays days business days after it' },
)
const MarginShape = closed({
  rate_bp: Type.Integer({ minimum: 1, maximum: 10_000, description: 'basis points' }),
  release_after_days: Type.Integer({ minimum: 1, maximum: 730 }),
})
const Split = Type.Array(
  closed({
    merchant_id: idOf('merchant'),
    share_bp: Type.Integer({ minimum: 1, maximum: 10_000, description: 'basis points' }),
  }),
  { maxItems: 50, description: 'sums to 10,000; what cannot be divided goes to the first' },
)

const termMembers = {
  class: oneOf(contractClasses),
  commission: CommissionShape,
  cycle: CycleShape,
  split: Split,
  bonus_share_bp: Rate,
  voucher_share_bp: Rate,
}
const StatedVolume = Type.Optional(AmountOrZero)
const Rating = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 50, description: 'tenths of a star' }),
)

export const NewContract = closed({
  valid_from: DateText,
  class: termMembers.class,
  monthly_volume: StatedVolume,
  rating_tenths: Rating,
  commission: CommissionShape,
  cycle: CycleShape,
  pay_after_business_days: Type.Optional(Days),
  margin: Type.Optional(MarginShape),
  split: Type.Optional(Split),
  bonus_share_bp: Type.Optional(Rate),
  voucher_share_bp: Type.Optional(Rate),
  payout_account: Type.Optional(
    closed({
      bank_name: text(100),
      bank_code: Type.String({ pattern: '^\\d{12}$', description: '联行号 (CNAPS)' }),
      account_name: text(100),
      account_number: Type.String({ pattern: '^[0-9A-Za-z-]{8,34}$' }),
    }),
  ),
  ...given,
})

const Hand = closed({ by: By, at: Timestamp })

export const ContractBody = closed({
  id: idOf('contract'),
  merchant_id: idOf('merchant'),
  version: Type.Integer({ minimum: 1 }),
  status: oneOf(['proposed', 'approved', 'rejected']),
  valid_from: DateText,
  ...termMembers,
  pay_after_business_days: Days,
  margin: Type.Optional(MarginShape),
  class_facts: closed({
    monthly_volume: StatedVolume,
    rating_tenths: Rating,
    stores: Type.Integer({ minimum: 0 }),
  }),
  payout_account: Type.Optional(closed({ last4: Type.String() })),
  proposed: Hand,
  decided: Type.Optional(closed({ by: By, at: Timestamp, reason: nullable(Type.String()) })),
  ...shown,
})

/** What holds on a day, whether a contract says so or the defaults. */
export const TermsBody = closed({
  merchant_id: idOf('merchant'),
  on: DateText,
  version: Type.Integer({ minimum: 0, description: '0: no contract, the defaults hold' }),
  ...termMembers,
  pay_after_business_days: Days,
  margin: Type.Optional(MarginShape),
  valid_from: DateText,
  valid_to: nullable(DateText),
  cycle_from: DateText,
  cycle_to: DateText,
})

type Asked = Static<typeof NewContract>

/** Refusals: `request.invalid` where members do not go together. */
export function readContract(
  asked: Asked,
  ids: { readonly id: Uuid; readonly merchantId: MerchantId } & Pick<Proposal, 'book'>,
): Result<Proposal> {
  const errors: PathError[] = []
  const commission = commissionIn(asked.commission, errors)
  const cycle = cycleIn(asked.cycle, errors)
  if (cycle?.kind === 't_plus' && asked.pay_after_business_days !== undefined)
    errors.push({ path: 'pay_after_business_days', message: 'are the days of the cycle t_plus' })
  if (commission === undefined || cycle === undefined || errors.length > 0)
    return refused(shapeRefusal(errors))
  const text: ContractText = {
    validFrom: asked.valid_from,
    class: asked.class,
    commission,
    cycle,
    payAfterBusinessDays:
      cycle.kind === 't_plus' ? cycle.days : (asked.pay_after_business_days ?? 1),
    margin: asked.margin && {
      rateBp: asked.margin.rate_bp,
      releaseAfterDays: asked.margin.release_after_days,
    },
    split: (asked.split ?? []).map(({ merchant_id: id, share_bp: shareBp }) => ({
      merchantId: readId('merchant', id),
      shareBp,
    })),
    bonusShareBp: asked.bonus_share_bp ?? 0,
    voucherShareBp: asked.voucher_share_bp ?? 0,
  }
  const id: ContractId = asId(ids.id)
  return ok({
    id,
    book: ids.book,
    merchantId: ids.merchantId,
    text,
    monthlyVolume: asked.monthly_volume === undefined ? undefined : BigInt(asked.monthly_volume),
    ratingTenths: asked.rating_tenths,
    payoutAccount: asked.payout_account && accountIn(asked.payout_account),
    reference: asked.reference ?? null,
    metadata: asked.metadata ?? {},
  })
}

function commissionIn(
  { kind, rate_bp: rateBp, by, tiers }: Asked['commission'],
  errors: PathError[],
): Commission | undefined {
  if (kind === 'flat') {
    if (rateBp !== undefined && by === undefined && tiers === undefined) return { kind, rateBp }
    errors.push({ path: 'commission', message: 'flat has rate_bp, and neither by nor tiers' })
    return undefined
  }
  if (rateBp === undefined && by !== undefined && tiers !== undefined) {
    const read = tiers.map((tier) => ({
      fromAmount: BigInt(tier.from_amount),
      rateBp: tier.rate_bp,
    }))
    return { kind, by, tiers: read }
  }
  errors.push({ path: 'commission', message: 'tiered has by and tiers, and no rate_bp' })
  return undefined
}

function cycleIn({ kind, days }: Asked['cycle'], errors: PathError[]): Cycle | undefined {
  if (kind === 't_plus' && days !== undefined) return { kind, days }
  if (kind !== 't_plus' && days === undefined) return { kind }
  errors.push({ path: 'cycle.days', message: 'belong to t_plus, and only there' })
  return undefined
}

function accountIn(account: NonNullable<Asked['payout_account']>): PayoutAccount {
  return {
    bankName: account.bank_name,
    bankCode: account.bank_code,
    accountName: account.account_name,
    accountNumber: account.account_number,
  }
}

export function presentContract(contract: Contract) {
  const { text: terms, facts, proposed, decision, payoutLast4 } = contract
  return {
    id: formatId('contract', contract.id),
    merchant_id: formatId('merchant', contract.merchantId),
    version: contract.version,
    status: decision?.decision ?? ('proposed' as const),
    valid_from: terms.validFrom,
    ...presentText(terms),
    class_facts: {
      ...(facts.monthlyVolume !== undefined && {
        monthly_volume: fenToJson(facts.monthlyVolume),
      }),
      ...(facts.ratingTenths !== undefined && { rating_tenths: facts.ratingTenths }),
      stores: facts.stores,
    },
    ...(payoutLast4 !== null && { payout_account: { last4: payoutLast4 } }),
    proposed: { by: presentBy(proposed), at: formatInstant(proposed.at) },
    ...(decision !== null && {
      decided: {
        by: presentBy(decision),
        at: formatInstant(decision.at),
        reason: decision.reason,
      },
    }),
    reference: contract.reference,
    metadata: { ...contract.metadata },
  }
}

type TextMembers = Omit<ContractTerms, 'version' | 'validFrom' | 'validTo'>

export function presentText(terms: TextMembers) {
  const { margin, split } = terms
  return {
    class: terms.class,
    commission: presentCommission(terms.commission),
    cycle: { ...terms.cycle },
    pay_after_business_days: terms.payAfterBusinessDays,
    ...(margin !== undefined && {
      margin: { rate_bp: margin.rateBp, release_after_days: margin.releaseAfterDays },
    }),
    split: split.map(({ merchantId, shareBp }) => ({
      merchant_id: formatId('merchant', merchantId),
      share_bp: shareBp,
    })),
    bonus_share_bp: terms.bonusShareBp,
    voucher_share_bp: terms.voucherShareBp,
  }
}

function presentCommission(commission: Commission) {
  if (commission.kind === 'flat') return { kind: commission.kind, rate_bp: commission.rateBp }
  return {
    kind: commission.kind,
    by: commission.by,
    tiers: commission.tiers.map(({ fromAmount, rateBp }) => ({
      from_amount: fenToJson(fromAmount),
      rate_bp: rateBp,
    })),
  }
}
