/**
 * What payments and holds decide alike: whether the cards may pay here, and what each of them gives. Both differ only
 * in whether the money moves or is set aside.
 */
import {
  asId,
  type BookId,
  type CommandId,
  type Fen,
  formatId,
  type Instant,
  type Lane,
  type MerchantId,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  type CardRow,
  cards,
  checkCard,
  payCodeKey,
  payCodeUses,
} from '../../modules/cards/index.ts'
import { accountReads } from '../../modules/ledger/index.ts'
import { checkMayTake, type Till } from '../../modules/merchants/index.ts'
import {
  accountOf,
  checkSources,
  findHold,
  findPayment,
  type Share,
  type SourcePots,
  takeFrom,
  wasCancelled,
} from '../../modules/payments/index.ts'
import { checkAcceptance, type Terms } from '../../modules/programs/index.ts'
import {
  type Json,
  type NameState,
  type Read,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import { cardNotFound, termsOfCard } from '../cards/on-card.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds, ofMerchant } from '../names.ts'
import type { Desks } from './desks.ts'
import { nameOfSource, resolveSources, type Source, sourcesPrint } from './sources.ts'
import type { ChargeInput, TillCaller } from './till-caller.ts'

/** A payment or hold whose till and cards are known. */
export interface Charge {
  readonly input: ChargeInput
  readonly till: Till
  readonly sources: readonly Source[]
  /** The sources give what they have, up to the amount: somebody else pays the rest. */
  readonly isPart?: boolean
}

/**
 * Refusals, which leave nothing and the key free: `sources.invalid`, `merchant.not_found`, `store.not_found`,
 * `terminal.not_found`, then those of `resolveSources`.
 */
export async function prepareCharge(
  context: FlowContext,
  caller: TillCaller,
  input: ChargeInput,
): Promise<Result<Charge>> {
  const sound = checkSources(input.sources, input.amount, nameOfSource)
  if (!sound.ok) return sound
  const till = await context.merchants.tillOf(caller.book, input)
  if (!till.ok) return till
  const resolved = resolveSources(context, caller, input.sources)
  const sources = resolved instanceof Promise ? await resolved : resolved
  if (!sources.ok) return sources
  return ok({ input, till: till.value, sources: sources.value })
}

/** What the caller sent, as the fingerprint of its key. */
export function chargePrint(context: FlowContext, input: ChargeInput): { [member: string]: Json } {
  const { amount, merchantId, storeId, terminalId, channel, reference, metadata, notAfter } = input
  const { vouchers = [] } = input
  return {
    amount: String(amount),
    merchant: merchantId,
    reference,
    sources: sourcesPrint(context, input.sources),
    ...(storeId === undefined ? {} : { store: storeId }),
    ...(terminalId === undefined ? {} : { terminal: terminalId }),
    ...(channel === undefined ? {} : { channel }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(vouchers.length === 0 ? {} : { vouchers }),
    ...(notAfter === undefined ? {} : { not_after: notAfter }),
  }
}

export function orderName(merchantId: MerchantId, reference: string) {
  return { kind: nameKinds.order, name: ofMerchant(merchantId, reference) }
}

/** The home lane first. */
export function lanesOfCharge(home: Lane, sources: readonly Source[]): Lane[] {
  const [only] = sources
  if (sources.length === 1 && only?.lane === home) return [home]
  return [...new Set([home, ...sources.map(({ lane }) => lane)])]
}

export function chargeReads(sources: readonly Source[]): Read[] {
  const reads: Read[] = []
  for (const { cardId, lane, payCode } of sources) {
    reads.push(read(cards, lane, cardId), ...accountReads(lane, accountsOf(cardId)))
    if (payCode?.step !== undefined) {
      reads.push(read(payCodeUses, lane, payCodeKey({ ...payCode, step: payCode.step })))
    }
  }
  return reads
}

function accountsOf(cardId: CardRow['id']) {
  return [accountOf(cardId, 'principal'), accountOf(cardId, 'bonus')]
}

/**
 * What each sub-balance gives, in the order of consumption. Refusals:
 *
 * 1. for each source `card.not_found`, or `card.not_recognised` where the secret changed just now (not final)
 * 2. `payment.cancelled`, where the reference was cancelled before
 * 3. `reference.already_used`
 * 4. `merchant.suspended`, `merchant.not_approved`
 * 5. for each source `pay_code.already_used`, `pay_code.expired`, the state of the card (see `checkCard`), the scope of
 *    its product (see `checkAcceptance`)
 * 6. `voucher.not_usable`; `covered` says what vouchers pay, and the cards the rest
 * 7. `funds.insufficient`
 */
export function decideShares(
  context: Pick<FlowContext, 'programs'>,
  view: View,
  desks: Desks,
  charge: Charge,
  standing: Refusal | undefined,
  now: Instant,
  covered?: () => Result<Share[]>,
): Result<Share[]> & { final?: boolean } {
  const { input, till, sources } = charge
  const rows: CardRow[] = []
  for (const source of sources) {
    const card = view.get(cards, source.cardId)
    if (card === undefined || card.bookId !== view.bookId) return gone(cardNotFound)
    if (!isSameSecret(source, card)) return gone(secretChanged)
    rows.push(card)
  }
  if (standing !== undefined) return refused(standing)
  const open = checkMayTake(till)
  if (!open.ok) return open
  const pots: SourcePots[] = []
  for (const [index, card] of rows.entries()) {
    const source = sources[index]
    if (source === undefined) continue
    const terms = termsOfCard(context, card)
    const fit = checkSource(view, source, card, terms, charge, now)
    if (!fit.ok) return fit
    pots.push(potsOf(desks, source, terms, now))
  }
  if (covered === undefined)
    return takeFrom(pots, charge.isPart ? partOf(pots, input.amount) : input.amount)
  const byVouchers = covered()
  if (!byVouchers.ok) return byVouchers
  const paid = byVouchers.value.reduce((sum, { amount }) => sum + amount, 0n)
  const rest = takeFrom(pots, input.amount - paid)
  return rest.ok ? ok([...byVouchers.value, ...rest.value]) : rest
}

/** What there is, at least one fen, at most the amount. */
function partOf(pots: readonly SourcePots[], amount: Fen): Fen {
  const all = pots.flatMap((source) => source.pots)
  const available = all.reduce((sum, pot) => sum + pot.available, 0n)
  if (available <= 0n) return 1n
  return available < amount ? available : amount
}

function gone(why: Refusal) {
  return { ...refused(why), final: false }
}

const secretChanged = refusal('card.not_recognised', 'What was presented is not recognised.')

function isSameSecret({ secretDigest }: Source, card: CardRow): boolean {
  if (secretDigest === undefined || secretDigest === null) return true
  return card.secretDigest !== null && Buffer.compare(secretDigest, card.secretDigest) === 0
}

function checkSource(
  view: View,
  source: Source,
  card: CardRow,
  terms: Terms,
  { input: { amount, channel }, till }: Charge,
  now: Instant,
): Result<void> {
  const code = source.payCode
  if (code !== undefined) {
    if (code.step === undefined) return refused(codeExpired)
    const use = view.get(payCodeUses, payCodeKey({ ...code, step: code.step }))
    if (use !== undefined) {
      const existing = formatId(use.forHold ? 'hold' : 'payment', use.commandId)
      return refused(
        refusal('pay_code.already_used', 'This pay code was already used; the next one is new.', {
          data: { existing_id: existing },
        }),
      )
    }
  }
  const fit = checkCard(card, 'pay', now)
  return fit.ok ? checkAcceptance(terms, { till, channel, amount }, now) : fit
}

const codeExpired = refusal('pay_code.expired', 'The pay code has expired; show a new one.')

function potsOf(
  desks: Desks,
  { cardId, lane, amount }: Source,
  { consumeOrder }: Terms,
  now: Instant,
): SourcePots {
  const desk = desks.in(lane)
  desk.releaseExpired(accountsOf(cardId), now)
  const pots = consumeOrder.map((subBalance) => ({
    subBalance,
    available: desk.available(accountOf(cardId, subBalance)),
  }))
  return { cardId, amount, pots }
}

/** From now on the codes that were shown pay no more. */
export function markPayCodes(view: View, sources: readonly Source[], forHold: boolean): void {
  for (const { payCode } of sources) {
    if (payCode?.step === undefined) continue
    const { lane, handle, step } = payCode
    view.put(payCodeUses, lane, { lane, handle, step, commandId: view.commandId, forHold })
  }
}

/**
 * What the reference refuses: it was cancelled, or another command has it. undefined: it is this command's own.
 * Refusals: `payment.cancelled`, `reference.already_used` with `existing_id`.
 */
export function standingOf(
  context: FlowContext,
  book: BookId,
  name: NameState,
): Refusal | undefined | Promise<Refusal> {
  if (name === 'own') return undefined
  if (name === 'cancelled') return wasCancelled
  return referenceTaken(context, book, name.takenBy)
}

async function referenceTaken(
  { database }: FlowContext,
  book: BookId,
  owner: CommandId,
): Promise<Refusal> {
  const detail = 'The merchant already used this reference.'
  const { sql } = database
  const [payment, hold] = await Promise.all([
    findPayment(sql, book, asId(owner)),
    findHold(sql, book, asId(owner)),
  ])
  const kind = payment !== undefined ? 'payment' : hold !== undefined ? 'hold' : undefined
  // Neither: the other one is just being made, in the same atomic bulk.
  if (kind === undefined) return refusal('reference.already_used', detail)
  return refusal('reference.already_used', detail, { data: { existing_id: formatId(kind, owner) } })
}
