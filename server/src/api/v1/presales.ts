/** Routes of pre-sales: cards that are paid for at a discount now and delivered later, or given back. */
import { laneOfId, modeOfBook, refused } from '@lika/contract'
import { factsFrom, presentCard } from '../../flows/cards/facts.ts'
import { fundingMethods } from '../../flows/cards/purchase.ts'
import {
  deliverCommand,
  presaleCommand,
  presaleNotFound,
  refundPresaleCommand,
} from '../../flows/rebates/presale.ts'
import { presentPresale, presentSold } from '../../flows/rebates/presale-present.ts'
import { loadPresales, selectPresales } from '../../modules/loyalty/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  Amount,
  Currency,
  closed,
  given,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  Reference,
  readId,
  shown,
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
  purchaseRefusals,
  runOnCard,
} from './card-shapes.ts'

const StatusName = oneOf(['sold', 'delivered', 'refunded'])

const Presale = closed({
  id: idOf('presale'),
  campaign_id: idOf('campaign'),
  product_id: idOf('product'),
  price: Amount,
  face: Amount,
  currency: Currency,
  status: StatusName,
  card_id: nullable(idOf('card')),
  funding: closed({ method: oneOf(fundingMethods), reference: nullable(Reference) }),
  ...shown,
  created_at: Timestamp,
})

export function register(app: LikaApp, deps: Deps): void {
  registerSale(app, deps)
  registerReads(app, deps)
}

function registerSale(app: LikaApp, { flows, database }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/presales',
      summary: 'Sells a card of a pre-sale: paid now at its price, delivered later at its face',
      access: 'cards:write',
      idempotent: true,
      body: closed({
        campaign_id: idOf('campaign'),
        funding: FundingGiven,
        buyer: Type.Optional(BuyerGiven),
        agent: Type.Optional(AgentGiven),
        ...given,
      }),
      responses: { 201: Presale },
      refusals: [
        'campaign.not_found',
        'campaign.not_running',
        'product.not_found',
        'reference.already_used',
        'product.not_published',
        'amount.out_of_range',
        ...purchaseRefusals,
        'campaign.budget_spent',
      ],
    },
    async (call) => {
      const { body, caller, idempotencyKey } = call
      const input = {
        campaignId: readId('campaign', body.campaign_id),
        funding: fundingFrom(body.funding),
        buyer: buyerFrom(body.buyer),
        agent: buyerFrom(body.agent),
        reference: body.reference,
        metadata: body.metadata,
      }
      const command = await presaleCommand(flows, caller, input, idempotencyKey)
      return runOnCard(call, command, 201, (done) => ({
        ...presentSold(done.body, done.at, input),
        funding: { method: input.funding.method, reference: input.funding.reference ?? null },
      }))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/presales/{id}/deliver',
      summary: 'Delivers the card of a pre-sale, active',
      access: 'cards:write',
      idempotent: true,
      id: 'presale',
      responses: { 201: Card },
      refusals: ['presale.not_found', 'presale.closed'],
    },
    async (call) => {
      const { caller, id, idempotencyKey } = call
      const command = await deliverCommand(flows, caller, id, idempotencyKey)
      return runOnCard(call, command, 201, (done) => presentCard(factsFrom(done.body), {}, done.at))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/presales/{id}/refunds',
      summary: 'Gives an undelivered pre-sale back, whole',
      access: 'cards:write',
      idempotent: true,
      id: 'presale',
      responses: { 200: Presale },
      refusals: ['presale.not_found', 'presale.closed'],
    },
    async (call) => {
      const { caller, id, idempotencyKey } = call
      const command = refundPresaleCommand(flows, caller, id, idempotencyKey)
      if (!command.ok) return command
      const result = await call.execute(command.value)
      const [row] = await loadPresales(database.sql, laneOfId(id), [id])
      if (row === undefined) return refused(presaleNotFound)
      return executed(result, 200, () => present({ ...row, status: 'refunded', cardId: null }))
    },
  )
}

function registerReads(app: LikaApp, { flows, database }: Deps): void {
  const { sql } = database

  app.route(
    {
      method: 'GET',
      path: '/v1/presales/{id}',
      summary: 'Shows a pre-sale',
      access: 'cards:read',
      id: 'presale',
      responses: { 200: Presale },
      refusals: ['presale.not_found'],
    },
    async ({ caller, id }) => {
      const [row] = await loadPresales(sql, laneOfId(id), [id])
      return row?.bookId === caller.book ? okay(present(row)) : refused(presaleNotFound)
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/presales',
      summary: 'Lists pre-sales, the newest first',
      access: 'cards:read',
      query: closed({
        ...paging,
        campaign_id: Type.Optional(idOf('campaign')),
        status: Type.Optional(StatusName),
      }),
      responses: { 200: pageOf(Presale) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('presales', [uuidPart], query)
      if (!asked.ok) return asked
      const { campaign_id: campaign, status } = query
      const lanes = flows.engine.lanesOf(modeOfBook(caller.book))
      const rows = await selectPresales(sql, lanes, caller.book, {
        campaignId: campaign === undefined ? undefined : readId('campaign', campaign),
        status,
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('presales', asked.value, rows, ({ id }) => [id], present))
    },
  )
}

function present(row: Parameters<typeof presentPresale>[0]) {
  const shownRow = presentPresale(row)
  const method = fundingMethods.find((one) => one === shownRow.funding.method) ?? 'none'
  return { ...shownRow, funding: { ...shownRow.funding, method } }
}
