/**
 * Settles one merchant for one cycle: what its lines sum up to leaves the unsettled takings of every lane, and becomes
 * commission, margin and what is to be paid, in the merchant's settlement lane. One command for each merchant and cycle,
 * so that a run that dies in the middle is simply run again: what was settled answers as it did, the rest is done.
 */
import {
  type AccountId,
  asId,
  type BookId,
  type BusinessDate,
  type Fen,
  issuerOfBook,
  type Lane,
  type MerchantId,
  refusal,
  type SettlementId,
} from '@lika/contract'
import {
  type Agreed,
  type Cut,
  clearings,
  type MarginLot,
  netOf,
  type PortionRow,
  portions,
  postingsOf,
  type Settled,
  type StatementRow,
  settle,
  settledKind,
  settleOwn,
  statementBody,
  statements,
  statementsWithMargin,
  statusOfPortions,
  sumOfNets,
  type Takings,
} from '../../modules/clearing/index.ts'
import { accountId, accountReads, type LedgerDesk } from '../../modules/ledger/index.ts'
import {
  basisPointsOf,
  type ContractTerms,
  commissionOf,
  type EndingCycle,
  splitOf,
} from '../../modules/merchants/index.ts'
import { addDays } from '../../modules/policy/index.ts'
import { type Command, type Decision, read, type View } from '../../platform/lanes/index.ts'
import { Desks } from '../payments/desks.ts'

/** A cycle whose lines were added up. */
export interface ReadyCycle extends EndingCycle {
  /** What the clearing of the merchant must say: the lines were read from there on. undefined: it has none yet. */
  readonly settledThrough: BusinessDate | undefined
  readonly fromDay: BusinessDate
  readonly fromCut: Cut
  readonly toCut: Cut
  readonly takings: Takings
  /** The net of the lines in each lane; lanes without one are left out. */
  readonly nets: Readonly<Record<string, string>>
  readonly payOn: BusinessDate
  /** Parties of the split that are the issuer's own: what falls to them is its sales. */
  readonly ownParties: ReadonlySet<MerchantId>
}

/** Some hundred in a round, which then takes less time than a round is given: each writes about fifteen rows. */
const rowsCounted = 2

/**
 * Refusals, which leave nothing: `settlement.out_of_order` where the merchant is settled up to another day than its
 * lines were read from.
 */
export function settleCommand(book: BookId, cycle: ReadyCycle): Command {
  const { merchant, terms, nets } = cycle
  const home = merchant.settlementLane
  const lanes = [...new Set([home, ...Object.keys(nets).map(Number)])]
  const guarded = [
    accountId(merchant.id, 'merchant_margin', home),
    ...terms.split.map(({ merchantId }) => accountId(merchantId, 'merchant_payable', home)),
  ]
  return {
    book,
    operation: settledKind,
    key: `${settledKind}:${merchant.id}:${cycle.cycle.to}`,
    input: { merchant: merchant.id, to: cycle.cycle.to },
    homeLane: () => home,
    weight: 'bulk',
    size: rowsCounted,
    plan: () => ({
      lanes,
      reads: [
        read(clearings, home, merchant.id),
        read(statementsWithMargin, home, merchant.id),
        ...accountReads(home, guarded),
      ],
      decide: (view, now) => {
        const clearing = view.get(clearings, merchant.id)
        if (clearing?.settledThrough !== cycle.settledThrough)
          return { ok: false, final: false, refusal: outOfOrder(clearing?.settledThrough) }
        return decide(view, cycle, clearing?.receivable ?? 0n, now)
      },
    }),
  }
}

function outOfOrder(through: BusinessDate | undefined) {
  return refusal(
    'settlement.out_of_order',
    through === undefined
      ? 'The merchant was never settled.'
      : `The merchant is settled through ${through}.`,
  )
}

function decide(view: View, cycle: ReadyCycle, receivable: Fen, now: number): Decision {
  const { merchant, terms, takings } = cycle
  const home = merchant.settlementLane
  const before = view.find(statementsWithMargin, merchant.id)
  const agreed = agreedOn(terms, takings, merchant.ownership === 'own')
  const standing = { receivable, lots: before.flatMap(lotOf) }
  const id: SettlementId = asId(view.commandId)
  const whole =
    merchant.ownership === 'own'
      ? settleOwn(takings, agreed, standing)
      : settle(takings, agreed, standing, cycle.cycle.to)
  const [settled, parts] = shared(view, cycle, id, whole)
  const statement = statementOf(view, cycle, { id, agreed, settled, parts, now })
  moveMoney(view, cycle, statement, parts)
  view.put(statements, home, statement)
  for (const part of parts) view.put(portions, home, part)
  const changed = new Map(settled.lots.map((lot) => [lot.statementId, lot.left]))
  for (const row of before) {
    const left = changed.get(row.id)
    if (left !== undefined) view.put(statements, home, { ...row, marginLeft: left })
  }
  view.put(clearings, home, {
    lane: home,
    merchantId: merchant.id,
    bookId: view.bookId,
    settledThrough: cycle.cycle.to,
    receivable: settled.receivable,
  })
  return {
    ok: true,
    value: { kind: settledKind, version: 1, body: statementBody(statement, parts) },
  }
}

