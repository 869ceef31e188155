/** Routes of jobs: how far one has come, and the file that it made. */
import { Readable } from 'node:stream'
import { asId, jobStates, refused } from '@lika/contract'
import { jobKinds, presentJob } from '../../flows/jobs/asked.ts'
import type { Deps } from '../deps.ts'
import { file, okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { AmountOrZero, closed, idOf, nullable, oneOf, Timestamp, Type } from '../http/schemas.ts'

const Count = Type.Integer({ minimum: 0 })

const Result = closed(
  {
    batch_id: Type.Optional(idOf('batch')),
    import_id: Type.Optional(idOf('import')),
    issued: Type.Optional(Count),
    accepted: Type.Optional(Count),
    rejected: Type.Optional(Count),
    reversed: Type.Optional(Count),
    total_amount: Type.Optional(AmountOrZero),
    file: Type.Optional(Type.Boolean()),
  },
  { description: 'What the job is about, from the first answer on; in the end what it did.' },
)

const Failure = closed({ code: Type.String(), detail: Type.String() })

export const JobBody = closed({
  id: idOf('job'),
  kind: oneOf(jobKinds),
  status: oneOf(jobStates),
  done: Count,
  total: nullable(Count),
  result: Result,
  error: nullable(Failure),
  created_at: Timestamp,
  finished_at: nullable(Timestamp),
})

export function register(app: LikaApp, { jobs }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/jobs/{id}',
      summary: 'Shows a job',
      access: 'jobs:read',
      id: 'job',
      responses: { 200: JobBody },
      refusals: ['job.not_found'],
    },
    async ({ caller, id }) => {
      const job = await jobs.get(caller.book, asId(id))
      return job === undefined ? refused(notFound('job')) : okay(presentJob(job))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/jobs/{id}/file',
      summary: 'Gives out the encrypted file of a job, once',
      access: 'jobs:read',
      id: 'job',
      responses: {},
      files: ['application/octet-stream'],
      refusals: [
        'job.not_found',
        'job.not_ready',
        'job.file_not_found',
        'job.file_already_fetched',
      ],
    },
    async ({ caller, id }) => {
      const taken = await jobs.takeFile(caller.book, asId(id))
      if (!taken.ok) return taken
      const headers = { 'content-disposition': 'attachment; filename="cards.csv.age"' }
      return file('application/octet-stream', Readable.from(taken.value), headers)
    },
  )
}
