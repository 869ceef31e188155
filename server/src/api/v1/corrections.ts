/** Routes of corrections: an entry of the ledger taken back by its reversal, with a reason, by two people. */
import { formatId, formatInstant, laneOfId, refused } from '@lika/contract'
import { textIn } from '../../flows/cards/facts.ts'
import { executePrepared } from '../../flows/prepared.ts'
import {
  decideCorrection,
  presentCorrection,
  proposeCorrection,
} from '../../flows/reserve/correct.ts'
import {
  correctionStates,
  selectCorrection,
  selectCorrections,
} from '../../modules/reserve/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  closed,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

const CorrectionBody = closed({
  id: idOf('correction'),
  entry_id: idOf('entry'),
  reason: Type.String(),
  status: oneOf(correctionStates),
  proposed_by: Type.String(),
  proposed_at: Timestamp,
  decided_by: nullable(Type.String()),
  decided_at: nullable(Timestamp),
})

const Asked = closed({
  id: idOf('correction'),
  entry_id: idOf('entry'),
  reason: Type.String(),
  status: oneOf(['proposed']),
  proposed_at: Timestamp,
})

const Decided = closed({
  id: idOf('correction'),
  entry_id: idOf('entry'),
  status: oneOf(['made', 'rejected']),
  decided_at: Timestamp,
})

export function register(app: LikaApp, deps: Deps): void {
  registerAsk(app, deps)
  registerReads(app, deps)
  registerDecision(app, deps, 'approve')
  registerDecision(app, deps, 'reject')
}

function registerAsk(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/ledger/entries/{id}/corrections',
      summary: 'The first person asks for the reversal of an entry that was made by hand',
      access: 'ledger:write',
      idempotent: true,
      id: 'entry',
      body: closed({ reason: text(500) }),
      responses: { 201: Asked },
      refusals: ['entry.not_found', 'correction.not_possible', 'correction.already_asked'],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const command = await proposeCorrection(flows, caller, id, body.reason, idempotencyKey)
      if (!command.ok) return command
      return executed(await call.execute(command.value), 201, (outcome, at) => ({
        id: formatId('correction', textIn(outcome, 'correctionId')),
        entry_id: formatId('entry', textIn(outcome, 'entryId')),
        reason: body.reason,
        status: 'proposed' as const,
        proposed_at: formatInstant(at),
      }))
    },
  )
}

function registerReads(app: LikaApp, { flows, database }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/ledger/corrections',
      summary: 'Lists corrections, the newest first',
      access: 'ledger:read',
      query: closed(paging),
      responses: { 200: pageOf(CorrectionBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('corrections', [uuidPart], query)
      if (!asked.ok) return asked
      const filter = { before: asked.value.afterId, limit: asked.value.limit + 1 }
      const found = await Promise.all(
        flows.engine
          .lanesOf(caller.mode)
          .map((lane) => selectCorrections(database.sql, lane, caller.book, filter)),
      )
      const rows = found
        .flat()
        .sort((one, other) => (one.id < other.id ? 1 : -1))
        .slice(0, filter.limit)
      return okay(
        presentPage('corrections', asked.value, rows, ({ id }) => [id], presentCorrection),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/ledger/corrections/{id}',
      summary: 'Shows a correction',
      access: 'ledger:read',
      id: 'correction',
      responses: { 200: CorrectionBody },
      refusals: ['correction.not_found'],
    },
    async ({ caller, id }) => {
      const lane = laneOfId(id)
      const isThere = flows.engine.lanesOf(caller.mode).includes(lane)
      const row = isThere ? await selectCorrection(database.sql, lane, caller.book, id) : undefined
      return row === undefined ? refused(notFound('correction')) : okay(presentCorrection(row))
    },
  )
}

function registerDecision(app: LikaApp, { flows }: Deps, verb: 'approve' | 'reject'): void {
  const isApproved = verb === 'approve'
  app.route(
    {
      method: 'POST',
      path: `/v1/ledger/corrections/{id}/${verb}`,
      summary: isApproved
        ? 'The second person agrees, and the entry is reversed'
        : 'The second person does not agree',
      access: 'ledger:write',
      idempotent: true,
      id: 'correction',
      responses: { 200: Decided },
      refusals: [
        'correction.not_found',
        'correction.not_pending',
        'approval.same_person',
        ...(isApproved
          ? ([
              'reserve.not_ready',
              'funds.insufficient',
              'policy.reserve_short',
              'policy.card_limit',
              'correction.not_possible',
            ] as const)
          : []),
      ],
    },
    async (call) => {
      const { caller, id, idempotencyKey } = call
      const command = await decideCorrection(flows, caller, id, isApproved, idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared(call.execute, command.value)
      return executed(result, 200, (outcome, at) => ({
        id: formatId('correction', textIn(outcome, 'correctionId')),
        entry_id: formatId('entry', textIn(outcome, 'entryId')),
        status: isApproved ? ('made' as const) : ('rejected' as const),
        decided_at: formatInstant(at),
      }))
    },
  )
}
