/** Cases: opened by what compares and watches, dealt with by two people. */
import {
  asId,
  type BookId,
  type Id,
  type Instant,
  laneOfId,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { secondPerson } from '../../modules/access/index.ts'
import {
  accountsOfBook,
  actionsOf,
  type CaseAction,
  type CaseRow,
  cases,
  custodyMovements,
  selectCase,
} from '../../modules/reserve/index.ts'
import {
  type Command,
  type Decision,
  type Executed,
  type Read,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import { claimedInput } from '../cards/caller.ts'
import type { FlowContext } from '../context.ts'
import { postResolution } from './case-post.ts'
import { type CaseFacts, newCase } from './case-row.ts'
import { homeLaneOf, type ReserveCaller } from './desk.ts'
import { checkRoom } from './outflow.ts'

/**
 * Opens a case; the same key opens it once, whoever asks and how often. undefined: the key stands for another case, as
 * when somebody compared at the same time.
 */
export async function openCase(
  context: FlowContext,
  book: BookId,
  key: string,
  facts: CaseFacts,
): Promise<Id<'case'> | undefined> {
  const lane = homeLaneOf(context, modeOfBook(book))
  const executed = await context.engine.execute({
    book,
    operation: 'reserve.case_opened',
    key,
    input: claimedInput(facts),
    homeLane: () => lane,
    weight: 'bulk',
    plan: () => ({
      lanes: [lane],
      reads: [],
      decide: (view, now) => {
        view.put(cases, lane, newCase(asId(view.commandId), view, now, facts))
        const body = {
          caseId: view.commandId,
          caseKind: facts.kind,
          day: facts.day,
          amountFen: String(facts.amount),
          ...(facts.accountId !== undefined && { custodyId: facts.accountId }),
          ...(facts.movementId !== undefined && { movementId: facts.movementId }),
        }
        return ok({ kind: 'reserve.case_opened', version: 1, body })
      },
    }),
  })
  return openedBy(executed)
}

function openedBy(executed: Executed): Id<'case'> | undefined {
  if (executed.status === 'done') return asId<'case'>(executed.commandId)
  if (executed.refusal.code === 'idempotency.key_reused') return undefined
  throw new Error(`a case could not be opened: ${executed.refusal.code}`)
}

export interface Proposal {
  readonly action: CaseAction
  readonly reason: string
}

const caseNotFound = refusal('case.not_found', 'No case has this id here (case_…).')

/**
 * What one person wants done about a case; a later proposal takes the place of an earlier one. Refusals:
 * `case.not_found`, `case.not_open`, `case.action_not_possible`.
 */
export function proposeResolution(
  context: FlowContext,
  caller: ReserveCaller,
  id: Id<'case'>,
  proposal: Proposal,
  key: string,
): Result<Command> {
  return commandOnCase(context, caller, id, {
    operation: 'reserve.case_proposed',
    key,
    input: claimedInput(proposal),
    decide: (view, now, row) => {
      if (row.state === 'resolved') return refused(caseNotOpen)
      const possible: readonly CaseAction[] = actionsOf[row.kind]
      if (!possible.includes(proposal.action))
        return refused(
          refusal(
            'case.action_not_possible',
            `A case of ${row.kind} is dealt with by ${possible.join(' or ')}.`,
            { data: { actions: [...possible] } },
          ),
        )
      view.put(cases, laneOfId(id), {
        ...row,
        state: 'proposed',
        ...proposal,
        proposerKeyId: caller.keyId,
        proposerOwner: caller.owner,
        proposedAt: now,
      })
      const body = { caseId: id, caseKind: row.kind, action: proposal.action }
      return ok({ kind: 'reserve.case_proposed', version: 1, body })
    },
  })
}

const caseNotOpen = refusal('case.not_open', 'The case was dealt with already.')

/**
 * The second person agrees, and it is done. Refusals: `case.not_found`, `case.not_open`, `case.not_proposed`,
 * `approval.same_person`, `case.action_not_possible` where the movement was settled meanwhile,
 * `amount.out_of_range` for more than custody accounts hold in all.
 */
export async function approveResolution(
  context: FlowContext,
  caller: ReserveCaller,
  id: Id<'case'>,
  key: string,
): Promise<Result<Command>> {
  const lane = homeLaneOf(context, caller.mode)
  const known = await selectCase(context.database.sql, lane, caller.book, id)
  const movementId = known?.movementId ?? undefined
  return commandOnCase(context, caller, id, {
    operation: 'reserve.case_resolved',
    key,
    input: {},
    reads: [
      read(accountsOfBook, lane, caller.book),
      ...(movementId === undefined ? [] : [read(custodyMovements, lane, movementId)]),
    ],
    decide: (view, now, row) => {
      const allowed = checkApproval(view, row, caller)
      if (!allowed.ok) return allowed
      view.put(cases, lane, {
        ...row,
        state: 'resolved',
        resolverKeyId: caller.keyId,
        resolverOwner: caller.owner,
        resolvedAt: now,
      })
      postResolution(view, now, row, caller)
      const body = {
        caseId: id,
        caseKind: row.kind,
        action: row.action,
        amountFen: String(row.amount),
        ...(row.movementId !== null && { movementId: row.movementId }),
      }
      return ok({ kind: 'reserve.case_resolved', version: 1, body })
    },
  })
}

interface OnCase {
  readonly operation: string
  readonly key: string
  readonly input: Command['input']
  readonly reads?: readonly Read[]
  readonly decide: (view: View, now: Instant, row: CaseRow) => Decision
}

function commandOnCase(
  context: FlowContext,
  caller: ReserveCaller,
  id: Id<'case'>,
  { operation, key, input, reads = [], decide }: OnCase,
): Result<Command> {
  const lane = homeLaneOf(context, caller.mode)
  if (laneOfId(id) !== lane) return refused(caseNotFound)
  return ok({
    book: caller.book,
    operation,
    key,
    input: { id, input },
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(cases, lane, id), ...reads],
      decide: (view, now) => {
        const row = view.get(cases, id)
        if (row === undefined || row.bookId !== view.bookId)
          return { ok: false, final: false, refusal: caseNotFound }
        return decide(view, now, row)
      },
    }),
  })
}

function checkApproval(view: View, row: CaseRow, second: ReserveCaller): Result<void> {
  const { state, action, proposerKeyId, proposerOwner } = row
  if (state === 'resolved') return refused(caseNotOpen)
  if (state === 'open' || proposerKeyId === null || proposerOwner === null)
    return refused(refusal('case.not_proposed', 'Propose first what is to be done.'))
  const other = secondPerson({ keyId: proposerKeyId, owner: proposerOwner }, second)
  if (!other.ok || action === 'dismiss') return other
  if (isSettled(view, row)) return refused(settledMeanwhile)
  // What waits in suspense is on the account already.
  return checkRoom(view, row.kind === 'suspense_open' ? 0n : row.amount)
}

const settledMeanwhile = refusal(
  'case.action_not_possible',
  'The movement was settled meanwhile: dismiss the case.',
  { data: { actions: ['dismiss'] } },
)

function isSettled(view: View, { movementId }: CaseRow): boolean {
  return movementId !== null && view.get(custodyMovements, movementId)?.settled === true
}
