/** A merchant on its way to taking payments: who applies is let in, or not, by somebody else. */
import {
  type BookId,
  businessDateOf,
  type Instant,
  type MerchantAction,
  type MerchantId,
  ok,
  type Result,
} from '@lika/contract'
import { type Person, secondPerson } from '../../modules/access/index.ts'
import {
  type Application,
  checkApplication,
  type Merchant,
  type Merchants,
} from '../../modules/merchants/index.ts'

export interface OnboardContext {
  readonly merchants: Merchants
}

export interface Step {
  readonly book: BookId
  readonly merchantId: MerchantId
  readonly action: MerchantAction
  readonly reason: string | null
  /** In place of the former, where it is changed. */
  readonly application?: Application
}

/**
 * Refusals, in this order: `merchant.not_found`, `merchant.wrong_status`; of approve and reject `approval.same_person`,
 * where the same person submitted it; of submit and approve `merchant.application_incomplete`.
 */
export async function moveMerchant(
  { merchants }: OnboardContext,
  step: Step,
  person: Person,
  now: Instant,
): Promise<Result<Merchant>> {
  const { book, merchantId, action } = step
  const by = { ...person, at: now }
  return merchants.moveMerchant(book, merchantId, { ...step, by }, async () => {
    if (action === 'approve' || action === 'reject') {
      const submitter = await merchants.submitterOf(merchantId)
      const second = submitter === undefined ? ok(undefined) : secondPerson(submitter, person)
      if (!second.ok) return second
    }
    if (action !== 'submit' && action !== 'approve') return ok(undefined)
    const { application } = await merchants.onboardingOf(merchantId)
    if (application === undefined) throw new Error(`merchant ${merchantId} never applied`)
    return checkApplication(application, businessDateOf(now))
  })
}
