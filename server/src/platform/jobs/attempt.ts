/**
 * One attempt at one job: keeps the lease while the handler works, and records how it ended. An attempt that lost its
 * lease records nothing; the one that took over does.
 */
import { elapsedMs } from '../clock.ts'
import { randomFraction } from '../crypto/random.ts'
import type { Sql } from '../db.ts'
import type { Log } from '../log.ts'
import { deletePieces, writeFile } from './file.ts'
import type { Job, JobError, JobHandler, JobOutcome, JobRun } from './model.ts'
import {
  type Claimed,
  finishJob,
  giveBack,
  type Held,
  markAnnounced,
  renewLease,
  saveProgress,
} from './store.ts'

/** Attempts in a row that brought nothing forward, after which a job has failed. */
const mostFruitlessAttempts = 10

const firstDelayMs = 500
const longestDelayMs = 60_000

export type AttemptOptions = {
  sql: Sql
  log: Log
  leaseMs: number
  /** Aborted when the process stops. */
  stopping: AbortSignal
  handler: JobHandler
  onFinished: ((job: Job) => Promise<void>) | undefined
}

class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/** Never rejects: what goes wrong is logged, and the job taken up again by whoever sees its lease expired. */
export async function attemptJob(claimed: Claimed, options: AttemptOptions): Promise<void> {
  const { sql, log, leaseMs, stopping } = options
  const held: Held = { id: claimed.job.id, attempt: claimed.attempt }
  const lost = new AbortController()
  const renewing = keepLease(() => renewLease(sql, held, leaseMs), leaseMs, lost)
  const signal = AbortSignal.any([lost.signal, stopping])
  try {
    const finished =
      claimed.job.finishedAt === null ? await run(claimed, held, signal, options) : claimed.job
    await options.onFinished?.(finished)
    await markAnnounced(sql, held)
  } catch (error) {
    const isLost = lost.signal.aborted || error instanceof LeaseLost
    if (isLost) log.warn({ job: held.id }, 'the lease of a job was lost')
    else await postpone(claimed, held, error, options)
  } finally {
    renewing.stop()
  }
}

/** The finished job. Throws for faults, when told to stop, and when the lease was lost. */
async function run(
  claimed: Claimed,
  held: Held,
  signal: AbortSignal,
  { sql, log, leaseMs, handler }: AttemptOptions,
): Promise<Job> {
  let hasFile = false
  const attempt: JobRun = {
    job: claimed.job,
    signal,
    checkpoint: async (progress, done, total) => {
      const fruitless = await saveProgress(sql, held, { progress, done, total, leaseMs })
      if (fruitless === undefined) throw new LeaseLost()
      claimed.fruitless = fruitless
      signal.throwIfAborted()
    },
    writeFile: async (bytes) => {
      await writeFile(sql, held, bytes)
      hasFile = true
    },
  }
  const outcome = await outcomeOf(claimed, () => handler(attempt), signal, log)
  const end =
    'failed' in outcome
      ? { result: undefined, error: outcome.failed, hasFile: false }
      : { result: outcome.result, error: undefined, hasFile }
  if (!end.hasFile) await deletePieces(sql, held)
  const finished = await finishJob(sql, held, end)
  if (finished === undefined) throw new LeaseLost()
  return finished
}

/** What the handler says, or that the job has failed too often. */
async function outcomeOf(
  claimed: Claimed,
  work: () => Promise<JobOutcome>,
  signal: AbortSignal,
  log: Log,
): Promise<JobOutcome> {
  // Killed so often that nobody was left to count: it may be the job that kills.
  if (claimed.fruitless > mostFruitlessAttempts) return { failed: gaveUp }
  try {
    return await work()
  } catch (error) {
    const isFault = !signal.aborted && !(error instanceof LeaseLost)
    if (!isFault || claimed.fruitless < mostFruitlessAttempts) throw error
    log.error({ job: claimed.job.id, err: error }, 'a job has failed for good')
    return { failed: gaveUp }
  }
}

const gaveUp: JobError = {
  code: 'job.fault',
  detail: 'The job failed for a reason inside Lika; the log has it under the id of the job.',
}

async function postpone(
  claimed: Claimed,
  held: Held,
  error: unknown,
  { sql, log, stopping }: AttemptOptions,
): Promise<void> {
  const stopped = stopping.aborted
  const delayMs = stopped ? 0 : delayAfter(claimed.fruitless)
  if (!stopped) log.error({ job: held.id, delayMs, err: error }, 'a job is tried again later')
  try {
    await giveBack(sql, held, { delayMs, fruitless: !stopped })
  } catch (fault) {
    log.warn({ job: held.id, err: fault }, 'a job waits for its lease to expire')
  }
}

/** Twice as long each time, up to a minute, spread by half. */
function delayAfter(fruitless: number): number {
  const whole = Math.min(firstDelayMs * 2 ** Math.max(fruitless - 1, 0), longestDelayMs)
  return Math.round(whole * (0.5 + randomFraction() / 2))
}

/**
 * Renews four times per lease. Aborts `lost` when another process has the job, or when no renewal came through for the
 * length of a lease, so that another may have it.
 */
function keepLease(
  renew: () => Promise<boolean>,
  leaseMs: number,
  lost: AbortController,
): { stop(): void } {
  let renewedAt = elapsedMs()
  let underWay = false
  const stop = () => clearInterval(timer)
  const lose = () => {
    stop()
    lost.abort(new LeaseLost())
  }
  const attempt = async () => {
    const begun = elapsedMs()
    try {
      if (await renew()) renewedAt = begun
      else lose()
    } catch {
      if (elapsedMs() - renewedAt > leaseMs) lose()
    }
    underWay = false
  }
  const timer = setInterval(() => {
    if (underWay) {
      if (elapsedMs() - renewedAt > leaseMs) lose()
      return
    }
    underWay = true
    void attempt()
  }, leaseMs / 4)
  return { stop }
}
