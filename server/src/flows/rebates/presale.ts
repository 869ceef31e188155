/**
 * Pre-sale: a card is paid for at a discount now and delivered later. Until then its money is deferred revenue and no
 * card's; delivery makes the card and moves it there: what was paid as principal, the discount as bonus. What was not
 * delivered is given back whole.
 */
import {
  asId,
  type CampaignId,
  formatId,
  type Instant,
  issuerOfBook,
  laneOfId,
  modeOfBook,
  ok,
  type PresaleId,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { type CardRow, cards, type FundingRow, fundings, seals } from '../../modules/cards/index.ts'
import { type AccountKindName, accountId, LedgerDesk } from '../../modules/ledger/index.ts'
import {
  isRunning,
  type PresaleRow,
  type Promised,
  presales,
  type Rule,
  wholeRun,
} from '../../modules/loyalty/index.ts'
import { checkFace, type Product } from '../../modules/programs/index.ts'
import {
  type Command,
  type Decision,
  type NameState,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import { type CardCaller, claimedInput } from '../cards/caller.ts'
import { factsBody, factsOf } from '../cards/facts.ts'
import { expiryOf, mintOne, newCard } from '../cards/issue.ts'
import { type Law, lawOf } from '../cards/law.ts'
import { termsOfCard } from '../cards/on-card.ts'
import {
  accountOfMethod,
  checkFunding,
  checkPurchase,
  claimedPurchase,
  fundingMethods,
  type Purchase,
  recordPeopleOf,
} from '../cards/purchase.ts'
import { maySell, type Sale, saleOf } from '../cards/sale.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { Desks } from '../payments/desks.ts'
import { refusedUnlessDone } from '../prepared.ts'
import { whyNot } from './campaigns.ts'
import { presaleBody } from './presale-present.ts'
import { openLineOf, Purse } from './purse.ts'

type PresaleRule = Extract<Rule, { kind: 'presale' }>

export interface PresaleInput extends Pick<Purchase, 'funding' | 'buyer' | 'agent'> {
  readonly campaignId: CampaignId
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

export const presaleNotFound = refusal(
  'presale.not_found',
  'No pre-sale has this id here (psale_…).',
)
const notRunning = refusal('campaign.not_running', 'The campaign sells nothing now.')

/**
 * Refusals:
 *
 * 1. `campaign.not_found`, `campaign.not_running` for another kind, `product.not_found` (leave nothing)
 * 2. `reference.already_used`
 * 3. `campaign.not_running` by date, `product.not_published`, `amount.out_of_range` for a face that the product lacks
 * 4. `funding.reference_missing`, `policy.sale_stopped`, `policy.charter_missing`, `policy.card_limit`,
 *    `policy.identity_required`, `policy.cash_not_allowed`
 * 5. `campaign.budget_spent`
 */
export async function presaleCommand(
  context: FlowContext,
  caller: CardCaller,
  input: PresaleInput,
  key: string,
): Promise<Result<Command>> {
  const { engine, loyalty, programs } = context
  const { book } = caller
  const base = {
    book,
    operation: 'presale.sold',
    key,
    input: claimedInput(claimedPurchase(context, caller, input)),
  }
  const promised = (await loyalty.inForce(book)).find((one) => one.campaignId === input.campaignId)
  if (promised === undefined)
    return ok(refusedUnlessDone(context, base, (await whyNot(context, book, input.campaignId)).why))
  const { rule, products } = promised.terms
  if (rule.kind !== 'presale') return refused(notRunning)
  const [productId] = products
  const product = productId && (await programs.find(book, productId))
  if (product === undefined)
    return refused(refusal('product.not_found', 'No product has this id here (prod_…).'))
  const law = await lawOf(context, caller.issuerId)
  const { reference } = input
  let purse: Purse | undefined
  return ok({
    ...base,
    homeLane: () => engine.laneForNew(caller.mode),
    ...(reference !== undefined && { name: { kind: nameKinds.presale, name: reference } }),
    plan: async (commandId, name) => {
      const lane = laneOfId(commandId)
      const line = await openLineOf(context, promised, wholeRun)
      if (line !== undefined) purse ??= new Purse(context, promised, line, lane)
      const sale = await saleOf(context, caller)
      await recordPeopleOf(context, caller, commandId, input)
      const asked: Asked = {
        input,
        promised,
        rule,
        product,
        law,
        sale,
        purse,
        taken: takenBy(name),
      }
      return {
        lanes: [...new Set([lane, ...(purse?.lanes() ?? [])])],
        reads: purse?.reads() ?? [],
        decide: (view, now) => sell(view, asked, now),
      }
    },
  })
}

function takenBy(name: NameState): Refusal | undefined {
  if (name === 'own') return undefined
  const detail = 'The reference belongs to another pre-sale.'
  return name === 'cancelled'
    ? refusal('reference.already_used', detail)
    : refusal('reference.already_used', detail, {
        data: { existing_id: formatId('presale', name.takenBy) },
      })
}

interface Asked {
  readonly input: PresaleInput
  readonly promised: Promised
  readonly rule: PresaleRule
  readonly product: Product
  readonly law: Law
  readonly sale: Sale
  readonly purse: Purse | undefined
  readonly taken: Refusal | undefined
}

function sell(view: View, asked: Asked, now: Instant): Decision {
  const { input, promised, rule, product, sale, purse, taken } = asked
  if (taken !== undefined) return refused(taken)
  const lawful = checkSold(asked, now)
  if (!lawful.ok) return lawful
  const lane = laneOfId(view.commandId)
  const desks = new Desks(view)
  const discount = rule.face - rule.price
  if (purse === undefined || purse.draw(view, desks, discount) < discount)
    return refused(refusal('campaign.budget_spent', 'The budget of the campaign is spent.'))
  const own = (kind: AccountKindName) => accountId(issuerOfBook(view.bookId), kind, lane)
  const credit = own('deferred_revenue')
  const { method, reference: fundingReference = null } = input.funding
  desks.in(lane).transfer({ debit: own(accountOfMethod[method]), credit, amount: rule.price })
  desks.in(lane).transfer({ debit: purse.share(lane), credit, amount: discount })
  const row: PresaleRow = {
    id: asId(view.commandId),
    bookId: view.bookId,
    campaignId: promised.campaignId,
    version: promised.version,
    productId: product.id,
    productVersion: product.version,
    price: rule.price,
    face: rule.face,
    method,
    fundingReference,
    personId: input.buyer === undefined ? null : view.commandId,
    charterId: sale.charterId,
    status: 'sold',
    cardId: null,
    reference: input.reference ?? null,
    metadata: input.metadata ?? null,
    createdAt: now,
  }
  view.put(presales, lane, row)
  return { ok: true, value: { kind: 'presale.sold', version: 1, body: presaleBody(row) } }
}

function checkSold(
  { input, promised, rule, product, law, sale }: Asked,
  now: Instant,
): Result<void> {
  if (!isRunning(promised.terms, now)) return refused(notRunning)
  if (product.status !== 'published')
    return refused(refusal('product.not_published', 'The product is a draft: publish it first.'))
  const face = checkFace(product.terms, rule.face)
  if (!face.ok) return face
  const funded = checkFunding(input.funding)
  if (!funded.ok) return funded
  const policy = law.at(now)
  const open = maySell(policy, sale)
  if (!open.ok) return open
  const { registered } = product.terms
  const bought = { ...input, amount: rule.price, bonus: rule.face - rule.price }
  return checkPurchase(policy, { registered, carried: 0n }, bought)
}

/**
 * Delivers the card, active, in the lane of the pre-sale. A sale that is stopped meanwhile does not hold back what was
 * paid for. Refusals: `presale.not_found` (not final), `presale.closed`.
 */
export async function deliverCommand(
  context: FlowContext,
  { book, issuerId }: CardCaller,
  id: PresaleId,
  key: string,
): Promise<Result<Command>> {
  const law = await lawOf(context, issuerId)
  return onPresale(context, book, id, { operation: 'presale.delivered', key }, (commandId) => {
    const minted = mintOne(context, law, commandId)
    return (view, row, now) => {
      const lane = laneOfId(id)
      const card: CardRow = {
        ...newCard(minted),
        bookId: view.bookId,
        productId: row.productId,
        productVersion: row.productVersion,
        state: 'active',
        expiresAt: null,
        createdAt: now,
        activatedAt: now,
        charterId: row.charterId,
      }
      const delivered = { ...card, expiresAt: expiryOf(termsOfCard(context, card), now) }
      view.put(cards, lane, delivered)
      view.put(seals, lane, { cardId: card.id, sealed: minted.sealed, revealedAt: null })
      const discount = row.face - row.price
      putMoney(view, row, delivered, now)
      const after: PresaleRow = { ...row, status: 'delivered', cardId: card.id }
      view.put(presales, lane, after)
      const facts = factsOf(delivered, { principal: row.price, bonus: discount, held: 0n })
      const body = { ...factsBody(facts), presale: presaleBody(after) }
      return { ok: true, value: { kind: 'presale.delivered', version: 1, body } }
    }
  })
}

/** The card's money comes out of deferred revenue; the record of how it was paid becomes the card's. */
function putMoney(view: View, row: PresaleRow, card: CardRow, now: Instant): void {
  const lane = laneOfId(row.id)
  const desk = new LedgerDesk(view, lane)
  const debit = accountId(issuerOfBook(view.bookId), 'deferred_revenue', lane)
  const principal = accountId(card.id, 'card_principal', lane)
  const bonus = accountId(card.id, 'card_bonus', lane)
  desk.open(principal)
  desk.open(bonus)
  desk.transfer({ debit, credit: principal, amount: row.price })
  desk.transfer({ debit, credit: bonus, amount: row.face - row.price })
  view.put(fundings, lane, {
    id: view.commandId,
    bookId: view.bookId,
    cardId: card.id,
    batchId: null,
    method: methodOf(row),
    reference: row.fundingReference,
    personId: row.personId,
    agentId: null,
    charterId: row.charterId,
    amount: row.price,
    bonus: 0n,
    at: now,
    metadata: null,
  })
}

function methodOf({ method }: PresaleRow): FundingRow['method'] {
  const known = fundingMethods.find((one) => one === method)
  if (known === undefined) throw new Error(`a pre-sale was paid by ${method}`)
  return known
}

/** Gives back whole what was not delivered. Refusals: `presale.not_found` (not final), `presale.closed`. */
export function refundPresaleCommand(
  context: FlowContext,
  { book }: CardCaller,
  id: PresaleId,
  key: string,
): Result<Command> {
  return onPresale(context, book, id, { operation: 'presale.refunded', key }, () => (view, row) => {
    const lane = laneOfId(id)
    const desk = new LedgerDesk(view, lane)
    const own = (kind: AccountKindName) => accountId(issuerOfBook(view.bookId), kind, lane)
    const debit = own('deferred_revenue')
    desk.transfer({ debit, credit: own('redemption_payable'), amount: row.price })
    desk.transfer({ debit, credit: own('rebate_expense'), amount: row.face - row.price })
    const after: PresaleRow = { ...row, status: 'refunded' }
    view.put(presales, lane, after)
    return { ok: true, value: { kind: 'presale.refunded', version: 1, body: presaleBody(after) } }
  })
}

type OnPresale = (view: View, row: PresaleRow, now: Instant) => Decision

function onPresale(
  { engine }: FlowContext,
  book: CardCaller['book'],
  id: PresaleId,
  { operation, key }: Pick<Command, 'operation' | 'key'>,
  prepare: (commandId: Parameters<Command['plan']>[0]) => OnPresale,
): Result<Command> {
  const lane = laneOfId(id)
  if (!engine.lanesOf(modeOfBook(book)).includes(lane)) return refused(presaleNotFound)
  return ok({
    book,
    operation,
    key,
    input: { presale: id },
    homeLane: () => lane,
    plan: (commandId) => {
      const decide = prepare(commandId)
      return {
        lanes: [lane],
        reads: [read(presales, lane, id)],
        decide: (view, now) => {
          const row = view.get(presales, id)
          if (row === undefined || row.bookId !== view.bookId)
            return { ok: false, final: false, refusal: presaleNotFound }
          if (row.status !== 'sold')
            return refused(refusal('presale.closed', `The pre-sale was ${row.status} already.`))
          return decide(view, row, now)
        },
      }
    },
  })
}
