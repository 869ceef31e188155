/** Turns the signals that ask a process to end into one orderly stop. */

/** Asked again, the process ends as it stands. */
export function onSignal(stop: () => Promise<unknown>): void {
  let asked = false
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(1)
      asked = true
      void stop()
    })
  }
}
