/** How the end of a job becomes known: what it worked on is marked, and the journal tells everybody. */
import { asId, type Instant, laneOfId, type Uuid } from '@lika/contract'
import { batches } from '../../modules/batches/index.ts'
import { countOfBatch } from '../../modules/cards/index.ts'
import {
  dropUpload,
  type ImportRow,
  imports,
  selectImportOfReversal,
} from '../../modules/imports/index.ts'
import type { Job } from '../../platform/jobs/index.ts'
import { type Command, type Read, read, type View } from '../../platform/lanes/index.ts'
import { destroySeals } from '../batch/job.ts'
import { membersOf } from '../cards/facts.ts'
import { progressOf } from '../import/job.ts'
import type { JobContext } from './context.ts'
import { insist } from './insist.ts'

/** Once or more often for each job that has ended; what it did before it does not do again. */
export async function endJob(context: JobContext, job: Job): Promise<void> {
  const last = await lastStep(context, job)
  await insist(context, endCommand(job, last))
}

/** What is marked in the round that tells of the end. */
interface LastStep {
  readonly reads: readonly Read[]
  readonly mark: (view: View, now: Instant) => void
  /** Members of the entry: ids of what the job was about. */
  readonly about: { readonly batchId?: string; readonly importId?: string }
}

const nothing: LastStep = { reads: [], mark: () => undefined, about: {} }

function lastStep(context: JobContext, job: Job): Promise<LastStep> {
  switch (job.kind) {
    case 'batch':
      return endOfBatch(context, job)
    case 'import':
      return endOfImport(context, job)
    case 'import_reversal':
      return endOfReversal(context, job)
    default:
      return Promise.resolve(nothing)
  }
}

async function endOfBatch(context: JobContext, job: Job): Promise<LastStep> {
  await destroySeals(context, job)
  const { engine, database } = context
  const lanes = engine.lanes.map(({ lane }) => lane)
  const issued = await countOfBatch(database.sql, lanes, job.id)
  const lane = laneOfId(job.id)
  return {
    reads: [read(batches, lane, job.id)],
    mark: (view) => {
      const batch = view.get(batches, job.id)
      if (batch === undefined) return
      const whole = job.status === 'succeeded'
      view.put(batches, lane, {
        ...batch,
        outcome: whole ? 'succeeded' : 'failed',
        issued: whole ? batch.count : Math.min(issued, batch.count),
      })
    },
    about: { batchId: job.id },
  }
}

/** The file is thrown away first: it holds secrets. */
async function endOfImport(context: JobContext, job: Job): Promise<LastStep> {
  const { database } = context
  const [row] = await imports.load(database.sql, laneOfId(job.id), [job.id])
  if (row !== undefined) await dropUpload(database.sql, row.uploadId)
  await insist(context, finishImport(job))
  return { ...nothing, about: { importId: job.id } }
}

function finishImport(job: Job): Command {
  const lane = laneOfId(job.id)
  const { counts } = progressOf(job)
  const outcome = job.status === 'succeeded' ? 'succeeded' : 'failed'
  return {
    book: job.bookId,
    operation: 'import.finished',
    key: `import:${job.id}`,
    input: { importId: job.id },
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(imports, lane, job.id)],
      decide: (view) => {
        const row = view.get(imports, job.id)
        if (row !== undefined) view.put(imports, lane, { ...row, ...counts, outcome })
        const body = {
          importId: job.id,
          status: outcome,
          dryRun: row?.dryRun ?? false,
          rows: counts.rows,
          accepted: counts.accepted,
          rejected: counts.rejected,
          totalAmountFen: String(counts.totalAmount),
          totalBonusFen: String(counts.totalBonus),
        }
        return { ok: true, value: { kind: 'import.finished', version: 1, body } }
      },
    }),
  }
}

async function endOfReversal(context: JobContext, job: Job): Promise<LastStep> {
  const lane = laneOfId(job.id)
  const found = await selectImportOfReversal(context.database.sql, lane, job.id)
  if (found === undefined) return nothing
  return {
    reads: [read(imports, lane, found.id)],
    mark: (view, now) => {
      const row = view.get(imports, found.id)
      if (row?.reversalId === job.id) view.put(imports, lane, afterReversal(row, job, now))
    },
    about: { importId: found.id },
  }
}

/** Cards that stood in the way may be put right, and the import be reversed then. After a fault it stays as it is. */
function afterReversal(row: ImportRow, job: Job, now: Instant): ImportRow {
  if (job.status === 'succeeded') {
    const reversed = job.result === null ? 0 : Number(membersOf(job.result)['reversed'])
    return { ...row, reversedAt: now, reversed }
  }
  return job.error?.code === 'import.not_reversible' ? { ...row, reversalId: null } : row
}

function endCommand(job: Job, { reads, mark, about }: LastStep): Command {
  const id: Uuid = asId(job.id)
  const lane = laneOfId(id)
  return {
    book: job.bookId,
    operation: 'job.ended',
    key: `job:${id}`,
    input: { jobId: id },
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads,
      decide: (view, now) => {
        mark(view, now)
        const body = {
          jobId: id,
          kind: job.kind,
          status: job.status,
          done: job.done,
          ...about,
          ...(job.error && { code: job.error.code }),
        }
        const kind = job.status === 'succeeded' ? 'job.succeeded' : 'job.failed'
        return { ok: true, value: { kind, version: 1, body } }
      },
    }),
  }
}
