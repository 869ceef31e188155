/** Contracts with merchants as they are proposed and decided, and when their terms contradict each other. */
import {
  type BookId,
  type BusinessDate,
  type ContractId,
  type Instant,
  type MerchantId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { PayoutAccount } from './contract-reads.ts'
import {
  type Commission,
  type ContractClass,
  type ContractTerms,
  type Cycle,
  type Margin,
  type SplitShare,
  wholeBp,
} from './contract-terms.ts'

/** What two parties agree to. */
export interface ContractText {
  readonly validFrom: BusinessDate
  readonly class: ContractClass
  readonly commission: Commission
  readonly cycle: Cycle
  readonly payAfterBusinessDays: number
  readonly margin: Margin | undefined
  /** Empty: everything is the merchant's own. */
  readonly split: readonly SplitShare[]
  readonly bonusShareBp: number
  readonly voucherShareBp: number
}

/** What was said of the merchant for its class when the contract was proposed; the volume in fen. */
export interface StatedFacts {
  readonly monthlyVolume: bigint | undefined
  readonly ratingTenths: number | undefined
}

export interface Proposal extends StatedFacts {
  readonly id: ContractId
  readonly book: BookId
  readonly merchantId: MerchantId
  readonly text: ContractText
  readonly payoutAccount: PayoutAccount | undefined
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/** Who did something to a contract. */
export interface Hand {
  readonly keyId: string
  readonly owner: string
  readonly at: Instant
}

export interface ContractDecision extends Hand {
  readonly decision: 'approved' | 'rejected'
  readonly reason: string | null
}

export interface Contract {
  readonly id: ContractId
  readonly book: BookId
  readonly merchantId: MerchantId
  readonly version: number
  readonly text: ContractText
  readonly facts: StatedFacts & { readonly stores: number }
  /** The last four digits; the rest is for the payout file only. null: none was given. */
  readonly payoutLast4: string | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly proposed: Hand
  /** null: nobody has decided yet. */
  readonly decision: ContractDecision | null
}

/**
 * Whether the terms make sense together; classes are asked apart.
 * Refusals: `contract.terms_invalid`, with the member that is in the way.
 */
export function checkText({ commission, split }: ContractText): Result<void> {
  if (commission.kind === 'tiered') {
    const [first] = commission.tiers
    if (first?.fromAmount !== 0n)
      return contradiction('commission.tiers.0.from_amount', 'The first tier begins at 0.')
    const falls = commission.tiers.findIndex(
      ({ fromAmount }, index) =>
        index > 0 && fromAmount <= (commission.tiers[index - 1]?.fromAmount ?? 0n),
    )
    if (falls > 0)
      return contradiction(
        `commission.tiers.${falls}.from_amount`,
        'Each tier begins above the one before.',
      )
  }
  if (split.length === 0) return ok(undefined)
  if (new Set(split.map(({ merchantId }) => merchantId)).size < split.length)
    return contradiction('split', 'The split names a merchant twice.')
  const sum = split.reduce((total, { shareBp }) => total + shareBp, 0)
  if (sum !== wholeBp)
    return contradiction('split', `The shares of the split sum to ${sum}, not to ${wholeBp}.`)
  return ok(undefined)
}

function contradiction(path: string, detail: string): Result<void> {
  return refused(
    refusal('contract.terms_invalid', detail, {
      errors: [{ path, message: 'contradicts the rest' }],
    }),
  )
}

/**
 * Whether a contract may begin on that day: no day that is over changes, and a day that other terms already rule
 * stays theirs. `isFirst`: the merchant has no approved contract yet.
 * Refusals: `date.out_of_range` with the first day that is allowed.
 */
export function checkBegin(
  { validFrom }: Pick<ContractText, 'validFrom'>,
  { today, tomorrow, isFirst }: { today: BusinessDate; tomorrow: BusinessDate; isFirst: boolean },
): Result<void> {
  const min = isFirst ? today : tomorrow
  if (validFrom >= min) return ok(undefined)
  return refused(
    refusal(
      'date.out_of_range',
      `valid_from may be ${min} or later: days before stay as they are.`,
      {
        data: { allowed: { min } },
      },
    ),
  )
}

/** The text as clearing reads it. */
export function termsFrom(
  merchantId: MerchantId,
  version: number,
  text: ContractText,
  validTo: BusinessDate | undefined,
): ContractTerms {
  const split = text.split.length > 0 ? text.split : [{ merchantId, shareBp: wholeBp }]
  return { ...text, split, version, validTo }
}
