/**
 * A refund that the payer's account could not take back is sent to a bank card of his. The card goes to WeChat and nowhere
 * else: what is written down before the call is that it was made, so whoever asked has to say the card again where the
 * answer was lost. WeChat is asked first each time, so that nothing is sent for a refund that is under way again.
 */
import {
  type BookId,
  type CommandId,
  type Fen,
  type Instant,
  type Lane,
  laneOfId,
  modeOfBook,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
  type WechatAccountId,
} from '@lika/contract'
import { idOfOutNumber } from '../modules/combined/index.ts'
import { callInFlightMs, readOutRefundNo } from '../modules/orders/index.ts'
import {
  findRefundApplication,
  type RefundApplicationRow,
  refundApplications,
  writeApplicationAnswer,
} from '../modules/refund-applications/index.ts'
import type { Answer, Refund } from '../modules/wechat/index.ts'
import { type Decision, type Json, type Read, read, type View } from '../platform/lanes/index.ts'
import type { FlowContext } from './context.ts'
import { refusedUnlessDone } from './prepared.ts'

/** To which the money goes; only debit cards are taken. */
export interface PayersCard {
  /** WeChat's word for the bank and the kind of card. */
  readonly bankType: string
  /** 12–19 digits. */
  readonly account: string
  /** As the bank has it. */
  readonly name: string
}

/** Whoever asks; a repeat under the same key is his. */
export interface Applicant {
  readonly book: BookId
  readonly keyId: string
}

/** One refund at WeChat, of whatever was sold. */
export interface RefundAtWechat {
  readonly lane: Lane
  readonly accountId: WechatAccountId
  readonly outRefundNo: string
  /** Takes into the book what WeChat says of it. */
  readonly learn: (told: Refund) => Promise<unknown>
  /** As the book has it now. */
  readonly now: () => Promise<{ readonly status: string; readonly refundId: string | null }>
  /** For people who look at the refund. */
  readonly note: (problem: string) => Promise<unknown>
}

/** What goes into the claim of a key: the refund as the caller names it, and of the card only that it is the same. */
export function claimedApplication(
  { keyring }: Pick<FlowContext, 'keyring'>,
  { keyId }: Applicant,
  refund: string,
  { bankType, account, name }: PayersCard,
): { readonly [member: string]: Json } {
  const card = keyring.guessDigest(`bank_card:${bankType}:${account}:${name}`).toString('hex')
  return { refund, card, by: keyId }
}

const silent = refusal('busy', 'WeChat does not answer; ask again with the same key.', {
  retryAfterSeconds: 2,
})

/**
 * What WeChat says of the refund comes first. Refusals: `busy` where it says nothing and an application has not been
 * answered.
 */
export async function askFirst(
  { database, wechatPay }: FlowContext,
  { lane, accountId, outRefundNo, learn, now }: RefundAtWechat,
): Promise<Result<void>> {
  const { status, refundId } = await now()
  // Over, or WeChat has never heard of it: the decision says so.
  if (status === 'succeeded' || refundId === null) return ok(undefined)
  const said = await wechatPay.queryRefund(accountId, outRefundNo)
  if (said.status === 'done') {
    await learn(said.value)
    return ok(undefined)
  }
  const application = await findRefundApplication(database.sql, lane, outRefundNo)
  const isOpen = application !== undefined && application.answer === null
  return isOpen ? refused(silent) : ok(undefined)
}

export function readOfApplication(lane: Lane, outRefundNo: string): Read {
  return read(refundApplications, lane, outRefundNo)
}

/**
 * Writes down that WeChat will be asked. Refusals: `refund.not_abnormal` with the status, `refund.already_applied` while
 * an earlier call may be under way (not final).
 */
export function putApplication(
  view: View,
  lane: Lane,
  { outRefundNo, status, now }: { outRefundNo: string; status: string; now: Instant },
): Result<RefundApplicationRow> | Extract<Decision, { ok: false }> {
  if (status !== 'abnormal') return notAbnormal(status)
  const before = view.get(refundApplications, outRefundNo)
  const mayArrive = before !== undefined && now < before.askedAt + callInFlightMs
  if (mayArrive && before.answer === null)
    return { ok: false, final: false, refusal: alreadyApplied }
  const application: RefundApplicationRow = {
    outRefundNo,
    bookId: view.bookId,
    n: (before?.n ?? 0) + 1,
    askedBy: view.commandId,
    askedAt: now,
    answer: null,
  }
  view.put(refundApplications, lane, application)
  return ok(application)
}

function notAbnormal(status: string): Result<never> {
  return refused(refusal('refund.not_abnormal', `The refund is ${status}.`, { data: { status } }))
}

const alreadyApplied = refusal(
  'refund.already_applied',
  'What WeChat answers is not known yet: repeat that request with its key, or ask again in a minute.',
  { retryAfterSeconds: 60 },
)

