/** Routes by which loads are given back. */
import { laneOfId, monthOfId, refused } from '@lika/contract'
import {
  loadNotFound,
  loadRefundCommand,
  presentLoadRefund,
} from '../../flows/rebates/load-refund.ts'
import { selectLoad, selectLoadRefunds } from '../../modules/cards/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  idOf,
  Metadata,
  nullable,
  Reference,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import { Balance, runOnCard, stateRefusals } from './card-shapes.ts'
import { TakenBackRebates } from './rebate-shapes.ts'

const Reason = text(200)

const LoadRefund = closed({
  id: idOf('load_refund'),
  load_id: idOf('load'),
  card_id: idOf('card'),
  amount: Amount,
  paid_out: AmountOrZero,
  deducted: AmountOrZero,
  bonus_reversed: AmountOrZero,
  currency: Currency,
  rebates_taken_back: TakenBackRebates,
  balance: Balance,
  reference: Reference,
  reason: nullable(Reason),
  metadata: Metadata,
  created_at: Timestamp,
})

export function register(app: LikaApp, { flows, database }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/loads/{id}/refunds',
      summary: 'Gives a load back; bonus that came with it first',
      access: 'cards:write',
      idempotent: true,
      id: 'load',
      body: closed({
        amount: {
          ...Amount,
          description: 'fen of principal; what was spent of the bonus is kept of it',
        },
        reference: Reference,
        reason: Type.Optional(Reason),
        metadata: Type.Optional(Metadata),
      }),
      responses: { 201: LoadRefund },
      refusals: [
        'load.not_found',
        'reference.already_used',
        ...stateRefusals,
        'refund.exceeds_load',
        'policy.refund_too_late',
      ],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const input = { ...body, loadId: id, amount: BigInt(body.amount) }
      const command = await loadRefundCommand(flows, caller, input, idempotencyKey)
      return runOnCard(call, command, 201, (done) => presentLoadRefund(done.body, done.at, input))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/loads/{id}/refunds',
      summary: 'Lists what was given back of a load, the oldest first',
      access: 'cards:read',
      id: 'load',
      responses: { 200: closed({ data: Type.Array(LoadRefund) }) },
      refusals: ['load.not_found'],
    },
    async ({ caller, id }) => {
      const { sql } = database
      const lane = laneOfId(id)
      const load = await selectLoad(sql, lane, monthOfId(id), caller.book, id)
      if (load === undefined) return refused(loadNotFound)
      const own = await selectLoadRefunds(sql, lane, { loads: [id] })
      return okay({
        data: own.map((row) => presentLoadRefund(row.outcome, row.createdAt, row)),
      })
    },
  )
}
