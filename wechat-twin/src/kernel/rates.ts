/** Calls a second, by real time: a bucket for each kind of call and caller that holds one second's worth. */
import type { Clock } from './clock.ts'
import type { SettingsBox } from './settings.ts'

export class Rates {
  readonly #clock: Clock
  readonly #settings: SettingsBox
  readonly #buckets = new Map<string, { tokens: number; at: number }>()

  constructor(clock: Clock, settings: SettingsBox) {
    this.#clock = clock
    this.#settings = settings
  }

  /** Takes one call of `kind` by `who`; false where there is none left. `limit` overrides the settings'. */
  take(kind: string, who: string, limit = this.#limitOf(kind)): boolean {
    const key = `${kind}|${who}`
    const now = this.#clock.real()
    const bucket = this.#buckets.get(key) ?? { tokens: limit, at: now }
    const tokens = Math.min(limit, bucket.tokens + ((now - bucket.at) * limit) / 1000)
    const allowed = tokens >= 1
    this.#buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, at: now })
    return allowed
  }

  /** True where a call of `kind` would be let through; takes none. */
  has(kind: string, who: string, limit = this.#limitOf(kind)): boolean {
    const bucket = this.#buckets.get(`${kind}|${who}`)
    if (bucket === undefined) return true
    return bucket.tokens + ((this.#clock.real() - bucket.at) * limit) / 1000 >= 1
  }

  #limitOf(kind: string): number {
    const { rates } = this.#settings.now
    return rates[kind] ?? rates['default'] ?? Number.POSITIVE_INFINITY
  }
}
