/**
 * A process that tails the journal and notes each entry in the table public.effect, in the transaction that moves its
 * cursor. Takes its options as JSON in the first argument, tells what happens as lines of JSON, runs until killed.
 */
import { appRole, connect } from '../../server/src/platform/db.ts'
import { bigintArray } from '../../server/src/platform/db-array.ts'
import { startTail } from '../../server/src/platform/lanes/tail.ts'

export type ConsumerOptions = { url: string; name: string; lanes: number[]; batch: number }
export type ConsumerEvent = { event: 'ready' } | { event: 'stopped'; message: string }

const tell = (event: ConsumerEvent) => console.log(JSON.stringify(event))

const { url, name, lanes, batch }: ConsumerOptions = JSON.parse(process.argv[2] ?? '{}')
const database = await connect(url, { applicationName: name, role: appRole, pool: 2 })
startTail(database, {
  name,
  lanes: () => lanes,
  batch,
  pollMs: 20,
  takeIn: async (sql, entries) => {
    await sql`
      insert into public.effect (lane, seq, command_id)
      select ${entries[0]?.lane ?? 0}, seq, command_id
      from unnest(
        ${bigintArray(entries.map((entry) => entry.seq))}::bigint[],
        ${`{${entries.map((entry) => entry.commandId).join()}}`}::uuid[]
      ) as taken (seq, command_id)`
  },
  log: { error: (_, sentence) => console.error(sentence) },
  onStopped: (error) => tell({ event: 'stopped', message: error.message }),
})
tell({ event: 'ready' })
