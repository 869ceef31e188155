/** What only test mode has: a clock that can be moved, and data that can be thrown away. */
import { formatInstant, type Instant, ok, type Result, refusal, refused } from '@lika/contract'
import { wipeAround, wipeLane } from '../../modules/cards/index.ts'
import { deleteMembers } from '../../modules/members/index.ts'
import { deleteConsumes } from '../../modules/wechat/index.ts'
import type { FlowContext } from '../context.ts'
import type { CardCaller } from './caller.ts'

/** Times between which every expiry that a product can have is a date of four digits. */
const firstClock: Instant = Date.UTC(2000, 0, 1)
const lastClock: Instant = Date.UTC(2200, 0, 1)
const cardsAtOnce = 2_000

/** Moves the one clock of all test lanes; answers its time. Refusals: `date.out_of_range`. */
export async function setTestClock(
  { engine, tellTestClock }: Pick<FlowContext, 'engine' | 'tellTestClock'>,
  to: { advanceMs: number } | { at: Instant } | 'real',
): Promise<Result<Instant>> {
  const real = engine.now('live')
  const offset = offsetOf(to, engine.testOffsetMs, real)
  const at = real + offset
  if (to !== 'real' && (at < firstClock || at > lastClock)) {
    const allowed = { min: formatInstant(firstClock), max: formatInstant(lastClock) }
    return refused(
      refusal('date.out_of_range', `The test clock runs from ${allowed.min} to ${allowed.max}.`, {
        data: { allowed },
      }),
    )
  }
  await engine.setTestOffset(offset)
  await tellTestClock(offset)
  return ok(engine.now('test'))
}

function offsetOf(to: Parameters<typeof setTestClock>[1], offsetMs: number, real: Instant): number {
  if (to === 'real') return 0
  return 'at' in to ? to.at - real : offsetMs + to.advanceMs
}

/**
 * Removes cards, payments and what belongs to them from the test book, and frees its idempotency keys and references.
 * Products, merchants and keys stay; journal and ledger stay as they are. See docs/decisions/0006-wiping-test-data.md.
 */
export async function wipeTestData(
  { engine, database }: Pick<FlowContext, 'engine' | 'database'>,
  { book }: Pick<CardCaller, 'book'>,
): Promise<void> {
  for (const lane of engine.lanesOf('test')) {
    while ((await wipeLane(database.sql, lane, book, cardsAtOnce)) > 0);
  }
  await wipeAround(database.sql, book)
  await deleteMembers(database.sql, book)
  await deleteConsumes(database.sql, book)
}
