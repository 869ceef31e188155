/** What goes to and fro between the thread that reads a card file and whoever has its bytes. */
import type { KeyObject } from 'node:crypto'
import type { BookId, CardId, Fen, Instant, Lane } from '@lika/contract'
import type { TextEncoding } from '../../platform/text-lines.ts'
import type { ColumnNames } from './parse.ts'
import type { RowError } from './row-errors.ts'

/** A row that became a card, its secret already a digest. */
export interface ReadCard {
  readonly line: number
  readonly id: CardId
  readonly number: string
  readonly secretDigest: Uint8Array | null
  /** Of the number, for the directory. */
  readonly numberDigest: Uint8Array
  readonly amount: Fen
  readonly bonusAmount: Fen
  readonly expiresAt: Instant | null
}

/** Some hundreds of rows; the same ones each time a file is read, but for the ids of the cards. */
export interface FileChunk {
  readonly chunk: number
  readonly lane: Lane
  readonly cards: readonly ReadCard[]
  readonly errors: readonly RowError[]
  /** Rows of the file that are in this chunk, good or bad. */
  readonly rows: number
  /** How the file calls the columns of which more may be said. */
  readonly columns: ColumnNames
  /** Nothing more can be read from this line on. */
  readonly stopped: RowError | undefined
  /** Whether a usable header was found. */
  readonly hasHeader: boolean
}

export interface ReaderStart {
  readonly book: BookId
  readonly encoding: TextEncoding
  readonly lanes: readonly Lane[]
  readonly cardSecrets: KeyObject
  readonly names: KeyObject
  /** The kind of the names in the directory. */
  readonly nameKind: number
  /** Chunks before this one are read and not told. */
  readonly from: number
}

/** To the thread: the next chunk is wanted; the bytes that it needs, undefined at the end. */
export type ToReader = { kind: 'read' } | { kind: 'bytes'; bytes: Uint8Array | undefined }

/** From the thread: it needs bytes; the next chunk, undefined at the end. */
export type FromReader = { kind: 'need' } | { kind: 'chunk'; chunk: FileChunk | undefined }
