/** A refund of an order that the payer's account could not take back goes to a bank card of his. */
import {
  laneOfId,
  modeOfBook,
  type OrderId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  findOrder,
  findOrderRefund,
  findTrade,
  type OrderRefundRow,
  readOutRefundNo,
  writeRefundProblem,
} from '../../modules/orders/index.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'
import {
  type Applicant,
  applicationBody,
  askFirst,
  claimedApplication,
  giveCard,
  type PayersCard,
  putApplication,
  type RefundAtWechat,
  readOfApplication,
} from '../abnormal-refunds.ts'
import type { FlowContext } from '../context.ts'
import { executePrepared } from '../prepared.ts'
import { orderBody, refundBody } from './facts.ts'
import { commandOnOrder, orderNotFound } from './on-order.ts'
import { learnRefund } from './refund-leg.ts'

export interface OrderApplication {
  readonly orderId: OrderId
  /** As the order shows it. */
  readonly outRefundNo: string
  readonly card: PayersCard
}

/**
 * Under one key WeChat is given the card until it answers. The money stays owed to the payer until WeChat says that it has
 * arrived. Refusals:
 *
 * 1. `order.not_found`, `order.refund_not_found`
 * 2. `busy` where WeChat does not say what became of an earlier application
 * 3. `refund.not_abnormal`, `refund.already_applied`
 * 4. `wechat.refused` with WeChat's code, for good under that key; `busy` where WeChat does not answer: the same key asks again
 */
export async function applyForOrderRefund(
  context: FlowContext,
  applicant: Applicant,
  { orderId, outRefundNo, card }: OrderApplication,
  key: string,
  execute: (command: Command) => Promise<Executed>,
): Promise<Result<Executed>> {
  const { book } = applicant
  const found = await refundOf(context, applicant, orderId, outRefundNo)
  if (!found.ok) return found
  const { row, atWechat } = found.value
  const asked = await askFirst(context, atWechat)
  if (!asked.ok) return asked
  const input = claimedApplication(context, applicant, outRefundNo, card)
  const claim = { orderId, operation: 'order_refund.applied', key, input }
  const command = commandOnOrder(context, book, claim, () => ({
    reads: [readOfApplication(atWechat.lane, outRefundNo)],
    decide: ({ view, lane, now, order, refunds }) => {
      const { state: status, amount } = refunds[row.n - 1] ?? row
      const put = putApplication(view, lane, { outRefundNo, status, now })
      if (!put.ok) return put
      const body = {
        ...orderBody(order),
        refund: refundBody(row),
        ...applicationBody(put.value, applicant, amount),
      }
      return { ok: true, value: { kind: 'order_refund.applied', version: 1, body } }
    },
  }))
  if (!command.ok) return command
  const executed = await executePrepared(execute, command.value)
  if (executed.status === 'refused') return ok(executed)
  const given = await giveCard(context, atWechat, card, executed.commandId)
  return given.ok ? ok(executed) : given
}

const refundNotFound = refusal(
  'order.refund_not_found',
  'The order has no refund of this number (lr…).',
)

async function refundOf(
  context: FlowContext,
  { book }: Applicant,
  orderId: OrderId,
  outRefundNo: string,
): Promise<Result<{ readonly row: OrderRefundRow; readonly atWechat: RefundAtWechat }>> {
  const { database, engine } = context
  const lane = laneOfId(orderId)
  const isThere = engine.lanesOf(modeOfBook(book)).includes(lane)
  const order = isThere ? await findOrder(database.sql, book, orderId) : undefined
  if (order === undefined) return refused(orderNotFound)
  const number = readOutRefundNo(outRefundNo)
  if (number?.orderId !== orderId) return refused(refundNotFound)
  const load = () => findOrderRefund(database.sql, lane, orderId, number.n)
  const row = await load()
  const trade = row && (await findTrade(database.sql, orderId, row.trade))
  if (row === undefined || trade === undefined) return refused(refundNotFound)
  const { accountId } = trade
  const atWechat: RefundAtWechat = {
    lane,
    accountId,
    outRefundNo,
    learn: (told) => learnRefund(context, book, accountId, told),
    now: async () => {
      const { state: status, refundId } = (await load()) ?? row
      return { status, refundId }
    },
    note: (problem) => writeRefundProblem(database.sql, lane, row, problem),
  }
  return ok({ row, atWechat })
}
