/** Routes of cases: the queue of what people must look at, and what two of them do about each. */
import { formatId, laneOfId, refused } from '@lika/contract'
import { textIn } from '../../flows/cards/facts.ts'
import { approveResolution, proposeResolution } from '../../flows/reserve/case.ts'
import { presentCase } from '../../flows/reserve/case-present.ts'
import { homeLaneOf } from '../../flows/reserve/desk.ts'
import {
  caseActions,
  caseKinds,
  caseStates,
  selectCase,
  selectCases,
} from '../../modules/reserve/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Currency,
  closed,
  DateText,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  SignedAmount,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

const ActionName = oneOf(
  caseActions,
  'match: they belong together. suspend: the books follow the bank, against 待查款项; write_off: against 余额调整. dismiss: nothing is moved.',
)

const CaseBody = closed({
  id: idOf('case'),
  kind: oneOf(caseKinds),
  state: oneOf(caseStates),
  day: DateText,
  custody_id: nullable(idOf('custody')),
  movement_id: nullable(idOf('movement')),
  lines: Type.Array(closed({ statement_id: idOf('bank_statement'), line: Type.Integer() })),
  amount: SignedAmount,
  currency: Currency,
  subject: nullable(Type.String()),
  title: Type.String(),
  actions: Type.Array(oneOf(caseActions)),
  action: nullable(oneOf(caseActions)),
  reason: nullable(Type.String()),
  proposed_by: nullable(Type.String()),
  proposed_at: nullable(Timestamp),
  resolved_by: nullable(Type.String()),
  resolved_at: nullable(Timestamp),
  created_at: Timestamp,
})

const Step = closed({ id: idOf('case'), state: oneOf(caseStates), action: oneOf(caseActions) })

export function register(app: LikaApp, { flows, database }: Deps): void {
  const { sql } = database

  app.route(
    {
      method: 'GET',
      path: '/v1/reserve_cases',
      summary: 'Lists cases, the newest first',
      access: 'reserve:read',
      query: closed({
        ...paging,
        state: Type.Optional(oneOf(caseStates)),
        kind: Type.Optional(oneOf(caseKinds)),
      }),
      responses: { 200: pageOf(CaseBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('reserve_cases', [uuidPart], query)
      if (!asked.ok) return asked
      const rows = await selectCases(sql, homeLaneOf(flows, caller.mode), caller.book, {
        state: query.state,
        kind: query.kind,
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('reserve_cases', asked.value, rows, (row) => [row.id], presentCase))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/reserve_cases/{id}',
      summary: 'Shows a case',
      access: 'reserve:read',
      id: 'case',
      responses: { 200: CaseBody },
      refusals: ['case.not_found'],
    },
    async ({ caller, id }) => {
      const lane = homeLaneOf(flows, caller.mode)
      const row = laneOfId(id) === lane ? await selectCase(sql, lane, caller.book, id) : undefined
      return row === undefined ? refused(notFound('case')) : okay(presentCase(row))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/reserve_cases/{id}/propose',
      summary: 'The first person says what is to be done about a case, and why',
      access: 'reserve:write',
      idempotent: true,
      id: 'case',
      body: closed({ action: ActionName, reason: text(500) }),
      responses: { 200: Step },
      refusals: ['case.not_found', 'case.not_open', 'case.action_not_possible'],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const command = proposeResolution(flows, caller, id, body, idempotencyKey)
      if (!command.ok) return command
      return executed(await call.execute(command.value), 200, (outcome) => ({
        id: formatId('case', textIn(outcome, 'caseId')),
        state: 'proposed' as const,
        action: actionIn(textIn(outcome, 'action')),
      }))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/reserve_cases/{id}/approve',
      summary: 'The second person agrees, and it is done',
      access: 'reserve:write',
      idempotent: true,
      id: 'case',
      responses: { 200: Step },
      refusals: [
        'case.not_found',
        'case.not_open',
        'case.not_proposed',
        'approval.same_person',
        'case.action_not_possible',
        'amount.out_of_range',
      ],
    },
    async (call) => {
      const command = await approveResolution(flows, call.caller, call.id, call.idempotencyKey)
      if (!command.ok) return command
      return executed(await call.execute(command.value), 200, (outcome) => ({
        id: formatId('case', textIn(outcome, 'caseId')),
        state: 'resolved' as const,
        action: actionIn(textIn(outcome, 'action')),
      }))
    },
  )
}

/** @throws for what no case is dealt with by. */
function actionIn(name: string) {
  const action = caseActions.find((one) => one === name)
  if (action === undefined) throw new Error(`${name} is no action`)
  return action
}
