/** What the bank knows: every order it took, what became of each row, and what it has not said yet. One JSON file. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { AnswerRow, OrderRow } from './file-format.ts'

export interface BookedRow extends OrderRow {
  readonly state: 'SUCCESS' | 'FAILED' | 'RETURNED'
  /** Of the payment; empty where none was made. */
  readonly serial: string
  readonly reason: string
  /** The bank knows, and says "processing" when asked, until it delivers. */
  readonly isSecret: boolean
}

export interface Books {
  /** By the batch's number. */
  orders: Record<string, BookedRow[]>
  /** Answer files that wait until the bank is told to deliver. */
  withheld: AnswerRow[][]
  /** Batches and references that came a second time, and were refused. */
  duplicates: string[]
  /** Orders that were swallowed without a trace. */
  swallowed: string[]
  payments: number
  files: number
}

const empty: Books = {
  orders: {},
  withheld: [],
  duplicates: [],
  swallowed: [],
  payments: 0,
  files: 0,
}

export function openBooks(file: string): Books {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : structuredClone(empty)
}

/** Whole or not at all. */
export function saveBooks(file: string, books: Books): void {
  writeFileSync(`${file}.part`, JSON.stringify(books, undefined, 1))
  renameSync(`${file}.part`, file)
}
