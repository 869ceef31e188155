/** One breaker per app and kind of call, one bucket of permits per app and call: what a call passes before it goes out. */
import type { WechatAppId } from '@lika/contract'
import type { Answer, AppCredentials, AppDesk } from '../../modules/wechat/index.ts'
import { elapsedMs } from '../../platform/clock.ts'
import { Breaker, type BreakerTuning, breakerTuning, type CallOutcome } from './breaker.ts'
import type { Call, Turn } from './calls.ts'
import { quotaUsedUp, tooFrequent } from './errcodes.ts'
import { Permits } from './permits.ts'

export interface GuardTuning {
  /** Together never more than this in a second, of one call of one app, from all processes. */
  readonly burst: number
  readonly perSecond: number
  readonly patienceMs: number
  readonly breaker: BreakerTuning
}

/**
 * Fifty in a second is what WeChat is said to take of `/card/create` (not confirmed by any source). A permit may be a
 * tenth of a second old when it is used: 5 + 36 × 1.1 leaves some room for what the way there pushes together.
 */
export const guardTuning: GuardTuning = {
  burst: 5,
  perSecond: 36,
  patienceMs: 5_000,
  breaker: breakerTuning,
}

export interface GuardNeeds {
  readonly desk: AppDesk
  readonly sleep: (ms: number) => Promise<void>
  readonly authorised: <T>(app: AppCredentials, call: Call<T>, turn: Turn) => Promise<Answer<T>>
  readonly tuning?: GuardTuning
}

export function makeGuard({ desk, sleep, authorised, tuning = guardTuning }: GuardNeeds) {
  const { burst, perSecond, patienceMs, breaker: ofBreaker } = tuning
  const breakers = new Map<string, Breaker>()
  const queues = new Map<string, Permits>()

  function breakerOf(app: WechatAppId, path: string): Breaker {
    const key = `${app} ${path}`
    const found = breakers.get(key) ?? new Breaker(elapsedMs, ofBreaker)
    breakers.set(key, found)
    return found
  }

  function permitsOf(app: WechatAppId, path: string): Permits {
    const key = `${app} ${path}`
    const draw = (wanted: number) => desk.draw(app, path, wanted, { burst, perSecond })
    const found = queues.get(key) ?? new Permits({ draw, sleep, patienceMs })
    queues.set(key, found)
    return found
  }

  /**
   * `refused` with `breaker_open`: WeChat does not take such calls just now; with `rate_limited`: there was no turn in
   * time. Both: the call was not made.
   */
  return async function guarded<T>(app: AppCredentials, call: Call<T>): Promise<Answer<T>> {
    const breaker = breakerOf(app.app, call.path)
    const pass = breaker.enter()
    if (pass === undefined) return { status: 'refused', code: 'breaker_open', detail: restingWords }
    const permits = permitsOf(app.app, call.path)
    let answer: Answer<T> | undefined
    try {
      answer = await authorised(app, call, () => permits.take())
      return answer
    } finally {
      const outcome = outcomeOf(answer)
      if (outcome === undefined) breaker.withdraw(pass)
      else breaker.leave(pass, outcome)
    }
  }
}

const restingWords = 'WeChat does not take such calls just now; they are tried again by and by'

/** Undefined: the call was not made, and tells nothing. */
function outcomeOf(answer: Answer<unknown> | undefined): CallOutcome | undefined {
  if (answer === undefined) return undefined
  if (answer.status === 'unknown') return 'fault'
  if (answer.status === 'done') return 'fine'
  if (answer.code === 'rate_limited') return undefined
  if (answer.code === String(quotaUsedUp)) return 'quota'
  return answer.code === String(tooFrequent) ? 'too_frequent' : 'fine'
}
