/**
 * What merchants took in a stretch of a lane, added up from its transfers: one pass over them for all merchants at once,
 * a bounded piece at a time. The rule that tells payments from refunds is that of `line-store.ts`, where single lines are
 * read.
 */
import { asId, type Fen, type Lane, type MerchantId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { accountKinds, kindOfAccount, ownerOf } from '../ledger/index.ts'
import type { LineKind, LineSource } from './lines.ts'
import { noTakings, type Takings } from './model.ts'
import { sumFromGuarded, sumOthers } from './sums-store.ts'

/** Entries in one statement of SQL: well below a second, and no more rows to the answer than merchants and sources. */
const stretch = 100_000n

/** Sums by merchant. */
export type Sums = Map<MerchantId, Takings>

/** Adds what lies in (after, until] of the lane to `sums`, for the merchants that are wanted. */
export async function addSums(
  sql: Sql,
  lane: Lane,
  after: bigint,
  until: bigint,
  isWanted: (merchantId: MerchantId) => boolean,
  sums: Sums,
): Promise<void> {
  for (let from = after; from < until; from += stretch) {
    const to = from + stretch < until ? from + stretch : until
    const [fromGuarded, others] = await Promise.all([
      sumFromGuarded(sql, lane, from, to),
      sumOthers(sql, lane, from, to),
    ])
    for (const { accountId, kindBits, amount } of fromGuarded) {
      const source = sourceOf(kindBits)
      if (source !== undefined && isUnsettled(accountId)) add(accountId, 'payment', source, amount)
    }
    for (const { accountId, kind, source, amount } of others) add(accountId, kind, source, amount)
  }

  function add(accountId: string, kind: LineKind, source: LineSource | null, amount: Fen): void {
    const merchantId: MerchantId = asId(ownerOf(accountId))
    if (isWanted(merchantId))
      sums.set(merchantId, plus(sums.get(merchantId) ?? noTakings, kind, source, amount))
  }
}

function isUnsettled(account: string): boolean {
  return kindOfAccount(account) === 'merchant_unsettled'
}

/** `amount` is signed: above 0 the merchant gets it. */
export function plus(
  takings: Takings,
  kind: LineKind,
  source: LineSource | null,
  amount: Fen,
): Takings {
  const of = {
    bonus: takings.bonus + (source === 'bonus' ? amount : 0n),
    voucher: takings.voucher + (source === 'voucher' ? amount : 0n),
  }
  switch (kind) {
    case 'payment':
      return { ...takings, ...of, taken: takings.taken + amount }
    case 'refund':
      return { ...takings, ...of, refunded: takings.refunded - amount }
    case 'cancellation':
      return { ...takings, ...of, cancelled: takings.cancelled - amount }
    case 'adjustment':
      return { ...takings, adjusted: takings.adjusted + amount }
  }
}

/** undefined: not an account that pays at tills. */
function sourceOf(kindBits: number): LineSource | undefined {
  switch (kindBits) {
    case accountKinds.card_principal.number:
      return 'principal'
    case accountKinds.card_bonus.number:
      return 'bonus'
    case accountKinds.voucher.number:
      return 'voucher'
    default:
      return undefined
  }
}

export function netOf({ taken, refunded, cancelled, adjusted }: Takings): Fen {
  return taken - refunded - cancelled + adjusted
}
