/** What of a combined payment WeChat could not give back to the payer's account goes to a bank card of his. */
import {
  type BookId,
  type CombinedRefundId,
  laneOfId,
  modeOfBook,
  ok,
  type Result,
  refused,
} from '@lika/contract'
import {
  type CombinedRefundRow,
  combinedRefunds,
  findCall,
  findCombined,
  findCombinedRefund,
  postponeCall,
} from '../../modules/combined/index.ts'
import { type Command, type Executed, read } from '../../platform/lanes/index.ts'
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
import { textIn } from '../cards/facts.ts'
import { executePrepared } from '../prepared.ts'
import type { LegContext } from './leg.ts'
import { refundNotFound } from './refund-again.ts'
import { takeInRefund } from './refund-leg.ts'

export interface CombinedApplication {
  readonly refundId: CombinedRefundId
  readonly card: PayersCard
}

/** What becomes of a refund under way is asked about soon, and not when a person would have looked. */
const lookAgainMs = 15_000

/**
 * As `applyForOrderRefund`, of the part by WeChat. Refusals:
 *
 * 1. `combined_refund.not_found`
 * 2. `busy` where WeChat does not say what became of an earlier application
 * 3. `refund.not_abnormal`, `refund.already_applied`
 * 4. `wechat.refused` with WeChat's code, for good under that key; `busy` where WeChat does not answer: the same key asks again
 */
export async function applyForCombinedRefund(
  context: LegContext,
  applicant: Applicant,
  { refundId, card }: CombinedApplication,
  key: string,
  execute: (command: Command) => Promise<Executed>,
): Promise<Result<Executed>> {
  const row = await findCombinedRefund(context.database.sql, applicant.book, refundId)
  if (row === undefined) return refused(refundNotFound)
  const atWechat = await refundAtWechat(context, applicant.book, row)
  const asked = await askFirst(context, atWechat)
  if (!asked.ok) return asked
  const command = applyCommand(context, applicant, row, card, key)
  const executed = await executePrepared(execute, command)
  if (executed.status === 'refused') return ok(executed)
  // A repeat stands for the number that it was about, also where the refund has another by now.
  const under = { ...row, outRefundNo: textIn(executed.body, 'outRefundNo') }
  const own = await refundAtWechat(context, applicant.book, under)
  const given = await giveCard(context, own, card, executed.commandId)
  if (!given.ok) return given
  await lookAgainSoon(context, row)
  return ok(executed)
}

function applyCommand(
  context: LegContext,
  applicant: Applicant,
  { id, outRefundNo }: CombinedRefundRow,
  card: PayersCard,
  key: string,
): Command {
  const lane = laneOfId(id)
  return {
    book: applicant.book,
    operation: 'combined_refund.applied',
    key,
    input: claimedApplication(context, applicant, id, card),
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(combinedRefunds, lane, id), readOfApplication(lane, outRefundNo)],
      decide: (view, now) => {
        const row = view.get(combinedRefunds, id)
        if (row === undefined || row.bookId !== view.bookId)
          return { ok: false, final: false, refusal: refundNotFound }
        const status = statusUnder(row, outRefundNo)
        const put = putApplication(view, lane, { outRefundNo, status, now })
        if (!put.ok) return put
        const body = {
          combinedRefundId: row.id,
          combinedPaymentId: row.combinedId,
          ...applicationBody(put.value, applicant, row.wechatAmount),
        }
        return ok({ kind: 'combined_refund.applied', version: 1, body })
      },
    }),
  }
}

async function refundAtWechat(
  context: LegContext,
  book: BookId,
  row: CombinedRefundRow,
): Promise<RefundAtWechat> {
  const { sql } = context.database
  const combined = await findCombined(sql, book, row.combinedId)
  if (combined === undefined) throw new Error(`the payment of the refund ${row.id} is not there`)
  const current = async () => (await findCombinedRefund(sql, book, row.id)) ?? row
  return {
    lane: laneOfId(row.id),
    accountId: combined.accountId,
    outRefundNo: row.outRefundNo,
    learn: async (told) => takeInRefund(context, await current(), told),
    now: async () => {
      const now = await current()
      return { status: statusUnder(now, row.outRefundNo), refundId: now.refundId }
    },
    // Whoever looks at it sees its status alone.
    note: async () => undefined,
  }
}

/** What was asked for again since under another number was closed under this one. */
function statusUnder(row: CombinedRefundRow, outRefundNo: string): CombinedRefundRow['status'] {
  return row.outRefundNo === outRefundNo ? row.status : 'closed'
}

async function lookAgainSoon(context: LegContext, { id, bookId }: CombinedRefundRow) {
  const { sql } = context.database
  const call = await findCall(sql, laneOfId(id), id)
  const at = context.engine.now(modeOfBook(bookId)) + lookAgainMs
  if (call !== undefined) await postponeCall(sql, call, at)
}
