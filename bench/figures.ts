/** Numbers out of measurements: rates, medians, percentiles. */

/** One stretch of work: what was done in how long. */
export interface Stretch {
  readonly done: number
  readonly refused: number
  readonly seconds: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

export function stretch(
  done: number,
  refused: number,
  seconds: number,
  latencies: readonly number[],
): Stretch {
  const sorted = Float64Array.from(latencies).sort()
  return {
    done,
    refused,
    seconds: rounded(seconds, 3),
    perSecond: Math.round(done / seconds),
    p50: rounded(percentile(sorted, 0.5), 2),
    p99: rounded(percentile(sorted, 0.99), 2),
  }
}

/** The value below which that share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  return rounded(percentile(Float64Array.from(values).sort(), share), 1)
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

/** null where one of the two was not measured. */
export function ratio(ours: number | null, theirs: number | null): number | null {
  return ours === null || theirs === null || theirs === 0 ? null : rounded(ours / theirs, 2)
}
