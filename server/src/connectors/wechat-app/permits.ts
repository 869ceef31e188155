/**
 * Makes calls wait for their turn, so that all processes together never call faster than WeChat allows: what waits in this
 * process draws permits together from the bucket in the database.
 */
import { elapsedMs } from '../../platform/clock.ts'

export interface Drawing {
  readonly granted: number
  readonly waitMs: number
}

export interface PermitsNeeds {
  /** Takes up to so many permits out of the shared bucket. */
  readonly draw: (wanted: number) => Promise<Drawing>
  readonly sleep: (ms: number) => Promise<void>
  /** A call that has waited so long is not made. */
  readonly patienceMs: number
}

/** A permit that took longer to arrive is thrown away: used late, it would fall into the next second's. */
const freshMs = 100
const mostAtOnce = 100

interface Waiting {
  readonly until: number
  readonly go: (allowed: boolean) => void
}

export class Permits {
  readonly #needs: PermitsNeeds
  readonly #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(needs: PermitsNeeds) {
    this.#needs = needs
  }

  /** False: there was no turn in time. Rejects where the database cannot be asked. */
  async take(): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    this.#waiting.push({ until: elapsedMs() + this.#needs.patienceMs, go: resolve })
    this.#running ??= this.#serve()
    this.#running.catch(reject)
    return promise
  }

  async #serve(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const asked = elapsedMs()
        const { granted, waitMs } = await this.#needs.draw(
          Math.min(this.#waiting.length, mostAtOnce),
        )
        if (elapsedMs() - asked < freshMs) this.#let(granted)
        this.#giveUp()
        if (this.#waiting.length > 0 && waitMs > 0) await this.#needs.sleep(waitMs)
      }
    } catch (error) {
      this.#waiting.length = 0
      throw error
    } finally {
      // In the same step in which nobody was seen waiting, so that whoever comes next is served.
      this.#running = undefined
    }
  }

  #let(count: number): void {
    for (const { go } of this.#waiting.splice(0, count)) go(true)
  }

  #giveUp(): void {
    const now = elapsedMs()
    while ((this.#waiting[0]?.until ?? Number.POSITIVE_INFINITY) < now)
      this.#waiting.shift()?.go(false)
  }
}
