/** What every command on the reserve shares: who acts, in which lane, and how a row says who did it. */
import type { Lane, Mode } from '@lika/contract'
import type { DoneBy } from '../../modules/reserve/index.ts'
import type { CardCaller } from '../cards/caller.ts'
import type { FlowContext } from '../context.ts'

/** A key of an issuer with the person that it was made for. */
export interface ReserveCaller extends CardCaller {
  readonly keyId: string
  readonly owner: string
}

/**
 * The lane of everything that is one to a book: its custody accounts with their sum, guarantees and cases. The first of
 * the pool, for ever: lanes are added behind it and never removed.
 */
export function homeLaneOf({ engine }: Pick<FlowContext, 'engine'>, mode: Mode): Lane {
  return Math.min(...engine.lanesOf(mode))
}

export function doneBy({ keyId, owner }: DoneBy): DoneBy {
  return { keyId, owner }
}
