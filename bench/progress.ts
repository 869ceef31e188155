/** What the bench says while it runs: to stderr, so that stdout belongs to the result. */
const started = performance.now()

export function say(line: string): void {
  const seconds = Math.round((performance.now() - started) / 1000)
  process.stderr.write(`${String(seconds).padStart(4)} s  ${line}\n`)
}
