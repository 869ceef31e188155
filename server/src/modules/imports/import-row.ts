/** An import as it is kept, and the one word that callers see of where it stands. Pure. */
import type { BookId, Fen, Instant, Lane, ProductId, Uuid } from '@lika/contract'
import type { TextEncoding } from '../../platform/text-lines.ts'

/** What came of the rows that were read so far. */
export interface ImportCounts {
  readonly rows: number
  readonly accepted: number
  readonly rejected: number
  readonly totalAmount: Fen
  readonly totalBonus: Fen
}

export const noCounts: ImportCounts = {
  rows: 0,
  accepted: 0,
  rejected: 0,
  totalAmount: 0n,
  totalBonus: 0n,
}

export interface ImportRow extends ImportCounts {
  readonly id: Uuid
  readonly bookId: BookId
  readonly productId: ProductId
  readonly productVersion: number
  readonly encoding: TextEncoding
  readonly dryRun: boolean
  readonly uploadId: Uuid
  /** The lanes that its cards go to, chunk by chunk in turn. */
  readonly lanes: readonly Lane[]
  /** null: its job has not ended. */
  readonly outcome: 'succeeded' | 'failed' | null
  /** The command and job that take it back. */
  readonly reversalId: Uuid | null
  readonly reversedAt: Instant | null
  /** Cards that were taken back. */
  readonly reversed: number
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly createdAt: Instant
}

export const importStatuses = ['running', 'succeeded', 'failed', 'reversing', 'reversed'] as const
export type ImportStatus = (typeof importStatuses)[number]

export function statusOfImport(
  row: Pick<ImportRow, 'outcome' | 'reversalId' | 'reversedAt'>,
): ImportStatus {
  if (row.reversedAt !== null) return 'reversed'
  if (row.reversalId !== null) return 'reversing'
  return row.outcome ?? 'running'
}
