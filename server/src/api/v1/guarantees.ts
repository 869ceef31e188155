/** Routes of guarantees that stand for a part of the reserve. */
import { formatId, formatInstant, laneOfId, refused } from '@lika/contract'
import { textIn } from '../../flows/cards/facts.ts'
import { executePrepared } from '../../flows/prepared.ts'
import { homeLaneOf } from '../../flows/reserve/desk.ts'
import {
  approveGuarantee,
  endGuarantee,
  presentGuarantee,
  registerGuarantee,
} from '../../flows/reserve/guarantee.ts'
import { guaranteeKinds, selectGuarantees } from '../../modules/reserve/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  Currency,
  closed,
  DateText,
  given,
  idOf,
  nullable,
  oneOf,
  pageOf,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

const KindName = oneOf(guaranteeKinds, '履约保证保险 or 银行保函')

const members = {
  kind: KindName,
  guarantor: text(100),
  document_number: text(64),
  amount: Amount,
  valid_from: DateText,
  valid_to: DateText,
}

const GuaranteeBody = closed({
  id: idOf('guarantee'),
  ...members,
  currency: Currency,
  ended_on: nullable(DateText),
  registered_by: Type.String(),
  approved_by: nullable(Type.String()),
  approved_at: nullable(Timestamp),
  ...shown,
  created_at: Timestamp,
})

const Approved = closed({ id: idOf('guarantee'), approved_at: Timestamp })
const Ended = closed({ id: idOf('guarantee'), ended_on: DateText })
const Registered = closed({
  id: idOf('guarantee'),
  ...members,
  currency: Currency,
  ...shown,
  created_at: Timestamp,
})

export function register(app: LikaApp, deps: Deps): void {
  const { flows, database } = deps
  const find = async (caller: { book: string; mode: 'test' | 'live' }, id: string) => {
    const lane = homeLaneOf(flows, caller.mode)
    if (laneOfId(id) !== lane) return undefined
    const rows = await selectGuarantees(database.sql, lane, { ids: [id] })
    return rows.find((row) => row.bookId === caller.book)
  }

  app.route(
    {
      method: 'POST',
      path: '/v1/guarantees',
      summary:
        'Registers a surety insurance or a bank guarantee; it counts once a second person agrees',
      access: 'reserve:write',
      idempotent: true,
      body: closed({ ...members, ...given }),
      responses: { 201: Registered },
      refusals: ['date.out_of_range', 'name.already_used'],
    },
    async (call) => {
      const { caller, body, idempotencyKey } = call
      const command = registerGuarantee(
        flows,
        caller,
        {
          kind: body.kind,
          guarantor: body.guarantor,
          documentNumber: body.document_number,
          amount: BigInt(body.amount),
          validFrom: body.valid_from,
          validTo: body.valid_to,
          reference: body.reference,
          metadata: body.metadata,
        },
        idempotencyKey,
      )
      return executed(await call.execute(command), 201, (outcome, at) => ({
        ...body,
        id: formatId('guarantee', textIn(outcome, 'guaranteeId')),
        currency: 'CNY' as const,
        reference: body.reference ?? null,
        metadata: { ...body.metadata },
        created_at: formatInstant(at),
      }))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/guarantees',
      summary: 'All guarantees of the issuer',
      access: 'reserve:read',
      responses: { 200: pageOf(GuaranteeBody) },
      refusals: [],
    },
    async ({ caller }) => {
      const lane = homeLaneOf(flows, caller.mode)
      const rows = await selectGuarantees(database.sql, lane, { books: [caller.book] })
      return okay({ data: rows.map(presentGuarantee), next_cursor: null })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/guarantees/{id}',
      summary: 'Shows a guarantee',
      access: 'reserve:read',
      id: 'guarantee',
      responses: { 200: GuaranteeBody },
      refusals: ['guarantee.not_found'],
    },
    async ({ caller, id }) => {
      const row = await find(caller, id)
      return row === undefined ? refused(notFound('guarantee')) : okay(presentGuarantee(row))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/guarantees/{id}/approve',
      summary: 'The second person has seen the document, and from now on it counts',
      access: 'reserve:write',
      idempotent: true,
      id: 'guarantee',
      responses: { 200: Approved },
      refusals: [
        'guarantee.not_found',
        'guarantee.ended',
        'approval.not_pending',
        'approval.same_person',
      ],
    },
    async (call) => {
      const command = approveGuarantee(flows, call.caller, call.id, call.idempotencyKey)
      if (!command.ok) return command
      return executed(await call.execute(command.value), 200, (outcome, at) => ({
        id: formatId('guarantee', textIn(outcome, 'guaranteeId')),
        approved_at: formatInstant(at),
      }))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/guarantees/{id}/end',
      summary: 'Ends a guarantee before its time, where the reserve does without it',
      access: 'reserve:write',
      idempotent: true,
      id: 'guarantee',
      responses: { 200: Ended },
      refusals: [
        'guarantee.not_found',
        'guarantee.ended',
        'reserve.not_ready',
        'policy.reserve_short',
      ],
    },
    async (call) => {
      const command = endGuarantee(flows, call.caller, call.id, call.idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared(call.execute, command.value)
      return executed(result, 200, (outcome) => ({
        id: formatId('guarantee', textIn(outcome, 'guaranteeId')),
        ended_on: textIn(outcome, 'day'),
      }))
    },
  )
}
