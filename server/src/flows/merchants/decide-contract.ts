/** A contract that one person proposed is approved or rejected by another. */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  type ContractId,
  endOfDay,
  type Instant,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { type Person, secondPerson } from '../../modules/access/index.ts'
import { readProgress } from '../../modules/clearing/index.ts'
import type { Contract, Merchants } from '../../modules/merchants/index.ts'
import type { Database } from '../../platform/db.ts'

export interface DecideContext {
  readonly database: Database
  readonly merchants: Merchants
}

/**
 * Refusals: `contract.not_found`, `contract.already_decided`, `approval.same_person`; of an approval
 * `date.out_of_range`, `contract.class_not_met`, `contract.rate_out_of_band`, `contract.cycle_out_of_class`.
 */
export async function decideContract(
  { database, merchants }: DecideContext,
  book: BookId,
  id: ContractId,
  said: { readonly decision: 'approved' | 'rejected'; readonly reason: string | null },
  person: Person,
  now: Instant,
): Promise<Result<Contract>> {
  const decision = { ...said, keyId: person.keyId, owner: person.owner, at: now }
  const progress = await readProgress(database.sql, book)
  return merchants.decide(book, id, decision, ({ proposed, text }) => {
    const second = secondPerson(proposed, person)
    if (!second.ok || said.decision === 'rejected') return second
    return checkUnsettled(text.validFrom, progress?.settledThrough ?? null)
  })
}

/** A day that is settled stays as it was, also where the clock of test mode was set back behind it. */
function checkUnsettled(validFrom: BusinessDate, through: BusinessDate | null): Result<void> {
  if (through === null || validFrom > through) return ok(undefined)
  const min = businessDateOf(endOfDay(through))
  return refused(
    refusal(
      'date.out_of_range',
      `${through} is settled already: valid_from may be ${min} or later.`,
      {
        data: { allowed: { min } },
      },
    ),
  )
}
