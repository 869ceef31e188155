/** Routes of refunds: giving money of a payment back, and looking at what was given. */
import { refused } from '@lika/contract'
import { presentRefund, refundedFrom } from '../../flows/payments/present.ts'
import { executePrepared } from '../../flows/prepared.ts'
import { refundCommand } from '../../flows/refund.ts'
import { findRefund } from '../../modules/payments/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  Currency,
  closed,
  idOf,
  Metadata,
  nullable,
  oneOf,
  Reference,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import { Allocations } from './payment-shapes.ts'
import { TakenBackRebates } from './rebate-shapes.ts'

const Reason = text(200)

const RefundBody = closed({
  id: idOf('refund'),
  payment_id: idOf('payment'),
  status: oneOf(['succeeded']),
  amount: Amount,
  currency: Currency,
  allocations: Allocations,
  rebates_taken_back: TakenBackRebates,
  reference: Reference,
  reason: nullable(Reason),
  metadata: Metadata,
  created_at: Timestamp,
})

export function register(app: LikaApp, { database, flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/payments/{id}/refunds',
      summary: 'Gives money of a payment back to where it came from, last taken first',
      access: 'refunds:write',
      idempotent: true,
      id: 'payment',
      body: closed({
        amount: Amount,
        reference: Reference,
        reason: Type.Optional(Reason),
        metadata: Type.Optional(Metadata),
      }),
      responses: { 201: RefundBody },
      refusals: [
        'payment.not_found',
        'reference.already_used',
        'payment.cancelled',
        'refund.exceeds_payment',
        'policy.refund_too_late',
      ],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const input = { ...body, paymentId: id, amount: BigInt(body.amount) }
      const command = await refundCommand(flows, caller, input, idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared((one) => call.execute(one), command.value)
      return executed(result, 201, (given, at) => presentRefund(refundedFrom(given, at, input)))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/refunds/{id}',
      summary: 'Shows a refund',
      access: 'refunds:read',
      id: 'refund',
      responses: { 200: RefundBody },
      refusals: ['refund.not_found'],
    },
    async ({ caller, id }) => {
      const refund = await findRefund(database.sql, caller.book, id)
      return refund === undefined ? refused(notFound('refund')) : okay(presentRefund(refund))
    },
  )
}
