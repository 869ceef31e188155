/** What WeChat tells by itself of a red packet; one that the member took though it had been given up is for a person. */
import {
  type BookId,
  businessDateOf,
  laneOfId,
  modeOfBook,
  type WechatAccountId,
} from '@lika/contract'
import { findRedPacket, idOfOutBillNo, type RedPacketRow } from '../../modules/red-packets/index.ts'
import type { TransferBill } from '../../modules/wechat/index.ts'
import type { FlowContext } from '../context.ts'
import { openCase } from '../reserve/case.ts'
import { takeBill } from './send.ts'

/** Of which account it was told. */
interface ToldOf {
  readonly book: BookId
  readonly accountId: WechatAccountId
}

interface Log {
  error(details: object, sentence: string): void
}

/** Does nothing for a transfer that is none of ours. Throws where it could not be recorded: then it has to be told again. */
export async function learnTransfer(
  context: FlowContext,
  log: Log,
  told: ToldOf,
  bill: TransferBill,
): Promise<void> {
  const row = await packetOf(context, told, bill)
  if (row === undefined) return
  if (row.status === 'sending') await takeBill(context, row, bill)
  if (bill.state !== 'succeeded') return
  // As it is by now: somebody may have given it up meanwhile.
  const current = await packetOf(context, told, bill)
  if (current?.status === 'returned') await takenAfterAll(context, log, current)
}

/** Sent over this very account; undefined: there is none. */
async function packetOf(
  { engine, database }: FlowContext,
  { book, accountId }: ToldOf,
  { outBillNo }: TransferBill,
): Promise<RedPacketRow | undefined> {
  const id = idOfOutBillNo(outBillNo)
  if (id === undefined || !engine.lanesOf(modeOfBook(book)).includes(laneOfId(id))) return undefined
  const row = await findRedPacket(database.sql, book, id)
  return row?.accountId === accountId ? row : undefined
}

/** The budget has the money back, and may have spent it: WeChat has that much less than the books. */
async function takenAfterAll(context: FlowContext, log: Log, row: RedPacketRow): Promise<void> {
  const { id, bookId, accountId, outBillNo, amount, createdAt } = row
  log.error({ redPacket: id }, 'WeChat paid a red packet that was given up')
  await openCase(context, bookId, `wechat ${accountId} paid ${outBillNo}`, {
    kind: 'wechat_row_differs',
    day: businessDateOf(createdAt),
    amount: -amount,
    subject: outBillNo,
  })
}
