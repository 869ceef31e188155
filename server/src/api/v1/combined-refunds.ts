/** Routes by which a combined payment goes back, each part its own way. */
import { asId, formatId, refused } from '@lika/contract'
import { presentCombinedRefund } from '../../flows/combined/present.ts'
import { combinedRefundCommand } from '../../flows/combined/refund.ts'
import { askAgainCommand } from '../../flows/combined/refund-again.ts'
import { executePrepared } from '../../flows/prepared.ts'
import { combinedRefundStates, findCombinedRefund } from '../../modules/combined/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  given,
  idOf,
  Metadata,
  nullable,
  oneOf,
  Reference,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

export const CombinedRefundBody = closed({
  id: idOf('combined_refund'),
  combined_payment_id: idOf('combined_payment'),
  status: oneOf(
    combinedRefundStates,
    'abnormal: the payer’s account cannot take it; closed: WeChat did not carry it out, retry it',
  ),
  attempt: Type.Integer({
    minimum: 1,
    maximum: 50,
    description: 'how often WeChat was asked for it, each time under a number of its own',
  }),
  amount: Amount,
  currency: Currency,
  card_amount: AmountOrZero,
  wechat_amount: AmountOrZero,
  refund_id: nullable(idOf('refund')),
  problem: nullable(
    Type.String({
      description:
        'the code with which WeChat refuses it, or what it waits for; null once WeChat has taken it',
    }),
  ),
  reference: nullable(Reference),
  reason: nullable(Type.String()),
  metadata: Metadata,
  created_at: Timestamp,
  ended_at: nullable(Timestamp),
})

export function register(app: LikaApp, deps: Deps): void {
  registerRefund(app, deps)
  registerRead(app, deps)
  registerRetry(app, deps)
}

function registerRefund(app: LikaApp, { flows, database }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/combined_payments/{id}/refunds',
      summary: 'Gives it back, each part its own way: first what came by WeChat',
      access: 'refunds:write',
      idempotent: true,
      id: 'combined_payment',
      body: closed({
        amount: Type.Optional(Amount),
        reference: Reference,
        reason: Type.Optional(text(200)),
        metadata: given.metadata,
      }),
      responses: { 201: CombinedRefundBody },
      refusals: [
        'combined_payment.not_found',
        'reference.already_used',
        'combined_payment.not_succeeded',
        'refund.exceeds_payment',
        'policy.refund_too_late',
      ],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const { reference, reason, metadata } = body
      const amount = body.amount === undefined ? undefined : BigInt(body.amount)
      const input = { combinedId: id, amount, reference, reason, metadata }
      const command = await combinedRefundCommand(flows, caller, input, idempotencyKey)
      if (!command.ok) return command
      const done = await executePrepared((one) => call.execute(one), command.value)
      if (done.status === 'refused')
        return { ok: false, refusal: done.refusal, replayed: done.replayed }
      const row = await findCombinedRefund(database.sql, caller.book, asId(done.commandId))
      if (row === undefined)
        throw new Error(`${formatId('combined_refund', done.commandId)} is gone`)
      return { status: 201, body: presentCombinedRefund(row), replayed: done.replayed }
    },
  )
}

function registerRead(app: LikaApp, { database }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/combined_refunds/{id}',
      summary: 'Shows what a combined payment gave back and how far it is',
      access: 'refunds:read',
      id: 'combined_refund',
      responses: { 200: CombinedRefundBody },
      refusals: ['combined_refund.not_found'],
    },
    async ({ caller, id }) => {
      const row = await findCombinedRefund(database.sql, caller.book, id)
      return row === undefined
        ? refused(notFound('combined_refund'))
        : okay(presentCombinedRefund(row))
    },
  )
}

function registerRetry(app: LikaApp, { flows, database }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/combined_refunds/{id}/retry',
      summary:
        'Asks WeChat once more: under another number for what it closed, at once for what it refuses',
      access: 'refunds:write',
      idempotent: true,
      id: 'combined_refund',
      responses: { 200: CombinedRefundBody },
      refusals: [
        'combined_refund.not_found',
        'combined_refund.not_closed',
        'combined_refund.asked_too_often',
      ],
    },
    async ({ caller, id, idempotencyKey, execute }) => {
      const command = await askAgainCommand(flows, caller, id, idempotencyKey)
      if (!command.ok) return command
      const done = await execute(command.value)
      const { replayed } = done
      if (done.status === 'refused') return { ok: false, refusal: done.refusal, replayed }
      const row = await findCombinedRefund(database.sql, caller.book, id)
      if (row === undefined) throw new Error('a refund that was just asked for again is not there')
      return { status: 200, body: presentCombinedRefund(row), replayed }
    },
  )
}
