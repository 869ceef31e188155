/**
 * What the bank says, made to count: each answer is judged, the ledger moves, the row follows, and everything is kept as
 * it was said. Whatever of this was done before a process died is found done when the file is read again.
 */
import { createHash } from 'node:crypto'
import { modeOfBook, type PayoutBatchId } from '@lika/contract'
import {
  type AnswerFile,
  type BankAnswer,
  type BankVisit,
  callAttention,
  finishBatch,
  isAttention,
  type JudgedAnswer,
  judge,
  markDelivered,
  markNotDelivered,
  type Payout,
  type PayoutBatch,
  recordAnswers,
  referenceOf,
  selectBatchById,
  selectPayoutsByIds,
  selectPayoutsOfBatch,
  wasHeardOf,
} from '../../modules/payouts/index.ts'
import { realNow } from '../../platform/clock.ts'
import { idOfReference, type PayoutDesk } from './desk.ts'
import { endPayoutAs } from './end.ts'

/** One file, from the first answer to the last: rejects when not all of it could be done, and is then given again. */
export async function takeAnswers(
  desk: PayoutDesk,
  bank: BankVisit,
  { name, answers }: AnswerFile,
): Promise<void> {
  const { mode, context, log } = desk
  const judged: JudgedAnswer[] = []
  for (const answer of answers) judged.push(await takeAnswer(desk, answer))
  await settleMissing(desk, bank, judged)
  const kept = { mode, fileName: name, fileDigest: digestOf(answers), at: realNow() }
  await recordAnswers(context.database.sql, kept, judged)
  for (const batchId of await batchesOf(desk, judged))
    await finishBatch(context.database.sql, batchId, context.engine.now(mode))
  const odd = judged.filter(({ verdict }) => isAttention(verdict) || verdict === 'unknown')
  if (odd.length > 0) log.warn({ mode, name, rows: odd.length }, 'the bank said what does not fit')
}

/** Tells files apart that a bank gives out under one name. */
function digestOf(answers: readonly BankAnswer[]): string {
  const texts = answers.map((answer) => JSON.stringify(answer, withoutBigint))
  return createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 16)
}

function withoutBigint(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/** One after the other: a file may speak of a payout more than once. */
async function takeAnswer(desk: PayoutDesk, answer: BankAnswer): Promise<JudgedAnswer> {
  const payout = await payoutOf(desk, answer)
  const { verdict, end } = judge(payout, answer)
  if (payout === undefined) return { answer, payoutId: undefined, verdict }
  if (end !== undefined) {
    const { serial = null, reason = null } = answer
    const ended = await endPayoutAs(desk.context, payout, { end, serial, reason })
    // Somebody else was quicker: the file is read again, and judged by what is then.
    if (!ended.ok) throw new Error(`payout ${payout.id}: ${ended.refusal.code}`)
  }
  // That the bank does not know a payout may only mean that the order never arrived: see settleMissing.
  if (isAttention(verdict) && verdict !== 'missing')
    await callAttention(desk.context.database.sql, payout.id, verdict)
  return { answer, payoutId: payout.id, verdict }
}

/** The payout that the answer means, if the batch is its own and of this mode. */
async function payoutOf(
  { context, mode }: PayoutDesk,
  { reference, batch }: BankAnswer,
): Promise<Payout | undefined> {
  const id = idOfReference<'payout'>(reference)
  if (id === undefined) return undefined
  const [payout] = await selectPayoutsByIds(context.database.sql, [id])
  const isMeant = payout !== undefined && referenceOf(payout.batchId) === batch
  return isMeant && modeOfBook(payout.bookId) === mode ? payout : undefined
}

/**
 * Batches of which the bank knows nothing. One that it never spoke of, does not have lying unread, and says it knows
 * nothing of in answer to the last question that we put, was lost on its way: it is sent again, under the same name.
 * In any other case a payout that the bank does not know is a matter for a person.
 */
async function settleMissing(
  desk: PayoutDesk,
  bank: BankVisit,
  judged: readonly JudgedAnswer[],
): Promise<void> {
  const { sql } = desk.context.database
  for (const [reference, said] of Map.groupBy(judged, ({ answer }) => answer.batch)) {
    const missing = said.filter(({ verdict }) => verdict === 'missing')
    const id = missing.length === 0 ? undefined : idOfReference<'payout_batch'>(reference)
    const batch = id && (await selectBatchById(sql, id))
    if (batch === undefined || batch.status !== 'sent') continue
    if (missing.length < said.length || (await wasHeardOf(sql, batch.id)))
      await callForMissing(desk, missing)
    else if (isAnswerTo(batch, missing) && (await isAllOf(desk, batch, missing)))
      await settleLost(desk, bank, batch)
  }
}

async function callForMissing(desk: PayoutDesk, missing: readonly JudgedAnswer[]): Promise<void> {
  for (const { payoutId } of missing)
    if (payoutId !== undefined) await callAttention(desk.context.database.sql, payoutId, 'missing')
}

function isAnswerTo(batch: PayoutBatch, answers: readonly JudgedAnswer[]): boolean {
  const asked = questionOf(batch)
  return asked !== undefined && answers.some(({ answer: { question } }) => question === asked)
}

/** Whether nothing of the batch is with the bank but what it does not know: it may say the rest in another file. */
async function isAllOf(
  desk: PayoutDesk,
  { id }: PayoutBatch,
  missing: readonly JudgedAnswer[],
): Promise<boolean> {
  const ids = new Set(missing.map(({ payoutId }) => payoutId))
  const payouts = await selectPayoutsOfBatch(desk.context.database.sql, id)
  return payouts.every((payout) => payout.status !== 'sent' || ids.has(payout.id))
}

async function settleLost(desk: PayoutDesk, bank: BankVisit, { id }: PayoutBatch): Promise<void> {
  const { sql } = desk.context.database
  if (await bank.isWaiting(referenceOf(id))) await markDelivered(sql, id, desk.askAt())
  else await markNotDelivered(sql, id)
}

/** As the question that is open was numbered; undefined: none is. */
function questionOf({
  id,
  openQuestion,
}: Pick<PayoutBatch, 'id' | 'openQuestion'>): string | undefined {
  return openQuestion === null ? undefined : `${referenceOf(id)}-Q${openQuestion}`
}

async function batchesOf(
  desk: PayoutDesk,
  judged: readonly JudgedAnswer[],
): Promise<Set<PayoutBatchId>> {
  const ids = judged.flatMap(({ payoutId }) => payoutId ?? [])
  const payouts = await selectPayoutsByIds(desk.context.database.sql, ids)
  return new Set(payouts.map(({ batchId }) => batchId))
}
