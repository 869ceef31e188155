/**
 * What a statement comes to: from what a merchant took in a cycle to what it is paid, who owes whom what is missing, and
 * where withheld margins go. Pure; all of it fen.
 */
import type {
  BookId,
  BusinessDate,
  Fen,
  Instant,
  Lane,
  MerchantId,
  SettlementId,
} from '@lika/contract'

/** `nothing_due`: it was settled, and nothing of it is to be paid. */
export const statementStates = ['payable', 'in_flight', 'paid', 'nothing_due'] as const
export type StatementState = (typeof statementStates)[number]

/** A portion goes to the bank with a payout, comes back to payable when the payout fails, and is paid in the end. */
export const portionStates = ['payable', 'in_flight', 'paid'] as const
export type PortionState = (typeof portionStates)[number]

/** A place in every lane of a pool: the last entry of each that counts. Lanes that are missing have none. */
export type Cut = Readonly<Record<string, string>>

/** What the lines of a statement sum up to. All but `adjusted`, `bonus` and `voucher` are never negative. */
export interface Takings {
  readonly taken: Fen
  readonly refunded: Fen
  readonly cancelled: Fen
  readonly adjusted: Fen
  /** Of what was taken, less what was given back: how much was bonus, and how much vouchers. */
  readonly bonus: Fen
  readonly voucher: Fen
}

export const noTakings: Takings = {
  taken: 0n,
  refunded: 0n,
  cancelled: 0n,
  adjusted: 0n,
  bonus: 0n,
  voucher: 0n,
}

/** What the contract makes of them. */
export interface Agreed {
  /** Of the net; negative where more was given back than taken. */
  readonly commission: Fen
  readonly bonusShare: Fen
  readonly voucherShare: Fen
  /** What is withheld of an amount above 0 that is due. */
  readonly marginOf: (due: Fen) => Fen
}

/** What an earlier statement withheld and still holds. */
export interface MarginLot {
  readonly statementId: SettlementId
  readonly left: Fen
  readonly releaseOn: BusinessDate
}

export interface Standing {
  readonly receivable: Fen
  readonly lots: readonly MarginLot[]
}

export interface Settled {
  /** Taken − refunded − cancelled. */
  readonly net: Fen
  readonly due: Fen
  /** Of what is due, what pays the receivable of earlier statements. */
  readonly setOff: Fen
  readonly marginWithheld: Fen
  /** Of margins, what covers a due below 0. */
  readonly marginUsed: Fen
  /** What margins do not cover: the merchant owes it. */
  readonly receivableAdded: Fen
  readonly marginReleased: Fen
  readonly ownSales: Fen
  readonly payable: Fen
  readonly receivable: Fen
  /** The lots that changed, as they are now. */
  readonly lots: readonly MarginLot[]
}

/**
 * A partner's statement. What is due pays what the merchant owes first; of the rest the margin is withheld. A due below 0
 * is covered by margins, those that are released first before the others, then it is owed; payables of earlier statements
 * stay as they are. Last, what is still there of the margins whose day has come is given back.
 */
export function settle(
  takings: Takings,
  agreed: Agreed,
  standing: Standing,
  toDay: BusinessDate,
): Settled {
  const { net, due } = dueOf(takings, agreed)
  const setOff = due > 0n ? least(due, standing.receivable) : 0n
  const marginWithheld = due > setOff ? agreed.marginOf(due - setOff) : 0n
  const short = due < 0n ? -due : 0n
  const before = byRelease(standing.lots)
  const used = takeFromLots(before, short)
  const marginUsed = sumOf(before) - sumOf(used)
  const receivableAdded = short - marginUsed
  const after = used.map((lot) => (lot.releaseOn <= toDay ? { ...lot, left: 0n } : lot))
  const marginReleased = sumOf(used) - sumOf(after)
  const kept = due > 0n ? due - setOff - marginWithheld : 0n
  return {
    net,
    due,
    setOff,
    marginWithheld,
    marginUsed,
    receivableAdded,
    marginReleased,
    ownSales: 0n,
    payable: kept + marginReleased,
    receivable: standing.receivable - setOff + receivableAdded,
    lots: after.filter(({ left }, index) => left !== before[index]?.left),
  }
}

