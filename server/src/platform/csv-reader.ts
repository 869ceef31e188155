/**
 * Reads CSV (RFC 4180, comma) from lines of text, one verdict for each record, with the physical
 * line on which the record starts.
 *
 * Our own forty lines instead of csv-parse: that one counts a quoted CRLF as two lines, and behind
 * a broken quote it swallows good rows up to the next quote. The tests compare the two.
 */

export type CsvItem =
  | { kind: 'record'; line: number; cells: string[] }
  /** A quote inside a plain cell, or text behind a closing quote: this one line is not readable. */
  | { kind: 'broken_quote'; line: number }
  /** Nothing is read from this line on: guessing where the text ends could invent records. */
  | { kind: 'stopped'; line: number; fault: 'quote_unclosed' | 'record_too_long' }

export const recordMaxLines = 100
export const recordMaxLength = 16 * 1024

/** All that is known of a record whose quoted cell goes on in the next line. */
interface OpenRecord {
  readonly line: number
  readonly lines: readonly string[]
  readonly cells: string[]
  readonly cell: string
}

type Scan =
  | { state: 'closed'; cells: string[] }
  | { state: 'open'; cells: string[]; cell: string }
  | { state: 'broken' }

/** Takes physical lines one by one and answers what they complete. */
export class CsvReader {
  private nextLine = 1
  private open: OpenRecord | undefined
  private isStopped = false

  /** What ends with this line: nothing, one record, or several items behind a broken quote. */
  take(text: string): CsvItem[] {
    const items: CsvItem[] = []
    const lines = [text]
    for (let line = lines.shift(); line !== undefined && !this.isStopped; line = lines.shift()) {
      const before = this.open
      const item = this.read(line)
      if (item) items.push(item)
      // A quote that was closed badly costs its own line only: what followed it is read again.
      if (item?.kind === 'broken_quote' && before) lines.unshift(...before.lines.slice(1), line)
    }
    return items
  }

  /** What is left at the end of the file: a quote that nobody closed. */
  end(): CsvItem[] {
    return this.open && !this.isStopped ? [this.stop(this.open.line, 'quote_unclosed')] : []
  }

  private read(text: string): CsvItem | undefined {
    const line = this.open?.line ?? this.nextLine
    const lines = [...(this.open?.lines ?? []), text]
    if (text.length > recordMaxLength) return this.stop(line, 'record_too_long')
    const scan = scanLine(text, this.open?.cells ?? [], this.open?.cell)
    this.open = undefined
    this.nextLine += 1
    switch (scan.state) {
      case 'closed':
        return { kind: 'record', line, cells: scan.cells }
      case 'broken':
        this.nextLine = line + 1
        return { kind: 'broken_quote', line }
      case 'open':
        this.open = { line, lines, cells: scan.cells, cell: scan.cell }
        return lines.length > recordMaxLines || scan.cell.length > recordMaxLength
          ? this.stop(line, 'quote_unclosed')
          : undefined
    }
  }

  private stop(line: number, fault: 'quote_unclosed' | 'record_too_long'): CsvItem {
    this.isStopped = true
    return { kind: 'stopped', line, fault }
  }
}

/** Reads one line behind `cells`; `cell` is the text of a quoted cell that is still open. */
function scanLine(text: string, before: readonly string[], cell: string | undefined): Scan {
  const cells = [...before]
  let quoted = cell
  for (let at = 0; ; at += 1) {
    if (quoted === undefined && text[at] === '"') {
      quoted = ''
      at += 1
    }
    if (quoted === undefined) {
      const end = indexOrEnd(text, text.indexOf(',', at))
      const plain = text.slice(at, end)
      if (plain.includes('"')) return { state: 'broken' }
      cells.push(plain)
      at = end
    } else {
      const close = closingQuote(text, at)
      quoted += text.slice(at, indexOrEnd(text, close)).replaceAll('""', '"')
      if (close < 0) return { state: 'open', cells, cell: `${quoted}\n` }
      cells.push(quoted)
      quoted = undefined
      at = close + 1
      if (at < text.length && text[at] !== ',') return { state: 'broken' }
    }
    if (at >= text.length) return { state: 'closed', cells }
  }
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2)
  return at
}

function indexOrEnd(text: string, index: number): number {
  return index < 0 ? text.length : index
}
