/**
 * What a payee could not give back before the refund went out: WeChat keeps it, and carries it out once he can. Asked about
 * and asked for again, under the same number, until WeChat says what came of it.
 */
import { laneOfId, type Mode } from '@lika/contract'
import { findShare, followPausesMs, takeLateReturns } from '../../modules/sharing/index.ts'
import type { FlowContext } from '../context.ts'
import { isBack } from './returns.ts'

const atOnce = 100

/** Asks about each that is due. Answers how many there were. */
export async function followReturns(
  { engine, database, wechatPay }: Pick<FlowContext, 'engine' | 'database' | 'wechatPay'>,
  mode: Mode,
): Promise<number> {
  const { sql } = database
  const lanes = engine.lanesOf(mode)
  const due = await takeLateReturns(sql, lanes, engine.now(mode), followPausesMs, atOnce)
  for (const row of due) {
    const { mchid, bookId, shareId } = row
    const share = await findShare(sql, laneOfId(shareId), bookId, shareId)
    if (share === undefined || mchid === null) continue
    await isBack({ engine, database, wechatPay }, { share, row, mchid, wasAsked: true })
  }
  return due.length
}
