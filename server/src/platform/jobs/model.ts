/** The words of jobs: work that outlives a request and a process, and can be taken up where it was left. */
import type { BookId, Instant, JobState, Uuid } from '@lika/contract'
import type { Json } from '../lanes/types.ts'

/** A safe sentence for the caller, with a stable code. */
export type JobError = { readonly code: string; readonly detail: string }

/** None of its JSON ever holds a card secret, a name or a phone number: callers read some of it, operators all. */
export type Job = {
  readonly id: Uuid
  readonly bookId: BookId
  readonly kind: string
  readonly status: JobState
  readonly done: number
  /** null: not known yet. */
  readonly total: number | null
  readonly params: Json
  /** Where to resume; null at the beginning. */
  readonly progress: Json
  readonly result: Json
  readonly error: JobError | null
  readonly createdAt: Instant
  readonly finishedAt: Instant | null
}

export type NewJob = {
  /** Of the command that asks for the job: asking twice makes one job. */
  readonly id: Uuid
  readonly bookId: BookId
  readonly kind: string
  readonly params: Json
  readonly total?: number
  /** What the result says from the first answer on, such as the id of a batch. */
  readonly result?: Json
}

/** What a handler is given. */
export type JobRun = {
  /** As it was when this attempt began. */
  readonly job: Job
  /**
   * Records the point to resume from; `done` and `total` are what callers see. Throws when this attempt has to end:
   * the process stops, or another has taken the job over. Let it through.
   */
  readonly checkpoint: (progress: Json, done: number, total?: number) => Promise<void>
  /** Keeps the bytes as the job's file; called again, or by a later attempt, it starts anew. */
  readonly writeFile: (bytes: AsyncIterable<Uint8Array>) => Promise<void>
  /** Aborted when this attempt has to end. */
  readonly signal: AbortSignal
}

export type JobOutcome = { readonly result: Json } | { readonly failed: JobError }

/**
 * Does the job from `job.progress` on. A later attempt may repeat everything since the last checkpoint, also while
 * this one still runs: what it does must be idempotent. What it throws is a fault, and is tried again later.
 */
export type JobHandler = (run: JobRun) => Promise<JobOutcome>