/** What the entry tells of an application: who made it, nothing of the card. */
export function applicationBody(
  { outRefundNo, n }: RefundApplicationRow,
  { keyId }: Applicant,
  amount: Fen,
) {
  return {
    application: n,
    outRefundNo,
    to: 'payers_bank_card',
    amountFen: String(amount),
    askedByKeyId: keyId,
  } as const
}

/**
 * Gives WeChat the card, once the command stands. Under the same key again only while no answer is known and the refund
 * is abnormal still. Refusals: `wechat.refused` with WeChat's code, again and again under that key; `refund.not_abnormal`
 * where WeChat has closed it meanwhile, `busy` where it does not answer.
 */
export async function giveCard(
  context: FlowContext,
  refund: RefundAtWechat,
  { bankType, account: bankAccount, name: realName }: PayersCard,
  commandId: CommandId,
): Promise<Result<void>> {
  const { database, wechatPay } = context
  const { lane, accountId, outRefundNo } = refund
  const application = await findRefundApplication(database.sql, lane, outRefundNo)
  if (application === undefined) return ok(undefined)
  const known = await knownRefusal(context, lane, application.bookId, commandId)
  if (known !== undefined) return refused(known)
  const isOwn = application.askedBy === commandId && application.answer !== 'done'
  const { status, refundId } = await refund.now()
  if (isOwn && status === 'closed') return notAbnormal(status)
  if (!isOwn || status !== 'abnormal' || refundId === null) return ok(undefined)
  const asked = { outRefundNo, refundId, bankType, bankAccount, realName }
  const answer = await wechatPay.applyAbnormalRefund(accountId, asked)
  const code = answer.status === 'refused' ? answer.code : undefined
  const said =
    answer.status === 'done' ? answer : await wechatPay.queryRefund(accountId, outRefundNo)
  const taken = underWay(said)
  if (taken !== undefined) {
    // In this order: an answer with a refund that still reads abnormal would let another card in.
    await refund.learn(taken)
    const isClosed = taken.state === 'closed'
    await writeApplicationAnswer(database.sql, lane, application, isClosed ? 'refused' : 'done')
    return isClosed ? notAbnormal(taken.state) : ok(undefined)
  }
  if (code === undefined || said.status !== 'done') {
    await refund.note(
      'WeChat was given a card of the payer and has not answered: ask again with the same key',
    )
    return refused(silent)
  }
  await refund.note(`WeChat does not send it to the card: ${code}`)
  // In this order: what is answered, and not kept, would read as taken once another card is named.
  const why = refusal('wechat.refused', `WeChat does not send it there: ${code}.`, {
    data: { code_at_wechat: code },
  })
  const kept = await context.engine.execute({
    ...refusalOf(lane, application.bookId, commandId),
    plan: () => ({ lanes: [lane], reads: [], decide: () => refused(why) }),
  })
  if (kept.status === 'refused' && kept.refusal.code === silent.code) return refused(silent)
  await writeApplicationAnswer(database.sql, lane, application, 'refused')
  return refused(why)
}

/** Under which WeChat's refusal of an application is kept, also after another has taken its place. */
function refusalOf(lane: Lane, book: BookId, key: CommandId) {
  return { book, operation: 'refund_application.refused', key, input: {}, homeLane: () => lane }
}

const notRefused = refusal('refund.not_abnormal', 'WeChat has refused nothing under this key.')

/** Also `busy`, where nobody can look. */
async function knownRefusal(
  context: FlowContext,
  lane: Lane,
  book: BookId,
  commandId: CommandId,
): Promise<Refusal | undefined> {
  const command = refusedUnlessDone(context, refusalOf(lane, book, commandId), notRefused)
  const kept = await context.engine.execute(command)
  return kept.status === 'refused' && kept.refusal.code !== notRefused.code
    ? kept.refusal
    : undefined
}

/** An earlier call may have been taken, and this one be refused for it. */
function underWay(said: Answer<Refund>): Refund | undefined {
  return said.status === 'done' && said.value.state !== 'abnormal' ? said.value : undefined
}

/**
 * A notice that a refund is abnormal may be the one from before a card was given, told once more: then WeChat is asked
 * what it is now. undefined: it does not answer.
 */
export async function asItIsNow(
  { database, engine, wechatPay }: FlowContext,
  { book, accountId }: { readonly book: BookId; readonly accountId: WechatAccountId },
  told: Refund,
): Promise<Refund | undefined> {
  if (told.state !== 'abnormal') return told
  const { outRefundNo } = told
  const id = readOutRefundNo(outRefundNo)?.orderId ?? idOfOutNumber('refund', outRefundNo)
  if (id === undefined || !engine.lanesOf(modeOfBook(book)).includes(laneOfId(id))) return told
  const application = await findRefundApplication(database.sql, laneOfId(id), outRefundNo)
  if (application?.bookId !== book) return told
  const said = await wechatPay.queryRefund(accountId, outRefundNo)
  return said.status === 'done' ? said.value : undefined
}
