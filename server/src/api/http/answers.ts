/** The few ways in which handlers answer; a refusal is answered as it is: `return refused(…)`. */
import type { Instant } from '@lika/contract'
import type { Executed } from '../../platform/lanes/index.ts'
import type { FileAnswer, RedirectAnswer, Refused } from './spec.ts'

export function okay<B>(body: B): { status: 200; body: B } {
  return { status: 200, body }
}

export function created<B>(body: B): { status: 201; body: B } {
  return { status: 201, body }
}

export function noContent(): { status: 204; body: null } {
  return { status: 204, body: null }
}

export function file(
  mediaType: string,
  content: FileAnswer['file']['content'],
  headers: Readonly<Record<string, string>> = {},
): FileAnswer {
  return { status: 200, file: { mediaType, content }, headers }
}

/** To another page; only from routes that say `redirects`. */
export function redirect(
  location: string,
  headers: NonNullable<RedirectAnswer['headers']> = {},
): RedirectAnswer {
  return { status: 302, location, headers }
}

export type Done = Extract<Executed, { status: 'done' }>

/**
 * What a command did, presented. A replay has the status and the body of the first answer, refusals too; `present`
 * must therefore look at nothing but the outcome.
 */
export function executed<S extends 200 | 201 | 202, B>(
  result: Executed,
  status: S,
  present: (outcome: Done['body'], at: Instant, done: Done) => B,
): { status: S; body: B; replayed: boolean } | Refused {
  const { replayed } = result
  if (result.status === 'refused') return { ok: false, refusal: result.refusal, replayed }
  return { status, body: present(result.body, result.at, result), replayed }
}
