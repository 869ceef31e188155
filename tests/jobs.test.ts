import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { asId, type BookId } from '@lika/contract'
import { newId } from '../server/src/platform/ids.ts'
import {
  createJobs,
  type Job,
  type JobHandler,
  type Jobs,
  type JobsOptions,
} from '../server/src/platform/jobs/index.ts'
import type { Json } from '../server/src/platform/lanes/types.ts'
import { openLog } from '../server/src/platform/log.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'

const log = openLog('silent')
const book: BookId = asId(newId(0, 1))
let database: TestDatabase
const opened: Jobs[] = []
const workers: ChildProcess[] = []

before(async () => {
  database = await testDatabase()
  await database.owner.sql.unsafe(`
    create table lika.step (number int, process int, at timestamptz default now());
    create table lika.effect (number int primary key);
    create table lika.announcement (process int);
    grant select, insert on lika.step, lika.effect, lika.announcement to lika_app`)
})
after(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  await Promise.all(opened.map((jobs) => jobs.stop()))
  await database.drop()
})

/** Jobs of a kind that only this test has. */
function jobsOf(handler: JobHandler, more: Partial<JobsOptions> = {}) {
  const kind = `kind-${newId()}`
  const jobs = createJobs(database.app, { handlers: { [kind]: handler }, log, ...more })
  opened.push(jobs)
  const enqueue = async (params: Json = {}) => {
    const id = newId(1)
    await jobs.enqueue({ id, bookId: book, kind, params })
    return id
  }
  const again = (other: JobHandler) => {
    const second = createJobs(database.app, { handlers: { [kind]: other }, log, ...more })
    opened.push(second)
    return second
  }
  return { jobs, kind, enqueue, again }
}

async function until<T>(what: () => Promise<T | undefined | false>, seconds = 60): Promise<T> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const value = await what()
    if (value !== undefined && value !== false) return value
    assert.ok(Date.now() < deadline, `not within ${seconds} s`)
    await sleep(20)
  }
}

function finished(jobs: Jobs, id: Job['id'], seconds = 60): Promise<Job> {
  return until(async () => {
    const job = await jobs.get(book, id)
    return job !== undefined && job.finishedAt !== null && job
  }, seconds)
}

