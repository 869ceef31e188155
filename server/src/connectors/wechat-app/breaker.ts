/**
 * Stops calling WeChat for a while where that does no good: after several faults in a row, when a quota is used up or the
 * calls come too fast. After the pause one call is let through to see (half-open); its success closes the breaker,
 * its failure doubles the pause.
 */

export type CallOutcome = 'fine' | 'fault' | 'too_frequent' | 'quota'

export interface BreakerTuning {
  /** Faults in a row that open it. */
  readonly faults: number
  readonly faultPauseMs: number
  readonly frequencyPauseMs: number
  readonly quotaPauseMs: number
  readonly longestPauseMs: number
  /** A call that looks whether it works again, and does not come back, is given up after so long. */
  readonly probeMs: number
}

export const breakerTuning: BreakerTuning = {
  faults: 5,
  faultPauseMs: 2_000,
  frequencyPauseMs: 1_000,
  quotaPauseMs: 600_000,
  longestPauseMs: 3_600_000,
  probeMs: 30_000,
}

/** What a call that may be made gives back with its outcome. */
export interface Pass {
  readonly probe: boolean
  /** Of the breaker's openings, when the call began: what began before an opening does not close it. */
  readonly era: number
}

type State =
  | { readonly kind: 'closed'; readonly faults: number }
  | {
      readonly kind: 'open'
      readonly until: number
      readonly pauseMs: number
      readonly why: Exclude<CallOutcome, 'fine'>
      readonly probeSince: number | undefined
    }

export class Breaker {
  readonly #now: () => number
  readonly #tuning: BreakerTuning
  #state: State = { kind: 'closed', faults: 0 }
  #era = 0

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(now: () => number, tuning: BreakerTuning = breakerTuning) {
    this.#now = now
    this.#tuning = tuning
  }

  get state(): 'closed' | 'open' | 'half_open' {
    if (this.#state.kind === 'closed') return 'closed'
    return this.#now() < this.#state.until ? 'open' : 'half_open'
  }

  /** Undefined: not now. */
  enter(): Pass | undefined {
    const state = this.#state
    if (state.kind === 'closed') return { probe: false, era: this.#era }
    const now = this.#now()
    if (now < state.until) return undefined
    const { probeSince } = state
    if (probeSince !== undefined && now - probeSince < this.#tuning.probeMs) return undefined
    this.#state = { ...state, probeSince: now }
    return { probe: true, era: this.#era }
  }

  /** A call that was let in and then not made. */
  withdraw(pass: Pass): void {
    if (pass.era === this.#era && pass.probe && this.#state.kind === 'open')
      this.#state = { ...this.#state, probeSince: undefined }
  }

  leave(pass: Pass, outcome: CallOutcome): void {
    if (pass.era !== this.#era) return
    if (outcome === 'fine') this.#succeeded()
    else this.#failed(outcome)
  }

  #succeeded(): void {
    this.#state = { kind: 'closed', faults: 0 }
  }

  #failed(why: Exclude<CallOutcome, 'fine'>): void {
    const state = this.#state
    if (state.kind === 'closed' && why === 'fault' && state.faults + 1 < this.#tuning.faults) {
      this.#state = { kind: 'closed', faults: state.faults + 1 }
      return
    }
    const first = this.#firstPause(why)
    const again = state.kind === 'open' && state.why === why ? state.pauseMs * 2 : first
    const pauseMs = Math.min(Math.max(first, again), this.#tuning.longestPauseMs)
    this.#era += 1
    const until = this.#now() + pauseMs
    this.#state = { kind: 'open', until, pauseMs, why, probeSince: undefined }
  }

  #firstPause(why: Exclude<CallOutcome, 'fine'>): number {
    const { faultPauseMs, frequencyPauseMs, quotaPauseMs } = this.#tuning
    if (why === 'quota') return quotaPauseMs
    return why === 'too_frequent' ? frequencyPauseMs : faultPauseMs
  }
}
