/**
 * Resumable jobs in PostgreSQL: asked for once, worked on by whichever process is free, taken up by another within
 * seconds when that process dies. The row is also what callers see of the job.
 */
import type { BookId, Result, Uuid } from '@lika/contract'
import { elapsedMs } from '../clock.ts'
import type { Database } from '../db.ts'
import { newId } from '../ids.ts'
import type { Log } from '../log.ts'
import { Nap } from '../nap.ts'
import { attemptJob } from './attempt.ts'
import { takeFile } from './file.ts'
import type { Job, JobHandler, NewJob } from './model.ts'
import { claimJobs, insertJob, selectJob } from './store.ts'

export type { Job, JobHandler, JobRun, NewJob } from './model.ts'
export { countJobs } from './watch.ts'

export type JobsOptions = {
  /** Kinds without a handler are left to other processes. */
  handlers: Readonly<Record<string, JobHandler>>
  log: Log
  /**
   * Makes the end of a job known. Called at least once for each finished job, again after a crash or when it threw: it
   * must be idempotent.
   */
  onFinished?: (job: Job) => Promise<void>
  /** Jobs at one time in this process. */
  concurrency?: number
  leaseMs?: number
  pollMs?: number
}

export type Jobs = {
  /** Makes the job unless there is one of that id, and wakes this process. */
  enqueue(job: NewJob): Promise<void>
  get(bookId: BookId, id: Uuid): Promise<Job | undefined>
  /**
   * The bytes of its file, once. Refusals: `job.not_found`, `job.not_ready`, `job.file_not_found`,
   * `job.file_already_fetched`.
   */
  takeFile(bookId: BookId, id: Uuid): Promise<Result<AsyncIterableIterator<Uint8Array>>>
  /** Begins to work; without it this process only asks for jobs. */
  start(): void
  /** What keeps this process from taking up jobs; undefined: nothing. */
  trouble(): string | undefined
  /** Takes no more, lets each job end at its next checkpoint and gives it back; waits ten seconds at most. */
  stop(): Promise<void>
}

const stopWithinMs = 10_000
/** Much longer than a pause between two looks and the longest statement. */
const silentForMs = 30_000

export function createJobs(database: Pick<Database, 'sql'>, options: JobsOptions): Jobs {
  const { sql } = database
  const { handlers, log, concurrency = 2, leaseMs = 4_000, pollMs = 1_000 } = options
  const owner = newId()
  const nap = new Nap()
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  let loop: Promise<void> | undefined
  let lookedAt: number | undefined

  /** Takes what there is to take; true when there may be more. */
  async function takeSome(): Promise<boolean> {
    const limit = concurrency - running.size
    if (limit === 0) return false
    const claim = { owner, kinds: Object.keys(handlers), limit, leaseMs }
    const claimed = await claimJobs(sql, claim)
    for (const one of claimed) {
      const handler = handlers[one.job.kind]
      if (handler === undefined) continue
      const { onFinished } = options
      const work = attemptJob(one, {
        sql,
        log,
        leaseMs,
        stopping: stopping.signal,
        handler,
        onFinished,
      }).finally(() => {
        running.delete(work)
        nap.wake()
      })
      running.add(work)
    }
    return claimed.length === limit
  }

  async function work(): Promise<void> {
    while (!nap.ended) {
      try {
        const isMore = await takeSome()
        lookedAt = elapsedMs()
        if (isMore) continue
      } catch (error) {
        log.warn({ err: error }, 'jobs cannot be read just now')
      }
      await nap.sleep(pollMs)
    }
  }

  return {
    enqueue: async (job) => {
      await insertJob(sql, job)
      nap.wake()
    },
    get: (bookId, id) => selectJob(sql, bookId, id),
    takeFile: (bookId, id) => takeFile(sql, bookId, id),
    start: () => {
      lookedAt = elapsedMs()
      loop ??= work()
    },
    trouble: () => {
      if (lookedAt === undefined || nap.ended) return 'no jobs are taken up here'
      const silentMs = elapsedMs() - lookedAt
      if (silentMs < silentForMs) return undefined
      return `no job could be looked for since ${Math.round(silentMs / 1000)} s`
    },
    stop: async () => {
      nap.end()
      stopping.abort(new Error('the process stops'))
      await loop
      const patience = new Promise<void>((resolve) => {
        setTimeout(resolve, stopWithinMs).unref()
      })
      await Promise.race([Promise.all(running), patience])
    },
  }
}