describe('a job', () => {
  test('is done at once, and its row says what came of it', async () => {
    const { jobs, enqueue } = jobsOf(async ({ job, checkpoint }) => {
      await checkpoint({ half: true }, 1, 2)
      return { result: { given: job.params } }
    })
    jobs.start()
    await sleep(200)
    const begun = Date.now()
    const id = await enqueue({ a: 1 })
    const { status, done, total, result, error } = await finished(jobs, id)
    assert.ok(Date.now() - begun < 500, 'it waited for the next poll')
    assert.deepEqual(
      { status, done, total, result, error },
      { status: 'succeeded', done: 1, total: 2, result: { given: { a: 1 } }, error: null },
    )
  })

  test('that is asked for a hundred times at once is done once', async () => {
    let runs = 0
    const { jobs, kind } = jobsOf(async () => {
      runs += 1
      return { result: null }
    })
    jobs.start()
    const id = newId(1)
    await Promise.all(
      Array.from({ length: 100 }, () => jobs.enqueue({ id, bookId: book, kind, params: {} })),
    )
    await finished(jobs, id)
    await jobs.enqueue({ id, bookId: book, kind, params: {} })
    await sleep(100)
    assert.equal(runs, 1)
  })

  test('says its first result before it has begun, and nothing to another book', async () => {
    const { jobs, kind } = jobsOf(async () => ({ result: null }))
    const id = newId(1)
    await jobs.enqueue({ id, bookId: book, kind, params: {}, total: 5, result: { batch_id: 'b' } })
    const job = await jobs.get(book, id)
    assert.deepEqual(
      { status: job?.status, total: job?.total, result: job?.result },
      { status: 'queued', total: 5, result: { batch_id: 'b' } },
    )
    assert.equal(await jobs.get(asId(newId(0, 2)), id), undefined)
  })

  test('that is refused has failed, with the sentence of the handler', async () => {
    const failed = { code: 'import.bad_file', detail: 'The file is empty.' }
    const { jobs, enqueue } = jobsOf(async () => ({ failed }))
    jobs.start()
    const job = await finished(jobs, await enqueue())
    assert.equal(job.status, 'failed')
    assert.deepEqual(job.error, failed)
  })

  test('that meets a fault goes on later from its last checkpoint', async () => {
    const starts: Json[] = []
    const { jobs, enqueue } = jobsOf(async ({ job, checkpoint }) => {
      starts.push(job.progress)
      await checkpoint({ chunk: starts.length }, starts.length)
      if (starts.length < 3) throw new Error('the network is away')
      return { result: null }
    })
    jobs.start()
    const job = await finished(jobs, await enqueue())
    assert.equal(job.status, 'succeeded')
    assert.deepEqual(starts, [null, { chunk: 1 }, { chunk: 2 }])
  })

  test('that faults ten times without coming forward has failed, and does not say why', async () => {
    let runs = 0
    const { jobs, enqueue } = jobsOf(
      async ({ checkpoint }) => {
        runs += 1
        await checkpoint({ next: 7 }, 7)
        throw new Error('password=hunter2')
      },
      { pollMs: 20 },
    )
    jobs.start()
    const id = await enqueue()
    // Nobody wants to sit through the back-off.
    const hurry = setInterval(() => {
      void database.owner.sql`update lika.job set run_after = now() where id = ${id}`.execute()
    }, 20)
    const job = await finished(jobs, id, 30)
    clearInterval(hurry)
    assert.equal(job.status, 'failed')
    assert.equal(job.error?.code, 'job.fault')
    assert.ok(!JSON.stringify(job).includes('hunter2'))
    // The first checkpoint came forward, the ones after it did not.
    assert.equal(runs, 11)
  })

  test('runs beside at most as many others as are allowed', async () => {
    let [running, most] = [0, 0]
    const { jobs, enqueue } = jobsOf(
      async () => {
        running += 1
        most = Math.max(most, running)
        await sleep(30)
        running -= 1
        return { result: null }
      },
      { concurrency: 3 },
    )
    const ids = await Promise.all(Array.from({ length: 12 }, () => enqueue()))
    jobs.start()
    for (const id of ids) await finished(jobs, id)
    assert.equal(most, 3)
  })
})

describe('the end of a job', () => {
  test('is announced again until that succeeds', async () => {
    const announced: string[] = []
    const { jobs, enqueue } = jobsOf(async () => ({ result: null }), {
      onFinished: async (job) => {
        announced.push(job.status)
        if (announced.length < 3) throw new Error('no journal')
      },
    })
    jobs.start()
    await enqueue()
    await until(async () => announced.length === 3)
    await sleep(1500)
    assert.deepEqual(announced, ['succeeded', 'succeeded', 'succeeded'])
  })

  test('is announced by another process when the first died between', async () => {
    const { kind, enqueue } = jobsOf(async () => ({ result: null }))
    const id = await enqueue()
    await database.owner.sql`
      update lika.job
      set status = 'succeeded', finished_at = now(), lease_until = now() + interval '300 milliseconds'
      where id = ${id}`
    const announced: string[] = []
    const rescuer = createJobs(database.app, {
      handlers: { [kind]: () => assert.fail('it is done already') },
      log,
      onFinished: async (job) => void announced.push(job.id),
    })
    opened.push(rescuer)
    rescuer.start()
    await until(async () => announced.length > 0)
    assert.deepEqual(announced, [id])
  })
})

