/** The books of business days: trial balance and account statements, made of closing balances at the cuts alone. */
import {
  type BookId,
  type BusinessDate,
  type Fen,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  type AccountKindName,
  accountAtClose,
  accountKindNames,
  type DayAccount,
  isDayClosed,
  kindsAtClose,
  normalBalance,
  type Sides,
} from '../../modules/ledger/index.ts'
import { addDays } from '../../modules/policy/index.ts'
import type { FlowContext } from '../context.ts'

export interface DayLine {
  readonly kind: AccountKindName
  readonly openingDebit: Fen
  readonly openingCredit: Fen
  /** What moved on the day. */
  readonly debits: Fen
  readonly credits: Fen
  readonly closingDebit: Fen
  readonly closingCredit: Fen
}

type Context = Pick<FlowContext, 'engine' | 'database'>

/** Every kind of the chart, in its order. Refusals: `day.not_closed`. */
export async function trialOfDay(
  context: Context,
  book: BookId,
  day: BusinessDate,
): Promise<Result<DayLine[]>> {
  const closed = await checkClosed(context, book, day)
  if (!closed.ok) return closed
  const lanes = context.engine.lanesOf(modeOfBook(book))
  const { sql } = context.database
  const [before, after] = await Promise.all([
    kindsAtClose(sql, book, lanes, addDays(day, -1)),
    kindsAtClose(sql, book, lanes, day),
  ])
  return ok(
    accountKindNames().map((kind) => {
      const [was, is] = [before.get(kind) ?? nothing, after.get(kind) ?? nothing]
      return {
        kind,
        openingDebit: above(was.debits - was.credits),
        openingCredit: above(was.credits - was.debits),
        debits: is.debits - was.debits,
        credits: is.credits - was.credits,
        closingDebit: above(is.debits - is.credits),
        closingCredit: above(is.credits - is.debits),
      }
    }),
  )
}

export interface AccountDay {
  readonly day: BusinessDate
  /** On the normal side of the kind. */
  readonly opening: Fen
  readonly debits: Fen
  readonly credits: Fen
  readonly closing: Fen
}

/** A quarter with its neighbours; a longer one is asked for in parts. */
const mostDays = 100

/** Every day, each beginning where the one before ended. Refusals: `date.out_of_range`, `day.not_closed`. */
export async function accountDays(
  context: Context,
  book: BookId,
  account: DayAccount,
  from: BusinessDate,
  to: BusinessDate,
): Promise<Result<AccountDay[]>> {
  const last = addDays(from, mostDays - 1)
  if (to < from || to > last)
    return refused(
      refusal(
        'date.out_of_range',
        `to lies on from or behind it, at most ${mostDays} days in all.`,
        {
          data: { allowed: { min: from, max: last } },
        },
      ),
    )
  const closed = await checkClosed(context, book, to)
  if (!closed.ok) return closed
  const lanes = context.engine.lanesOf(modeOfBook(book))
  const at = (day: BusinessDate) => accountAtClose(context.database.sql, book, account, lanes, day)
  const rows: AccountDay[] = []
  let before = await at(addDays(from, -1))
  for (let day = from; day <= to; day = addDays(day, 1)) {
    const after = await at(day)
    rows.push({
      day,
      opening: normalBalance(account.kind, before),
      debits: after.debits - before.debits,
      credits: after.credits - before.credits,
      closing: normalBalance(account.kind, after),
    })
    before = after
  }
  return ok(rows)
}

async function checkClosed(
  { engine, database }: Context,
  book: BookId,
  day: BusinessDate,
): Promise<Result<void>> {
  if (await isDayClosed(database.sql, engine.lanesOf(modeOfBook(book)), day)) return ok(undefined)
  return refused(refusal('day.not_closed', `${day} is not closed in every lane yet.`))
}

const nothing: Sides = { debits: 0n, credits: 0n }

function above(amount: Fen): Fen {
  return amount > 0n ? amount : 0n
}
