/**
 * What a quarter or a day was for holders' money: issued, spent, given back, redeemed, and what was left. Pure; made of
 * what moved between kinds of accounts, and every figure adds up with the balances before and after.
 */
import type { BusinessDate, Fen } from '@lika/contract'
import type { AccountKindName } from '../ledger/index.ts'
import type { PairFlow } from './flows.ts'
import { isPrepaid } from './model.ts'

export interface PrepaidFlow {
  /** Paid in for cards and onto them. */
  readonly issued: Fen
  /** Brought from another system. */
  readonly migrated: Fen
  /** Paid at merchants. */
  readonly spent: Fen
  /** Given back by merchants. */
  readonly refunded: Fen
  /** Taken off cards that were redeemed: owed or paid to their holders, fees and what was kept. */
  readonly redeemed: Fen
  /** Adjustments and whatever else, more less less. */
  readonly other: Fen
}

const paidIn: readonly AccountKindName[] = ['bank', 'cash', 'card_acquirer', 'wechat', 'unfunded']
const atMerchants: readonly AccountKindName[] = ['merchant_unsettled', 'transit']
const redeemedTo: readonly AccountKindName[] = ['redemption_payable', 'redemption_income']

/** What happened to prepaid money: what moves within it, as when a card of a pre-sale is delivered, is nothing. */
export function prepaidFlow(pairs: readonly PairFlow[]): PrepaidFlow {
  const flow = { issued: 0n, migrated: 0n, spent: 0n, refunded: 0n, redeemed: 0n, other: 0n }
  for (const { debit, credit, amount } of pairs) {
    if (isPrepaid(debit) === isPrepaid(credit)) continue
    if (isPrepaid(credit)) flow[cameFrom(debit)] += amount
    else {
      const to = wentTo(credit)
      flow[to] += to === 'migrated' || to === 'other' ? -amount : amount
    }
  }
  return flow
}

function cameFrom(kind: AccountKindName): 'issued' | 'refunded' | 'migrated' | 'other' {
  if (paidIn.includes(kind)) return 'issued'
  if (atMerchants.includes(kind)) return 'refunded'
  return kind === 'migration' ? 'migrated' : 'other'
}

function wentTo(kind: AccountKindName): 'spent' | 'redeemed' | 'migrated' | 'other' {
  if (atMerchants.includes(kind)) return 'spent'
  if (redeemedTo.includes(kind)) return 'redeemed'
  return kind === 'migration' ? 'migrated' : 'other'
}

/** By how much all of it changed what is on cards. */
export function netOf({ issued, migrated, spent, refunded, redeemed, other }: PrepaidFlow): Fen {
  return issued + migrated - spent + refunded - redeemed + other
}

/** The pairs of each day. */
export function byDay<Pair extends PairFlow & { readonly day: BusinessDate }>(
  pairs: readonly Pair[],
): Map<BusinessDate, Pair[]> {
  return Map.groupBy(pairs, ({ day }) => day)
}
