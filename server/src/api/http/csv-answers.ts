/** Answers that a spreadsheet opens: whether the caller wants one, and how it is sent, with amounts (bigint fen) in yuan. */
import { Readable } from 'node:stream'
import { formatYuan } from '@lika/contract'
import { type CsvCell, csvLines } from '../../platform/csv.ts'
import { file } from './answers.ts'

/** `format` decides; without it the Accept header. */
export function wantsCsv(format: 'json' | 'csv' | undefined, accept: string | undefined): boolean {
  if (format !== undefined) return format === 'csv'
  const accepted = accept ?? ''
  return accepted.includes('text/csv') && !accepted.includes('application/json')
}

export function csvFile(
  name: string,
  header: readonly string[],
  rows: Iterable<readonly CsvCell[]> | AsyncIterable<readonly CsvCell[]>,
) {
  const content = Readable.from(csvLines(header, rows, { bom: true, bigint: formatYuan }))
  return file('text/csv; charset=utf-8', content, {
    'content-disposition': `attachment; filename="${name}"`,
  })
}
