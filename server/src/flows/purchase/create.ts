/** An order is made: what is bought, for how much, until when it can be paid. No money is asked for yet. */
import {
  asId,
  type BookId,
  type CardId,
  type Fen,
  formatId,
  type Instant,
  type Lane,
  laneOfId,
  type MemberId,
  modeOfBook,
  type OrderChannel,
  type OrderId,
  type OrderKind,
  ok,
  type ProductId,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { type Buyer, cards, checkCard } from '../../modules/cards/index.ts'
import { accountId, accountReads, LedgerDesk } from '../../modules/ledger/index.ts'
import { mostCards, type OrderRow, orders } from '../../modules/orders/index.ts'
import type { Product, Terms } from '../../modules/programs/index.ts'
import {
  type Command,
  type Decision,
  type NameState,
  type Read,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import { type CardCaller, claimedInput } from '../cards/caller.ts'
import { type Law, lawOf } from '../cards/law.ts'
import { cardNotFound, termsOfCard } from '../cards/on-card.ts'
import { claimedPurchase, recordPeopleOf } from '../cards/purchase.ts'
import { type Sale, saleOf } from '../cards/sale.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { knownAtFirst } from '../prepared.ts'
import { keepStock, type Wanted, wantedStock } from '../stock/keep.ts'
import { orderBody } from './facts.ts'
import { checkOrdered, coolingOffHoursOf, needsReview } from './law-of-order.ts'

export interface OrderInput {
  readonly kind: OrderKind
  /** Of a purchase. A top-up takes the product of its card. */
  readonly productId?: ProductId | undefined
  /** Of a top-up. */
  readonly cardId?: CardId | undefined
  /** Of each card. */
  readonly amount: Fen
  /** Of a top-up: given on top by the issuer. */
  readonly bonus: Fen
  readonly quantity: number
  readonly channel: OrderChannel
  readonly memberId?: MemberId | undefined
  readonly buyer?: Buyer | undefined
  /** How long it can be paid. */
  readonly payWithinMs: number
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** The key that asks: where a second person reviews, it must be somebody else's. */
export interface OrderCaller extends CardCaller {
  readonly keyId: string
  readonly owner: string
}

export interface OrderCommand extends Command {
  /** Of an outcome that is done and no repeat: the order as it is stored; undefined: it has to be read. */
  made(): OrderRow | undefined
}

/** Members of metadata come back from the database in an order of its own, and a repeat is answered with the same bytes. */
function isAsStored(order: OrderRow | undefined): boolean {
  return Object.keys(order?.metadata ?? {}).length < 2
}

interface Making {
  readonly input: OrderInput
  readonly caller: OrderCaller
  readonly law: Law
  readonly sale: Sale
  readonly taken: Refusal | undefined
  readonly product: Product | undefined
  /** Where there is only so much of it. */
  readonly stock: Wanted | undefined
}

/**
 * Refusals:
 *
 * 1. `order.card_missing`, `product.not_found`, `card.not_found`, `member.not_found` (leave nothing)
 * 2. `reference.already_used`
 * 3. `order.too_many_cards`, `product.not_published`; of a top-up the states of its card, `card.sealed`, `card.expired`,
 *    `product.not_reloadable`; of a purchase `amount.out_of_range`
 * 4. `policy.sale_stopped`, `policy.charter_missing`, `policy.card_limit`, `policy.identity_required`
 * 5. `stock.member_required`, `stock.limit_reached`, `stock.sold_out`
 */
export async function createOrderCommand(
  context: FlowContext,
  caller: OrderCaller,
  input: OrderInput,
  key: string,
): Promise<Result<OrderCommand>> {
  const { productId, memberId, reference } = input
  const [known, law, stock, saleNow] = await Promise.all([
    knownParts(context, caller.book, input),
    lawOf(context, caller.issuerId),
    wantedStock(context, caller.book, productId, memberId),
    saleOf(context, caller),
  ])
  if (!known.ok) return known
  const { product, lane } = known.value
  const see = knownAtFirst(saleNow, () => saleOf(context, caller))
  let made: OrderRow | undefined
  return ok({
    made: () => (isAsStored(made) ? made : undefined),
    book: caller.book,
    operation: 'order.created',
    key,
    input: claimedInput(claimedPurchase(context, caller, { ...input, agent: undefined })),
    homeLane: () => stock?.lane ?? lane ?? context.engine.laneForNew(caller.mode),
    ...(reference !== undefined && { name: { kind: nameKinds.saleOrder, name: reference } }),
    plan: async (commandId, name) => {
      const home = laneOfId(commandId)
      const sale = await see()
      await recordPeopleOf(context, caller, commandId, { buyer: input.buyer, agent: undefined })
      const making: Making = { input, caller, law, sale, product, stock, taken: takenBy(name) }
      return {
        lanes: [...new Set([home, stock?.lane ?? home])],
        reads: [
          ...(input.cardId === undefined ? [] : readsOfCard(home, input.cardId)),
          ...(stock?.reads ?? []),
        ],
        decide: (view, now) => {
          const order = make(context, view, making, now)
          if (!order.ok) return order
          made = order.value
          view.put(orders, home, made)
          return { ok: true, value: { kind: 'order.created', version: 1, body: orderBody(made) } }
        },
      }
    },
  })
}

/** What is named exists; `lane`: where the order has to live. */
async function knownParts(
  { programs, members, engine }: FlowContext,
  book: BookId,
  { kind, productId, cardId, memberId }: OrderInput,
): Promise<Result<{ product: Product | undefined; lane: Lane | undefined }>> {
  if (
    (kind === 'top_up') !== (cardId !== undefined) ||
    (kind === 'purchase') !== (productId !== undefined)
  )
    return refused(
      refusal('order.card_missing', 'A purchase names product_id, a top-up card_id, neither both.'),
    )
  const product = productId === undefined ? undefined : await programs.find(book, productId)
  if (productId !== undefined && product === undefined)
    return refused(refusal('product.not_found', 'No product has this id here (prod_…).'))
  if (memberId !== undefined && !(await members.isThere(book, memberId)))
    return refused(refusal('member.not_found', 'No member has this id here (mem_…).'))
  const lanes = engine.lanesOf(modeOfBook(book))
  if (cardId !== undefined && !lanes.includes(laneOfId(cardId))) return refused(cardNotFound)
  const near = cardId ?? memberId
  const lane = near === undefined ? undefined : laneOfId(near)
  return ok({ product, lane: lane !== undefined && lanes.includes(lane) ? lane : undefined })
}

function readsOfCard(lane: Lane, cardId: CardId): Read[] {
  return [
    read(cards, lane, cardId),
    ...accountReads(lane, [
      accountId(cardId, 'card_principal', lane),
      accountId(cardId, 'card_bonus', lane),
    ]),
  ]
}

function takenBy(name: NameState): Refusal | undefined {
  if (name === 'own') return undefined
  const detail = 'The reference belongs to another order.'
  if (name === 'cancelled') return refusal('reference.already_used', detail)
  const data = { existing_id: formatId('order', name.takenBy) }
  return refusal('reference.already_used', detail, { data })
}

/** What is sold, under which terms; of a top-up with what is on the card. */
interface Goods {
  readonly productId: ProductId
  readonly version: number
  readonly terms: Terms
  readonly carried: Fen
}

/** A refusal that is not final leaves the key free. */
type Made = { ok: true; value: OrderRow } | Extract<Decision, { ok: false }>

function make(context: FlowContext, view: View, making: Making, now: Instant): Made {
  const { input, caller, law, sale, taken } = making
  if (taken !== undefined && input.cardId === undefined) return refused(taken)
  const goods = goodsOf(context, view, making, now)
  if (!goods.ok) return goods
  const { terms, carried, productId, version } = goods.value
  const policy = law.at(now)
  const { kind, amount, bonus, quantity, buyer } = input
  const lawful = checkOrdered(
    policy,
    { kind, terms, amount, bonus, quantity, carried, buyer },
    sale,
  )
  if (!lawful.ok) return lawful
  const orderId: OrderId = asId(view.commandId)
  const kept = making.stock && keepStock(view, making.stock, { orderId, quantity })
  if (kept?.ok === false) return kept
  const total = amount * BigInt(quantity)
  const isReviewed = needsReview(policy, kind, total)
  return ok({
    id: orderId,
    bookId: view.bookId,
    kind,
    channel: input.channel,
    status: 'created',
    productId,
    productVersion: version,
    cardId: input.cardId ?? null,
    memberId: input.memberId ?? null,
    amount,
    bonus,
    quantity,
    total,
    accountId: null,
    hasBuyer: buyer !== undefined,
    review: isReviewed ? 'pending' : null,
    askedBy: isReviewed ? caller.keyId : null,
    askedOwner: isReviewed ? caller.owner : null,
    reviewedBy: null,
    reviewedOwner: null,
    coolingOffHours: coolingOffHoursOf(kind, terms, policy),
    trades: 0,
    paidTrade: null,
    paidAt: null,
    refunds: 0,
    refunded: 0n,
    cardIds: [],
    deliveryId: null,
    sealedUntil: null,
    undeliverable: null,
    // WeChat knows whole seconds.
    expiresAt: Math.floor((now + least(input.payWithinMs, kept?.value)) / 1_000) * 1_000,
    reference: input.reference ?? null,
    metadata: input.metadata ?? null,
    createdAt: now,
  })
}

function least(one: number, other: number | undefined): number {
  return other === undefined || one < other ? one : other
}

function goodsOf(
  context: FlowContext,
  view: View,
  { input, product, taken }: Making,
  now: Instant,
): Result<Goods> & { final?: boolean } {
  const { cardId, quantity } = input
  if (cardId !== undefined) return goodsOnCard(context, view, cardId, { quantity, taken }, now)
  if (product === undefined) throw new Error('a purchase was prepared without its product')
  if (quantity > mostCards) return refused(tooMany(mostCards))
  if (product.status !== 'published')
    return refused(refusal('product.not_published', 'The product is a draft: publish it first.'))
  const { id: productId, version, terms } = product
  return ok({ productId, version, terms, carried: 0n })
}

function goodsOnCard(
  context: FlowContext,
  view: View,
  cardId: CardId,
  { quantity, taken }: { readonly quantity: number; readonly taken: Refusal | undefined },
  now: Instant,
): Result<Goods> & { final?: boolean } {
  const card = view.get(cards, cardId)
  if (card === undefined || card.bookId !== view.bookId)
    return { ...refused(cardNotFound), final: false }
  if (taken !== undefined) return refused(taken)
  if (quantity > 1) return refused(tooMany(1))
  const allowed = checkCard(card, 'load', now)
  if (!allowed.ok) return allowed
  const lane = laneOfId(cardId)
  const desk = new LedgerDesk(view, lane)
  const carried =
    desk.account(accountId(cardId, 'card_principal', lane)).balance +
    desk.account(accountId(cardId, 'card_bonus', lane)).balance
  const { productId, productVersion: version } = card
  return ok({ productId, version, terms: termsOfCard(context, card), carried })
}

function tooMany(max: number): Refusal {
  return refusal(
    'order.too_many_cards',
    `An order takes ${max === 1 ? 'one card' : `up to ${max} cards`}; more are a batch.`,
    { data: { allowed: { min: 1, max } } },
  )
}
