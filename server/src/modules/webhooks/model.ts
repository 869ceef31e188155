/** What an endpoint is, how long to wait between attempts, and when an endpoint counts as failing. Pure. */
import type { BookId, Id, Instant, Lane } from '@lika/contract'
import type { JournalCursor } from '../../platform/lanes/tail-store.ts'

export type EndpointId = Id<'endpoint'>

export interface Endpoint {
  readonly id: EndpointId
  readonly bookId: BookId
  readonly url: string
  /** Types of events, or `payment.*`. */
  readonly events: readonly string[]
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
  /** Since when the lane that has failed longest has failed without a success; null: none fails. */
  readonly failingSince: Instant | null
}

/** Where an endpoint stands in a lane. */
export interface EndpointCursor extends JournalCursor {
  /** Events of the entry after it that were delivered already. */
  readonly done: number
  readonly replays: number
  readonly attempts: number
  readonly nextAttemptAt: Instant | null
}

export interface Delivery {
  readonly id: Id<'delivery'>
  readonly lane: Lane
  readonly bookId: BookId
  readonly endpointId: EndpointId
  readonly eventId: string
  readonly eventType: string
  readonly attempt: number
  readonly at: Instant
  readonly status: 'delivered' | 'failed'
  readonly responseStatus: number | null
  readonly error: string | null
  readonly nextAttemptAt: Instant | null
}

export interface BackOff {
  readonly firstMs: number
  readonly longestMs: number
}

export const standardBackOff: BackOff = { firstMs: 1_000, longestMs: 600_000 }

/** After the n-th failed attempt, doubling; `fraction` in [0, 1) spreads it over 75–125 %. */
export function pauseMs(attempts: number, fraction: number, backOff: BackOff): number {
  const pause = Math.min(backOff.firstMs * 2 ** (attempts - 1), backOff.longestMs)
  return Math.round(pause * (0.75 + fraction / 2))
}

/** Attempts go on after that, at the longest pause, for as long as the endpoint exists. */
const failingAfterMs = 3 * 86_400_000

export function endpointStatus(
  { failingSince }: Pick<Endpoint, 'failingSince'>,
  now: Instant,
): 'active' | 'failing' {
  return failingSince !== null && now - failingSince >= failingAfterMs ? 'failing' : 'active'
}

/** Deliveries are listed for that long. */
export const deliveriesKeptMs = 30 * 86_400_000
