/** A batch, and how it is cut into chunks that are each issued by one command. Pure. */
import type { BookId, CharterId, Fen, Instant, ProductId, Uuid } from '@lika/contract'

export interface BatchRow {
  readonly id: Uuid
  readonly bookId: BookId
  readonly productId: ProductId
  readonly productVersion: number
  /** Of one card. */
  readonly amount: Fen
  readonly count: number
  /** Whether its cards are sold at once. */
  readonly active: boolean
  readonly fundingMethod: 'cash' | 'bank_transfer' | 'card' | 'wechat' | 'none'
  /** What the buyer was shown; null: its cards are not sold yet. */
  readonly charterId: CharterId | null
  /** null: there is no print file. */
  readonly ageRecipient: string | null
  /** null: its job has not ended. */
  readonly outcome: 'succeeded' | 'failed' | null
  readonly issued: number
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly createdAt: Instant
}

/** Fixed for good: the number of a chunk, which is in its key, says which cards of the batch it issues. */
export const cardsPerChunk = 500

export function chunksOf({ count }: Pick<BatchRow, 'count'>): number {
  return Math.ceil(count / cardsPerChunk)
}

/** `chunk` counts from 0; only the last one is smaller. */
export function sizeOfChunk({ count }: Pick<BatchRow, 'count'>, chunk: number): number {
  return Math.min(cardsPerChunk, count - chunk * cardsPerChunk)
}
