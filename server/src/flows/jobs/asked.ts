/** What the commands share that ask for a job: the job has the id of its command, and shows it from the first answer on. */
import {
  formatId,
  formatInstant,
  type IdKind,
  type Instant,
  type JobState,
  type Refusal,
  refusal,
  type Uuid,
} from '@lika/contract'
import type { Job } from '../../platform/jobs/index.ts'
import type { Json, NameState } from '../../platform/lanes/index.ts'
import { type Body, membersOf } from '../cards/facts.ts'

/** The kinds of jobs, as callers see them. */
export const jobKinds = ['batch', 'import', 'import_reversal'] as const
export type JobKind = (typeof jobKinds)[number]

/** What a job has brought about; only what its kind knows. Amounts in fen, ids in their public form. */
export interface JobResult {
  readonly batch_id?: string
  readonly import_id?: string
  readonly issued?: number
  readonly accepted?: number
  readonly rejected?: number
  readonly reversed?: number
  readonly total_amount?: number
  /** Whether there is a file to fetch. */
  readonly file?: boolean
}

/** `reference.already_used` where the caller's own number belongs to something else already. */
export function referenceRefusal(name: NameState, kind: IdKind): Refusal | undefined {
  if (name === 'own') return undefined
  const detail = 'The reference belongs to another command of this issuer.'
  if (name === 'cancelled') return refusal('reference.already_used', detail)
  return refusal('reference.already_used', detail, {
    data: { existing_id: formatId(kind, name.takenBy) },
  })
}

/** The job as it is when it was asked for: built from the outcome alone, so that a repeat gets the same. */
export function presentAsked(
  id: Uuid,
  at: Instant,
  asked: { kind: JobKind; result: JobResult; total: number | null },
) {
  return {
    id: formatId('job', id),
    kind: asked.kind,
    status: queued,
    done: 0,
    total: asked.total,
    result: asked.result,
    error: null,
    created_at: formatInstant(at),
    finished_at: null,
  }
}

const queued: JobState = 'queued'

export function presentJob(job: Job) {
  return {
    id: formatId('job', job.id),
    kind: kindOf(job),
    status: job.status,
    done: job.done,
    total: job.total,
    result: resultFrom(job.result),
    error: job.error,
    created_at: formatInstant(job.createdAt),
    finished_at: job.finishedAt === null ? null : formatInstant(job.finishedAt),
  }
}

function kindOf(job: Job): JobKind {
  const found = jobKinds.find((kind) => kind === job.kind)
  if (found === undefined) throw new Error(`job ${job.id} is of no known kind`)
  return found
}

/** What a handler recorded, member by member. */
function resultFrom(json: Json): JobResult {
  const members: Body = json === null ? {} : membersOf(json)
  const text = (name: string) => {
    const value = members[name]
    return typeof value === 'string' ? { [name]: value } : {}
  }
  const count = (name: string) => {
    const value = members[name]
    return typeof value === 'number' ? { [name]: value } : {}
  }
  return {
    ...text('batch_id'),
    ...text('import_id'),
    ...count('issued'),
    ...count('accepted'),
    ...count('rejected'),
    ...count('reversed'),
    ...count('total_amount'),
    ...(members['file'] === true && { file: true }),
  }
}

/** A result as JSON; what is undefined stays out of it. */
export function resultJson(result: JobResult): Json {
  return { ...result }
}
