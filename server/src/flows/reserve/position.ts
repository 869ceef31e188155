/**
 * The position of the reserve at the end of each business day: required, set aside, guaranteed, and what outflows the
 * day explains. Written once for a day, from closing balances and the day's flows.
 */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  type Fen,
  fenToJson,
  formatYuan,
  modeOfBook,
} from '@lika/contract'
import { addDays } from '../../modules/policy/index.ts'
import {
  carryOver,
  coverageOf,
  hasOpenCase,
  insertPosition,
  type PositionRow,
  requirementOf,
  reserveFlow,
  selectFlows,
  selectGuarantees,
  selectPositions,
  selectProfile,
} from '../../modules/reserve/index.ts'
import type { FlowContext } from '../context.ts'
import { bankBalanceOf } from './bank-balance.ts'
import { openCase } from './case.ts'
import { homeLaneOf } from './desk.ts'
import { groundsAtClose } from './requirement.ts'

/** Days that are written at one time; the rest follows at the next look. */
const mostDays = 400

/** The first day without a position: behind the last one, or the first day on which the issuer said of which class it is. */
export async function firstOpenDay(
  { database }: Pick<FlowContext, 'database'>,
  book: BookId,
): Promise<{ day: BusinessDate; carry: Fen } | undefined> {
  const [last] = await selectPositions(database.sql, book, { limit: 1 })
  if (last !== undefined) return { day: addDays(last.day, 1), carry: last.carry }
  const profile = await selectProfile(database.sql, book)
  return profile && { day: businessDateOf(profile.firstAt), carry: 0n }
}

/** Writes the positions of all days that are closed; answers how many. The flows of those days have been read. */
export async function writePositions(context: FlowContext, book: BookId): Promise<number> {
  const { sql } = context.database
  for (let days = 0; days < mostDays; days += 1) {
    const open = await firstOpenDay(context, book)
    if (open === undefined) return days
    const today = businessDateOf(context.engine.now(modeOfBook(book)))
    if (open.day >= today) return days
    const row = await positionOn(context, book, open)
    if (row === undefined) return days
    if (!(await insertPosition(sql, row))) continue
    await reportShort(context, book, row.day, row.shortfall)
  }
  return mostDays
}

/** undefined: the day, or the quarter before, is not closed yet. */
async function positionOn(
  context: FlowContext,
  book: BookId,
  { day, carry }: { day: BusinessDate; carry: Fen },
): Promise<PositionRow | undefined> {
  const { sql } = context.database
  const found = await groundsAtClose(context, book, day)
  if (!found.ok) return undefined
  const { policy, profile, bases, custody } = found.value
  const lane = homeLaneOf(context, modeOfBook(book))
  const { required, binding } = requirementOf(policy, profile, bases)
  const bank = (await bankBalanceOf(context, book, day)) ?? null
  const lower = bank !== null && bank < custody ? bank : custody
  const guarantees = await selectGuarantees(sql, lane, { books: [book] })
  const { guaranteed, surplus } = coverageOf(policy, required, lower, guarantees, day)
  const flow = reserveFlow(await selectFlows(sql, book, day, day))
  return {
    bookId: book,
    day,
    rule: binding?.rule.id ?? null,
    baseDay: binding?.baseDay ?? null,
    base: binding?.base ?? null,
    ratioBp: binding?.ratioBp ?? null,
    required,
    custody,
    bank,
    guarantees: guaranteed,
    shortfall: surplus < 0n ? -surplus : 0n,
    carry: carryOver(carry, flow, surplus),
    decrease: flow.decrease,
    outflow: flow.outflow,
    at: context.engine.now(modeOfBook(book)),
  }
}

/** One case as long as nobody has dealt with it, however many days it lasts. */
export async function reportShort(
  context: FlowContext,
  book: BookId,
  day: BusinessDate,
  shortfall: Fen,
): Promise<void> {
  if (shortfall === 0n) return
  const lane = homeLaneOf(context, modeOfBook(book))
  const { sql } = context.database
  if (await hasOpenCase(sql, lane, book, 'reserve_short', null)) return
  await openCase(context, book, `short:${day}:${shortfall}`, {
    kind: 'reserve_short',
    day,
    amount: -shortfall,
    subject: `${day}: ${formatYuan(shortfall)}`,
  })
}

export function presentPosition(row: PositionRow) {
  return {
    day: row.day,
    rule: row.rule,
    base_day: row.baseDay,
    base: row.base === null ? null : fenToJson(row.base),
    ratio_bp: row.ratioBp,
    required: fenToJson(row.required),
    custody: fenToJson(row.custody),
    bank: row.bank === null ? null : fenToJson(row.bank),
    guaranteed: fenToJson(row.guarantees),
    shortfall: fenToJson(row.shortfall),
    decrease: fenToJson(row.decrease),
    outflow: fenToJson(row.outflow),
    carried: fenToJson(row.carry),
    currency: 'CNY' as const,
  }
}
