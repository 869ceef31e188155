/**
 * Tidies up after holds whose time is over. They are dead for every decision from that instant on, whether or not this
 * has run; it frees what nobody came across, and tells the world.
 */
import { type HoldId, laneOfId, refusal } from '@lika/contract'
import { dueHolds, findHold, paymentHolds } from '../modules/payments/index.ts'
import type { Command, LaneInfo } from '../platform/lanes/index.ts'
import type { FlowContext } from './context.ts'
import { readsOfHold } from './payments/hold-lines.ts'
import { executePrepared } from './prepared.ts'
import { endHold } from './release.ts'

const atOnce = 100

/** Ends expired holds of every lane, some at a time. Answers how many it ended. */
export async function expireHolds(
  context: FlowContext,
  lanes: readonly LaneInfo[] = context.engine.lanes,
): Promise<number> {
  let ended = 0
  for (const { lane, pool } of lanes) {
    const now = context.engine.now(pool)
    for (let due = atOnce; due === atOnce; ) {
      const holds = await dueHolds(context.database.sql, lane, now, atOnce)
      const done = await Promise.all(holds.map((hold) => expireOne(context, hold)))
      const succeeded = done.filter((one) => one).length
      ended += succeeded
      // What could not be ended now waits for the next time.
      due = succeeded === 0 ? 0 : holds.length
    }
  }
  return ended
}

async function expireOne(
  context: FlowContext,
  { id, bookId }: Awaited<ReturnType<typeof dueHolds>>[number],
): Promise<boolean> {
  const hold = await findHold(context.database.sql, bookId, id)
  if (hold === undefined) return false
  const command: Command = {
    book: bookId,
    operation: 'hold.expired',
    key: id,
    input: {},
    weight: 'bulk',
    homeLane: () => laneOfId(id),
    plan: async () => ({
      ...(await readsOfHold(context, hold)),
      decide: (view, now) => {
        const current = view.get(paymentHolds, id)
        if (current?.status !== 'held' || now < current.expiresAt)
          return { ok: false, final: false, refusal: notDue(id) }
        return { ok: true, value: endHold(view, current, 'expired') }
      },
    }),
  }
  const result = await executePrepared((one) => context.engine.execute(one), command)
  return result.status === 'done'
}

function notDue(id: HoldId) {
  return refusal('hold.not_found', `There is nothing to free of hold ${id}.`)
}
