/** How tests ask a server: by the person who has the book, and by a second one for what takes two. */
import type { Json } from './answer-check.ts'

export type Asking = {
  /** The body of an answer that is no refusal. */
  ask: (method: string, path: string, body?: unknown) => Promise<Json>
  askSecond: (method: string, path: string, body?: unknown) => Promise<Json>
}
