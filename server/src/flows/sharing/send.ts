/**
 * Sends queued shares to WeChat within its limits, which all processes count together, and asks again about those of
 * which nobody heard. Never on the way of a sale.
 */
import { type Fen, type Instant, issuerOfBook, type Mode, modeOfBook, ok } from '@lika/contract'
import { accountId } from '../../modules/ledger/index.ts'
import {
  type AskedShare,
  accountsWaiting,
  askAgainMs,
  keptForMs,
  mayArriveYet,
  outShareNo,
  postponeShares,
  type SharePart,
  sendAgainMs,
  shares,
  shareWithinMs,
  takeShares,
} from '../../modules/sharing/index.ts'
import type { Answer, Share } from '../../modules/wechat/index.ts'
import { type Decision, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { Desks } from '../payments/desks.ts'
import { carriedOut } from '../prepared.ts'
import { type KnownPayees, type PayeeContext, payeesOf, payeeType } from './payees.ts'
import { letGo } from './rest.ts'

type Context = Pick<FlowContext, 'engine' | 'database' | 'wechatPay' | 'newId'> & PayeeContext

/** What may go out in this second, of every account of the mode. Answers how much did. */
export async function sendShares(context: Context, mode: Mode): Promise<number> {
  const now = context.engine.now(mode)
  const waiting = await accountsWaiting(context.database.sql)
  const accounts = waiting.filter(({ bookId }) => modeOfBook(bookId) === mode)
  if (accounts.length === 0) return 0
  const ids = accounts.map(({ accountId: id }) => id)
  const taken = await takeShares(context.database, mode, ids, now)
  const open = taken.filter(({ errand }) => errand === 'share')
  const ends = await Promise.all(open.map((share) => ask(context, share, now)))
  await settle(
    context,
    ends.map((end) => atLast(end, now)),
  )
  const over = taken.filter(({ errand }) => errand === 'rest')
  await letGo(context, over, now)
  return taken.length
}

/** What an answer means for a share. */
type End =
  | {
      readonly share: AskedShare
      readonly end: 'finished' | 'failed'
      readonly reason: string | null
      /** As they are, with those that WeChat closed. */
      readonly receivers: readonly SharePart[]
      /** Fen that went to payees. */
      readonly moved: Fen
      /** Whether WeChat still keeps what nobody got; `refused`: a person has to look. */
      readonly rest: 'free' | 'waiting' | 'refused'
    }
  | {
      readonly share: AskedShare
      readonly end: 'waiting' | 'asked' | 'processing'
      readonly at: Instant
      readonly reason: string | null
    }

type Over = Exclude<End, { readonly at: Instant }>

async function ask(context: Context, share: AskedShare, now: Instant): Promise<End> {
  const { wechatPay } = context
  const { accountId: account, transactionId } = share
  const outOrderNo = outShareNo(share.id)
  if (!share.wasAsked && now >= lastInstantOf(share)) return failed(share, 'too_late')
  const payees = await payeesOf(context, share)
  if (share.wasAsked) {
    const known = await wechatPay.queryShare(account, outOrderNo, transactionId)
    if (known.status !== 'refused') return meaningOf(share, payees, known, now)
    // That nobody may ask now says nothing of what was asked for.
    if (known.code !== 'RESOURCE_NOT_EXISTS')
      return again(share, openStateOf(share), now + sendAgainMs(share.tries), known.code)
    // It is not there, or not yet: the same number is sent again, and does nothing twice.
    if (now >= lastInstantOf(share)) return notTaken(share, now, 'too_late')
  }
  const receivers = share.receivers.flatMap((payee, index) => {
    const to = payees.accounts[index]
    const type = payeeType(payee)
    return to === undefined ? [] : [{ type, account: to, amount: payee.amount, description }]
  })
  if (receivers.length < share.receivers.length) return notTaken(share, now, 'payee_unknown')
  const { appid } = payees
  const asked = { appid, transactionId, outOrderNo, receivers, unfreezeRest: true }
  return meaningOf(share, payees, await wechatPay.share(account, asked), now)
}

const description = '分账'

/** What is asked for will never be done; after every other code the same request may do. */
const final = ['PARAM_ERROR', 'INVALID_REQUEST', 'RULE_LIMIT', 'ORDER_NOT_EXIST', 'too_late']

/** WeChat has not taken it now; a call before may still arrive, so that it counts only where there is none. */
function notTaken(share: AskedShare, now: Instant, reason: string): End {
  if (share.state === 'processing' || (share.wasAsked && mayArriveYet(share.tries)))
    return again(share, openStateOf(share), now + askAgainMs(share.tries), reason)
  return final.includes(reason) ? failed(share, reason) : sendLater(share, now, reason)
}

function openStateOf({ state }: AskedShare): 'asked' | 'processing' {
  return state === 'processing' ? 'processing' : 'asked'
}

/** What came of a request, or of a question that was answered. */
function meaningOf(
  share: AskedShare,
  payees: KnownPayees,
  answer: Answer<Share>,
  now: Instant,
): End {
  const later = now + askAgainMs(share.tries)
  if (answer.status === 'unknown') return again(share, openStateOf(share), later, answer.why)
  if (answer.status === 'refused') return notTaken(share, now, answer.code)
  const { state, receivers } = answer.value
  if (state === 'processing' || receivers.some(({ result }) => result === 'pending'))
    return again(share, 'processing', later, null)
  const closed = receivers.filter(({ result }) => result === 'closed')
  const parts = partsAfter(share, payees, receivers)
  const moved = parts.reduce((sum, { amount, isClosed }) => (isClosed ? sum : sum + amount), 0n)
  const reason = closed[0] === undefined ? null : (closed[0].failReason ?? 'CLOSED')
  return {
    share,
    end: moved === 0n ? 'failed' : 'finished',
    reason,
    receivers: parts,
    moved,
    rest: 'free',
  }
}

/** A member who is known no more, or by another app, is told by his amount: who he was to WeChat stands nowhere. */
function partsAfter(
  { receivers }: AskedShare,
  { accounts }: KnownPayees,
  told: Share['receivers'],
): SharePart[] {
  const closed = told.filter(({ result }) => result === 'closed')
  const strangers = closed.filter(({ account }) => !accounts.includes(account))
  return receivers.map((part, index) => {
    const to = accounts[index]
    const place = strangers.findIndex((one) => one.amount === part.amount)
    const isKnown = told.some(({ account }) => account === to)
    const isStranger = !isKnown && place !== -1
    if (isStranger) strangers.splice(place, 1)
    const isClosed = isStranger || closed.some(({ account }) => account === to)
    return isClosed ? { ...part, isClosed } : part
  })
}

function failed(share: AskedShare, reason: string): Over {
  const { receivers } = share
  return { share, end: 'failed', reason, receivers, moved: 0n, rest: 'waiting' }
}

function again(
  share: AskedShare,
  end: 'waiting' | 'asked' | 'processing',
  at: Instant,
  reason: string | null,
): End {
  return { share, end, at, reason }
}

/** Less and less often, and a last time just before it is too late. */
function sendLater(share: AskedShare, now: Instant, reason: string): End {
  const last = lastInstantOf(share)
  const at = now + sendAgainMs(share.tries)
  return again(share, 'waiting', now < last ? Math.min(at, last) : at, reason)
}

function lastInstantOf({ createdAt }: AskedShare): Instant {
  return createdAt + shareWithinMs
}

/** WeChat never said what came of it, and does not keep anything for it any more: a person finds out, and nothing waits. */
function atLast(end: End, now: Instant): End {
  const { share } = end
  const isUnheard = 'at' in end && end.end !== 'waiting' && end.reason !== null
  return isUnheard && now > share.createdAt + keptForMs
    ? { ...failed(share, 'unknown_at_wechat'), rest: 'refused' }
    : end
}

function leaseOf({ lane, id, leasedUntil }: AskedShare) {
  return { lane, id, leasedUntil }
}

async function settle(context: Context, ends: readonly End[]): Promise<void> {
  const later = ends.flatMap((one) =>
    'at' in one ? [{ ...leaseOf(one.share), at: one.at, state: one.end, reason: one.reason }] : [],
  )
  await postponeShares(context.database.sql, later)
  const over = ends.flatMap((one) => ('at' in one ? [] : [one]))
  const together = Map.groupBy(over, ({ share }) => `${share.bookId} ${share.lane}`)
  await Promise.all([...together.values()].map((some) => book(context, some)))
}

/**
 * What was shared within this second is booked in one step for each lane. A share that another process has ended
 * meanwhile, or a failure of which another was to decide by now, is left out: the row under the lane's lock says so.
 */
async function book(context: Context, ends: readonly Over[]): Promise<void> {
  const [first] = ends
  if (first === undefined) return
  const { bookId, lane } = first.share
  const done = await context.engine.execute({
    book: bookId,
    operation: 'sharing.settled',
    key: context.newId(),
    input: {},
    weight: 'bulk',
    size: ends.length,
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: ends.map(({ share }) => read(shares, lane, share.id)),
      decide: (view) => settleIn(view, lane, ends),
    }),
  })
  carriedOut(done)
}

function settleIn(view: View, lane: number, ends: readonly Over[]): Decision {
  let amount = 0n
  let finished = 0
  let failed = 0
  for (const { share, end, reason, receivers, moved, rest } of ends) {
    const row = view.get(shares, share.id)
    if (row === undefined || row.state === 'finished' || row.state === 'failed') continue
    if (end === 'failed' && row.nextAt !== share.leasedUntil) continue
    if (end === 'finished') {
      amount += moved
      finished += 1
      view.put(shares, lane, { ...row, state: 'finished', reason, receivers, rest })
    } else {
      failed += 1
      view.put(shares, lane, { ...row, state: 'failed', reason, receivers, rest })
    }
  }
  const desks = new Desks(view)
  const own = (kind: 'shared_sales' | 'wechat') => accountId(issuerOfBook(view.bookId), kind, lane)
  if (amount > 0n)
    desks.in(lane).transfer({ debit: own('shared_sales'), credit: own('wechat'), amount })
  const body = { finished, failed, amountFen: String(amount) }
  return ok({ kind: 'sharing.settled', version: 1, body })
}