describe('a process', () => {
  test('that stops lets its job end at a checkpoint; another goes on at once', async () => {
    const { jobs, enqueue, again } = jobsOf(async ({ checkpoint }) => {
      for (let number = 1; ; number += 1) {
        await sleep(10)
        await checkpoint({ number }, number)
      }
    })
    jobs.start()
    const id = await enqueue()
    await until(async () => ((await jobs.get(book, id))?.done ?? 0) > 3)
    await jobs.stop()
    const left = await jobs.get(book, id)
    const begun = Date.now()
    const other = again(async ({ job }) => ({ result: { from: job.progress } }))
    other.start()
    const { result } = await finished(other, id)
    assert.deepEqual(result, { from: left?.progress })
    assert.ok(Date.now() - begun < 1500)
  })

  test('that slept through its lease records nothing more', async () => {
    let slept = false
    let error: unknown
    const { jobs, enqueue } = jobsOf(async ({ job, checkpoint }) => {
      if (job.progress !== null) return { result: { by: 'the second' } }
      await checkpoint({ by: 'the first' }, 1)
      slept = true
      // As another process would find it after the lease has run out; once is not enough, because the sleeper's renewals
      // go on until it is taken from it.
      await until(async () => {
        await database.owner.sql`
          update lika.job
          set lease_until = now() - interval '1 second'
          where id = ${job.id}
            and attempts = 1`
        return (await jobs.get(book, job.id))?.status === 'succeeded'
      })
      await checkpoint({ by: 'the first, late' }, 2).catch((reason) => {
        error = reason
        throw reason
      })
      return { result: { by: 'the first' } }
    })
    jobs.start()
    const id = await enqueue()
    await until(async () => slept)
    await finished(jobs, id)
    await until(async () => error !== undefined)
    const job = await jobs.get(book, id)
    assert.deepEqual(job?.result, { by: 'the second' })
    assert.deepEqual(job?.progress, { by: 'the first' })
  })

  test('that is killed mid-job loses and doubles nothing; another takes over within 5 s', async () => {
    const upTo = 600
    const id = newId(1)
    const asking = createJobs(database.app, { handlers: {}, log })
    let worker = startWorker()
    await asking.enqueue({ id, bookId: book, kind: 'count', params: { upTo } })
    for (const done of [100, 250, 400]) {
      await until(async () => ((await asking.get(book, id))?.done ?? 0) > done, 30)
      const gone = once(worker, 'exit')
      const successor = startWorker()
      worker.kill('SIGKILL')
      await gone
      worker = successor
    }
    const job = await finished(asking, id, 60)
    await until(async () => (await counts()).announcements === 1)
    worker.kill('SIGTERM')
    await once(worker, 'exit')
    assert.equal(job.status, 'succeeded')
    assert.deepEqual(job.result, { counted: upTo })
    const { effects, steps, longestGapMs } = await counts()
    assert.equal(effects, upTo)
    assert.ok(steps <= upTo + 3, `${steps} steps: each kill repeats one number at most`)
    assert.ok(longestGapMs < 6500, `${longestGapMs} ms without anybody working`)
  })
})

async function counts() {
  const [row] = await database.owner.sql<
    { effects: number; steps: number; announcements: number; gap: number }[]
  >`
    select
      (select count(*)::int from lika.effect) as effects,
      (select count(*)::int from lika.step) as steps,
      (select count(*)::int from lika.announcement) as announcements,
      (
        select coalesce(max(extract(epoch from gap) * 1000), 0)::int
        from (select at - lag(at) over (order by at) as gap from lika.step) as gaps
      ) as gap`
  const { effects = 0, steps = 0, announcements = 0, gap = 0 } = row ?? {}
  return { effects, steps, announcements, longestGapMs: gap }
}

function startWorker(): ChildProcess {
  const file = fileURLToPath(new URL('./harness/job-worker.ts', import.meta.url))
  const child = spawn(process.execPath, [file, database.url, '5'], { stdio: 'inherit' })
  workers.push(child)
  return child
}

