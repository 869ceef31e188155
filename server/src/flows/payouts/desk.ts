/** The desk at which one process at a time talks to the bank of a mode: what everything at it works with. */
import { asId, type Id, type Instant, type Mode } from '@lika/contract'
import type { PayoutChannel } from '../../modules/payouts/index.ts'
import type { FlowContext } from '../context.ts'

export type PayoutContext = FlowContext

export interface PayoutLog {
  warn(details: object, sentence: string): void
  error(details: object, sentence: string): void
}

export interface PayoutDesk {
  readonly mode: Mode
  readonly context: PayoutContext
  readonly channel: PayoutChannel
  readonly log: PayoutLog
  /** By the real clock: when the bank is asked about what is done now, if it stays silent. */
  askAt(): Instant
  /** Holds the desk for a while longer. @throws when another process has it. */
  keep(): Promise<void>
}

/** The id whose reference at the bank it is; undefined: it is nobody's. */
export function idOfReference<K extends 'payout' | 'payout_batch'>(
  reference: string,
): Id<K> | undefined {
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(
    reference,
  )
  return parts === null ? undefined : asId<K>(parts.slice(1).join('-'))
}
