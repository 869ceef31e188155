/**
 * Watches over the reserves: reads on what moved, reports outflows for which nobody is owed less, writes the position of
 * each day that has ended, calls to mind what expires, and finishes comparisons that a server left undone. Harmless from
 * several servers at once.
 */
import {
  type BookId,
  businessDateOf,
  formatYuan,
  type Lane,
  type Mode,
  modeOfBook,
} from '@lika/contract'
import { addDays } from '../../modules/policy/index.ts'
import {
  raiseAlerted,
  readOnFlows,
  reserveFlow,
  selectAlerted,
  selectFlows,
  selectUnreconciled,
  selectWatchedBooks,
  unexplained,
} from '../../modules/reserve/index.ts'
import type { FlowContext } from '../context.ts'
import { openCase } from './case.ts'
import { firstOpenDay, writePositions } from './position.ts'
import { reconcile } from './reconcile.ts'
import { remind } from './remind.ts'

/** How old a statement is before somebody else than its importer compares it. */
const leftUndoneMs = 60_000

/** Once round; called every few seconds. */
export async function watchReserves(context: FlowContext): Promise<void> {
  const { database, engine } = context
  const lanes = engine.lanes.map(({ lane }) => lane)
  const books = await selectWatchedBooks(database.sql, lanes)
  if (books.length === 0) return
  for (const mode of ['live', 'test'] as const) {
    const ofMode = books.filter((book) => modeOfBook(book) === mode)
    if (ofMode.length === 0 || !(await readOn(context, mode))) continue
    for (const book of ofMode) {
      await reportOutflows(context, book)
      await writePositions(context, book)
      await remind(context, book)
    }
  }
  await finishComparisons(context)
}

/** How far this process has seen each lane read: one that stands still costs nothing more. */
const readTo = new WeakMap<FlowContext['database'], Map<Lane, bigint>>()

/** False: the lanes moved further than was read in this time, or another server is at it. */
async function readOn({ database, engine }: FlowContext, mode: Mode): Promise<boolean> {
  const known = readTo.get(database) ?? new Map<Lane, bigint>()
  readTo.set(database, known)
  for (const [lane, end] of await endsOf(engine.lanesOf(mode), database)) {
    if (known.get(lane) === end) continue
    if (!(await readOnFlows(database, lane, end))) return false
    known.set(lane, end)
  }
  return true
}

/** At one moment for all lanes: what happened before an outflow is read when the outflow is. */
async function endsOf(
  lanes: readonly Lane[],
  { sql }: FlowContext['database'],
): Promise<Map<Lane, bigint>> {
  const rows = await sql<{ lane: Lane; seq: bigint }[]>`
    select lane, next_seq - 1 as seq
    from lane
    order by lane`
  return new Map(rows.filter(({ lane }) => lanes.includes(lane)).map((row) => [row.lane, row.seq]))
}

/** A case for what left since the last position without cause, beyond what was reported already. */
async function reportOutflows(context: FlowContext, book: BookId): Promise<void> {
  const { sql } = context.database
  const open = await firstOpenDay(context, book)
  if (open === undefined) return
  const flow = reserveFlow(await selectFlows(sql, book, open.day, '9999-12-31'))
  const missing = unexplained(open.carry, flow)
  const after = addDays(open.day, -1)
  const reported = await selectAlerted(sql, book, after)
  if (missing <= reported) return
  const today = businessDateOf(context.engine.now(modeOfBook(book)))
  await openCase(context, book, `outflow:${after}:${missing}`, {
    kind: 'outflow_unmatched',
    day: today,
    amount: -(missing - reported),
    subject: `${after}: ${formatYuan(missing)}`,
  })
  await raiseAlerted(sql, book, after, missing)
}

async function finishComparisons(context: FlowContext): Promise<void> {
  const { database, engine } = context
  for (const statement of await selectUnreconciled(database.sql)) {
    const age = engine.now(modeOfBook(statement.bookId)) - statement.at
    if (age >= leftUndoneMs) await reconcile(context, statement)
  }
}
