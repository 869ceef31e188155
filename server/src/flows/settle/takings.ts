/**
 * Reads what the merchants whose cycles end on a day took since they were settled last: one pass over the transfers of
 * each lane, however many merchants there are and wherever each begins.
 */
import {
  asId,
  type BookId,
  type BusinessDate,
  type Lane,
  type MerchantId,
  modeOfBook,
} from '@lika/contract'
import {
  type Cut,
  cutOf,
  loadClearings,
  netOf,
  noTakings,
  type Sums,
  seqIn,
  sumsOfLane,
  type Takings,
} from '../../modules/clearing/index.ts'
import { accountId, firstDaysOf, ownerOf, readCuts } from '../../modules/ledger/index.ts'
import type { EndingCycle } from '../../modules/merchants/index.ts'
import { addDays } from '../../modules/policy/index.ts'
import type { Sql } from '../../platform/db.ts'
import type { FlowContext } from '../context.ts'

/** Where a merchant's lines begin. */
interface Beginning {
  readonly ending: EndingCycle
  readonly settledThrough: BusinessDate | undefined
  /** The day before the first line can be. */
  readonly after: BusinessDate
  readonly fromDay: BusinessDate
}

export interface CycleTakings extends Omit<Beginning, 'after'> {
  readonly fromCut: Cut
  readonly toCut: Cut
  readonly takings: Takings
  /** By lane; lanes without a net are left out. */
  readonly nets: Readonly<Record<string, string>>
  /** False: nothing happened, not even what took itself back. */
  readonly hasLines: boolean
}

type Context = Pick<FlowContext, 'database' | 'engine'>

/**
 * In the order of `endings`; without those that are settled through `day` already, and those on whose takings nothing
 * has ever moved.
 */
export async function readTakings(
  { database: { sql }, engine }: Context,
  book: BookId,
  day: BusinessDate,
  endings: readonly EndingCycle[],
): Promise<CycleTakings[]> {
  const lanes = engine.lanesOf(modeOfBook(book))
  const [beginnings, toSeqs] = await Promise.all([
    beginningsOf(sql, lanes, day, endings),
    readCuts(sql, lanes, day),
  ])
  const cuts = new Map<BusinessDate, Cut>()
  for (const { after } of beginnings) {
    if (!cuts.has(after)) cuts.set(after, cutOf(await readCuts(sql, lanes, after)))
  }
  const bySource = beginnings.some(({ ending: { terms, merchant } }) => {
    const bears = terms.bonusShareBp > 0 || terms.voucherShareBp > 0
    return bears && merchant.ownership === 'partner'
  })
  const sumsIn = (lane: Lane) => {
    const starts = beginnings.map(({ ending, after: afterDay }) => {
      const after = seqIn(cuts.get(afterDay) ?? {}, lane)
      return { merchantId: ending.merchant.id, after, afterDay }
    })
    return sumsOfLane(sql, lane, starts, { until: toSeqs.get(lane) ?? 0n, day }, bySource)
  }
  const byLane = new Map<Lane, Sums>()
  for (let at = 0; at < lanes.length; at += lanesAtOnce) {
    const some = lanes.slice(at, at + lanesAtOnce)
    const sums = await Promise.all(some.map(sumsIn))
    for (const [index, lane] of some.entries()) byLane.set(lane, sums[index] ?? new Map())
  }
  const toCut = cutOf(toSeqs)
  return beginnings.map(({ after, ...beginning }) => ({
    ...beginning,
    fromCut: cuts.get(after) ?? {},
    toCut,
    ...together(byLane, beginning.ending.merchant.id),
  }))
}

async function beginningsOf(
  sql: Sql,
  lanes: readonly Lane[],
  day: BusinessDate,
  endings: readonly EndingCycle[],
): Promise<Beginning[]> {
  const byLane = Map.groupBy(endings, ({ merchant }) => merchant.settlementLane)
  const rows = await Promise.all(
    [...byLane].map(([lane, some]) => {
      const ids = some.map(({ merchant }) => merchant.id)
      return loadClearings(sql, lane, ids)
    }),
  )
  const through = new Map(rows.flat().map((row) => [row.merchantId, row.settledThrough]))
  const fresh = endings.flatMap(({ merchant }) => (through.has(merchant.id) ? [] : [merchant.id]))
  const first = await firstDays(sql, lanes, fresh)
  return endings.flatMap((ending): Beginning[] => {
    const { merchant, cycle } = ending
    const settledThrough = through.get(merchant.id)
    if (settledThrough !== undefined) {
      if (settledThrough >= day) return []
      const fromDay = addDays(settledThrough, 1)
      return [{ ending, settledThrough, after: settledThrough, fromDay }]
    }
    const began = first.get(merchant.id)
    if (began === undefined || began > day) return []
    const fromDay = began < cycle.from ? began : cycle.from
    return [{ ending, settledThrough, after: addDays(began, -1), fromDay }]
  })
}

const accountsAtOnce = 5_000
/** Their statements run side by side; payments need the other connections. */
const lanesAtOnce = 2

/** The first day on which each merchant's unsettled takings moved in any lane. */
async function firstDays(sql: Sql, lanes: readonly Lane[], ids: readonly MerchantId[]) {
  const first = new Map<MerchantId, BusinessDate>()
  for (let at = 0; at < ids.length; at += accountsAtOnce) {
    const some = ids.slice(at, at + accountsAtOnce)
    const found = await Promise.all(
      lanes.map((lane) => {
        const accounts = some.map((id) => accountId(id, 'merchant_unsettled', lane))
        return firstDaysOf(sql, lane, accounts)
      }),
    )
    for (const { accountId: id, day } of found.flat()) {
      const merchantId: MerchantId = asId(ownerOf(id))
      const known = first.get(merchantId)
      if (known === undefined || day < known) first.set(merchantId, day)
    }
  }
  return first
}

function together(byLane: ReadonlyMap<Lane, Sums>, id: MerchantId) {
  let takings = noTakings
  let hasLines = false
  const nets: Record<string, string> = {}
  for (const [lane, sums] of byLane) {
    const some = sums.get(id)
    if (some === undefined) continue
    hasLines = true
    takings = {
      taken: takings.taken + some.taken,
      refunded: takings.refunded + some.refunded,
      cancelled: takings.cancelled + some.cancelled,
      adjusted: takings.adjusted + some.adjusted,
      bonus: takings.bonus + some.bonus,
      voucher: takings.voucher + some.voucher,
    }
    const net = netOf(some)
    if (net !== 0n) nets[String(lane)] = String(net)
  }
  return { takings, nets, hasLines }
}
