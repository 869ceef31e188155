/**
 * What a payee could not give back before the refund went out: WeChat keeps it, and carries it out once he can. Asked about
 * and asked for again, under the same number, until WeChat says what came of it.
 */
import { laneOfId, type Mode } from '@lika/contract'
import {
  findShare,
  followPausesMs,
  type ReturnRow,
  returnWithinMs,
  takeLateReturns,
} from '../../modules/sharing/index.ts'
import type { FlowContext } from '../context.ts'
import { isBack } from './returns.ts'

const atOnce = 100

type Context = Pick<FlowContext, 'engine' | 'database' | 'wechatPay'>

/** Asks about each that is due. Answers how many there were. What goes wrong with one keeps none of the others waiting. */
export async function followReturns(context: Context, mode: Mode): Promise<number> {
  const { engine, database } = context
  const now = engine.now(mode)
  const times = { now, since: now - returnWithinMs }
  const lanes = engine.lanesOf(mode)
  const due = await takeLateReturns(database.sql, lanes, times, followPausesMs, atOnce)
  const faults: unknown[] = []
  for (const row of due) await follow(context, row).catch((error: unknown) => faults.push(error))
  if (faults.length > 0) throw faults[0]
  return due.length
}

async function follow(context: Context, row: ReturnRow): Promise<void> {
  const { mchid, bookId, shareId } = row
  const share = await findShare(context.database.sql, laneOfId(shareId), bookId, shareId)
  if (share !== undefined && mchid !== null)
    await isBack(context, { share, row, mchid, wasAsked: true })
}
