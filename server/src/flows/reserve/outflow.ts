/** Whether money may leave the reserve: what it is judged by, read before the round, and the judgement under the lock. */
import {
  businessDateOf,
  type Fen,
  fenToJson,
  formatYuan,
  type Instant,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  accountsOfBook,
  type CustodyAccountRow,
  coverageOf,
  type GuaranteeRow,
  guaranteesOfBook,
  mostCustody,
  requirementOf,
  selectAccounts,
  unconfirmedDeposits,
} from '../../modules/reserve/index.ts'
import type { View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { NotPrepared } from '../prepared.ts'
import { homeLaneOf, type ReserveCaller } from './desk.ts'
import { groundsNow, type ReserveGrounds } from './requirement.ts'

/** Whether that much more finds room on the custody accounts of the book. Refusals: `amount.out_of_range`. */
export function checkRoom(view: View, more: Fen): Result<void> {
  const total = totalOf(view.find(accountsOfBook, view.bookId))
  if (total + more <= mostCustody && total + more >= -mostCustody) return ok(undefined)
  return refused(
    refusal(
      'amount.out_of_range',
      `Custody accounts hold ${formatYuan(mostCustody)} yuan at most.`,
      {
        data: {
          allowed: { min: 1, max: fenToJson(total < mostCustody ? mostCustody - total : 0n) },
        },
      },
    ),
  )
}

/** What an outflow is judged by: read before the round. */
export interface Prepared {
  readonly grounds: ReserveGrounds
  /** What lay on all accounts when the rest was read: where it has moved since, all is read again. */
  readonly total: Fen
  /** Deposits among it that the bank has not shown, by account: they cover nothing that leaves. */
  readonly unconfirmed: ReadonlyMap<string, Fen>
  /** Paid to holders of redeemed cards when the grounds were read. */
  readonly redemptionsPaid: Fen
}

export async function prepareOutflow(
  context: FlowContext,
  { book, mode }: Pick<ReserveCaller, 'book' | 'mode'>,
): Promise<Result<Prepared>> {
  const lane = homeLaneOf(context, mode)
  const { sql } = context.database
  const accounts = await selectAccounts(sql, lane, { books: [book] })
  const ids = accounts.map(({ id }) => id)
  const unconfirmed = await unconfirmedDeposits(sql, lane, ids)
  const grounds = await groundsNow(context, book)
  if (!grounds.ok) return grounds
  return ok({
    grounds: grounds.value,
    total: totalOf(accounts),
    unconfirmed,
    redemptionsPaid: paidBy(accounts),
  })
}

/** Over all accounts. */
export function sumOf(unconfirmed: ReadonlyMap<string, Fen>): Fen {
  return [...unconfirmed.values()].reduce((sum, amount) => sum + amount, 0n)
}

function totalOf(accounts: readonly CustodyAccountRow[]): Fen {
  return accounts.reduce((sum, { balance }) => sum + balance, 0n)
}

function paidBy(accounts: readonly CustodyAccountRow[]): Fen {
  return accounts.reduce((sum, one) => sum + one.redemptionsPaid, 0n)
}

/**
 * Whether that much may leave the reserve. The accounts of the book are under the lock of their lane, so that two
 * withdrawals that only together take too much come one after the other. `confirms`: of what is taken back, the part that
 * the bank has not shown.
 */
export function checkOutflow(
  view: View,
  now: Instant,
  account: CustodyAccountRow,
  asked: { readonly kind: string; readonly amount: Fen; readonly confirms?: Fen },
  { grounds, total, unconfirmed, redemptionsPaid }: Prepared,
): Result<void> {
  const { kind, amount, confirms = 0n } = asked
  const accounts = view.find(accountsOfBook, view.bookId)
  if (grounds.day !== businessDateOf(now)) throw new NotPrepared('the day')
  if (totalOf(accounts) !== total) throw new NotPrepared('what moved meanwhile')
  if (account.balance < amount)
    return refused(
      refusal('funds.insufficient', `${formatYuan(account.balance)} yuan lie on the account.`, {
        data: { available: fenToJson(account.balance) },
      }),
    )
  const isPayout = kind === 'redemption_payout'
  if (isPayout && paidBy(accounts) !== redemptionsPaid)
    throw new NotPrepared('what was paid to holders meanwhile')
  if (isPayout && amount > grounds.redemptionPayable)
    return refused(
      refusal(
        'amount.out_of_range',
        `${formatYuan(grounds.redemptionPayable)} yuan are owed to holders of redeemed cards.`,
        { data: { allowed: { min: 1, max: fenToJson(grounds.redemptionPayable) } } },
      ),
    )
  const sure = total - sumOf(unconfirmed) + confirms
  const left = { custody: sure - amount, owedLess: isPayout ? amount : 0n }
  return checkReserve(grounds, view.find(guaranteesOfBook, view.bookId), left)
}

/** Refusals: `policy.reserve_short` with the rule, what is required, and how much could be taken. */
export function checkReserve(
  { policy, profile, bases, day }: ReserveGrounds,
  guarantees: readonly GuaranteeRow[],
  { custody, owedLess }: { readonly custody: Fen; readonly owedLess: Fen },
): Result<void> {
  const { daily } = bases
  const after = { ...bases, daily: { ...daily, customers: daily.customers - owedLess } }
  const { required, binding } = requirementOf(policy, profile, after)
  const { surplus, guaranteed } = coverageOf(policy, required, custody, guarantees, day)
  if (surplus >= 0n || binding === undefined) return ok(undefined)
  const { rule, base, baseDay } = binding
  const article = rule.source.article ?? 'unconfirmed'
  return refused(
    refusal(
      'policy.reserve_short',
      `${formatYuan(required)} yuan must be set aside: ${formatYuan(custody)} would be left, with ${formatYuan(guaranteed)} guaranteed (${rule.source.document} ${article}).`,
      {
        data: {
          required: fenToJson(required),
          base: fenToJson(base),
          base_day: baseDay,
          ratio_bp: binding.ratioBp,
          guaranteed: fenToJson(guaranteed),
          short: fenToJson(-surplus),
        },
        policy: { pack: rule.pack, rule: rule.id, article },
      },
    ),
  )
}
