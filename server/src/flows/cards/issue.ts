/** Issuing a card: a virtual one with its money on it, a plastic one worthless until it is sold. */
import {
  addMonths,
  businessDateOf,
  type CommandId,
  endOfDay,
  type Instant,
  laneOfId,
  ok,
  type ProductId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { type CardRow, cards, type MintedCard, seals } from '../../modules/cards/index.ts'
import { accountId, LedgerDesk } from '../../modules/ledger/index.ts'
import type { Policy } from '../../modules/policy/index.ts'
import { checkFace, type Product, type Terms } from '../../modules/programs/index.ts'
import type { Command, Decision, View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { type CardCaller, claimedInput } from './caller.ts'
import { type Body, factsBody, factsFrom, factsOf, presentCard } from './facts.ts'
import { type Law, lawOf } from './law.ts'
import { nameRefusal } from './on-card.ts'
import {
  checkFunding,
  checkPurchase,
  claimedPurchase,
  type Purchase,
  postPurchase,
  recordPeopleOf,
} from './purchase.ts'
import { maySell, type Sale, saleOf } from './sale.ts'

export interface IssueInput extends Purchase {
  readonly productId: ProductId
  /** Unless said, what the carrier is for: virtual cards at once, physical ones when they are sold. */
  readonly activate?: boolean | undefined
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

interface Issue {
  readonly input: IssueInput
  readonly product: Product
  readonly minted: MintedCard
  readonly caller: CardCaller
  readonly sale: Sale
}

/**
 * A new card, in a lane of the caller's mode. Who pays for a card that is not activated is recorded when it is.
 * Refusals: `product.not_found`, `reference.already_used`, `product.not_published`, `amount.out_of_range`,
 * `funding.reference_missing`, for a card that is activated `policy.sale_stopped` and `policy.charter_missing`,
 * `policy.card_limit`, and for one that is activated `policy.identity_required`, `policy.cash_not_allowed`.
 */
export async function issueCommand(
  context: FlowContext,
  caller: CardCaller,
  input: IssueInput,
  key: string,
): Promise<Result<Command>> {
  const product = await context.programs.find(caller.book, input.productId)
  if (product === undefined)
    return refused(refusal('product.not_found', 'No product has this id here (prod_…).'))
  const law = await lawOf(context, caller.issuerId)
  const { reference } = input
  return ok({
    book: caller.book,
    operation: 'card.issued',
    key,
    input: claimedInput(claimedPurchase(context, caller, input)),
    homeLane: () => context.engine.laneForNew(caller.mode),
    ...(reference !== undefined && { name: { kind: nameKinds.card, name: reference } }),
    plan: async (commandId, name) => {
      const minted = mintOne(context, law, commandId)
      const taken = await nameRefusal(context, name, 'card')
      const sale = await saleOf(context, caller)
      await recordPeopleOf(context, caller, commandId, input)
      return {
        lanes: [laneOfId(commandId)],
        reads: [],
        decide: (view, now) => {
          if (taken !== undefined) return { ok: false, refusal: taken }
          const checked = checkIssue(input, product, law.at(now), sale)
          return checked.ok ? issue(view, now, { input, product, minted, caller, sale }) : checked
        },
      }
    },
  })
}

/** A new card for the command, born in its lane. */
export function mintOne(
  { mintCards }: Pick<FlowContext, 'mintCards'>,
  { issuer }: Law,
  commandId: CommandId,
): MintedCard {
  const [minted] = mintCards({ lane: laneOfId(commandId), prefix: issuer.numberPrefix, count: 1 })
  if (minted === undefined) throw new Error('no card was minted')
  return minted
}

function checkIssue(
  input: IssueInput,
  { status, terms }: Product,
  policy: Policy,
  sale: Sale,
): Result<void> {
  if (status !== 'published')
    return refused(refusal('product.not_published', 'The product is a draft: publish it first.'))
  const face = checkFace(terms, input.amount)
  if (!face.ok) return face
  const funded = checkFunding(input.funding)
  if (!funded.ok) return funded
  const { registered } = terms
  const card = { registered, carried: 0n }
  // Who buys a plastic card, and how it is paid, is known when it is sold.
  if (!isActivated(input, terms)) {
    const unsold: Purchase = { ...input, funding: { method: 'none' }, buyer: everybody }
    return checkPurchase(policy, card, { ...unsold, agent: undefined })
  }
  const open = maySell(policy, sale)
  return open.ok ? checkPurchase(policy, card, input) : open
}

/** Satisfies every question about the buyer. */
const everybody = { kind: 'person', name: '-', idType: 'other', idNumber: '-', phone: '-' } as const

function isActivated(input: Pick<IssueInput, 'activate'>, terms: Terms): boolean {
  return input.activate ?? terms.carrier === 'virtual'
}

function issue(view: View, now: Instant, issued: Issue): Decision {
  const { input, product, minted, caller, sale } = issued
  const { amount, bonus, reference, metadata } = input
  const { terms } = product
  const lane = laneOfId(minted.id)
  const active = isActivated(input, terms)
  const desk = new LedgerDesk(view, lane)
  const card: CardRow = {
    ...newCard(minted),
    bookId: view.bookId,
    productId: product.id,
    productVersion: product.version,
    state: active ? 'active' : 'created',
    faceAmount: active ? 0n : amount,
    faceBonus: active ? 0n : bonus,
    expiresAt: active ? expiryOf(terms, now) : null,
    reference: reference ?? null,
    metadata: metadata ?? null,
    createdAt: now,
    activatedAt: active ? now : null,
    charterId: active ? sale.charterId : null,
  }
  view.put(cards, lane, card)
  view.put(seals, lane, { cardId: card.id, sealed: minted.sealed, revealedAt: null })
  const principal = active ? amount : 0n
  if (active) {
    desk.open(accountId(card.id, 'card_principal', lane))
    desk.open(accountId(card.id, 'card_bonus', lane))
    const { issuerId } = caller
    postPurchase(view, lane, desk, {
      amount,
      bonus,
      funding: input.funding,
      buyer: input.buyer,
      agent: input.agent,
      charterId: sale.charterId,
      cardId: card.id,
      issuerId,
      at: now,
      reference,
    })
  }
  const facts = factsOf(card, { principal, bonus: active ? bonus : 0n, held: 0n })
  return { ok: true, value: { kind: 'card.issued', version: 1, body: factsBody(facts) } }
}

/** What a card is born with, whatever made it: no lineage, no batch, not replaced. */
export function newCard({ id, number, secretDigest }: MintedCard) {
  return {
    id,
    number,
    secretDigest,
    faceAmount: 0n,
    faceBonus: 0n,
    parentId: null,
    depth: 0,
    replacedBy: null,
    replaces: null,
    batchId: null,
    importId: null,
    reference: null,
    metadata: null,
    sealedUntil: null,
  } satisfies Partial<CardRow>
}

/** Valid to the end of the same day so many months later, in Shanghai; null: it does not expire. */
export function expiryOf({ validityMonths }: Pick<Terms, 'validityMonths'>, from: Instant) {
  return validityMonths === null ? null : endOfDay(addMonths(businessDateOf(from), validityMonths))
}

export function presentIssued(
  body: Body,
  at: Instant,
  { reference, metadata }: Pick<IssueInput, 'reference' | 'metadata'>,
) {
  return presentCard(factsFrom(body), { reference, metadata }, at)
}