/** The statement of a merchant of the issuer's own: what is due is the issuer's sales, and nothing is owed to anybody. */
export function settleOwn(takings: Takings, agreed: Agreed, standing: Standing): Settled {
  const { net, due } = dueOf(takings, agreed)
  return {
    net,
    due,
    setOff: 0n,
    marginWithheld: 0n,
    marginUsed: 0n,
    receivableAdded: 0n,
    marginReleased: 0n,
    ownSales: due,
    payable: 0n,
    receivable: standing.receivable,
    lots: [],
  }
}

function dueOf({ taken, refunded, cancelled, adjusted }: Takings, agreed: Agreed) {
  const net = taken - refunded - cancelled
  const { commission, bonusShare, voucherShare } = agreed
  return { net, due: net - commission - bonusShare - voucherShare + adjusted }
}

/** `short` less in all, as far as it goes, the first lots first. */
function takeFromLots(lots: readonly MarginLot[], short: Fen): MarginLot[] {
  let missing = short
  return lots.map((lot) => {
    const part = least(lot.left, missing)
    missing -= part
    return { ...lot, left: lot.left - part }
  })
}

function byRelease(lots: readonly MarginLot[]): MarginLot[] {
  const keyOf = (lot: MarginLot) => `${lot.releaseOn} ${lot.statementId}`
  return lots.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
}

function sumOf(lots: readonly MarginLot[]): Fen {
  return lots.reduce((sum, { left }) => sum + left, 0n)
}

function least(one: Fen, other: Fen): Fen {
  return one < other ? one : other
}

/** How far a merchant is settled. */
export interface ClearingRow {
  readonly lane: Lane
  readonly merchantId: MerchantId
  readonly bookId: BookId
  readonly settledThrough: BusinessDate
  readonly receivable: Fen
}

/** What a merchant is owed for a cycle (结算单). */
export interface StatementRow extends Omit<Takings, 'bonus' | 'voucher'> {
  readonly id: SettlementId
  readonly bookId: BookId
  readonly merchantId: MerchantId
  /** 0: there was no contract. */
  readonly contractVersion: number
  readonly fromDay: BusinessDate
  readonly toDay: BusinessDate
  /** Its lines lie behind `fromCut`, up to `toCut`. */
  readonly fromCut: Cut
  readonly toCut: Cut
  /** Of its lines, by lane. */
  readonly nets: Readonly<Record<string, string>>
  readonly commission: Fen
  readonly bonusShare: Fen
  readonly voucherShare: Fen
  readonly due: Fen
  readonly setOff: Fen
  readonly marginWithheld: Fen
  readonly marginUsed: Fen
  readonly receivableAdded: Fen
  readonly marginReleased: Fen
  readonly payable: Fen
  readonly ownSales: Fen
  /** Of `marginWithheld`, what no later statement used or released. */
  readonly marginLeft: Fen
  readonly marginReleaseOn: BusinessDate | null
  /** null: nothing is to be paid. */
  readonly payOn: BusinessDate | null
  readonly status: StatementState
  /** Of its entry in its own lane. */
  readonly seq: bigint
  /** Of its entry in every lane that it touched. */
  readonly seqs: Cut
  readonly createdAt: Instant
}

/** Who is paid how much of a statement: its merchant, or the parties of the split. One portion for each payee. */
export interface PortionRow {
  readonly statementId: SettlementId
  readonly merchantId: MerchantId
  /** Counts from 0 in the order of the split. */
  readonly line: number
  readonly bookId: BookId
  readonly amount: Fen
  readonly status: PortionState
  readonly payoutId: string | null
}

/** A statement is as far as the portion that is least far. */
export function statusOfPortions(states: readonly PortionState[]): StatementState {
  return portionStates.find((state) => states.includes(state)) ?? 'nothing_due'
}
