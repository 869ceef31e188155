/**
 * Consumes the code of a WeChat card once, whoever asks and however often. The row is written before WeChat is asked; an
 * answer that was lost is found out by looking at the code, never by consuming it again.
 */
import {
  asId,
  type BookId,
  formatId,
  type Instant,
  type Refusal,
  refusal,
  refused,
  type WechatAppId,
} from '@lika/contract'
import {
  type Answer,
  beginConsume,
  type Consume,
  consumeByKey,
  consumeByReference,
  consumeOfCode,
  dropConsume,
  endConsume,
  holdConsume,
  letConsumeGo,
  lostConsumes,
} from '../../modules/wechat/index.ts'
import { elapsedMs } from '../../platform/clock.ts'
import { sameBytes } from '../../platform/crypto/compare.ts'
import { Nap } from '../../platform/nap.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'

export interface ConsumeAsked {
  readonly app: WechatAppId
  readonly code: string
  readonly cardId?: string | undefined
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/** `replayed`: it had its outcome before. */
export type ConsumeAnswer =
  | { readonly ok: true; readonly consume: Consume; readonly replayed: boolean }
  | { readonly ok: false; readonly refusal: Refusal; readonly replayed?: boolean }

type Needs = Pick<FlowContext, 'database' | 'keyring' | 'newId' | 'wechatApps' | 'wechatApp'>

/** Longer than all calls that one attempt may make. */
const leaseMs = 45_000
const patienceMs = 12_000
const firstNapMs = 30
const longestNapMs = 500

/**
 * Refusals: `wechat_app.not_found`, `idempotency.key_reused`, `card_code.already_consumed` with `existing_id` where Lika
 * did it, `reference.already_used`, `wechat.refused` with `wechat_code`, `busy` where WeChat does not answer: the same key
 * finds out what became of it.
 */
export async function consumeCode(
  needs: Needs,
  book: BookId,
  asked: ConsumeAsked,
  key: string,
  at: Instant,
): Promise<ConsumeAnswer> {
  const { keyring, wechatApps } = needs
  const app = await wechatApps.find(book, asked.app)
  if (app === undefined)
    return refused(refusal('wechat_app.not_found', 'No WeChat app has this id here.'))
  const digest = (text: string) => keyring.nameDigest(book, nameKinds.wechatCardCode, text)
  const { code, cardId = '', reference, metadata } = asked
  const codeDigest = digest(code)
  const fingerprint = digest(JSON.stringify([asked.app, code, cardId, reference, metadata]))
  const whole = { ...asked, book, codeDigest, fingerprint, key, at }
  const until = elapsedMs() + patienceMs
  for (let napMs = firstNapMs; elapsedMs() < until; napMs = Math.min(napMs * 2, longestNapMs)) {
    const step = await advance(needs, whole)
    if (step !== undefined) return step
    await new Nap().sleep(napMs)
  }
  return refused(notAnswered)
}

/** Undefined: somebody else is at it; look again. */
async function advance(needs: Needs, asked: Begin): Promise<ConsumeAnswer | undefined> {
  const { sql } = needs.database
  const { book, app, codeDigest, cardId = '', reference } = asked
  const mine = await consumeByKey(sql, book, asked.key)
  if (mine !== undefined && !sameBytes(mine.fingerprint, asked.fingerprint))
    return refused(keyReused)
  if (mine !== undefined && mine.status !== 'begun') return answerOf(mine, true)
  const standing = mine ?? (await consumeOfCode(sql, app, codeDigest, cardId))
  if (standing?.status === 'done') return refused(alreadyBy(standing))
  if (standing !== undefined) {
    const found = await findOut(needs, standing)
    return found === 'unknown' ? refused(notAnswered) : undefined
  }
  const begun = await begin(needs, asked)
  if (begun !== undefined) return begun
  const taken = await referenceTaken(needs, book, reference)
  return taken === undefined ? undefined : refused(taken)
}

type Begin = ConsumeAsked & {
  readonly book: BookId
  readonly codeDigest: Uint8Array
  readonly fingerprint: Uint8Array
  readonly key: string
  readonly at: Instant
}

/** Undefined: something of it is taken. */
async function begin(needs: Needs, asked: Begin): Promise<ConsumeAnswer | undefined> {
  const { database, keyring, newId } = needs
  const id = asId<'card_consume'>(newId())
  const holder = newId()
  const { app, cardId, code } = asked
  const row = {
    ...asked,
    id,
    askedCardId: cardId ?? '',
    sealedCode: keyring.seal('wechat-credentials', id, Buffer.from(code)),
  }
  if (!(await beginConsume(database.sql, row, { holder, leaseMs }))) return undefined
  // Looked at first: whoever looks after a lost answer must know that it was not consumed before.
  const found = await needs.wechatApp.cardCode(app, { code, cardId })
  if (found.status !== 'done' || !found.value.canConsume) {
    const end = found.status === 'done' ? standingIn(found.value.status) : found
    if (end.status === 'refused' && wasMade(end)) return endWith(needs, id, end)
    await dropConsume(database.sql, id, holder)
    return refused(notAnswered)
  }
  const consumed = await needs.wechatApp.consumeCode(app, { code, cardId })
  if (consumed.status === 'done') return endWith(needs, id, consumed.value)
  if (consumed.status === 'refused' && wasMade(consumed)) return endWith(needs, id, consumed)
  if (consumed.status === 'refused') await dropConsume(database.sql, id, holder)
  else await letConsumeGo(database.sql, id, holder)
  return refused(notAnswered)
}

/** A code that is there and cannot be consumed, in the words of WeChat's own refusal. */
function standingIn(status: string) {
  const code = status === 'CONSUMED' ? alreadyConsumed : '40127'
  return { status: 'refused', code, detail: `the code is ${status}` } as const
}

const alreadyConsumed = '40099'

/** Whether WeChat said so, and not our own breaker or limit. */
function wasMade({ code }: { readonly code: string }): boolean {
  return /^\d+$/.test(code)
}

async function endWith(
  { database }: Needs,
  id: Consume['id'],
  end: { readonly cardId: string } | { readonly code: string; readonly detail: string },
): Promise<ConsumeAnswer> {
  const row = await endConsume(database.sql, id, end)
  if (row === undefined) throw new Error(`the consumption ${id} is gone`)
  return answerOf(row, false)
}

/** What became of one whose answer was lost. `unknown`: WeChat does not answer; `moved`: look again. */
async function findOut(needs: Needs, row: Consume): Promise<'unknown' | 'moved'> {
  const { database, keyring, newId, wechatApp } = needs
  const holder = newId()
  if (row.sealedCode === null || !(await holdConsume(database.sql, row.id, { holder, leaseMs })))
    return 'moved'
  const code = keyring.open('wechat-credentials', row.id, row.sealedCode).toString()
  const cardId = row.askedCardId === '' ? undefined : row.askedCardId
  const found: Answer<{ readonly cardId: string; readonly status: string }> =
    await wechatApp.cardCode(row.app, { code, cardId })
  if (found.status === 'done' && found.value.status === 'CONSUMED')
    await endConsume(database.sql, row.id, { cardId: found.value.cardId })
  else if (found.status === 'done') await dropConsume(database.sql, row.id, holder)
  else if (found.status === 'refused' && wasMade(found))
    await endConsume(database.sql, row.id, found)
  else {
    await letConsumeGo(database.sql, row.id, holder)
    return 'unknown'
  }
  return 'moved'
}

/** From time to time: finds out about those that nobody came back for. */
export async function findLostConsumes(needs: Needs): Promise<void> {
  for (const row of await lostConsumes(needs.database.sql, 50)) await findOut(needs, row)
}

function answerOf(row: Consume, replayed: boolean): ConsumeAnswer {
  if (row.status === 'done') return { ok: true, consume: row, replayed }
  if (row.refusedCode === alreadyConsumed) return { ok: false, refusal: already, replayed }
  const detail = `WeChat does not consume the code: ${row.refusedDetail}.`
  const data = { wechat_code: row.refusedCode }
  return { ok: false, refusal: refusal('wechat.refused', detail, { data }), replayed }
}

const keyReused = refusal(
  'idempotency.key_reused',
  'This Idempotency-Key was used with other input: send a new one.',
)

const already: Refusal = refusal('card_code.already_consumed', 'The code was consumed before.')

function alreadyBy({ id }: Consume): Refusal {
  return { ...already, data: { existing_id: formatId('card_consume', id) } }
}

async function referenceTaken(
  { database }: Needs,
  book: BookId,
  reference: string | null,
): Promise<Refusal | undefined> {
  if (reference === null) return undefined
  const other = await consumeByReference(database.sql, book, reference)
  if (other === undefined) return undefined
  return refusal('reference.already_used', 'This reference stands for something else already.', {
    data: { existing_id: formatId('card_consume', other.id) },
  })
}

const notAnswered = refusal(
  'busy',
  'WeChat does not answer right now. Send the same Idempotency-Key again to learn what became of it.',
  { retryAfterSeconds: 2 },
)
