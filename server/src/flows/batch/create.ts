/** Asking for a batch: everything that can be refused is refused here; the cards are made by the job of the same id. */
import {
  asId,
  type CommandId,
  type Fen,
  formatId,
  type Instant,
  laneOfId,
  ok,
  type ProductId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { type BatchRow, batches } from '../../modules/batches/index.ts'
import { type Buyer, fundings } from '../../modules/cards/index.ts'
import {
  checkBatch,
  checkCardBalance,
  checkCash,
  checkIdentity,
  type Policy,
} from '../../modules/policy/index.ts'
import { checkFace, type Product } from '../../modules/programs/index.ts'
import { type AgeRecipient, parseAgeRecipient } from '../../platform/age-file.ts'
import type { NewJob } from '../../platform/jobs/index.ts'
import type { Command, View } from '../../platform/lanes/index.ts'
import { type CardCaller, claimedInput } from '../cards/caller.ts'
import { type Body, textIn } from '../cards/facts.ts'
import { lawOf } from '../cards/law.ts'
import {
  agentIdOf,
  checkFunding,
  claimedPurchase,
  type Funding,
  recordPeopleOf,
} from '../cards/purchase.ts'
import { maySell, type Sale, saleOf } from '../cards/sale.ts'
import type { FlowContext } from '../context.ts'
import { presentAsked, referenceRefusal, resultJson } from '../jobs/asked.ts'
import { nameKinds } from '../names.ts'

export interface BatchInput {
  readonly productId: ProductId
  /** Of one card. */
  readonly amount: Fen
  readonly count: number
  /** Unless said, what the carrier is for: virtual cards at once, physical ones when they are sold. */
  readonly activate?: boolean | undefined
  readonly ageRecipient?: string | undefined
  readonly funding: Funding
  readonly buyer?: Buyer | undefined
  readonly agent?: Buyer | undefined
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * Refusals: `product.not_found`, `job.bad_recipient`, `reference.already_used`, `product.not_published`,
 * `amount.out_of_range`, `funding.reference_missing`, for cards that are activated `policy.sale_stopped` and
 * `policy.charter_missing`, `policy.batch_too_large`, `policy.amount_limit`, `policy.card_limit`, and for cards that are
 * activated `policy.identity_required`, `policy.cash_not_allowed`, both of the whole batch as one purchase.
 */
export async function createBatch(
  context: FlowContext,
  caller: CardCaller,
  input: BatchInput,
  key: string,
): Promise<Result<Command>> {
  const product = await context.programs.find(caller.book, input.productId)
  if (product === undefined)
    return refused(refusal('product.not_found', 'No product has this id here (prod_…).'))
  const recipient = await recipientOf(input.ageRecipient)
  if (!recipient.ok) return recipient
  const law = await lawOf(context, caller.issuerId)
  const { reference } = input
  return ok({
    book: caller.book,
    operation: 'batch.requested',
    key,
    input: claimedInput(claimedPurchase(context, caller, input)),
    homeLane: () => context.engine.laneForNew(caller.mode),
    ...(reference !== undefined && { name: { kind: nameKinds.batch, name: reference } }),
    plan: async (commandId, name) => {
      const taken = referenceRefusal(name, 'batch')
      const sale = await saleOf(context, caller)
      await recordPeopleOf(context, caller, commandId, input)
      return {
        lanes: [laneOfId(commandId)],
        reads: [],
        decide: (view, now) => {
          if (taken !== undefined) return { ok: false, refusal: taken }
          const allowed = checkRequest(input, product, law.at(now), sale)
          if (!allowed.ok) return allowed
          const batch = batchOf(view, now, product, { ...input, sale })
          view.put(batches, laneOfId(commandId), batch)
          if (batch.active) recordFunding(view, batch, input)
          return ok({ kind: 'batch.requested', version: 1, body: bodyOf(batch) })
        },
      }
    },
  })
}

async function recipientOf(text: string | undefined): Promise<Result<AgeRecipient | undefined>> {
  return text === undefined ? ok(undefined) : parseAgeRecipient(text)
}

function checkRequest(
  input: BatchInput,
  product: Product,
  policy: Policy,
  sale: Sale,
): Result<void> {
  const { amount, count, funding, buyer, agent } = input
  const { status, terms } = product
  if (status !== 'published')
    return refused(refusal('product.not_published', 'The product is a draft: publish it first.'))
  const { registered } = terms
  const purchaseFen = amount * BigInt(count)
  const isSold = isActive(input, product)
  const checks = [
    () => checkFace(terms, amount),
    () => checkFunding(funding),
    () => (isSold ? maySell(policy, sale) : ok(undefined)),
    () => checkBatch(policy, { count, amountFen: amount }),
    () => checkCardBalance(policy, { registered, carriedFen: 0n, addedFen: amount }),
    () =>
      isSold ? checkIdentity(policy, { registered, purchaseFen, buyer, agent }) : ok(undefined),
    () =>
      isSold
        ? checkCash(policy, {
            purchaseFen,
            method: funding.method,
            buyerKind: buyer?.kind,
            remote: funding.remote === true,
          })
        : ok(undefined),
  ]
  for (const check of checks) {
    const checked = check()
    if (!checked.ok) return checked
  }
  return ok(undefined)
}

function isActive({ activate }: BatchInput, { terms }: Product): boolean {
  return activate ?? terms.carrier === 'virtual'
}

function batchOf(
  view: View,
  now: Instant,
  product: Product,
  input: BatchInput & { readonly sale: Sale },
): BatchRow {
  const active = isActive(input, product)
  return {
    id: asId(view.commandId),
    bookId: view.bookId,
    productId: product.id,
    productVersion: product.version,
    amount: input.amount,
    count: input.count,
    active,
    fundingMethod: input.funding.method,
    charterId: active ? input.sale.charterId : null,
    ageRecipient: input.ageRecipient ?? null,
    outcome: null,
    issued: 0,
    reference: input.reference ?? null,
    metadata: input.metadata ?? null,
    createdAt: now,
  }
}

/** Once for the whole batch; of cards that are not active yet each has its own when it is sold. */
function recordFunding(view: View, batch: BatchRow, input: BatchInput): void {
  const { funding, buyer, agent } = input
  view.put(fundings, laneOfId(view.commandId), {
    id: view.commandId,
    bookId: view.bookId,
    cardId: null,
    batchId: batch.id,
    method: funding.method,
    reference: funding.reference ?? null,
    personId: buyer === undefined ? null : view.commandId,
    agentId: agent === undefined ? null : agentIdOf(view.commandId),
    charterId: batch.charterId,
    amount: batch.amount * BigInt(batch.count),
    bonus: 0n,
    at: batch.createdAt,
    metadata: null,
  })
}

function bodyOf(batch: BatchRow): Body {
  return {
    batchId: batch.id,
    productId: batch.productId,
    productVersion: batch.productVersion,
    amountFen: String(batch.amount),
    count: batch.count,
    totalAmountFen: String(batch.amount * BigInt(batch.count)),
    active: batch.active,
  }
}

/** The job that issues the batch; asking for it again does nothing. */
export function jobOfBatch(batch: Pick<BatchRow, 'id' | 'bookId'> & { count?: number }): NewJob {
  return {
    id: batch.id,
    bookId: batch.bookId,
    kind: 'batch',
    params: {},
    ...(batch.count !== undefined && { total: batch.count }),
    result: resultJson({ batch_id: formatId('batch', batch.id) }),
  }
}

export function presentBatchJob(body: Body, at: Instant) {
  const id: CommandId = asId(textIn(body, 'batchId'))
  const count = body['count']
  return presentAsked(asId(id), at, {
    kind: 'batch',
    total: typeof count === 'number' ? count : null,
    result: { batch_id: formatId('batch', id) },
  })
}
