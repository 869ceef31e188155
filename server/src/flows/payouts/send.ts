/**
 * A released batch on its way to the bank: the money of each payout is in flight in the ledger before the order leaves,
 * and the order leaves once. Where it is not known whether it arrived the bank is asked, and only an order of which the
 * bank knows nothing is sent again, under the same name.
 */
import type { Instant } from '@lika/contract'
import {
  type BankVisit,
  beginDelivery,
  endPayout,
  finishBatch,
  isTimeToAsk,
  markDelivered,
  markNotDelivered,
  markPayoutSent,
  markSent,
  openQuestion,
  type Payee,
  type Payout,
  type PayoutBatch,
  type PayoutOrder,
  referenceOf,
  selectPayoutsOfBatch,
} from '../../modules/payouts/index.ts'
import { realNow } from '../../platform/clock.ts'
import { insist } from '../jobs/insist.ts'
import { sendPayoutCommand } from '../settle/payouts.ts'
import type { PayoutDesk } from './desk.ts'
import { stepOf } from './end.ts'

/** Commands under way at once: they share rounds. */
const atOnce = 32

/** Takes the batch as far as it gets now: into the ledger, to the bank, or to the question what became of it. */
export async function forward(
  desk: PayoutDesk,
  bank: BankVisit,
  batch: PayoutBatch,
): Promise<void> {
  const { sql } = desk.context.database
  if (batch.status === 'released') await putInFlight(desk, batch)
  const open = (await selectPayoutsOfBatch(sql, batch.id)).filter(({ status }) => status === 'sent')
  if (open.length === 0) return finishBatch(sql, batch.id, now(desk))
  await desk.keep()
  if (batch.delivery === 'none') return deliver(desk, bank, batch)
  const reference = referenceOf(batch.id)
  if (batch.delivery === 'begun' && (await bank.isWaiting(reference)))
    return markDelivered(sql, batch.id, desk.askAt())
  if (!(await isTimeToAsk(sql, batch.id, realNow()))) return
  const number = await openQuestion(sql, batch.id, desk.askAt())
  await bank.ask({
    number: `${reference}-Q${number}`,
    batch: reference,
    references: open.map(({ id }) => referenceOf(id)),
  })
}

async function deliver(desk: PayoutDesk, bank: BankVisit, batch: PayoutBatch): Promise<void> {
  const { sql } = desk.context.database
  if (!(await beginDelivery(sql, batch.id))) return
  const delivery = await bank.send(await orderOf(desk, batch))
  if (delivery === 'delivered') await markDelivered(sql, batch.id, desk.askAt())
  else await markNotDelivered(sql, batch.id)
}

/**
 * What of the batch is in flight, read when the delivery has begun: nobody says an outcome before that, and what ended
 * since an order that was lost does not leave again. Neither payouts nor the accounts of a version of a contract change.
 */
async function orderOf(desk: PayoutDesk, batch: PayoutBatch): Promise<PayoutOrder> {
  const payouts = await selectPayoutsOfBatch(desk.context.database.sql, batch.id)
  const sent = payouts.filter(({ status }) => status === 'sent')
  const instructions = await Promise.all(
    sent.map(async (payout) => {
      const payee = await payeeOf(desk, payout)
      if (payee === undefined) throw new Error(`the account of payout ${payout.id} is gone`)
      return { ...payee, reference: referenceOf(payout.id), amount: payout.amount }
    }),
  )
  return { batch: referenceOf(batch.id), instructions }
}

function payeeOf(
  { context: { merchants } }: PayoutDesk,
  { bookId, merchantId, contractVersion }: Payout,
): Promise<Payee | undefined> {
  return merchants.payoutAccountOf(bookId, merchantId, contractVersion)
}

async function putInFlight(desk: PayoutDesk, batch: PayoutBatch): Promise<void> {
  const { sql } = desk.context.database
  const payouts = await selectPayoutsOfBatch(sql, batch.id)
  const waiting = payouts.filter(({ status }) => status === 'created')
  for (let first = 0; first < waiting.length; first += atOnce) {
    await desk.keep()
    const some = waiting.slice(first, first + atOnce)
    await Promise.all(some.map((payout) => sendOne(desk, payout)))
  }
  await markSent(sql, batch.id, now(desk))
}

/** One that cannot go, because the money is no longer owed or the account cannot be written, has failed: it never left. */
async function sendOne(desk: PayoutDesk, payout: Payout): Promise<void> {
  const { context, channel } = desk
  const { sql } = context.database
  const payee = await payeeOf(desk, payout)
  const objection = payee === undefined ? 'no_account' : channel.objectionTo(payee)
  if (objection !== undefined) return fail(desk, payout, objection)
  const command = sendPayoutCommand(context, payout.bookId, stepOf(payout))
  const executed = command.ok ? await insist(context, command.value) : command
  if ('at' in executed) await markPayoutSent(sql, payout.id, executed.at)
  else await fail(desk, payout, executed.refusal.code)
}

function fail(desk: PayoutDesk, { id }: Payout, reason: string): Promise<void> {
  const ended = { end: 'failed', from: ['created'], serial: null, reason, at: now(desk) } as const
  return endPayout(desk.context.database.sql, id, ended)
}

function now({ context, mode }: PayoutDesk): Instant {
  return context.engine.now(mode)
}
