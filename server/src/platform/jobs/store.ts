/**
 * The statements on jobs. Leases are in the database's real time. Whoever works on a job names the attempt it holds:
 * after a takeover its statements find no row.
 */
import type { BookId, Instant, JobState, Uuid } from '@lika/contract'
import type { Sql } from '../db.ts'
import { textArray } from '../db-array.ts'
import type { Json } from '../lanes/types.ts'
import type { Job, JobError, NewJob } from './model.ts'

type JobRow = {
  id: Uuid
  book_id: BookId
  kind: string
  status: JobState
  done: number
  total: number | null
  params: Json
  progress: Json
  result: Json
  error: JobError | null
  created_at: Instant
  finished_at: Instant | null
}

/** A job in the hands of one process. */
export type Claimed = { job: Job; attempt: number; fruitless: number }

/** What names a claim in every later statement. */
export type Held = { id: Uuid; attempt: number }

export async function insertJob(sql: Sql, job: NewJob): Promise<void> {
  await sql`
    insert into lika.job (id, book_id, kind, total, params, result)
    values (
      ${job.id}, ${job.bookId}, ${job.kind}, ${job.total ?? null},
      ${JSON.stringify(job.params)}::text::jsonb, ${textOf(job.result)}::text::jsonb
    )
    on conflict (id) do nothing`
}

export async function selectJob(sql: Sql, bookId: BookId, id: Uuid): Promise<Job | undefined> {
  const [row] = await sql<JobRow[]>`
    select id, book_id, kind, status, done, total, params, progress, result, error, created_at, finished_at
    from lika.job
    where id = ${id}
      and book_id = ${bookId}`
  return row && jobOf(row)
}

/** Takes up to `limit` jobs that nobody holds, those included whose end is not announced yet. */
export async function claimJobs(
  sql: Sql,
  claim: { owner: Uuid; kinds: readonly string[]; limit: number; leaseMs: number },
): Promise<Claimed[]> {
  const rows = await sql<(JobRow & { attempts: number; fruitless: number })[]>`
    with due as (
      select id
      from lika.job
      where not announced
        and run_after <= now()
        and (lease_until is null or lease_until < now())
        and kind = any(${textArray(claim.kinds)}::text[])
      order by run_after, id
      limit ${claim.limit}
      for update skip locked
    )
    update lika.job
    set
      status = case job.status when 'queued' then 'running' else job.status end,
      lease_owner = ${claim.owner},
      lease_until = now() + ${claim.leaseMs}::int * interval '1 millisecond',
      attempts = job.attempts + 1,
      fruitless = job.fruitless + 1
    from due
    where job.id = due.id
    returning
      job.id, book_id, kind, status, done, total, params, progress, result, error, created_at, finished_at,
      attempts, fruitless`
  return rows.map((row) => ({
    job: jobOf(row),
    attempt: row.attempts,
    fruitless: row.fruitless,
  }))
}

/** False: another process has taken it over. */
export async function renewLease(sql: Sql, held: Held, leaseMs: number): Promise<boolean> {
  const done = await sql`
    update lika.job
    set lease_until = now() + ${leaseMs}::int * interval '1 millisecond'
    where id = ${held.id}
      and attempts = ${held.attempt}`
  return done.count === 1
}

/**
 * Records progress and renews the lease. Answers how many attempts in a row brought nothing forward, 0 after progress
 * that is not what was recorded before; undefined: another process has taken it over.
 */
export async function saveProgress(
  sql: Sql,
  held: Held,
  at: { progress: Json; done: number; total: number | undefined; leaseMs: number },
): Promise<number | undefined> {
  const [row] = await sql<{ fruitless: number }[]>`
    update lika.job
    set
      progress = ${JSON.stringify(at.progress)}::text::jsonb,
      done = ${at.done},
      total = coalesce(${at.total ?? null}, total),
      fruitless = case
        when progress is distinct from ${JSON.stringify(at.progress)}::text::jsonb then 0
        else fruitless
      end,
      lease_until = now() + ${at.leaseMs}::int * interval '1 millisecond'
    where id = ${held.id}
      and attempts = ${held.attempt}
    returning fruitless`
  return row?.fruitless
}

/** The finished job; undefined: another process has taken it over. */
export async function finishJob(
  sql: Sql,
  held: Held,
  end: { result: Json | undefined; error: JobError | undefined; hasFile: boolean },
): Promise<Job | undefined> {
  const [row] = await sql<JobRow[]>`
    update lika.job
    set
      status = ${end.error === undefined ? 'succeeded' : 'failed'},
      result = coalesce(${textOf(end.result)}::text::jsonb, result),
      error = ${textOf(end.error)}::text::jsonb,
      finished_at = now(),
      fruitless = 0,
      file_attempt = ${end.hasFile ? held.attempt : null}
    where id = ${held.id}
      and attempts = ${held.attempt}
      and finished_at is null
    returning id, book_id, kind, status, done, total, params, progress, result, error, created_at, finished_at`
  return row && jobOf(row)
}

/** The end is known to everybody: nobody takes the job up again. */
export async function markAnnounced(sql: Sql, held: Held): Promise<void> {
  await sql`
    update lika.job
    set announced = true, lease_owner = null, lease_until = null
    where id = ${held.id}
      and attempts = ${held.attempt}`
}

/** Gives it back, to be taken up after `delayMs`. `fruitless`: whether the attempt counts as one. */
export async function giveBack(
  sql: Sql,
  held: Held,
  { delayMs, fruitless }: { delayMs: number; fruitless: boolean },
): Promise<void> {
  await sql`
    update lika.job
    set
      lease_owner = null,
      lease_until = null,
      run_after = now() + ${delayMs}::int * interval '1 millisecond',
      fruitless = case when ${fruitless} then fruitless else greatest(fruitless - 1, 0) end
    where id = ${held.id}
      and attempts = ${held.attempt}`
}

function textOf(value: Json | JobError | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

function jobOf(row: JobRow): Job {
  return {
    id: row.id,
    bookId: row.book_id,
    kind: row.kind,
    status: row.status,
    done: row.done,
    total: row.total,
    params: row.params,
    progress: row.progress,
    result: row.result,
    error: row.error,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  }
}
