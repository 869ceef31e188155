/** How tests ask a server: by the person who has the book, and by a second one for what takes two. */
import type { Json } from './answer-check.ts'

export type Asking = {
  /** The body of an answer that is no refusal. */
  ask: (method: string, path: string, body?: unknown) => Promise<Json>
  askSecond: (method: string, path: string, body?: unknown) => Promise<Json>
}

/** Of the same length, and wrong in its last letter: what a key or an address with a checksum must not be taken for. */
export function misspelt(text: string): string {
  return text.slice(0, -1) + (text.endsWith('q') ? 'p' : 'q')
}
