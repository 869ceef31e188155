/** Every kind of job with its handler; and the jobs that were promised to a caller and never asked for. */
import { dayMs } from '@lika/contract'
import { selectUnqueuedBatches } from '../../modules/batches/index.ts'
import { dropStrayUploads, selectUnqueuedImports } from '../../modules/imports/index.ts'
import { realNow } from '../../platform/clock.ts'
import type { JobHandler, Jobs } from '../../platform/jobs/index.ts'
import { jobOfBatch } from '../batch/create.ts'
import { batchJob } from '../batch/job.ts'
import type { FlowContext } from '../context.ts'
import { jobOfImport } from '../import/create.ts'
import { importJob } from '../import/job.ts'
import { reversalJob } from '../import/reversal-job.ts'
import { jobOfReversal } from '../import/reverse.ts'
import type { JobKind } from './asked.ts'
import type { JobContext } from './context.ts'

export function jobHandlers(context: JobContext): Record<JobKind, JobHandler> {
  return {
    batch: batchJob(context),
    import: importJob(context),
    import_reversal: reversalJob(context),
  }
}

/**
 * Asks for what a server that ended at that very moment did not come to ask for, and throws away uploads that nothing
 * waits for. Harmless at any time and from several servers.
 */
export async function catchUpOnJobs(
  { database: { sql } }: Pick<FlowContext, 'database'>,
  jobs: Pick<Jobs, 'enqueue'>,
): Promise<void> {
  for (const batch of await selectUnqueuedBatches(sql)) await jobs.enqueue(jobOfBatch(batch))
  for (const { id, bookId, reversalId } of await selectUnqueuedImports(sql)) {
    if (reversalId === null) await jobs.enqueue(jobOfImport({ id, bookId }))
    else await jobs.enqueue(jobOfReversal({ id: reversalId, bookId, importId: id }))
  }
  await dropStrayUploads(sql, realNow() - dayMs)
}
