/**
 * How a merchant is let in: what it says and shows of itself, what that must contain, and who may move it from one
 * status to the next. The table of statuses is in the contract, shared with every interface.
 */
import {
  type BusinessDate,
  type Instant,
  type MerchantAction,
  type MerchantState,
  merchantActions,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'

/** What a document proves. A business licence is asked of everybody. */
export const documentKinds = [
  'business_licence',
  'legal_representative_id',
  'bank_account_proof',
  'premises_proof',
  'industry_permit',
  'other',
] as const
export type DocumentKind = (typeof documentKinds)[number]

/** A document that lies elsewhere; its digest tells whether what is shown later is the same. */
export interface ShownDocument {
  readonly kind: DocumentKind
  readonly name: string
  /** SHA-256, hex. */
  readonly digest: string
  /** The last day on which it is good; null: it does not expire. */
  readonly expiresOn: BusinessDate | null
}

export interface Contact {
  readonly name: string
  readonly phone: string
}

export interface Application {
  /** As registered. */
  readonly legalName: string
  /** 统一社会信用代码. */
  readonly creditCode: string
  readonly contact: Contact
  readonly documents: readonly ShownDocument[]
}

/** Something that was done to a merchant's standing. */
export interface Deed {
  readonly number: number
  readonly action: 'created' | 'drafted' | (typeof merchantActions)[MerchantAction]['done']
  readonly status: MerchantState
  readonly reason: string | null
  readonly keyId: string
  readonly owner: string
  readonly at: Instant
}

const digits = '0123456789ABCDEFGHJKLMNPQRTUWXY'

/** GB 32100-2015: 18 characters without I, O, S, V, Z; the last one checks the others, weighted by 3^i modulo 31. */
export function isCreditCode(code: string): boolean {
  const values = code.split('').map((one) => digits.indexOf(one))
  if (values.length !== 18 || values.includes(-1)) return false
  let weight = 1
  let sum = 0
  for (const value of values.slice(0, 17)) {
    sum += value * weight
    weight = (weight * 3) % 31
  }
  return values[17] === (31 - (sum % 31)) % 31
}

/**
 * Whether somebody can judge the application: the code is one, there is a business licence, and nothing that is shown
 * has expired. Refusals: `merchant.application_incomplete`, with everything that is missing.
 */
export function checkApplication(
  application: Pick<Application, 'creditCode' | 'documents'>,
  today: BusinessDate,
): Result<void> {
  const errors: { path: string; message: string }[] = []
  if (!isCreditCode(application.creditCode))
    errors.push({ path: 'onboarding.credit_code', message: 'has a wrong check character' })
  if (!application.documents.some(({ kind }) => kind === 'business_licence'))
    errors.push({ path: 'onboarding.documents', message: 'need a business_licence' })
  for (const [index, { expiresOn }] of application.documents.entries()) {
    if (expiresOn !== null && expiresOn < today)
      errors.push({ path: `onboarding.documents.${index}`, message: `expired on ${expiresOn}` })
  }
  const [first] = errors
  if (first === undefined) return ok(undefined)
  return refused(
    refusal('merchant.application_incomplete', `${first.path} ${first.message}.`, { errors }),
  )
}

/** The status after it. Refusals: `merchant.wrong_status` with the one there is and what may be done in it. */
export function statusAfter(action: MerchantAction, status: MerchantState): Result<MerchantState> {
  const { from, to } = merchantActions[action]
  const allowed: readonly MerchantState[] = from
  if (allowed.includes(status)) return ok(to)
  return refused(
    refusal(
      'merchant.wrong_status',
      `The merchant is ${status}; ${action} takes one that is ${allowed.join(' or ')}.`,
      { data: { merchant_status: status, allowed_actions: actionsIn(status) } },
    ),
  )
}

function actionsIn(status: MerchantState): string[] {
  return Object.entries(merchantActions)
    .filter(([, { from }]) => from.some((one) => one === status))
    .map(([name]) => name)
}
