/** What goes to and fro between a print file's thread and whoever has the database. */
import type { CardKeyMaterial } from '../../platform/crypto/card-keys.ts'

export interface PrintPage {
  readonly ids: readonly string[]
  readonly numbers: readonly string[]
  /** null: the seal was destroyed before the file was made; its secret is left empty. */
  readonly seals: readonly (Uint8Array | null)[]
  /** The last day on which the card pays; null: it does not expire, or not before it is activated. */
  readonly expiresOn: readonly (string | null)[]
}

export type PrintFileStart = { readonly keys: CardKeyMaterial; readonly recipient: string }

/** To the thread: the next bytes are wanted; the next page, undefined at the end. */
export type ToThread = { kind: 'read' } | { kind: 'page'; page: PrintPage | undefined }

/** From the thread: it needs a page; the next bytes, undefined at the end. */
export type FromThread =
  | { kind: 'need' }
  | { kind: 'bytes'; bytes: Uint8Array<ArrayBuffer> | undefined }
