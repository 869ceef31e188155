/** A step of the start: the jobs of this process, with the threads that do their heavy work. */

import type { FlowContext } from './flows/context.ts'
import { catchUpOnJobs, jobHandlers } from './flows/jobs/all.ts'
import { endJob } from './flows/jobs/end.ts'
import { type MintRequest, mintWorker } from './modules/cards/index.ts'
import type { Database } from './platform/db.ts'
import { createJobs, type Jobs } from './platform/jobs/index.ts'
import type { Log } from './platform/log.ts'
import type { Stop } from './stops.ts'

const catchUpEveryMs = 60_000

export type JobNeeds = {
  readonly log: Log
  readonly database: Database
  readonly flows: FlowContext
}

/** They begin at once, also those that another process left behind. */
export function startJobs({ log, database, flows }: JobNeeds, onStop: (stop: Stop) => void): Jobs {
  const minting = mintWorker(flows.keyring.cardKeyMaterial())
  onStop(() => minting.close())
  const context = { ...flows, mintInBulk: (request: MintRequest) => minting.mint(request) }
  const jobs = createJobs(database, {
    handlers: jobHandlers(context),
    log,
    onFinished: (job) => endJob(context, job),
  })
  const catchUp = () => {
    catchUpOnJobs(flows, jobs).catch((error: unknown) =>
      log.warn({ err: error }, 'jobs that were promised cannot be looked for just now'),
    )
  }
  catchUp()
  const timer = setInterval(catchUp, catchUpEveryMs).unref()
  jobs.start()
  onStop(async () => {
    clearInterval(timer)
    await jobs.stop()
  })
  return jobs
}
