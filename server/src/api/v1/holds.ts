/** Routes of holds: setting money aside, capturing it in parts, giving it up. */
import { refused } from '@lika/contract'
import { captureCommand } from '../../flows/capture.ts'
import { holdCommand, previewHold } from '../../flows/hold.ts'
import {
  heldFrom,
  paidFrom,
  presentHold,
  presentHoldPreview,
  presentPayment,
} from '../../flows/payments/present.ts'
import { executePrepared } from '../../flows/prepared.ts'
import { presentRebates } from '../../flows/rebates/present.ts'
import { releaseCommand } from '../../flows/release.ts'
import { findHold } from '../../modules/payments/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { Amount, closed, Metadata, Type } from '../http/schemas.ts'
import {
  chargeMembers,
  chargeRefusals,
  HoldBody,
  HoldPreview,
  Paid,
  readCharge,
  tillCaller,
} from './payment-shapes.ts'

const endRefusals = [
  'hold.not_found',
  'hold.tied',
  'hold.released',
  'hold.captured',
  'hold.expired',
] as const

export function register(app: LikaApp, deps: Deps): void {
  registerHold(app, deps)
  registerRead(app, deps)
  registerCapture(app, deps)
  registerRelease(app, deps)
}

function registerHold(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/holds',
      summary:
        'Sets money of cards aside for a merchant, until it is captured, released or expires',
      access: 'holds:write',
      idempotent: true,
      body: closed({
        ...chargeMembers,
        expires_in: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: 'seconds' }),
      }),
      responses: { 201: HoldBody, 200: HoldPreview },
      refusals: [...chargeRefusals, 'policy.hold_too_long'],
    },
    async (call) => {
      const { caller, address, body, idempotencyKey } = call
      const charge = readCharge(body)
      if (!charge.ok) return charge
      const input = { ...charge.value, expiresIn: body.expires_in }
      const till = tillCaller(caller, address)
      if (body.dry_run === true) {
        const seen = await previewHold(flows, till, input)
        return seen.ok ? okay(presentHoldPreview(seen.value.body, seen.value.at, input)) : seen
      }
      const command = await holdCommand(flows, till, input, idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared((one) => call.execute(one), command.value)
      return executed(result, 201, (held, at) => presentHold(heldFrom(held, at, input), at))
    },
  )
}

function registerRead(app: LikaApp, { database, bookNow }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/holds/{id}',
      summary: 'Shows a hold; one whose time is over reads expired at once',
      access: 'holds:read',
      id: 'hold',
      responses: { 200: HoldBody },
      refusals: ['hold.not_found'],
    },
    async ({ caller, id }) => {
      const hold = await findHold(database.sql, caller.book, id)
      return hold === undefined
        ? refused(notFound('hold'))
        : okay(presentHold(hold, bookNow(caller.mode)))
    },
  )
}

function registerCapture(app: LikaApp, { database, flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/holds/{id}/capture',
      summary: 'Takes of a hold what is owed: a payment; final releases the rest',
      access: 'holds:write',
      idempotent: true,
      id: 'hold',
      body: closed({
        amount: Amount,
        final: Type.Optional(Type.Boolean({ default: false })),
        metadata: Type.Optional(Metadata),
      }),
      responses: { 200: Paid },
      refusals: [...endRefusals, 'hold.exceeded', 'card.lost'],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const { final = false, metadata } = body
      const input = { holdId: id, amount: BigInt(body.amount), final, metadata }
      const command = await captureCommand(flows, caller, input, idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared((one) => call.execute(one), command.value)
      // What the hold was made with never changes, so a replay reads the same.
      const hold = await findHold(database.sql, caller.book, id)
      if (hold === undefined) return refused(notFound('hold'))
      const given = { reference: hold.reference, metadata: metadata ?? hold.metadata }
      return executed(result, 200, (paid, at) => ({
        ...presentPayment(paidFrom(paid, at, given)),
        ...presentRebates(paid),
      }))
    },
  )
}

function registerRelease(app: LikaApp, { database, flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/holds/{id}/release',
      summary: 'Gives a hold up: what it still sets aside is free again',
      access: 'holds:write',
      idempotent: true,
      id: 'hold',
      responses: { 200: HoldBody },
      refusals: endRefusals,
    },
    async (call) => {
      const { caller, id, idempotencyKey } = call
      const command = await releaseCommand(flows, caller, { holdId: id }, idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared((one) => call.execute(one), command.value)
      // A released hold never changes again.
      const hold = await findHold(database.sql, caller.book, id)
      if (hold === undefined) return refused(notFound('hold'))
      return executed(result, 200, (_, at) => presentHold(hold, at))
    },
  )
}
