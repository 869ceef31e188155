/**
 * The cards behind the sources of a payment: named by id, by number and secret, or by a pay code. Resolved by unlocked
 * reads before the command is claimed; what may have changed since is checked again in the round.
 */
import {
  type CardId,
  type Fen,
  issuerOfBook,
  type Lane,
  laneOf,
  laneOfId,
  modeOfBook,
  ok,
  type Refusal,
  type Result,
  refused,
} from '@lika/contract'
import {
  type CardRow,
  cardOfHandle,
  isRightSecret,
  loadCards,
  normalizeNumber,
  readPayCode,
  selectCardIds,
  targetOfPayCode,
} from '../../modules/cards/index.ts'
import { contradiction } from '../../modules/payments/index.ts'
import { requiredCount } from '../../modules/policy/index.ts'
import { canonical, type Json } from '../../platform/lanes/index.ts'
import { lawOf } from '../cards/law.ts'
import { cardNotFound } from '../cards/on-card.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import type { SourceInput, TillCaller } from './till-caller.ts'

/** A card that is to pay, and by what it was proven that it may. */
export interface Source {
  readonly cardId: CardId
  readonly lane: Lane
  readonly amount: Fen | undefined
  /** The digest that the presented secret was right for. */
  readonly secretDigest?: Uint8Array | null
  readonly payCode?: UsedPayCode
}

export interface UsedPayCode {
  readonly lane: Lane
  readonly handle: number
  /** undefined: it has expired, so it pays no more. */
  readonly step: bigint | undefined
}

/**
 * Refusals, by source in their order: `card.not_found` (ids that name no lane of this mode), `throttled`,
 * `card.not_recognised`, `pay_code.not_recognised`; then `sources.invalid` where two of them are the same card.
 */
export function resolveSources(
  context: FlowContext,
  caller: TillCaller,
  inputs: readonly SourceInput[],
): Result<readonly Source[]> | Promise<Result<readonly Source[]>> {
  const [first] = inputs
  if (inputs.length === 1 && first?.kind === 'card') {
    const source = byId(context, caller, first)
    return source.ok ? ok([source.value]) : source
  }
  return resolveEach(context, caller, inputs)
}

async function resolveEach(
  context: FlowContext,
  caller: TillCaller,
  inputs: readonly SourceInput[],
): Promise<Result<readonly Source[]>> {
  const sources: Source[] = []
  for (const input of inputs) {
    const source = await resolveOne(context, caller, input)
    if (!source.ok) return source
    sources.push(source.value)
  }
  const isTwice = new Set(sources.map(({ cardId }) => cardId)).size < sources.length
  return isTwice ? contradiction('The same card is named twice.') : ok(sources)
}

function resolveOne(
  context: FlowContext,
  caller: TillCaller,
  input: SourceInput,
): Result<Source> | Promise<Result<Source>> {
  switch (input.kind) {
    case 'card':
      return byId(context, caller, input)
    case 'number':
      return byNumber(context, caller, input)
    case 'pay_code':
      return byPayCode(context, caller, input)
  }
}

function byId(
  { engine }: FlowContext,
  { book }: TillCaller,
  { cardId, amount }: Extract<SourceInput, { kind: 'card' }>,
): Result<Source> {
  const lane = laneOfId(cardId)
  const isThere = engine.lanesOf(modeOfBook(book)).includes(lane)
  return isThere ? ok({ cardId, lane, amount }) : refused(cardNotFound)
}

function byNumber(
  context: FlowContext,
  caller: TillCaller,
  { number, secret, amount }: Extract<SourceInput, { kind: 'number' }>,
): Promise<Result<Source>> {
  return context.guesses.attempt({ number }, caller, async () => {
    const card = await cardOfNumber(context, caller, normalizeNumber(number))
    if (!isRightSecret(card ?? nobody, secret, context.keyring)) return undefined
    if (card === undefined) return undefined
    return { cardId: card.id, lane: laneOfId(card.id), amount, secretDigest: card.secretDigest }
  })
}

/** Compared with where there is no such card, so that the answer takes as long. */
const nobody = { id: '00000000-0000-7000-8000-000000000000', secretDigest: null }

/** Our own numbers carry their lane; imported ones are in the directory. */
async function cardOfNumber(
  { database, engine }: FlowContext,
  { book }: TillCaller,
  number: string,
): Promise<CardRow | undefined> {
  const mode = modeOfBook(book)
  const lane = laneOf(number)
  if (lane !== undefined && engine.lanesOf(mode).includes(lane)) {
    const filter = { number, limit: 1 }
    const [id] = await selectCardIds(database.sql, lane, book, filter, engine.now(mode))
    if (id !== undefined) return (await loadCards(database.sql, lane, [id]))[0]
  }
  const imported = await engine.names.ownerOf(book, { kind: nameKinds.cardNumber, name: number })
  if (imported === undefined) return undefined
  const [card] = await loadCards(database.sql, laneOfId(imported.id), [imported.id])
  return card?.bookId === book ? card : undefined
}

function byPayCode(
  context: FlowContext,
  caller: TillCaller,
  { code, amount }: Extract<SourceInput, { kind: 'pay_code' }>,
): Promise<Result<Source>> {
  return context.guesses.attempt({ payCode: code }, caller, async () => {
    const { engine, database, keyring } = context
    const mode = modeOfBook(caller.book)
    const target = targetOfPayCode(code)
    if (target === undefined || !engine.lanesOf(mode).includes(target.lane)) return undefined
    const { lane, handle } = target
    const now = engine.now(mode)
    const law = await lawOf(context, issuerOfBook(caller.book))
    const lifeSeconds = requiredCount(law.at(now), 'pay_code_life_seconds')
    const read = readPayCode(keyring.payCodeMac, code, now, lifeSeconds)
    if (read === 'not_recognised') return undefined
    const cardId = await cardOfHandle(database.sql, lane, handle)
    if (cardId === undefined) return undefined
    const [card] = await loadCards(database.sql, lane, [cardId])
    if (card?.bookId !== caller.book) return undefined
    const step = read === 'expired' ? undefined : read.step
    return { cardId, lane, amount, payCode: { lane, handle, step } }
  })
}

/** How a source is told apart from others before its card is known. */
export function nameOfSource(source: SourceInput): string {
  switch (source.kind) {
    case 'card':
      return source.cardId
    case 'number':
      return normalizeNumber(source.number)
    case 'pay_code':
      return source.code
  }
}

/** The sources as the fingerprint of a key knows them: nothing in it can be guessed back. */
export function sourcesPrint(
  { keyring }: FlowContext,
  sources: readonly SourceInput[],
): readonly Json[] {
  return sources.map(({ amount, ...source }): Json => {
    const fen = amount === undefined ? {} : { amount: String(amount) }
    if (source.kind === 'card') return { card: source.cardId, ...fen }
    return { digest: keyring.guessDigest(`source:${canonical(source)}`).toString('hex'), ...fen }
  })
}

/** Whether what was presented is simply wrong, as opposed to locked. */
export function isNotRecognised({ code }: Refusal): boolean {
  return code === 'card.not_recognised' || code === 'pay_code.not_recognised'
}
