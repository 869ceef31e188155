/** Routes that take payments back: by their ids, or by the merchant's own number when the answer was lost. */
import { asId, type PaymentId, refused } from '@lika/contract'
import { cancelByReferenceCommand } from '../../flows/cancel-by-reference.ts'
import { cancelPaymentCommand } from '../../flows/cancel-payment.ts'
import { presentPayment } from '../../flows/payments/present.ts'
import { executePrepared } from '../../flows/prepared.ts'
import { findPayment } from '../../modules/payments/index.ts'
import type { Deps } from '../deps.ts'
import { executed } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, idOf, nullable, Reference, readId, Type } from '../http/schemas.ts'
import { PaymentBody, paymentMembers } from './payment-shapes.ts'

/** A payment, or nothing but that none will come. */
const CancelledBody = closed({
  ...Type.Partial(closed(paymentMembers)).properties,
  receipt_number: Type.Optional(Type.String()),
  id: nullable(idOf('payment')),
  status: paymentMembers.status,
})

export function register(app: LikaApp, deps: Deps): void {
  registerById(app, deps)
  registerByReference(app, deps)
}

function registerById(app: LikaApp, { database, flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/payments/{id}/cancel',
      summary: 'Takes a payment back whole, while nothing of it was refunded',
      access: 'payments:write',
      idempotent: true,
      id: 'payment',
      responses: { 200: PaymentBody },
      refusals: [
        'payment.not_found',
        'payment.cancelled',
        'payment.has_refunds',
        'payment.is_combined',
      ],
    },
    async (call) => {
      const { caller, id, idempotencyKey } = call
      const command = await cancelPaymentCommand(flows, caller, { paymentId: id }, idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared((one) => call.execute(one), command.value)
      // A cancelled payment never changes again, so a replay reads the same.
      const payment = await findPayment(database.sql, caller.book, id)
      if (payment === undefined) return refused(notFound('payment'))
      return executed(result, 200, () => presentPayment(payment))
    },
  )
}

function registerByReference(app: LikaApp, { database, flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/payments/cancel',
      summary: 'Takes an order back by its reference, whether or not its payment has come',
      access: 'payments:write',
      idempotent: true,
      body: closed({ merchant_id: idOf('merchant'), reference: Reference }),
      responses: { 200: CancelledBody },
      refusals: ['merchant.not_found', 'payment.has_refunds', 'hold.captured', 'hold.tied'],
    },
    async (call) => {
      const { caller, body, idempotencyKey } = call
      const input = {
        merchantId: readId('merchant', body.merchant_id),
        reference: body.reference,
      }
      const command = await cancelByReferenceCommand(flows, caller, input, idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared((one) => call.execute(one), command.value)
      const id = result.status === 'done' ? result.body['paymentId'] : undefined
      const paymentId: PaymentId | undefined = typeof id === 'string' ? asId(id) : undefined
      const payment = paymentId && (await findPayment(database.sql, caller.book, paymentId))
      return executed(result, 200, () =>
        payment === undefined ? nothingToCome : presentPayment(payment),
      )
    },
  )
}

const nothingToCome = { id: null, status: 'cancelled' } as const
