/**
 * Quotas by fixed windows of real time: so many calls a minute, a day, a month. The long ones are kept in the log, since a
 * day's quota does not come back because the process was started again.
 */
import type { Store, Table } from '../kernel/store.ts'

type Window = { began: number; count: number }

export const minute = 60
export const day = 86_400
export const month = 30 * day

export class Windows {
  readonly #long: Table<Window>
  readonly #short = new Map<string, Window>()
  readonly #seconds: () => number

  /** `seconds`: real time. */
  constructor(store: Store, seconds: () => number) {
    this.#long = store.table('quota_windows')
    this.#seconds = seconds
  }

  /** Counts one call of `who`; false, and not counted, where the window has had `limit`. -1 is no limit. */
  take(name: string, who: string, length: number, limit: number): boolean {
    if (limit < 0) return true
    const key = `${who}|${name}`
    const began = Math.floor(this.#seconds() / length) * length
    const kept = length >= day ? this.#long.get(key) : this.#short.get(key)
    const count = kept?.began === began ? kept.count : 0
    if (count >= limit) return false
    const next = { began, count: count + 1 }
    if (length >= day) this.#long.set(key, next)
    else this.#short.set(key, next)
    return true
  }

  /** What `who` has used up counts from nothing again; its own count of doing so stays. */
  clear(who: string, but: string): void {
    for (const [key] of this.#long.entries())
      if (key.startsWith(`${who}|`) && key !== `${who}|${but}`) this.#long.delete(key)
    for (const key of this.#short.keys()) if (key.startsWith(`${who}|`)) this.#short.delete(key)
  }
}
