/** Routes of rebates: what campaigns gave to cards, and what of it was taken back. */
import { fenToJson, formatId, formatInstant, laneOfId, modeOfBook } from '@lika/contract'
import { findCard } from '../../flows/cards/find.ts'
import { claimCommand, presentClaim } from '../../flows/rebates/claim.ts'
import { runSchedule } from '../../flows/rebates/schedule.ts'
import { loadDebts, type RebateRow, selectRebates, wholeRun } from '../../modules/loyalty/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { presentPage, readPage, smallPart, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  DateText,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  readId,
  Timestamp,
  Type,
} from '../http/schemas.ts'
import { runOnCard, stateRefusals } from './card-shapes.ts'

const Rebate = closed({
  id: idOf('rebate'),
  campaign_id: idOf('campaign'),
  campaign_version: Type.Integer({ minimum: 1 }),
  card_id: idOf('card'),
  form: oneOf(['bonus', 'voucher']),
  source: oneOf(['load', 'payment', 'month', 'presale']),
  source_id: Type.String(),
  period: nullable(DateText),
  base: AmountOrZero,
  amount: Amount,
  set_off: AmountOrZero,
  reversed: AmountOrZero,
  currency: Currency,
  voucher_id: nullable(idOf('voucher')),
  created_at: Timestamp,
})

const Claimed = closed({
  id: idOf('rebate'),
  campaign_id: idOf('campaign'),
  card_id: idOf('card'),
  load_id: idOf('load'),
  week: { ...DateText, description: 'its Monday' },
  amount: Amount,
  set_off: AmountOrZero,
  currency: Currency,
  created_at: Timestamp,
})

const Ran = closed({
  granted: Type.Integer({ minimum: 0 }),
  waiting: Type.Array(
    closed({ campaign_id: idOf('campaign'), month: DateText, reason: Type.String() }),
    { description: 'months whose posting day the calendar does not know yet' },
  ),
})

export function register(app: LikaApp, { database, flows }: Deps): void {
  const { sql } = database

  app.route(
    {
      method: 'POST',
      path: '/v1/campaigns/{id}/claims',
      summary: 'Claims the random rebate for a load of this week',
      access: 'cards:write',
      idempotent: true,
      id: 'campaign',
      body: closed({ load_id: idOf('load') }),
      responses: { 201: Claimed },
      refusals: [
        'campaign.not_found',
        'campaign.not_running',
        'load.not_found',
        'campaign.already_claimed',
        'amount.out_of_range',
        ...stateRefusals,
        'card.expired',
        'campaign.budget_spent',
        'policy.card_limit',
      ],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const input = { campaignId: id, loadId: readId('load', body.load_id) }
      const command = await claimCommand(flows, caller, input, idempotencyKey)
      return runOnCard(call, command, 201, (done) => presentClaim(done.body, done.at))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/campaigns/run',
      summary: 'Posts what campaigns owe by the calendar, as the schedule does by itself',
      access: 'campaigns:write',
      responses: { 200: Ran },
      refusals: [],
    },
    async ({ caller }) => {
      const { granted, waiting } = await runSchedule(flows, caller.mode, caller.book)
      return okay({
        granted,
        waiting: waiting.map(({ campaign, month, why }) => ({
          campaign_id: formatId('campaign', campaign),
          month,
          reason: why,
        })),
      })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/rebates',
      summary: 'Lists what campaigns gave, the newest first',
      access: 'campaigns:read',
      query: closed({
        ...paging,
        campaign_id: Type.Optional(idOf('campaign')),
        card_id: Type.Optional(idOf('card')),
      }),
      responses: { 200: pageOf(Rebate) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('rebates', [uuidPart, smallPart], query)
      if (!asked.ok) return asked
      const { campaign_id: campaign, card_id: card } = query
      const { after } = asked.value
      const cardId = card === undefined ? undefined : readId('card', card)
      const all = flows.engine.lanesOf(modeOfBook(caller.book))
      const lanes = cardId === undefined ? all : all.filter((lane) => lane === laneOfId(cardId))
      const rows = await selectRebates(sql, lanes, caller.book, {
        campaignId: campaign === undefined ? undefined : readId('campaign', campaign),
        cardId,
        before: after === undefined ? undefined : { id: String(after[0]), line: Number(after[1]) },
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('rebates', asked.value, rows, ({ id, line }) => [id, line], present))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/cards/{id}/rebate_debt',
      summary:
        'Shows what the holder of a card owes of rebates that were spent before they were taken back',
      access: 'campaigns:read',
      id: 'card',
      responses: {
        200: closed({ card_id: idOf('card'), amount: AmountOrZero, currency: Currency }),
      },
      refusals: ['card.not_found'],
    },
    async ({ caller, id }) => {
      const card = await findCard(flows, caller, id)
      if (!card.ok) return card
      const [debt] = await loadDebts(sql, laneOfId(id), [id])
      return okay({
        card_id: formatId('card', id),
        amount: fenToJson(debt?.amount ?? 0n),
        currency: 'CNY' as const,
      })
    },
  )
}

const sourceKinds = { load: 'load', payment: 'payment', month: 'card', presale: 'presale' } as const

function present(row: RebateRow) {
  return {
    id: formatId('rebate', row.id),
    campaign_id: formatId('campaign', row.campaignId),
    campaign_version: row.version,
    card_id: formatId('card', row.cardId),
    form: row.form,
    source: row.source,
    source_id: formatId(sourceKinds[row.source], row.sourceId),
    period: row.period === wholeRun ? null : row.period,
    base: fenToJson(row.base),
    amount: fenToJson(row.amount),
    set_off: fenToJson(row.setOff),
    reversed: fenToJson(row.reversed),
    currency: 'CNY' as const,
    voucher_id: row.voucherId === null ? null : formatId('voucher', row.voucherId),
    created_at: formatInstant(row.createdAt),
  }
}
