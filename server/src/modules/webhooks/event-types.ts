/** The types of events that endpoints and readers can ask for. */

/** Kinds of journal entries with these nouns are public. */
export const publicNouns = [
  'card',
  'load',
  'adjustment',
  'payment',
  'hold',
  'refund',
  'batch',
  'import',
  'job',
] as const

export const eventTypes = [
  'card.issued',
  'card.activated',
  'card.frozen',
  'card.unfrozen',
  'card.reported_lost',
  'card.replaced',
  'card.closed',
  'card.redeemed',
  'card.extended',
  'card.split',
  'card.revealed',
  'card.secret_reset',
  'load.created',
  'adjustment.created',
  'payment.created',
  'payment.cancelled',
  'hold.created',
  'hold.captured',
  'hold.released',
  'hold.expired',
  'refund.created',
  'batch.requested',
  'batch.issued',
  'batch.printed',
  'import.requested',
  'import.loaded',
  'import.finished',
  'import.reversal_requested',
  'import.reversal_begun',
  'import.reversal_undone',
  'import.reversed',
  'job.succeeded',
  'job.failed',
] as const

/** What may be asked for: each type, and all types of a noun. */
export const eventFilters: readonly string[] = [
  ...eventTypes,
  ...publicNouns.map((noun) => `${noun}.*`),
]
