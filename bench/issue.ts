/**
 * Issuing cards by the product's own batch job (numbers, secrets, seals, money, journal), against COPY of the very rows
 * that it made into empty tables with the same indexes and checks: in one session, and with a session for each table.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createBatch, jobOfBatch } from '../server/src/flows/batch/create.ts'
import { copyIn, copyOut } from './copy.ts'
import type { Installation } from './installation.ts'
import type { World } from './world.ts'

export interface Issued {
  readonly cards: number
  readonly perSecond: number
  readonly copyPerSecond: number
  /** All tables at once. */
  readonly parallelCopyPerSecond: number
}

/** Where the rows of a batch lie, and which of them are its own. */
const tables = {
  card: 'batch_id =',
  card_seal: 'card_id in (select id from lika.card where batch_id =',
  account: `left(id::text, 32) in (select left(id::text, 32) from lika.card where batch_id =`,
  transfer: `(lane, seq) in (select lane, seq from lika.journal where kind = 'batch.issued' and body ->> 'batchId' =`,
  journal: `kind = 'batch.issued' and body ->> 'batchId' =`,
} as const

export async function measureIssue(
  installation: Installation,
  world: World,
  cards: number,
): Promise<Issued> {
  const { owner } = installation
  // So that the code of the job is compiled and its threads run.
  await issue(installation, world, Math.ceil(cards / 4))
  await owner.sql`checkpoint`
  const started = performance.now()
  const batchId = await issue(installation, world, cards)
  const issuedIn = (performance.now() - started) / 1000
  const rows = await rowsOf(installation, batchId)
  const copyOne = ({ table, text }: Rows) => copyIn(owner.sql, `bench_copy.${table}`, text)
  const inTurn = await timed(installation, async () => {
    for (const some of rows) await copyOne(some)
  })
  const atOnce = await timed(installation, () => Promise.all(rows.map(copyOne)))
  await owner.sql`drop schema bench_copy cascade`
  return {
    cards,
    perSecond: Math.round(cards / issuedIn),
    copyPerSecond: Math.round(cards / inTurn),
    parallelCopyPerSecond: Math.round(cards / atOnce),
  }
}

/** Seconds that it took, into empty tables. */
async function timed({ owner }: Installation, work: () => Promise<unknown>): Promise<number> {
  for (const table of Object.keys(tables)) await owner.sql.unsafe(`truncate bench_copy.${table}`)
  await owner.sql`checkpoint`
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

/** As the route of `POST /v1/cards/batches` does; resolves when the job is done. One fen each: nobody need be named. */
async function issue({ parts }: Installation, world: World, count: number): Promise<string> {
  const { flows, jobs } = parts
  const caller = { issuerId: world.issuer.id, mode: 'live', book: world.book } as const
  const funding = { method: 'none' } as const
  const input = { productId: world.product.id, amount: 1n, count, funding }
  const command = await createBatch(flows, caller, input, `bench-batch-${Date.now()}`)
  if (!command.ok) throw new Error(command.refusal.detail)
  const asked = await flows.engine.execute(command.value)
  if (asked.status !== 'done') throw new Error(asked.refusal.detail)
  const job = jobOfBatch({ id: asked.commandId, bookId: world.book, count })
  await jobs.enqueue(job)
  for (;;) {
    const now = await jobs.get(world.book, job.id)
    if (now?.status === 'succeeded') return job.id
    if (now?.status === 'failed') throw new Error(now.error?.detail)
    await sleep(10)
  }
}

type Rows = { table: string; text: Buffer }

/** Each table's rows as COPY takes them, with an empty table like it, indexes and checks included. */
async function rowsOf({ owner: { sql } }: Installation, batchId: string): Promise<Rows[]> {
  await sql`create schema bench_copy`
  const rows: Rows[] = []
  for (const [table, condition] of Object.entries(tables)) {
    await sql.unsafe(`create table bench_copy.${table} (like lika.${table} including all)`)
    const closing = condition.includes('(select') ? ')' : ''
    const query = `select * from lika.${table} where ${condition} '${batchId}'${closing}`
    rows.push({ table, text: await copyOut(sql, query) })
  }
  return rows
}
