/** A pause that somebody else can cut short: how loops that wait for work sleep without missing a call to wake. */
export class Nap {
  #woken = false
  #ended = false
  #rise: (() => void) | undefined

  /** Ends the pause, or the next one where nobody is asleep. */
  wake(): void {
    this.#woken = true
    this.#rise?.()
  }

  /** Ends this pause and every later one. */
  end(): void {
    this.#ended = true
    this.#rise?.()
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Resolves after `ms`, or sooner when woken. `deep`: only `end` cuts it short. */
  async sleep(ms: number, deep = false): Promise<void> {
    if (this.#ended) return
    if (!deep && this.#woken) {
      this.#woken = false
      return
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, longestTimer))
      this.#rise = () => {
        if (deep && !this.#ended) return
        clearTimeout(timer)
        resolve()
      }
    })
    this.#rise = undefined
    if (!deep) this.#woken = false
  }
}

const longestTimer = 2 ** 31 - 1
