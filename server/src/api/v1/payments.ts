/** Routes of payments: taking money from cards at a till, asking for payments, cancelling them. */
import { ok, refused } from '@lika/contract'
import { payCommand, previewPayment } from '../../flows/pay.ts'
import { findPayments } from '../../flows/payments/find.ts'
import { paidFrom, presentPayment, presentPreview } from '../../flows/payments/present.ts'
import { executePrepared } from '../../flows/prepared.ts'
import { presentRebates } from '../../flows/rebates/present.ts'
import { findPayment } from '../../modules/payments/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, idOf, pageOf, paging, Reference, readId, Type } from '../http/schemas.ts'
import {
  chargeMembers,
  chargeRefusals,
  Paid,
  PaymentBody,
  PaymentPreview,
  readCharge,
  tillCaller,
} from './payment-shapes.ts'

const Vouchers = Type.Array(idOf('voucher'), {
  maxItems: 20,
  uniqueItems: true,
  description: 'They pay first, in this order; their cards are among the sources.',
})

export function register(app: LikaApp, deps: Deps): void {
  registerPay(app, deps)
  registerReads(app, deps)
}

function registerPay(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/payments',
      summary: 'Takes money from cards; a dry run says what it would take, and changes nothing',
      access: 'payments:write',
      idempotent: true,
      body: closed({ ...chargeMembers, vouchers: Type.Optional(Vouchers) }),
      responses: { 201: Paid, 200: PaymentPreview },
      refusals: [...chargeRefusals, 'voucher.not_found', 'voucher.not_usable'],
    },
    async (call) => {
      const { caller, address, body, idempotencyKey } = call
      const { vouchers = [], ...charge } = body
      const read = readCharge(charge)
      if (!read.ok) return read
      const input = ok({ ...read.value, ...shownIn(vouchers) })
      const till = tillCaller(caller, address)
      if (body.dry_run === true) {
        const seen = await previewPayment(flows, till, input.value)
        return seen.ok ? okay(presentPreview(seen.value.body, seen.value.at, input.value)) : seen
      }
      const command = await payCommand(flows, till, input.value, idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared((one) => call.execute(one), command.value)
      return executed(result, 201, (paid, at) => ({
        ...presentPayment(paidFrom(paid, at, input.value)),
        ...presentRebates(paid),
      }))
    },
  )
}

/** Nothing where none were shown. */
function shownIn(vouchers: readonly string[]) {
  return vouchers.length === 0 ? {} : { vouchers: vouchers.map((id) => readId('voucher', id)) }
}

function registerReads(app: LikaApp, { database, flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/payments',
      summary: 'Lists payments, the newest first',
      access: 'payments:read',
      query: closed({
        ...paging,
        reference: Type.Optional(Reference),
        merchant_id: Type.Optional(idOf('merchant')),
      }),
      responses: { 200: pageOf(PaymentBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('payments', [uuidPart], query)
      if (!asked.ok) return asked
      const { merchant_id: merchant, reference } = query
      const rows = await findPayments(flows, caller.book, {
        merchantId: merchant === undefined ? undefined : readId('merchant', merchant),
        reference,
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('payments', asked.value, rows, ({ id }) => [id], presentPayment))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/payments/{id}',
      summary: 'Shows a payment with what it gave back so far',
      access: 'payments:read',
      id: 'payment',
      responses: { 200: PaymentBody },
      refusals: ['payment.not_found'],
    },
    async ({ caller, id }) => {
      const payment = await findPayment(database.sql, caller.book, id)
      return payment === undefined ? refused(notFound('payment')) : okay(presentPayment(payment))
    },
  )
}
