/**
 * A statement as a document shows it: head, lines, totals. The lines are streamed from the journal in the order of time,
 * then of the order number, then of lane and entry, so that the bytes made of them do not depend on where the money lay.
 */
import type { Fen, MerchantId } from '@lika/contract'
import type {
  Place,
  PortionRow,
  Posting,
  StatementLine,
  StatementRow,
} from '../../modules/clearing/index.ts'

/** A merchant as documents name it. */
export interface Party {
  readonly id: MerchantId
  readonly name: string
  /** The issuer's own number for it. */
  readonly reference: string | null
}

export interface PlacedPosting extends Posting, Place {}

export interface StatementDocument {
  readonly statement: StatementRow
  readonly merchant: Party
  /** In the order of the entry. */
  readonly postings: readonly PlacedPosting[]
  /** In the order of the split. */
  readonly portions: readonly (PortionRow & { readonly payee: Party })[]
  /** Read anew each time, little at once. @throws Error where they do not sum up to the statement. */
  lines(): AsyncIterable<StatementLine>
}

/** Sums of a document's lines, as it counts them: a payment of two lines is one. */
export interface LineSums {
  readonly payments: number
  readonly refunds: number
  readonly cancellations: number
  readonly adjustments: number
  readonly net: Fen
}
