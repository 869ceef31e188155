/**
 * One journal entry and its digest. The digest of an entry covers the entry before it, every column of its own row and
 * every line under it, so that no cell of journal and lines can change without a verifier naming the entry.
 */
import { hash } from 'node:crypto'
import type { BookId, CommandId, Instant, Lane } from '@lika/contract'
import type { LineValue } from './types.ts'

export interface JournalRow {
  readonly lane: Lane
  readonly seq: bigint
  /** yyyymm of the command id. */
  readonly month: number
  readonly commandId: CommandId
  readonly bookId: BookId
  readonly kind: string
  readonly version: number
  readonly refused: boolean
  readonly at: Instant
  /** JSON text, kept to the byte. */
  readonly body: string
}

/** A line as it enters the digest: the name of its table, then its values. */
export type DigestLine = readonly [string, ...LineValue[]]

/** What the first entry of a lane stands on. */
export const emptyHead = Buffer.alloc(32)

/** An entry as it stands in the journal. */
export interface JournalEntry extends JournalRow {
  readonly digest: Uint8Array
}

/**
 * SHA-256 over the digest before it and three lines of JSON: the entry's columns, its body to the byte, its lines. None of
 * the three has a line break in it, so that nothing can pass from one into another.
 */
export function entryDigest(
  previous: Uint8Array,
  row: JournalRow,
  lines: readonly DigestLine[],
): Buffer {
  const { lane, seq, month, commandId, bookId, kind, version, refused, at, body } = row
  const columns = [lane, String(seq), month, commandId, bookId, kind, version, refused, at]
  const text = `${JSON.stringify(columns)}\n${body}\n${JSON.stringify(lines.map(asTexts))}`
  return Buffer.from(hash('sha256', Buffer.concat([previous, Buffer.from(text)]), 'hex'), 'hex')
}

function asTexts(line: DigestLine): (string | number | null)[] {
  return line.map((value) => (typeof value === 'bigint' ? String(value) : value))
}
