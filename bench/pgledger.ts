/**
 * pgledger, a ledger in PL/pgSQL, where somebody gives the URL of a database that has it: one call of
 * `pgledger_create_transfer` per transaction, between accounts at random.
 */
import { connect } from '../server/src/platform/db.ts'
import { rounded } from './figures.ts'
import { randomFrom } from './population.ts'

const accounts = 1_000

/** Transfers per second with so many connections. */
export async function measurePgledger(
  url: string,
  connections: number,
  seconds: number,
): Promise<number> {
  const database = await connect(url, { applicationName: 'bench', pool: connections })
  try {
    const { sql } = database
    const made = await sql<{ id: string }[]>`
      select account.id
      from generate_series(1, ${accounts}) as number
      cross join lateral public.pgledger_create_account('bench ' || number, 'CNY') as account`
    const random = randomFrom(Date.now())
    const place = () => Math.floor(random() * accounts)
    const started = performance.now()
    const end = started + seconds * 1000
    let done = 0
    const caller = async () => {
      while (performance.now() < end) {
        const from = place()
        const to = (from + 1 + Math.floor(random() * (accounts - 1))) % accounts
        await sql`
          select
          from public.pgledger_create_transfer(${made[from]?.id ?? ''}, ${made[to]?.id ?? ''}, 1)`
        done += 1
      }
    }
    await Promise.all(Array.from({ length: connections }, caller))
    return rounded((done / (performance.now() - started)) * 1000, 0)
  } finally {
    await database.close()
  }
}
