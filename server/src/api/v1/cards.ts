/** Routes by which cards are issued and found. */
import { asId, type CardId } from '@lika/contract'
import { findCard, findCardAt, listCards, lookUpCard } from '../../flows/cards/find.ts'
import { issueCommand, presentIssued } from '../../flows/cards/issue.ts'
import { type CardFilter, normalizeNumber } from '../../modules/cards/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  Amount,
  AmountOrZero,
  CardStatusName,
  closed,
  given,
  idOf,
  pageOf,
  paging,
  readId,
  readInstant,
  type Static,
  Timestamp,
  Type,
} from '../http/schemas.ts'
import {
  AgentGiven,
  BuyerGiven,
  buyerFrom,
  Card,
  FundingGiven,
  fundingFrom,
  presentView,
  purchaseRefusals,
  runOnCard,
} from './card-shapes.ts'

const NewCard = closed({
  product_id: idOf('product'),
  amount: Amount,
  bonus_amount: Type.Optional(AmountOrZero),
  buyer: Type.Optional(BuyerGiven),
  agent: Type.Optional(AgentGiven),
  funding: FundingGiven,
  activate: Type.Optional(Type.Boolean()),
  ...given,
})

const Filter = closed({
  ...paging,
  number: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  last4: Type.Optional(Type.String({ pattern: '^[0-9A-Za-z]{4}$' })),
  status: Type.Optional(CardStatusName),
  product_id: Type.Optional(idOf('product')),
  batch_id: Type.Optional(idOf('batch')),
})

const Presented = closed({
  number: Type.String({ minLength: 1, maxLength: 64 }),
  secret: Type.String({ minLength: 1, maxLength: 64 }),
})

export function register(app: LikaApp, deps: Deps): void {
  const { flows } = deps

  app.route(
    {
      method: 'POST',
      path: '/v1/cards',
      summary: 'Issues a card',
      access: 'cards:write',
      idempotent: true,
      body: NewCard,
      responses: { 201: Card },
      refusals: [
        'product.not_found',
        'reference.already_used',
        'product.not_published',
        'amount.out_of_range',
        ...purchaseRefusals,
      ],
    },
    async (call) => {
      const { body, caller, idempotencyKey } = call
      const input = {
        productId: readId('product', body.product_id),
        amount: BigInt(body.amount),
        bonus: BigInt(body.bonus_amount ?? 0),
        buyer: buyerFrom(body.buyer),
        agent: buyerFrom(body.agent),
        funding: fundingFrom(body.funding),
        activate: body.activate,
        reference: body.reference,
        metadata: body.metadata,
      }
      const command = await issueCommand(flows, caller, input, idempotencyKey)
      return runOnCard(call, command, 201, ({ body: outcome, at }) =>
        presentIssued(outcome, at, input),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/cards',
      summary: 'Lists cards, the newest first',
      access: 'cards:read',
      query: Filter,
      responses: { 200: pageOf(Card) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const page = readPage('cards', [uuidPart], query)
      if (!page.ok) return page
      const { limit, after } = page.value
      const before: CardId | undefined = after && asId(String(after[0]))
      const found = await listCards(flows, caller, {
        ...filterFrom(query),
        before,
        limit: limit + 1,
      })
      const now = flows.engine.now(caller.mode)
      const present = (view: (typeof found)[number]) => presentView(view, now)
      return okay(presentPage('cards', page.value, found, ({ card }) => [card.id], present))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/cards/{id}',
      summary: 'Shows a card, on request with the balance of a past instant',
      access: 'cards:read',
      id: 'card',
      query: closed({ at: Type.Optional(Timestamp) }),
      responses: { 200: Card },
      refusals: ['card.not_found', 'date.out_of_range'],
    },
    async ({ caller, id, query }) => {
      const found =
        query.at === undefined
          ? await findCard(flows, caller, id)
          : await findCardAt(flows, caller, id, readInstant(query.at))
      return found.ok ? okay(presentView(found.value, flows.engine.now(caller.mode))) : found
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/cards/lookup',
      summary: 'Finds a card by its number and secret',
      access: 'cards:read',
      body: Presented,
      responses: { 200: Card },
      refusals: ['card.not_recognised', 'throttled'],
    },
    async ({ caller, body, address }) => {
      const found = await lookUpCard(flows, { ...caller, address }, body)
      return found.ok ? okay(presentView(found.value, flows.engine.now(caller.mode))) : found
    },
  )
}

function filterFrom(query: Static<typeof Filter>): Omit<CardFilter, 'limit'> {
  const { number, last4, status, product_id: productId, batch_id: batchId } = query
  return {
    number: number === undefined ? undefined : normalizeNumber(number),
    last4,
    status,
    productId: productId === undefined ? undefined : readId('product', productId),
    batchId: batchId === undefined ? undefined : readId('batch', batchId),
  }
}
