/** A contract that one person proposed is approved or rejected by another. */
import type { BookId, ContractId, Instant, Result } from '@lika/contract'
import { type Person, secondPerson } from '../../modules/access/index.ts'
import type { Contract, Merchants } from '../../modules/merchants/index.ts'

/**
 * Refusals: `contract.not_found`, `contract.already_decided`, `approval.same_person`; of an approval
 * `date.out_of_range`, `contract.class_not_met`, `contract.rate_out_of_band`, `contract.cycle_out_of_class`.
 */
export function decideContract(
  { merchants }: { readonly merchants: Merchants },
  book: BookId,
  id: ContractId,
  said: { readonly decision: 'approved' | 'rejected'; readonly reason: string | null },
  person: Person,
  now: Instant,
): Promise<Result<Contract>> {
  const decision = { ...said, keyId: person.keyId, owner: person.owner, at: now }
  return merchants.decide(book, id, decision, ({ proposed }) => secondPerson(proposed, person))
}