/** An own merchant pays its issuer no commission and bears no share: all of it is the issuer's. */
function agreedOn(terms: ContractTerms, takings: Takings, isOwn: boolean): Agreed {
  const { taken, refunded, cancelled, bonus, voucher } = takings
  if (isOwn) return { commission: 0n, bonusShare: 0n, voucherShare: 0n, marginOf: () => 0n }
  return {
    commission: commissionOf(terms, taken - refunded - cancelled),
    bonusShare: basisPointsOf(bonus, terms.bonusShareBp),
    voucherShare: basisPointsOf(voucher, terms.voucherShareBp),
    marginOf: (due) => basisPointsOf(due, terms.margin?.rateBp ?? 0),
  }
}

function lotOf({ id, marginLeft, marginReleaseOn }: StatementRow): MarginLot[] {
  if (marginReleaseOn === null) return []
  return [{ statementId: id, left: marginLeft, releaseOn: marginReleaseOn }]
}

/** Who gets how much of what is payable: partners their portions, the issuer what falls to its own merchants. */
function shared(
  view: View,
  { terms, ownParties }: ReadyCycle,
  id: SettlementId,
  settled: Settled,
): [Settled, PortionRow[]] {
  const parts = splitOf(terms, settled.payable).filter(({ amount }) => amount > 0n)
  const isOwn = ({ merchantId }: (typeof parts)[number]) => ownParties.has(merchantId)
  const own = parts.filter(isOwn).reduce((sum, { amount }) => sum + amount, 0n)
  const portionsOfPartners = parts
    .filter((part) => !isOwn(part))
    .map(({ merchantId, amount }, line): PortionRow => {
      const state = { status: 'payable', payoutId: null } as const
      return { statementId: id, merchantId, line, bookId: view.bookId, amount, ...state }
    })
  const ownSales = settled.ownSales + own
  return [{ ...settled, ownSales, payable: settled.payable - own }, portionsOfPartners]
}

interface Made {
  readonly id: SettlementId
  readonly agreed: Agreed
  readonly settled: Settled
  readonly parts: readonly PortionRow[]
  readonly now: number
}

function statementOf(
  view: View,
  cycle: ReadyCycle,
  { id, agreed, settled, parts, now }: Made,
): StatementRow {
  const { merchant, terms, takings, fromDay, fromCut, toCut, nets } = cycle
  const home = merchant.settlementLane
  const { taken, refunded, cancelled, adjusted } = takings
  const { due, setOff, marginWithheld, marginUsed, receivableAdded, marginReleased } = settled
  const { payable, ownSales } = settled
  const lanes = [...new Set([home, ...Object.keys(nets).map(Number)])]
  return {
    id,
    bookId: view.bookId,
    merchantId: merchant.id,
    contractVersion: terms.version,
    fromDay,
    toDay: cycle.cycle.to,
    fromCut,
    toCut,
    nets,
    taken,
    refunded,
    cancelled,
    adjusted,
    commission: agreed.commission,
    bonusShare: agreed.bonusShare,
    voucherShare: agreed.voucherShare,
    due,
    setOff,
    marginWithheld,
    marginUsed,
    receivableAdded,
    marginReleased,
    payable,
    ownSales,
    marginLeft: marginWithheld,
    marginReleaseOn:
      marginWithheld > 0n && terms.margin !== undefined
        ? addDays(cycle.cycle.to, terms.margin.releaseAfterDays)
        : null,
    payOn: payable > 0n ? cycle.payOn : null,
    status: statusOfPortions(parts.map(({ status }) => status)),
    seq: view.seq(home),
    seqs: Object.fromEntries(lanes.map((lane) => [String(lane), String(view.seq(lane))])),
    createdAt: now,
  }
}

/**
 * First every other lane's net comes to the settlement lane, so that each lane balances alone; then all of it leaves the
 * unsettled takings there.
 */
function moveMoney(
  view: View,
  { merchant, nets, takings }: ReadyCycle,
  statement: StatementRow,
  parts: readonly PortionRow[],
): void {
  if (sumOfNets(nets) !== netOf(takings))
    throw new Error(`the lanes of ${merchant.id} sum up to ${sumOfNets(nets)}, not to its lines`)
  const home = merchant.settlementLane
  const desks = new Desks(view)
  const issuer = issuerOfBook(view.bookId)
  const unsettled = (lane: Lane) => accountId(merchant.id, 'merchant_unsettled', lane)
  const transit = (lane: Lane) => accountId(issuer, 'transit', lane)
  let fromElsewhere = 0n
  for (const [name, text] of Object.entries(nets)) {
    const lane = Number(name)
    if (lane === home) continue
    move(desks.in(lane), unsettled(lane), transit(lane), BigInt(text))
    fromElsewhere += BigInt(text)
  }
  move(desks.in(home), transit(home), unsettled(home), fromElsewhere)
  let left = netOf(takings)
  for (const { kind, merchantId, leaves } of postingsOf(statement, parts)) {
    const isMerchants = kind === 'merchant_margin' || kind === 'merchant_receivable'
    const owner = merchantId ?? (isMerchants ? merchant.id : issuer)
    move(desks.in(home), unsettled(home), accountId(owner, kind, home), leaves)
    left -= leaves
  }
  if (left !== 0n) throw new Error(`${left} fen of ${merchant.id} would stay behind`)
}

/** A negative amount moves the other way. */
function move(desk: LedgerDesk, debit: AccountId, credit: AccountId, amount: Fen): void {
  if (amount > 0n) desk.transfer({ debit, credit, amount })
  if (amount < 0n) desk.transfer({ debit: credit, credit: debit, amount: -amount })
}
