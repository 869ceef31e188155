/**
 * The quarterly set for the authority and the ledgers behind it: what was on cards, what came and went, what was set
 * aside. Every figure comes from closing balances at cuts and the sums of days, and the set says whether it adds up.
 */
import {
  type BookId,
  type BusinessDate,
  type Fen,
  fenToJson,
  issuerOfBook,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { isDayClosed } from '../../modules/ledger/index.ts'
import { addDays } from '../../modules/policy/index.ts'
import {
  byDay,
  isPrepaid,
  netOf,
  type PositionRow,
  type PrepaidFlow,
  prepaidFlow,
  type Quarter,
  type ReportDue,
  reportDue,
  selectFlows,
  selectPositions,
} from '../../modules/reserve/index.ts'
import type { FlowContext } from '../context.ts'
import { balancesAtClose, groundsAtClose, type ReserveGrounds, sumOfKinds } from './requirement.ts'

export interface QuarterlySet {
  readonly quarter: Quarter
  readonly opening: Fen
  readonly closing: Fen
  readonly bonusClosing: Fen
  readonly flow: PrepaidFlow
  readonly grounds: ReserveGrounds
  /** Of its last day; undefined: the issuer had no profile then. */
  readonly position: PositionRow | undefined
  readonly due: ReportDue | undefined
  /** Whether opening and what came and went make the closing. */
  readonly addsUp: boolean
}

/** Refusals: `day.not_closed` before the quarter is over and closed. */
export async function quarterlySet(
  context: FlowContext,
  book: BookId,
  quarter: Quarter,
): Promise<Result<QuarterlySet>> {
  const { database, issuers, tables } = context
  const grounds = await groundsAtClose(context, book, quarter.to)
  if (!grounds.ok) return grounds
  const [before, after, pairs, positions] = await Promise.all([
    balancesAtClose(context, book, addDays(quarter.from, -1)),
    balancesAtClose(context, book, quarter.to),
    selectFlows(database.sql, book, quarter.from, quarter.to),
    selectPositions(database.sql, book, { from: quarter.to, to: quarter.to, limit: 1 }),
  ])
  const policy = await issuers.policyOf(issuerOfBook(book), grounds.value.at)
  const opening = sumOfKinds(before, isPrepaid)
  const closing = sumOfKinds(after, isPrepaid)
  const flow = prepaidFlow(pairs)
  return ok({
    quarter,
    opening,
    closing,
    bonusClosing: after('card_bonus'),
    flow,
    grounds: grounds.value,
    position: positions[0],
    due: reportDue(policy, grounds.value.profile?.issuerClass, quarter, tables),
    addsUp: opening + netOf(flow) === closing,
  })
}

export interface BalanceDay {
  readonly day: BusinessDate
  readonly opening: Fen
  readonly flow: PrepaidFlow
  readonly closing: Fen
}

/** At most a year at one time. */
const mostBalanceDays = 366

/**
 * The balance ledger (余额台账): every day of a stretch that is closed, each beginning where the one before ended.
 * Refusals: `date.out_of_range` for more than a year or an end before its beginning, `day.not_closed`.
 */
export async function balanceLedger(
  context: FlowContext,
  book: BookId,
  from: BusinessDate,
  to: BusinessDate,
): Promise<Result<BalanceDay[]>> {
  const last = addDays(from, mostBalanceDays - 1)
  if (to < from || to > last)
    return refused(
      refusal('date.out_of_range', 'to lies on from or behind it, at most 366 days in all.', {
        data: { allowed: { min: from, max: last } },
      }),
    )
  const lanes = context.engine.lanesOf(modeOfBook(book))
  if (!(await isDayClosed(context.database.sql, lanes, to)))
    return refused(refusal('day.not_closed', `${to} is not closed in every lane yet.`))
  const before = await balancesAtClose(context, book, addDays(from, -1))
  const days = byDay(await selectFlows(context.database.sql, book, from, to))
  const rows: BalanceDay[] = []
  let opening = sumOfKinds(before, isPrepaid)
  for (let day = from; day <= to; day = addDays(day, 1)) {
    const flow = prepaidFlow(days.get(day) ?? [])
    const closing = opening + netOf(flow)
    rows.push({ day, opening, flow, closing })
    opening = closing
  }
  return ok(rows)
}

export function presentFlow(flow: PrepaidFlow) {
  return {
    issued: fenToJson(flow.issued),
    migrated: fenToJson(flow.migrated),
    spent: fenToJson(flow.spent),
    refunded: fenToJson(flow.refunded),
    redeemed: fenToJson(flow.redeemed),
    other: fenToJson(flow.other),
  }
}
