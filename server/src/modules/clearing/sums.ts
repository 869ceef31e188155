/**
 * What merchants took in stretches of a lane, added up for all of them at once, a bounded piece at a time. What did not
 * simply come from a card is read from transfers and journal by the rule of `sums-store.ts`, which also tells single lines
 * what they are. What did is told by the closing balances, which every closed day has; only where somebody must know how
 * much of it was bonus or vouchers are those transfers read as well.
 */
import { asId, type BusinessDate, type Fen, type Lane, type MerchantId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { accountId, accountKinds, kindOfAccount, ownerOf, totalsAt } from '../ledger/index.ts'
import type { LineKind, LineSource } from './lines.ts'
import { noTakings, type Takings } from './model.ts'
import { marginsBack, sumFromGuarded, sumOthers } from './sums-store.ts'

/** Entries in one statement of SQL: well below a second, and no more rows to the answer than merchants and sources. */
const stretch = 100_000n
const accountsAtOnce = 5_000

/** Sums by merchant. */
export type Sums = Map<MerchantId, Takings>

/** Where the lines of a merchant begin in a lane: behind an entry, which is the last of a day. */
export interface LaneStart {
  readonly merchantId: MerchantId
  readonly after: bigint
  readonly afterDay: BusinessDate
}

/** Where all of them end. */
export interface LaneEnd {
  readonly until: bigint
  readonly day: BusinessDate
}

/**
 * What these merchants took in a lane. Each stretch between two beginnings is read once, for those that have begun by
 * then. Without `bySource` all that came from cards counts as principal. The closings of both days must be written.
 */
export async function sumsOfLane(
  sql: Sql,
  lane: Lane,
  starts: readonly LaneStart[],
  end: LaneEnd,
  bySource: boolean,
): Promise<Sums> {
  const adder = new Adder(new Map(starts.map(({ merchantId, after }) => [merchantId, after])))
  for (const { begun, from, to } of piecesOf(starts, end.until)) {
    const [others, fromCards] = await Promise.all([
      sumOthers(sql, lane, from, to),
      bySource ? sumFromGuarded(sql, lane, from, to) : [],
    ])
    for (const { accountId: id, kind, source, amount } of others)
      adder.addApart(begun, id, kind, source, amount)
    for (const { accountId: id, kindBits, amount } of fromCards) {
      if (!isUnsettled(id) || kindBits === accountKinds.merchant_margin.number) continue
      adder.add(begun, id, 'payment', sourceOf(kindBits), amount)
    }
  }
  if (!bySource) await addFromClosings(sql, lane, starts, end, adder)
  return adder.sums
}

interface Piece {
  /** Who starts here or before has begun. */
  readonly begun: bigint
  /** Not included. */
  readonly from: bigint
  readonly to: bigint
}

function* piecesOf(starts: readonly LaneStart[], until: bigint): Generator<Piece> {
  const places = [...new Set(starts.map(({ after }) => after))]
  const ordered = places.sort((one, other) => (one < other ? -1 : 1))
  for (const [index, begun] of ordered.entries()) {
    const next = ordered[index + 1] ?? until
    const end = next < until ? next : until
    for (let from = begun; from < end; from += stretch)
      yield { begun, from, to: from + stretch < end ? from + stretch : end }
  }
}

class Adder {
  readonly sums: Sums = new Map()
  /** What came otherwise than from cards, settling included. */
  readonly cameApart = new Map<MerchantId, Fen>()
  readonly #startOf: ReadonlyMap<MerchantId, bigint>

  constructor(startOf: ReadonlyMap<MerchantId, bigint>) {
    this.#startOf = startOf
  }

  addApart(
    begun: bigint,
    account: string,
    kind: LineKind | 'settled',
    source: LineSource | null,
    amount: Fen,
  ): void {
    const merchantId: MerchantId = asId(ownerOf(account))
    if (amount > 0n && this.#isWanted(merchantId, begun))
      this.cameApart.set(merchantId, (this.cameApart.get(merchantId) ?? 0n) + amount)
    if (kind !== 'settled') this.add(begun, account, kind, source, amount)
  }

  /** `seq`: of the entry by which it came. */
  addMargin(merchantId: MerchantId, seq: bigint, amount: Fen): void {
    if (this.#isWanted(merchantId, seq - 1n))
      this.cameApart.set(merchantId, (this.cameApart.get(merchantId) ?? 0n) + amount)
  }

  add(
    begun: bigint,
    account: string,
    kind: LineKind,
    source: LineSource | null,
    amount: Fen,
  ): void {
    const merchantId: MerchantId = asId(ownerOf(account))
    if (!this.#isWanted(merchantId, begun)) return
    this.sums.set(merchantId, plus(this.sums.get(merchantId) ?? noTakings, kind, source, amount))
  }

  #isWanted(merchantId: MerchantId, begun: bigint): boolean {
    const start = this.#startOf.get(merchantId)
    return start !== undefined && start <= begun
  }
}

/** What came in between the two days by the closing balances, less what came otherwise: it came from cards. */
async function addFromClosings(
  sql: Sql,
  lane: Lane,
  starts: readonly LaneStart[],
  end: LaneEnd,
  adder: Adder,
): Promise<void> {
  for (let at = 0; at < starts.length; at += accountsAtOnce) {
    const some = starts.slice(at, at + accountsAtOnce)
    const unsettled = (id: MerchantId) => accountId(id, 'merchant_unsettled', lane)
    const asked = (dayOf: (start: LaneStart) => BusinessDate) =>
      some.map((start) => ({ accountId: unsettled(start.merchantId), day: dayOf(start) }))
    const after = asked(() => end.day)
    const before = asked(({ afterDay }) => afterDay)
    const ids = some.map(({ merchantId }) => merchantId)
    const [ends, begins, margins] = await Promise.all([
      totalsAt(sql, lane, after),
      totalsAt(sql, lane, before),
      marginsBack(sql, lane, ids, end.until),
    ])
    for (const { merchantId, seq, amount } of margins) adder.addMargin(merchantId, seq, amount)
    const had = new Map(begins.map((row) => [row.accountId, row.credits]))
    for (const { accountId: id, credits } of ends) {
      const merchantId: MerchantId = asId(ownerOf(id))
      const came = credits - (had.get(id) ?? 0n) - (adder.cameApart.get(merchantId) ?? 0n)
      if (came < 0n) throw new Error(`the closings of ${id} say less than its transfers`)
      if (came > 0n)
        adder.sums.set(
          merchantId,
          plus(adder.sums.get(merchantId) ?? noTakings, 'payment', 'principal', came),
        )
    }
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

/** @throws Error for an account of which nothing is known to come: better no statement than one that leaves it out. */
function sourceOf(kindBits: number): LineSource {
  switch (kindBits) {
    case accountKinds.card_principal.number:
      return 'principal'
    case accountKinds.card_bonus.number:
      return 'bonus'
    case accountKinds.voucher.number:
      return 'voucher'
    default:
      throw new Error(`accounts of the kind ${kindBits} do not pay merchants`)
  }
}

export function netOf({ taken, refunded, cancelled, adjusted }: Takings): Fen {
  return taken - refunded - cancelled + adjusted
}
