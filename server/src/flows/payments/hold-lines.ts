/**
 * The money that a hold sets aside, wherever it lies by now: a replaced card takes its holds along, so that the open
 * lines are found anew each time, and not by the cards that the hold was made on.
 */
import { asId, type CardId, type Fen, type HoldId, type Lane, laneOfId } from '@lika/contract'
import { cards } from '../../modules/cards/index.ts'
import {
  accounts,
  type HoldRow,
  holdLines,
  holdReads,
  kindOfAccount,
  leftOf,
} from '../../modules/ledger/index.ts'
import {
  cardOfAccount,
  leftOfHold,
  type PaymentHoldRow,
  paymentHolds,
} from '../../modules/payments/index.ts'
import { type Read, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { NotPrepared } from '../prepared.ts'
import type { Desks } from './desks.ts'

export interface HoldReads {
  /** The hold's own first. */
  readonly lanes: readonly Lane[]
  readonly reads: readonly Read[]
  /** The numbers of the lines that set something aside when the reads were chosen. */
  readonly open: ReadonlySet<number>
}

/** What a command on that hold reads. */
export async function readsOfHold(
  { database }: FlowContext,
  hold: Pick<PaymentHoldRow, 'id' | 'allocations'>,
): Promise<HoldReads> {
  const home = laneOfId(hold.id)
  const lanes = [...new Set([home, ...hold.allocations.map(({ cardId }) => laneOfId(cardId))])]
  const found = await Promise.all(
    lanes.map((lane) => holdLines.find(database.sql, lane, [hold.id])),
  )
  const open = found.flat().filter(({ row }) => leftOf(row) > 0n)
  const ids = [...new Set(open.map(({ row }) => row.accountId))]
  const reads = [
    read(paymentHolds, home, hold.id),
    ...lanes.flatMap((lane) => holdReads(lane, hold.id)),
    ...ids.flatMap((id) => [
      read(accounts, laneOfId(id), id),
      read(cards, laneOfId(id), cardOfAccount(id)),
    ]),
  ]
  return { lanes, reads, open: new Set(open.map(({ row }) => row.line)) }
}

/**
 * The lines that still set something aside, in the order of consumption.
 * @throws NotPrepared when the money moved to another card since the reads were chosen.
 */
export function openLines(view: View, hold: PaymentHoldRow): HoldRow[] {
  const open = view.find(holdLines, hold.id).filter((line) => leftOf(line) > 0n)
  for (const { accountId } of open) {
    if (!isKnown(() => view.get(accounts, accountId))) throw moved(hold.id)
  }
  return open.sort((one, other) => placeOf(one) - placeOf(other))
}

/**
 * Whether all of it is still there. In test mode it may not be: what was freed as expired stays free when the clock is
 * moved back before that instant.
 * @throws NotPrepared when it lies somewhere else since `open` was found.
 */
export function isWhole(
  hold: PaymentHoldRow,
  lines: readonly HoldRow[],
  open: HoldReads['open'],
): boolean {
  if (lines.reduce((left, line) => left + leftOf(line), 0n) === leftOfHold(hold)) return true
  const left = new Set(lines.map(({ line }) => line))
  if (!open.isSubsetOf(left)) throw moved(hold.id)
  return false
}

function moved(id: HoldId): NotPrepared {
  return new NotPrepared(`the lines of hold ${id}`)
}

/** Whether what is asked for was read; a view throws for what was not. */
export function isKnown(look: () => unknown): boolean {
  try {
    look()
    return true
  } catch {
    return false
  }
}

/** Lines that moved are numbered thousands behind the original ones. */
function placeOf({ line }: HoldRow): number {
  return line % 1_000
}

/** Frees what the lines still set aside. */
export function releaseLines(desks: Desks, lines: readonly HoldRow[]): Fen {
  let released = 0n
  for (const line of lines) {
    const left = leftOf(line)
    if (left === 0n) continue
    desks.in(laneOfId(line.accountId)).release(line, left)
    released += left
  }
  return released
}

export function shareOfLine({ accountId }: HoldRow): {
  cardId: CardId
  subBalance: 'principal' | 'bonus'
} {
  const subBalance = kindOfAccount(accountId) === 'card_bonus' ? 'bonus' : 'principal'
  return { cardId: asId(cardOfAccount(accountId)), subBalance }
}
