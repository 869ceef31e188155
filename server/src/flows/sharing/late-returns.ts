/**
 * What a payee could not give back before the refund went out: WeChat keeps it, and carries it out once he can. Asked about
 * and asked for again, under the same number, until WeChat says what came of it.
 */
import { laneOfId, type Mode, modeOfBook } from '@lika/contract'
import { findShare, lateReturns } from '../../modules/sharing/index.ts'
import type { FlowContext } from '../context.ts'
import { isBack } from './returns.ts'

export async function followReturns(
  context: Pick<FlowContext, 'engine' | 'database' | 'wechatPay'>,
  mode: Mode,
): Promise<void> {
  const { engine, database } = context
  const lanes = engine.lanesOf(mode)
  for (const row of await lateReturns(database.sql)) {
    const { mchid, bookId, shareId } = row
    const lane = laneOfId(shareId)
    if (mchid === null || modeOfBook(bookId) !== mode || !lanes.includes(lane)) continue
    const share = await findShare(database.sql, lane, bookId, shareId)
    if (share !== undefined) await isBack(context, { share, row, mchid, wasAsked: true })
  }
}
