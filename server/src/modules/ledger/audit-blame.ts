/**
 * When an entry and its transfers do not have the digest that stands in the journal: which of the rows was changed?
 * The digest cannot be turned round, but it tells whether a guess is right. What a row has in common with others is
 * put in place of what it says; if the digest comes out, that cell was changed.
 */
import { type AccountId, issuerOfBook, monthOfId, withKindAndLane } from '@lika/contract'
import { type DigestLine, entryDigest } from '../../platform/lanes/index.ts'
import type { AuditedEntry, AuditedTransfer } from './audit-store.ts'
import { BookIsWrong, rowOf, wrongTransfer } from './audit-types.ts'
import { accountKindNames, accountKinds, kindOfAccount } from './chart.ts'

export interface EntryInPlace {
  readonly entry: AuditedEntry
  readonly lines: readonly AuditedTransfer[]
  /** The digest of the entry before it. */
  readonly previous: Uint8Array
}

const changed = 'it was changed: the digest of its entry says otherwise'

/** Whether entry and transfers are as they were written. */
export function isAsWritten(
  previous: Uint8Array,
  entry: AuditedEntry,
  lines: readonly AuditedTransfer[],
): boolean {
  return Buffer.compare(entryDigest(previous, entry, lines.map(digestLine)), entry.digest) === 0
}

function digestLine(line: AuditedTransfer): DigestLine {
  return ['transfer', line.debit, line.credit, line.amount, line.debitBalance, line.creditBalance]
}

/** The row to blame, where a guess is right. undefined: nothing that the auditor can guess. */
export function blame(
  previous: Uint8Array,
  entry: AuditedEntry,
  lines: readonly AuditedTransfer[],
  summedAccounts: Iterable<string>,
  nearby: readonly AuditedTransfer[],
): BookIsWrong | undefined {
  const { lane, seq } = entry
  for (const [column, guess] of guessesOfEntry(entry, lines)) {
    if (isAsWritten(previous, guess, lines))
      return new BookIsWrong(
        rowOf('journal', lane, `seq = ${seq}`, changed, column),
        undefined,
        true,
      )
  }
  const last = lines.at(-1)
  if (last !== undefined && isAsWritten(previous, entry, lines.slice(0, -1)))
    return wrongLine(entry, last, 'the entry has no such line')
  const accounts = [...summedAccounts, ...accountsNamedIn(entry)]
  for (const [index, line] of lines.entries()) {
    for (const [column, guess] of guessesOfLine(line, accounts, entry.body)) {
      if (isAsWritten(previous, entry, lines.with(index, guess)))
        return wrongLine(entry, line, changed, column)
    }
    for (const guess of nearby) {
      if (isAsWritten(previous, entry, lines.with(index, guess)))
        return wrongLine(entry, line, `it has changed places with that of the entry ${guess.seq}`)
    }
  }
  return undefined
}

/** The column of a transfer that was changed, when its balance does not follow from the one before. */
export function columnToBlame(
  previous: Uint8Array,
  entry: AuditedEntry,
  lines: readonly AuditedTransfer[],
  line: AuditedTransfer,
  side: 'debitBalance' | 'creditBalance',
  before: bigint,
  after: bigint,
): string | undefined {
  const stored = line[side] ?? 0n
  const moved = stored > before ? stored - before : before - stored
  const guesses: [string, AuditedTransfer][] = [
    [side === 'debitBalance' ? 'debit_balance' : 'credit_balance', { ...line, [side]: after }],
    ['amount', { ...line, amount: moved }],
  ]
  const index = lines.indexOf(line)
  const right = guesses.find(([, guess]) => isAsWritten(previous, entry, lines.with(index, guess)))
  return right?.[0] ?? (side === 'debitBalance' ? 'debit_account' : 'credit_account')
}

/**
 * The transfer of the entry that was changed or is gone, when the balance of this guarded account breaks across the
 * entry: it moved there, and no longer does.
 */
export function lineToBlame(
  { entry, lines, previous }: EntryInPlace,
  account: AccountId,
): BookIsWrong {
  for (const [index, line] of lines.entries()) {
    for (const side of ['debit', 'credit'] as const) {
      if (isAsWritten(previous, entry, lines.with(index, { ...line, [side]: account })))
        return wrongLine(entry, line, changed, `${side}_account`)
    }
  }
  return wrongTransfer({ lane: entry.lane, seq: entry.seq, line: lines.length }, 'it is missing')
}

function wrongLine(
  { lane, seq }: AuditedEntry,
  { line }: AuditedTransfer,
  why: string,
  column?: string,
): BookIsWrong {
  const row = rowOf('transfer', lane, `seq = ${seq} and line = ${line}`, why, column)
  return new BookIsWrong(row, undefined, true)
}

function* guessesOfEntry(
  entry: AuditedEntry,
  lines: readonly AuditedTransfer[],
): Generator<[string, AuditedEntry]> {
  yield ['month', { ...entry, month: monthOfId(entry.commandId) }]
  yield ['refused', { ...entry, refused: !entry.refused }]
  yield ['version', { ...entry, version: 1 }]
  for (const bookId of new Set(lines.map((line) => line.bookId)))
    yield ['book_id', { ...entry, bookId }]
}

function* guessesOfLine(
  line: AuditedTransfer,
  accounts: readonly string[],
  body: string,
): Generator<[string, AuditedTransfer]> {
  for (const [side, column] of [
    ['debit', 'debit_account'],
    ['credit', 'credit_account'],
  ] as const) {
    const kind = kindOfAccount(line[side])
    if (kind !== undefined && accountKinds[kind].guarded) continue
    for (const account of accounts) yield [column, { ...line, [side]: account }]
  }
  if (line.debitBalance === null && line.creditBalance === null)
    for (const [digits] of body.matchAll(/\d{1,19}/g))
      yield ['amount', { ...line, amount: BigInt(digits) }]
}

/** Every summed account that the entry may have moved: the issuer's own, and those of everybody named in its body. */
function* accountsNamedIn(entry: AuditedEntry): Generator<string> {
  const ids = entry.body.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? []
  for (const name of accountKindNames()) {
    const { guarded, number, owner } = accountKinds[name]
    if (guarded) continue
    const owners = owner === 'issuer' ? [issuerOfBook(entry.bookId)] : ids
    for (const id of owners) yield withKindAndLane(id, number, entry.lane)
  }
}
