/** What callers are told: verdicts of rounds, and the refusals that the engine itself gives. */
import { assertNever, refusal } from '@lika/contract'
import { OutOfPatience } from './patience.ts'
import type { Verdict } from './round.ts'
import type { Executed } from './types.ts'

/** @throws the fault, or OutOfPatience where nobody knows what became of it. */
export function executedOr(verdict: Verdict | undefined): Executed {
  switch (verdict?.kind) {
    case 'executed':
      return verdict.executed
    case 'gone':
      return { status: 'refused', refusal: verdict.refusal, replayed: false }
    case 'undone':
      return rolledBack()
    case 'unclear':
      throw new OutOfPatience('nobody knows what became of the command')
    case 'fault':
      throw verdict.error
    case undefined:
      throw new Error('a command got no verdict')
    default:
      return assertNever(verdict)
  }
}

export function busy(detail: string, retryAfterSeconds = 1): Executed {
  const why = refusal('busy', detail, { retryAfterSeconds })
  return { status: 'refused', refusal: why, replayed: false }
}

/** @throws what is not a matter of patience. */
export function busyOrThrow(error: unknown): Executed {
  if (!(error instanceof OutOfPatience)) throw error
  return busy('The database does not answer; ask again with the same key.', 2)
}

export function keyReused(): Executed {
  const why = refusal(
    'idempotency.key_reused',
    'This Idempotency-Key was used with other input; a new command needs a new key.',
  )
  return { status: 'refused', refusal: why, replayed: false }
}

export function rolledBack(): Executed {
  const why = refusal('bulk.rolled_back', 'Another operation was refused, so none was carried out.')
  return { status: 'refused', refusal: why, replayed: false }
}
