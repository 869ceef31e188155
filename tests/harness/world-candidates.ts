/** Merchants, a contract and an adjustment that somebody has yet to decide about: a part of the world of the tests of all routes. */
import type { Asking } from './asking.ts'

export type Candidates = {
  /** Merchants beside the one of the place, by status; a second person submitted the second. */
  draftMerchant: string
  submittedMerchant: string
  approvedMerchant: string
  suspendedMerchant: string
  /** A file of the draft. */
  document: string
  /** A second person proposed them. */
  contract: string
  settlementAdjustment: string
}

/** What a merchant applies with. */
export const application = {
  legal_name: 'Shop Ltd',
  credit_code: '91330100799655058B',
  contact: { name: 'Li', phone: '13800000000' },
  documents: [{ kind: 'business_licence', name: 'licence.pdf', digest: '0'.repeat(64) }],
}

/** A file of a merchant. */
export const licenceFile = {
  kind: 'business_licence',
  name: 'licence.pdf',
  content: Buffer.from('%PDF-1.7\n').toString('base64'),
}

export const contract = {
  valid_from: '2099-01-01',
  class: 'none',
  commission: { kind: 'flat', rate_bp: 100 },
  cycle: { kind: 'weekly' },
}

/** Merchants in every status that something can be done to, and a contract that waits for its second person. */
export async function makeCandidates(
  { ask, askSecond }: Asking,
  merchant: string,
): Promise<Candidates> {
  const make = async (more: object = {}): Promise<string> =>
    (await ask('POST', '/v1/merchants', { name: 'Shop', category: 'food', ...more })).id
  const adjustment = { merchant_id: merchant, amount: -5, reason: 'counted anew' }
  const [draft, submitted, approved, suspended, proposed, adjusted] = await Promise.all([
    make({ onboarding: application }),
    make({ onboarding: application }),
    make(),
    make(),
    askSecond('POST', `/v1/merchants/${merchant}/contracts`, contract),
    askSecond('POST', '/v1/settlements/adjustments', adjustment),
  ])
  const file = await ask('POST', `/v1/merchants/${draft}/documents`, licenceFile)
  await askSecond('POST', `/v1/merchants/${submitted}/submit`)
  await ask('POST', `/v1/merchants/${suspended}/suspend`, { reason: 'complaints' })
  return {
    draftMerchant: draft,
    submittedMerchant: submitted,
    approvedMerchant: approved,
    suspendedMerchant: suspended,
    contract: proposed.id,
    settlementAdjustment: adjusted.id,
    document: file.id,
  }
}

/** These and nothing else of what has them. */
export function candidatesOf({
  draftMerchant,
  submittedMerchant,
  approvedMerchant,
  suspendedMerchant,
  contract: proposed,
  document,
  settlementAdjustment,
}: Candidates): Candidates {
  return {
    draftMerchant,
    submittedMerchant,
    approvedMerchant,
    suspendedMerchant,
    contract: proposed,
    document,
    settlementAdjustment,
  }
}
