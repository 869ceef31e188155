/** Routes of payout batches: one person puts together what is due, another one lets it go to the bank. */
import { formatId, type PayoutBatchId, type Result, refused } from '@lika/contract'
import { createPayoutBatch, type Made } from '../../flows/payouts/create.ts'
import { cancelPayoutBatch, releasePayoutBatch } from '../../flows/payouts/decide.ts'
import { type PayoutBatch, selectBatches, sumBatches } from '../../modules/payouts/index.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound, referenceTaken } from '../http/read-call.ts'
import { closed, DateText, given, pageOf, paging, Reference, Type } from '../http/schemas.ts'
import { BatchBody, BatchStateName, presentBatch, Skipped } from './payout-shapes.ts'

const NewBatch = closed({
  pay_on: Type.Optional({ ...DateText, description: 'what is due by that day; today unless said' }),
  ...given,
})

export function register(app: LikaApp, deps: Deps): void {
  const { flows, payouts } = deps

  app.route(
    {
      method: 'POST',
      path: '/v1/payout_batches',
      summary:
        'Puts together what is due to merchants; nothing leaves before a second person says so',
      access: 'payouts:write',
      body: NewBatch,
      responses: {
        201: closed({ ...BatchBody.properties, skipped: Type.Array(Skipped) }),
      },
      refusals: ['date.out_of_range', 'payout.nothing_due', 'reference.already_used'],
    },
    async ({ caller, body }) => {
      const { pay_on: payOn, reference = null, metadata = {} } = body
      const channel = payouts.channels[caller.mode]
      const wanted = { payOn, reference, metadata }
      const made = await createPayoutBatch(flows, channel, caller, wanted)
      return answerMade(deps, caller.book, made)
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/payout_batches',
      summary: 'Lists payout batches, the newest first',
      access: 'payouts:read',
      query: closed({
        ...paging,
        status: Type.Optional(BatchStateName),
        reference: Type.Optional(Reference),
      }),
      responses: { 200: pageOf(BatchBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('payout_batches', [uuidPart], query)
      if (!asked.ok) return asked
      const { status, reference } = query
      const filter = {
        status,
        reference,
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      }
      const rows = await selectBatches(flows.database.sql, caller.book, filter)
      const sums = await sumsOf(deps, rows)
      const present = (row: PayoutBatch) => presentBatch(row, sums.get(row.id))
      return okay(presentPage('payout_batches', asked.value, rows, ({ id }) => [id], present))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/payout_batches/{id}',
      summary: 'Shows a payout batch',
      access: 'payouts:read',
      id: 'payout_batch',
      responses: { 200: BatchBody },
      refusals: ['payout_batch.not_found'],
    },
    async ({ caller, id }) => {
      const [row] = await selectBatches(flows.database.sql, caller.book, { id, limit: 1 })
      return row === undefined ? refused(notFound('payout_batch')) : answerBatch(deps, row)
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/payout_batches/{id}/release',
      summary: 'Lets a payout batch go to the bank; by somebody else than who put it together',
      access: 'payouts:write',
      id: 'payout_batch',
      responses: { 200: BatchBody },
      refusals: [
        'payout_batch.not_found',
        'payout_batch.already_decided',
        'approval.same_person',
        'payout.no_bank',
      ],
    },
    async ({ caller, id }) => {
      const released = await releasePayoutBatch(flows, payouts, caller, id)
      return released.ok ? answerBatch(deps, released.value) : released
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/payout_batches/{id}/cancel',
      summary: 'Calls a payout batch off that was not released; what is due stays due',
      access: 'payouts:write',
      id: 'payout_batch',
      responses: { 200: BatchBody },
      refusals: ['payout_batch.not_found', 'payout_batch.already_decided'],
    },
    async ({ caller, id }) => {
      const cancelled = await cancelPayoutBatch(flows, caller, id)
      return cancelled.ok ? answerBatch(deps, cancelled.value) : cancelled
    },
  )
}

/** A batch that was put together, or why there is none. */
export async function answerMade(
  deps: Deps,
  book: Parameters<typeof selectBatches>[1],
  made: Result<Made>,
) {
  if (!made.ok) return made
  if ('existing' in made.value) return refused(referenceTaken('payout_batch', made.value.existing))
  const { made: id, skipped } = made.value
  const [row] = await selectBatches(deps.flows.database.sql, book, { id, limit: 1 })
  if (row === undefined) throw new Error(`payout batch ${id} was made and is not there`)
  const sums = await sumsOf(deps, [row])
  return created({
    ...presentBatch(row, sums.get(id)),
    skipped: skipped.map(({ settlementId, merchantId, reason }) => ({
      settlement_id: formatId('settlement', settlementId),
      merchant_id: formatId('merchant', merchantId),
      reason,
    })),
  })
}

async function answerBatch(deps: Deps, batch: PayoutBatch) {
  const sums = await sumsOf(deps, [batch])
  return okay(presentBatch(batch, sums.get(batch.id)))
}

async function sumsOf({ flows }: Deps, batches: readonly { readonly id: PayoutBatchId }[]) {
  const sums = await sumBatches(
    flows.database.sql,
    batches.map(({ id }) => id),
  )
  return new Map(sums.map((one) => [one.batchId, one]))
}
