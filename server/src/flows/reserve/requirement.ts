/** What a book must have set aside, now and at the end of a day: bases from closing balances, ratios from its packs. */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  endOfDay,
  type Fen,
  type Instant,
  issuerOfBook,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  type AccountKindName,
  accountKindNames,
  isDayClosed,
  kindsAtClose,
  normalBalance,
} from '../../modules/ledger/index.ts'
import type { Policy } from '../../modules/policy/index.ts'
import {
  isCustomerMoney,
  isPrepaid,
  type ProfileRow,
  quarterBefore,
  type ReserveBases,
  selectProfile,
} from '../../modules/reserve/index.ts'
import { openBooks } from '../books.ts'
import type { FlowContext } from '../context.ts'

/** What a decision about the reserve is made from. */
export interface ReserveGrounds {
  readonly day: BusinessDate
  readonly at: Instant
  readonly policy: Policy
  readonly profile: ProfileRow | undefined
  readonly bases: ReserveBases
  /** What is owed to holders of redeemed cards. */
  readonly redemptionPayable: Fen
  /** What lies on custody accounts by the ledger. */
  readonly custody: Fen
}

type Balances = (kind: AccountKindName) => Fen

/**
 * As it is now: the quarter's base by the closing balances at its cut, the daily base by what is owed at this moment.
 * Refusals: `reserve.not_ready` while the last day of the quarter before is not closed.
 */
export async function groundsNow(
  context: FlowContext,
  book: BookId,
): Promise<Result<ReserveGrounds>> {
  const at = context.engine.now(modeOfBook(book))
  const day = businessDateOf(at)
  const prepaid = await prepaidAtQuarterEnd(context, book, day)
  if (!prepaid.ok) return prepaid
  const { lines } = await openBooks(context).reads.trialBalance(book, undefined)
  const found = new Map(lines.map((line) => [line.kind, line]))
  const balanceOf: Balances = (kind) => {
    const line = found.get(kind)
    if (line === undefined) return 0n
    return normalBalance(kind, { debits: line.debit, credits: line.credit })
  }
  return ok(await groundsOf(context, book, { day, at, quarterEnd: prepaid.value, balanceOf }))
}

/** As it was at the end of a day. Refusals: `day.not_closed`, `reserve.not_ready`. */
export async function groundsAtClose(
  context: FlowContext,
  book: BookId,
  day: BusinessDate,
): Promise<Result<ReserveGrounds>> {
  const lanes = context.engine.lanesOf(modeOfBook(book))
  const { sql } = context.database
  if (!(await isDayClosed(sql, lanes, day)))
    return refused(refusal('day.not_closed', `${day} is not closed in every lane yet.`))
  const prepaid = await prepaidAtQuarterEnd(context, book, day)
  if (!prepaid.ok) return prepaid
  const balanceOf = await balancesAtClose(context, book, day)
  const at = endOfDay(day) - 1
  return ok(await groundsOf(context, book, { day, at, quarterEnd: prepaid.value, balanceOf }))
}

/** Balances of kinds at the end of a day that is closed, on their normal side. */
export async function balancesAtClose(
  { database, engine }: Pick<FlowContext, 'database' | 'engine'>,
  book: BookId,
  day: BusinessDate,
): Promise<Balances> {
  const totals = await kindsAtClose(database.sql, book, engine.lanesOf(modeOfBook(book)), day)
  return (kind) => normalBalance(kind, totals.get(kind))
}

export function sumOfKinds(balanceOf: Balances, counts: (kind: AccountKindName) => boolean): Fen {
  return accountKindNames()
    .filter(counts)
    .reduce((sum, kind) => sum + balanceOf(kind), 0n)
}

type QuarterEnd = ReserveBases['quarterEnd']

/** Closing balances never change: what was read once, of a quarter and a book, is kept. */
const quarterEnds = new WeakMap<FlowContext['database'], Map<string, QuarterEnd>>()
const mostQuarterEnds = 10_000

async function prepaidAtQuarterEnd(
  context: FlowContext,
  book: BookId,
  day: BusinessDate,
): Promise<Result<QuarterEnd>> {
  const { to } = quarterBefore(day)
  const known = quarterEnds.get(context.database) ?? new Map<string, QuarterEnd>()
  quarterEnds.set(context.database, known)
  const kept = known.get(`${book} ${to}`)
  if (kept !== undefined) return ok(kept)
  const lanes = context.engine.lanesOf(modeOfBook(book))
  if (!(await isDayClosed(context.database.sql, lanes, to)))
    return refused(
      refusal(
        'reserve.not_ready',
        `The balances of ${to}, the end of the quarter, are not closed yet.`,
      ),
    )
  const balanceOf = await balancesAtClose(context, book, to)
  const found = { day: to, prepaid: sumOfKinds(balanceOf, isPrepaid) }
  if (known.size >= mostQuarterEnds) known.clear()
  known.set(`${book} ${to}`, found)
  return ok(found)
}

async function groundsOf(
  context: FlowContext,
  book: BookId,
  given: { day: BusinessDate; at: Instant; quarterEnd: QuarterEnd; balanceOf: Balances },
): Promise<ReserveGrounds> {
  const { day, at, quarterEnd, balanceOf } = given
  return {
    day,
    at,
    policy: await context.issuers.policyOf(issuerOfBook(book), at),
    profile: await selectProfile(context.database.sql, book),
    bases: {
      quarterEnd,
      daily: {
        day,
        prepaid: sumOfKinds(balanceOf, isPrepaid),
        customers: sumOfKinds(balanceOf, isCustomerMoney),
      },
    },
    redemptionPayable: balanceOf('redemption_payable'),
    custody: balanceOf('custody'),
  }
}
