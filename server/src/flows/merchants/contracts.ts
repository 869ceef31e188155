/** A contract that one person proposes is approved or rejected by another; no day that is settled comes under it. */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  type ContractId,
  endOfDay,
  type Instant,
  type MerchantId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { type Person, secondPerson } from '../../modules/access/index.ts'
import { listStatements, readProgress } from '../../modules/clearing/index.ts'
import type { Contract, Merchants, Proposal, Proposed } from '../../modules/merchants/index.ts'
import type { Database } from '../../platform/db.ts'

export interface ContractContext {
  readonly database: Database
  readonly merchants: Merchants
}

/** Refusals: those of `Merchants.propose`, then `date.out_of_range` for a day that is not free. */
export async function proposeContract(
  context: ContractContext,
  proposal: Proposal,
  person: Person,
  now: Instant,
  idempotencyKey: string,
): Promise<Result<Proposed>> {
  const { book, merchantId, text } = proposal
  const free = await firstFreeDay(context, book, merchantId, now)
  const by = { keyId: person.keyId, owner: person.owner, at: now }
  return context.merchants.propose(proposal, by, idempotencyKey, () =>
    checkFree(text.validFrom, free),
  )
}

/**
 * Refusals: `contract.not_found`, `contract.already_decided`, `approval.same_person`; of an approval
 * `date.out_of_range`, `contract.class_not_met`, `contract.rate_out_of_band`, `contract.cycle_out_of_class`.
 */
export async function decideContract(
  context: ContractContext,
  book: BookId,
  id: ContractId,
  said: { readonly decision: 'approved' | 'rejected'; readonly reason: string | null },
  person: Person,
  now: Instant,
): Promise<Result<Contract>> {
  const decision = { ...said, keyId: person.keyId, owner: person.owner, at: now }
  const contract = await context.merchants.findContract(book, id)
  const free = contract && (await firstFreeDay(context, book, contract.merchantId, now))
  return context.merchants.decide(book, id, decision, ({ proposed, text }) => {
    const second = secondPerson(proposed, person)
    if (!second.ok || said.decision === 'rejected') return second
    return checkFree(text.validFrom, free)
  })
}

/**
 * The first day that a contract may rule: none that is settled already, also where the clock of test mode was set back
 * behind it; and not today, once a merchant has a statement: it took payments this morning under other terms.
 */
async function firstFreeDay(
  { database: { sql }, merchants }: ContractContext,
  book: BookId,
  merchantId: MerchantId,
  now: Instant,
): Promise<BusinessDate> {
  const today = businessDateOf(now)
  const merchant = (await merchants.settledMerchants(book, [merchantId])).get(merchantId)
  if (merchant === undefined) return today
  const [progress, statements] = await Promise.all([
    readProgress(sql, book),
    listStatements(sql, [merchant.settlementLane], book, { merchantId, limit: 1 }),
  ])
  const through = progress?.settledThrough ?? null
  const afterSettled = through === null ? today : dayAfter(through)
  const afterStatement = statements.length === 0 ? today : dayAfter(today)
  return afterSettled > afterStatement ? afterSettled : afterStatement
}

function dayAfter(day: BusinessDate): BusinessDate {
  return businessDateOf(endOfDay(day))
}

function checkFree(validFrom: BusinessDate, free: BusinessDate | undefined): Result<void> {
  if (free === undefined || validFrom >= free) return ok(undefined)
  return refused(
    refusal(
      'date.out_of_range',
      `valid_from may be ${free} or later: days that have statements, or terms, keep them.`,
      { data: { allowed: { min: free } } },
    ),
  )
}