describe('the file of a job', () => {
  const bytes = Buffer.alloc(5_000_000, 'age-encryption.org/v1 ')

  async function* inParts(size = 65_536): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }

  async function read(file: AsyncIterable<Uint8Array>): Promise<Buffer> {
    const parts: Uint8Array[] = []
    for await (const part of file) parts.push(part)
    return Buffer.concat(parts)
  }

  async function piecesOf(id: string): Promise<number> {
    const [row] = await database.owner.sql<{ pieces: number }[]>`
      select count(*)::int as pieces
      from lika.job_file
      where job_id = ${id}`
    return row?.pieces ?? 0
  }

  test('is fetched once and then gone', async () => {
    const { jobs, enqueue } = jobsOf(async ({ writeFile }) => {
      await writeFile(inParts())
      return { result: null }
    })
    const id = await enqueue()
    assert.equal(codeOf(await jobs.takeFile(book, id)), 'job.not_ready')
    jobs.start()
    await finished(jobs, id)
    assert.equal(codeOf(await jobs.takeFile(asId(newId(0, 2)), id)), 'job.not_found')
    const answers = await Promise.all([jobs.takeFile(book, id), jobs.takeFile(book, id)])
    assert.deepEqual(answers.map(codeOf).toSorted(), ['job.file_already_fetched', 'ok'])
    const file = answers.find((answer) => answer.ok)
    assert.ok(file?.ok && (await read(file.value)).equals(bytes))
    assert.equal(await piecesOf(id), 0)
    assert.equal(codeOf(await jobs.takeFile(book, id)), 'job.file_already_fetched')
  })

  test('can be fetched again by a reader that did not come to its end', async () => {
    const { jobs, enqueue } = jobsOf(async ({ writeFile }) => {
      await writeFile(inParts())
      return { result: null }
    })
    jobs.start()
    const id = await enqueue()
    await finished(jobs, id)
    const first = await jobs.takeFile(book, id)
    assert.ok(first.ok)
    for await (const part of first.value) {
      assert.ok(part.length > 0)
      break
    }
    const second = await jobs.takeFile(book, id)
    assert.ok(second.ok && (await read(second.value)).equals(bytes))
  })

  test('can be fetched again two minutes after its reader died with its server', async () => {
    const { jobs, enqueue } = jobsOf(async ({ writeFile }) => {
      await writeFile(inParts())
      return { result: null }
    })
    jobs.start()
    const id = await enqueue()
    await finished(jobs, id)
    const first = await jobs.takeFile(book, id)
    assert.ok(first.ok && (await first.value.next()).done === false)
    assert.equal(codeOf(await jobs.takeFile(book, id)), 'job.file_already_fetched')
    await database.owner.sql`
      update lika.job
      set file_fetched_at = file_fetched_at - interval '2 minutes'
      where id = ${id}`
    const second = await jobs.takeFile(book, id)
    assert.ok(second.ok && (await read(second.value)).equals(bytes))
    assert.equal(codeOf(await jobs.takeFile(book, id)), 'job.file_already_fetched')
  })

  test('is the one of the attempt that succeeded, whole', async () => {
    let attempts = 0
    const { jobs, enqueue } = jobsOf(async ({ writeFile }) => {
      attempts += 1
      if (attempts === 1) {
        await writeFile(inParts(4096))
        throw new Error('killed while writing')
      }
      await writeFile(inParts())
      return { result: null }
    })
    jobs.start()
    const id = await enqueue()
    await finished(jobs, id)
    const file = await jobs.takeFile(book, id)
    assert.ok(file.ok && (await read(file.value)).equals(bytes))
  })

  test('is not there when the job made none or failed', async () => {
    const made: JobHandler = async ({ writeFile }) => {
      await writeFile(inParts())
      return { failed: { code: 'x', detail: 'y' } }
    }
    for (const handler of [made, async () => ({ result: null })] satisfies JobHandler[]) {
      const { jobs, enqueue } = jobsOf(handler)
      jobs.start()
      const id = await enqueue()
      await finished(jobs, id)
      assert.equal(codeOf(await jobs.takeFile(book, id)), 'job.file_not_found')
      assert.equal(await piecesOf(id), 0)
    }
  })
})

function codeOf(result: { ok: true } | { ok: false; refusal: { code: string } }): string {
  return result.ok ? 'ok' : result.refusal.code
}
