/** What goes to and fro between the thread that renders a statement and whoever has the database. */
import type { DocumentFormat, StatementHead, StatementPart } from './model.ts'

export interface RenderStart {
  readonly format: DocumentFormat
  readonly head: StatementHead
}

/** To the thread: the next bytes are wanted; the next part, undefined at the end. */
export type ToRenderer = { kind: 'read' } | { kind: 'part'; part: StatementPart | undefined }

/** From the thread: it needs a part; the next bytes, undefined at the end. */
export type FromRenderer =
  | { kind: 'need' }
  | { kind: 'bytes'; bytes: Uint8Array<ArrayBuffer> | undefined }
