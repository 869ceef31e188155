/** A step of the start: what must be in order before requests are sent here, each with a sentence on what is wrong. */
import type { ReadinessCheck } from './api/deps.ts'
import { readDeliveryFigures } from './modules/webhooks/index.ts'
import type { Database } from './platform/db.ts'
import { consumerAhead, oldestTransaction } from './platform/db-watch.ts'
import type { Jobs } from './platform/jobs/index.ts'
import type { Engine } from './platform/lanes/index.ts'

/** Ours end after ten; one that stays keeps vacuum from its work, and the tables that are updated most grow. */
const longestTransactionSeconds = 60

export function readinessChecks(
  { sql }: Database,
  engine: Pick<Engine, 'trouble'>,
  jobs: Pick<Jobs, 'trouble'>,
): readonly ReadinessCheck[] {
  return [
    {
      name: 'database',
      check: async () => {
        await sql`select`
        return undefined
      },
    },
    { name: 'lanes', check: () => sentence(engine.trouble()) },
    { name: 'transactions', check: () => openTooLong(sql) },
    { name: 'consumers', check: () => stoppedConsumer(sql) },
    { name: 'jobs', check: () => sentence(jobs.trouble()) },
  ]
}

async function openTooLong(sql: Database['sql']): Promise<string | undefined> {
  const oldest = await oldestTransaction(sql)
  if (oldest === undefined || oldest.seconds <= longestTransactionSeconds) return undefined
  const { pid, application, seconds } = oldest
  return `A transaction of "${application}" (process ${pid} of PostgreSQL) has held its snapshot for ${Math.round(seconds)} s: end it with select pg_terminate_backend(${pid}).`
}

async function stoppedConsumer(sql: Database['sql']): Promise<string | undefined> {
  const [ahead, deliveries] = await Promise.all([consumerAhead(sql), readDeliveryFigures(sql)])
  const stopped =
    ahead ??
    (deliveries.aheadIn === null ? undefined : { consumer: 'webhooks', lane: deliveries.aheadIn })
  if (stopped === undefined) return undefined
  return `The consumer ${stopped.consumer} has stopped: it took more of lane ${stopped.lane} than the journal holds, as after the restore of an older backup.`
}

function sentence(trouble: string | undefined): string | undefined {
  return trouble && `${trouble.slice(0, 1).toUpperCase()}${trouble.slice(1)}.`
}
