/** What has to be stopped at the end, in the opposite order of the start. */
import type { Log } from './platform/log.ts'

/** What it answers, a promise or not, is awaited and not looked at. */
export type Stop = () => unknown

export interface Stops {
  add(stop: Stop): void
  /** Runs every stop once, whatever becomes of the others. 0, or 1 where one failed: the exit code. */
  run(): Promise<number>
}

export function makeStops(log: Pick<Log, 'error'>): Stops {
  const stops: Stop[] = []
  return {
    add: (stop) => {
      stops.push(stop)
    },
    run: async () => {
      let code = 0
      for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) {
        try {
          await stop()
        } catch (error) {
          code = 1
          log.error({ err: error }, 'a part did not stop cleanly')
        }
      }
      return code
    },
  }
}
