/** Who asks for something to be done to cards, and the forms in which what was asked goes into a claim. */
import type { BookId, IssuerId, Mode } from '@lika/contract'
import type { Json } from '../../platform/lanes/index.ts'

/** A key of an issuer, as far as cards are concerned. */
export interface CardCaller {
  readonly issuerId: IssuerId
  readonly mode: Mode
  readonly book: BookId
}

/** A caller's input as JSON, for its digest: amounts as decimal text, what is undefined left out. */
export function claimedInput(input: unknown): Json {
  if (typeof input === 'bigint') return String(input)
  if (typeof input === 'string' || typeof input === 'number' || typeof input === 'boolean')
    return input
  if (Array.isArray(input)) return input.map(claimedInput)
  if (typeof input !== 'object' || input === null) return null
  const members = Object.entries(input).filter(([, value]) => value !== undefined)
  return Object.fromEntries(members.map(([name, value]) => [name, claimedInput(value)]))
}
