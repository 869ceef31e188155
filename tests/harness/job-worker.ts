/**
 * A process that works on jobs of the kind `count`: for each number up to `params.upTo` it writes a line to the table
 * `step` and, once per number, to the table `effect`. Arguments: the URL of the database, milliseconds per number.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { appRole, connect } from '../../server/src/platform/db.ts'
import { createJobs, type JobHandler } from '../../server/src/platform/jobs/index.ts'
import { openLog } from '../../server/src/platform/log.ts'

const [url = '', msPerNumber = '10'] = process.argv.slice(2)
const database = await connect(url, { applicationName: 'job-worker', role: appRole })
const { sql } = database

const count: JobHandler = async ({ job, checkpoint }) => {
  const { upTo } = job.params as { upTo: number }
  const from = job.progress === null ? 1 : (job.progress as { next: number }).next
  for (let number = from; number <= upTo; number += 1) {
    await sql`insert into step (number, process) values (${number}, ${process.pid})`
    await sql`insert into effect (number) values (${number}) on conflict do nothing`
    await sleep(Number(msPerNumber))
    await checkpoint({ next: number + 1 }, number, upTo)
  }
  return { result: { counted: upTo } }
}

const onFinished = async () => {
  await sql`insert into announcement (process) values (${process.pid})`
}

const jobs = createJobs(database, { handlers: { count }, log: openLog('silent'), onFinished })
jobs.start()
process.once('SIGTERM', () => {
  void jobs.stop().then(() => database.close())
})
