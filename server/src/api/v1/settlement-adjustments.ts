/** Routes by which two people add to what a merchant is owed, or take from it. */
import { asId, type BookId, refused, type SettlementAdjustmentId } from '@lika/contract'
import { textIn } from '../../flows/cards/facts.ts'
import {
  adjustmentNotFound,
  decideAdjustmentCommand,
  presentAdjustment,
  proposeAdjustmentCommand,
} from '../../flows/settle/adjust.ts'
import {
  type AdjustmentRow,
  adjustmentStates,
  findAdjustment,
  listAdjustments,
} from '../../modules/clearing/index.ts'
import type { Executed } from '../../platform/lanes/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  Currency,
  closed,
  given,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  readId,
  SignedAmount,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

/** Ten billion yuan: what many of them sum up to is still an exact integer in JSON. */
const largest = 1_000_000_000_000

const Adjusted = Type.Integer({
  minimum: -largest,
  maximum: largest,
  description: 'fen; above 0 the merchant gets more',
})

const Person = closed({ key_id: idOf('key'), owner: Type.String() })

const Adjustment = closed({
  id: idOf('settlement_adjustment'),
  merchant_id: idOf('merchant'),
  amount: { ...SignedAmount, description: 'fen; above 0 the merchant gets more' },
  currency: Currency,
  reason: Type.String(),
  status: oneOf(adjustmentStates),
  proposed_by: Person,
  proposed_at: Timestamp,
  decided_by_key_id: nullable(idOf('key')),
  decided_by_owner: nullable(Type.String()),
  decided_at: nullable(Timestamp),
  ...shown,
})

const decisionRefusals = [
  'settlement_adjustment.not_found',
  'settlement_adjustment.already_decided',
  'approval.same_person',
] as const

export function register(app: LikaApp, { flows, database }: Deps): void {
  const { sql } = database

  const rowOf = async (book: BookId, done: Executed): Promise<AdjustmentRow | undefined> => {
    if (done.status === 'refused') return undefined
    const id: SettlementAdjustmentId = asId(textIn(done.body, 'settlementAdjustmentId'))
    return findAdjustment(sql, book, id)
  }

  app.route(
    {
      method: 'POST',
      path: '/v1/settlements/adjustments',
      summary: 'Proposes to add to what a merchant is owed, or to take from it; nothing moves yet',
      access: 'settlements:write',
      idempotent: true,
      body: closed({
        merchant_id: idOf('merchant'),
        amount: Adjusted,
        reason: text(500),
        ...given,
      }),
      responses: { 201: Adjustment },
      refusals: ['merchant.not_found', 'amount.out_of_range', 'reference.already_used'],
    },
    async ({ caller, body, idempotencyKey, execute }) => {
      const { merchant_id: merchantId, amount, reason, reference, metadata } = body
      const command = await proposeAdjustmentCommand(
        flows,
        caller,
        {
          merchantId: readId('merchant', merchantId),
          amount: BigInt(amount),
          reason,
          reference,
          metadata,
        },
        idempotencyKey,
      )
      if (!command.ok) return command
      const done = await execute(command.value)
      const row = await rowOf(caller.book, done)
      return executed(done, 201, () => presentAdjustment(asProposed(row)))
    },
  )

  for (const [verb, verdict, summary] of [
    ['approve', 'posted', 'Posts an adjustment that somebody else proposed'],
    ['reject', 'rejected', 'Turns down an adjustment that somebody else proposed'],
  ] as const) {
    app.route(
      {
        method: 'POST',
        path: `/v1/settlements/adjustments/{id}/${verb}`,
        summary,
        access: 'settlements:write',
        idempotent: true,
        id: 'settlement_adjustment',
        responses: { 200: Adjustment },
        refusals: decisionRefusals,
      },
      async ({ caller, id, idempotencyKey, execute }) => {
        const command = decideAdjustmentCommand(flows, caller, id, verdict, idempotencyKey)
        if (!command.ok) return command
        const done = await execute(command.value)
        const row = await rowOf(caller.book, done)
        return executed(done, 200, () => presentAdjustment(known(row)))
      },
    )
  }

  app.route(
    {
      method: 'GET',
      path: '/v1/settlements/adjustments',
      summary: 'Lists adjustments of what merchants are owed, the newest first',
      access: 'settlements:read',
      query: closed({
        ...paging,
        merchant_id: Type.Optional(idOf('merchant')),
        status: Type.Optional(oneOf(adjustmentStates)),
      }),
      responses: { 200: pageOf(Adjustment) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const page = readPage('settlement adjustments', [uuidPart], query)
      if (!page.ok) return page
      const { limit, afterId } = page.value
      const rows = await listAdjustments(sql, flows.engine.lanesOf(caller.mode), caller.book, {
        merchantId:
          query.merchant_id === undefined ? undefined : readId('merchant', query.merchant_id),
        status: query.status,
        before: afterId,
        limit: limit + 1,
      })
      const present = (row: AdjustmentRow) => presentAdjustment(row)
      return okay(
        presentPage('settlement adjustments', page.value, rows, (row) => [row.id], present),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/settlements/adjustments/{id}',
      summary: 'Shows an adjustment of what a merchant is owed',
      access: 'settlements:read',
      id: 'settlement_adjustment',
      responses: { 200: Adjustment },
      refusals: ['settlement_adjustment.not_found'],
    },
    async ({ caller, id }) => {
      const row = await findAdjustment(sql, caller.book, id)
      return row === undefined ? refused(adjustmentNotFound) : okay(presentAdjustment(row))
    },
  )
}

/** As it was when it was proposed, whatever became of it: a replay has the body of the first answer. */
function asProposed(row: AdjustmentRow | undefined): AdjustmentRow {
  const nobody = { decidedBy: null, decidedByOwner: null, decidedAt: null }
  return { ...known(row), ...nobody, status: 'proposed' }
}

/** Once decided it stays as it is. */
function known(row: AdjustmentRow | undefined): AdjustmentRow {
  if (row === undefined) throw new Error('an adjustment is in the journal, and has no row')
  return row
}
