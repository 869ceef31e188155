/**
 * How a bill is written: a header, lines of values each behind a back-tick so that spreadsheets leave them alone, and a
 * summary of two lines. Amounts are in yuan.
 */

export interface BillTable {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly summaryHeader: readonly string[]
  readonly summary: readonly string[]
}

/** UTF-8 with CR LF at the end of each line, the last one included. */
export function writeBill(bill: BillTable, withMark: boolean): Buffer {
  const lines = [
    bill.header.join(','),
    ...bill.rows.map(ticked),
    bill.summaryHeader.join(','),
    ticked(bill.summary),
  ]
  return Buffer.from(`${withMark ? '\uFEFF' : ''}${lines.join('\r\n')}\r\n`, 'utf8')
}

function ticked(values: readonly string[]): string {
  return values.map((value) => `\`${plain(value)}`).join(',')
}

/** Nothing quotes a value: what would end one is taken out. */
function plain(value: string): string {
  return value.replace(/[`\r\n]+/g, ' ')
}

/** `12.34` of 1234 fen; fees stand with five decimals in trade bills. */
export function yuan(fen: number, decimals: 2 | 5 = 2): string {
  const sign = fen < 0 ? '-' : ''
  const whole = Math.trunc(Math.abs(fen) / 100)
  const rest = String(Math.abs(fen) % 100).padStart(2, '0')
  return `${sign}${whole}.${rest.padEnd(decimals, '0')}`
}

/** `0.60%` of 6,000 millionths. */
export function percent(ppm: number): string {
  return `${(ppm / 10_000).toFixed(2)}%`
}

export function sumOf<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((sum, each) => sum + of(each), 0)
}
