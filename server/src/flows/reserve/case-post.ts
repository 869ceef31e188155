/** What a resolution books: the books follow the bank, against suspense or against adjustments, and suspense is cleared. */
import {
  asId,
  formatId,
  type Instant,
  issuerOfBook,
  laneOfId,
  withKindAndLane,
} from '@lika/contract'
import { type AccountKindName, accountId, LedgerDesk } from '../../modules/ledger/index.ts'
import {
  accountsOfBook,
  type CaseRow,
  cases,
  custodyAccounts,
  custodyMovements,
} from '../../modules/reserve/index.ts'
import type { View } from '../../platform/lanes/index.ts'
import { newCase } from './case-row.ts'
import { doneBy, type ReserveCaller } from './desk.ts'

export function postResolution(
  view: View,
  now: Instant,
  row: CaseRow,
  caller: ReserveCaller,
): void {
  if (row.action === null || row.action === 'dismiss') return
  if (row.kind === 'suspense_open') {
    moveBetween(view, row, 'suspense', 'adjustment')
    return
  }
  settleMovement(view, row)
  if (row.action === 'match') return
  follow(view, now, row, caller, row.action === 'suspend' ? 'suspense' : 'adjustment')
  if (row.action === 'suspend') keepInMind(view, now, row)
}

/** The bank has shown it, or never will. */
function settleMovement(view: View, { movementId, id }: CaseRow): void {
  if (movementId === null) return
  const movement = view.get(custodyMovements, movementId)
  if (movement === undefined) throw new Error(`the movement of ${id} is not there`)
  view.put(custodyMovements, laneOfId(id), { ...movement, settled: true })
}

/**
 * The books follow the bank: what differs goes onto the custody account and against 待查款项, where it waits until
 * somebody knows what it was, or against 余额调整. Facts are not refused for what they do to the reserve: the daily position shows that.
 */
function follow(
  view: View,
  now: Instant,
  row: CaseRow,
  caller: ReserveCaller,
  against: 'suspense' | 'adjustment',
): void {
  const lane = laneOfId(row.id)
  const account = view.find(accountsOfBook, view.bookId).find((one) => one.id === row.accountId)
  if (account === undefined) throw new Error(`the account of ${row.id} is not there`)
  const { amount } = row
  moveBetween(view, row, 'custody', against)
  view.put(custodyAccounts, lane, { ...account, balance: account.balance + amount })
  view.put(custodyMovements, lane, {
    id: asId<'movement'>(view.commandId),
    bookId: view.bookId,
    accountId: account.id,
    kind: 'suspended',
    amount,
    // The bank's day, so that the account on any day compares with the bank's statement of that day.
    day: row.day,
    reference: null,
    metadata: null,
    causeId: row.id,
    settled: true,
    at: now,
    ...doneBy(caller),
  })
}

/** What the bank has more goes from the credit of the one to the debit of the other; what it has less, back. */
function moveBetween(
  view: View,
  { id, amount }: CaseRow,
  debit: AccountKindName,
  credit: AccountKindName,
): void {
  const lane = laneOfId(id)
  const own = (kind: AccountKindName) => accountId(issuerOfBook(view.bookId), kind, lane)
  new LedgerDesk(view, lane).transfer(
    amount > 0n
      ? { debit: own(debit), credit: own(credit), amount }
      : { debit: own(credit), credit: own(debit), amount: -amount },
  )
}

/** What was put into suspense stays a case until a later line of the bank, or two people, have cleared it. */
function keepInMind(
  view: View,
  now: Instant,
  { id, day, accountId: account, amount }: CaseRow,
): void {
  const lane = laneOfId(id)
  const next = asId<'case'>(withKindAndLane(view.commandId, 1, lane))
  const facts = {
    kind: 'suspense_open' as const,
    day,
    amount,
    ...(account !== null && { accountId: account }),
    subject: formatId('case', id),
  }
  view.put(cases, lane, newCase(next, view, now, facts))
}
