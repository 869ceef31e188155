/** What must hold for one journal entry and the transfers under it, by themselves and with what was before them. */
import { type AccountId, issuerOfBook, laneOfId, monthOfId } from '@lika/contract'
import type { KnownBalances } from './audit-balances.ts'
import { blame, columnToBlame, type EntryInPlace, isAsWritten } from './audit-blame.ts'
import { type HoldReplay, holdRecordsOf } from './audit-holds.ts'
import type { AuditedEntry, AuditedTransfer } from './audit-store.ts'
import { wrongEntry, wrongTransfer } from './audit-types.ts'
import { type AccountKindName, accountKinds, kindOfAccount, ownerOf } from './chart.ts'

/** Kinds through which money leaves or enters: bonus never moves to or from them. */
const moneyKinds: readonly AccountKindName[] = ['bank', 'cash', 'card_acquirer', 'wechat']

/**
 * Checks the entry and moves balances and holds on. True: entry and transfers are as they were written; false: they are
 * not, and it does not show which row was changed. @throws BookIsWrong
 */
export function checkEntry(
  place: EntryInPlace,
  balances: KnownBalances,
  holds: HoldReplay,
  summedAccounts: Iterable<string>,
  nearby: readonly AuditedTransfer[],
): boolean {
  const { entry, lines, previous } = place
  checkNumbers(place)
  const isRight = isAsWritten(previous, entry, lines)
  if (isRight) checkColumns(entry, lines)
  for (const line of lines) checkLine(place, line, balances)
  if (!isRight) {
    const found = blame(previous, entry, lines, summedAccounts, nearby)
    if (found !== undefined) throw found
  }
  replayHolds(place, isRight, holds)
  for (const id of guardedIn(lines)) {
    if (isRight) holds.assertCovered(id, balances.before(id).balance)
  }
  return isRight
}

function checkNumbers({ entry, lines, previous }: EntryInPlace): void {
  const { lane, seq } = entry
  for (const [index, { line }] of lines.entries()) {
    if (line === index) continue
    if (isAsWritten(previous, entry, lines.slice(0, index)))
      throw wrongTransfer({ lane, seq, line }, 'the entry has no such line')
    throw wrongTransfer({ lane, seq, line: index }, 'it is missing')
  }
}

/** What the digest does not cover, or covers only as it is. */
function checkColumns(entry: AuditedEntry, lines: readonly AuditedTransfer[]): void {
  const { lane, seq } = entry
  if (entry.month !== monthOfId(entry.commandId))
    throw wrongEntry(lane, seq, 'it is not the month of its command id', 'month')
  if (entry.atIsFiner)
    throw wrongEntry(lane, seq, 'it was changed by less than a millisecond', 'at')
  if (entry.refused && lines.length > 0) throw wrongEntry(lane, seq, 'a refusal moved value')
  for (const { line, month, bookId } of lines) {
    const at = { lane, seq, line }
    if (month !== entry.month) throw wrongTransfer(at, 'it is not the month of its entry', 'month')
    if (bookId !== entry.bookId)
      throw wrongTransfer(at, 'it is not the book of its entry', 'book_id')
  }
}

function checkLine(place: EntryInPlace, line: AuditedTransfer, balances: KnownBalances): void {
  const debit = checkSide(place, line, 'debit', balances)
  const credit = checkSide(place, line, 'credit', balances)
  const at = { lane: place.entry.lane, seq: place.entry.seq, line: line.line }
  const isBonusPaidOut =
    (debit === 'card_bonus' && moneyKinds.includes(credit)) ||
    (credit === 'card_bonus' && moneyKinds.includes(debit))
  if (isBonusPaidOut) throw wrongTransfer(at, 'bonus was moved to or from money')
}

function checkSide(
  place: EntryInPlace,
  line: AuditedTransfer,
  side: 'debit' | 'credit',
  balances: KnownBalances,
): AccountKindName {
  const { entry, lines, previous } = place
  const at = { lane: entry.lane, seq: entry.seq, line: line.line }
  const account = line[side]
  const column = `${side}_account`
  const name = kindOfAccount(account)
  if (name === undefined || laneOfId(account) !== entry.lane)
    throw wrongTransfer(at, 'it is not an account of this lane', column)
  const kind = accountKinds[name]
  if (kind.owner === 'issuer' && ownerOf(account) !== issuerOfBook(line.bookId))
    throw wrongTransfer(at, 'it is the account of another issuer', column)
  const member = side === 'debit' ? 'debitBalance' : 'creditBalance'
  const after = line[member]
  if (kind.guarded !== (after !== null))
    throw wrongTransfer(at, kind.guarded ? 'it is missing' : 'there is none', `${side}_balance`)
  if (after === null) return name
  const before = balances.before(account)
  const expected = before.balance + (kind.normal === side ? line.amount : -line.amount)
  if (after !== expected) {
    const why = `${before.balance} and ${line.amount} make ${expected}, not ${after}`
    const blamed = columnToBlame(previous, entry, lines, line, member, before.balance, expected)
    throw wrongTransfer(at, why, blamed, { account, after: before.seq })
  }
  balances.set(account, after, entry.seq)
  return name
}

function replayHolds({ entry, lines }: EntryInPlace, isRight: boolean, holds: HoldReplay): void {
  if (entry.refused) return
  const records = holdRecordsOf(entry)
  if (records === undefined) {
    if (!isRight) return
    throw wrongEntry(
      entry.lane,
      entry.seq,
      'its holds are not of the form in which they are written',
      'body',
    )
  }
  const captured = new Map<string, bigint>()
  for (const record of records) {
    holds.apply(entry, record)
    if (record.operation === 'capture')
      captured.set(record.accountId, (captured.get(record.accountId) ?? 0n) + record.amount)
  }
  for (const [id, amount] of captured) {
    const moved = lines.reduce((sum, line) => sum + (line.debit === id ? line.amount : 0n), 0n)
    if (moved < amount && isRight)
      throw wrongEntry(entry.lane, entry.seq, `${amount} of holds were captured, ${moved} moved`)
  }
}

export function guardedIn(lines: readonly AuditedTransfer[]): Set<AccountId> {
  const ids = new Set<AccountId>()
  for (const line of lines) {
    if (line.debitBalance !== null) ids.add(line.debit)
    if (line.creditBalance !== null) ids.add(line.credit)
  }
  return ids
}
