/**
 * Outflows of the reserve beside what was owed and no longer is: whether money left the custody accounts for which
 * nobody's claim became less. Pure; made of what moved between each two kinds of accounts.
 */
import type { Fen } from '@lika/contract'
import type { AccountKindName } from '../ledger/index.ts'
import { isCustomerMoney, isGiven, isPrepaid } from './model.ts'

/** What moved from the credit of one kind to the debit of another. */
export interface PairFlow {
  readonly debit: AccountKindName
  readonly credit: AccountKindName
  readonly amount: Fen
}

export interface ReserveFlow {
  /** What left the custody accounts. */
  readonly outflow: Fen
  /** By how much claims of customers and merchants became less by other ways than new sales make them more. */
  readonly decrease: Fen
}

/** Against which the books follow the bank. */
const byCases: readonly AccountKindName[] = ['suspense', 'adjustment']

/** Where money comes from when cards are sold: claims that arise so offset no decrease. */
const sources: readonly AccountKindName[] = ['bank', 'cash', 'card_acquirer', 'wechat', 'unfunded']

/**
 * A claim that leaves and comes back (by a returned payout, by an adjustment and its opposite) is no decrease: such ways
 * are netted. Transit is looked through: what counts is where the value comes out. What was given moves no money of
 * holders, whichever way it goes. What the bank took without the books was reported by the case of its line, and its
 * booking is no second outflow.
 */
export function reserveFlow(pairs: readonly PairFlow[]): ReserveFlow {
  let outflow = 0n
  let decrease = 0n
  for (const { debit, credit, amount } of pairs) {
    if (credit === 'custody' && !byCases.includes(debit)) outflow += amount
    const [from, to] = [sideOf(debit), sideOf(credit)]
    if (to === 'elsewhere' && (from === 'owed' || from === 'transit')) decrease += amount
    const isSale = sources.includes(debit) && isPrepaid(credit)
    const comesBack = from === 'elsewhere' && !isSale
    if (comesBack && (to === 'owed' || to === 'transit')) decrease -= amount
  }
  return { outflow, decrease }
}

function sideOf(kind: AccountKindName): 'owed' | 'transit' | 'given' | 'elsewhere' {
  if (kind === 'transit') return 'transit'
  if (isGiven(kind) || kind === 'rebate_expense') return 'given'
  return isCustomerMoney(kind) ? 'owed' : 'elsewhere'
}

/** Outflows that nothing explains: neither what was left over before nor what became less since. */
export function unexplained(carry: Fen, { outflow, decrease }: ReserveFlow): Fen {
  const explained = carry + decrease
  const rest = outflow - (explained > 0n ? explained : 0n)
  return rest > 0n ? rest : 0n
}

/**
 * What a day leaves to the next: decreases that no outflow has used, as far as the reserve is larger than it must be.
 * Beyond that nothing may be taken, so that old decreases never explain a new outflow out of what is required.
 */
export function carryOver(carry: Fen, flow: ReserveFlow, surplus: Fen): Fen {
  const left = carry + flow.decrease - flow.outflow
  const capped = left < surplus ? left : surplus
  return capped > 0n ? capped : 0n
}
