/** Routes of campaigns: proposed by one person, published by another, ended; with the money that each has and gave. */
import { fenToJson, formatId, modeOfBook, refused } from '@lika/contract'
import {
  campaignNotFound,
  endCampaign,
  proposeCampaign,
  publishCampaign,
  reviseCampaign,
} from '../../flows/rebates/campaigns.ts'
import { selectBudget, selectCampaigns } from '../../modules/loyalty/index.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { referenceTaken } from '../http/read-call.ts'
import {
  AmountOrZero,
  Currency,
  closed,
  DateText,
  given,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  Reference,
  Type,
} from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'
import {
  CampaignShape,
  changedTerms,
  presentCampaign,
  presentVersion,
  ruleFault,
  TermsChanged,
  termsFrom,
  termsGiven,
  Version,
} from './campaign-shapes.ts'

const BudgetLine = closed({
  period: nullable(DateText),
  status: oneOf(['open', 'closed']),
  budget: AmountOrZero,
  granted: AmountOrZero,
  left: AmountOrZero,
  returned: AmountOrZero,
})

const Budget = closed(
  { campaign_id: idOf('campaign'), currency: Currency, lines: Type.Array(BudgetLine) },
  {
    description:
      'budget = granted + left + returned; a line for each week where the campaign gives by the week',
  },
)

const termsRefusals = ['product.not_found', 'merchant.not_found', 'campaign.rule_invalid'] as const

export function register(app: LikaApp, { database, flows }: Deps): void {
  const { sql } = database

  app.route(
    {
      method: 'POST',
      path: '/v1/campaigns',
      summary: 'Proposes a campaign; another person publishes it',
      access: 'campaigns:write',
      body: closed({ ...termsGiven, ...given }),
      responses: { 201: CampaignShape },
      refusals: [...termsRefusals, 'reference.already_used'],
    },
    async ({ caller, body }) => {
      const fault = ruleFault(body.rule)
      if (fault !== undefined) return refused(wrongRule(fault))
      const { reference = null, metadata = {}, ...terms } = body
      const made = await proposeCampaign(flows, caller, termsFrom(terms), { reference, metadata })
      if (!made.ok) return made
      return 'existing' in made.value
        ? refused(referenceTaken('campaign', made.value.existing))
        : created(presentCampaign(made.value.made))
    },
  )

  app.route(
    {
      method: 'PATCH',
      path: '/v1/campaigns/{id}',
      summary: 'Proposes the next version of a campaign',
      access: 'campaigns:write',
      id: 'campaign',
      body: TermsChanged,
      responses: { 200: CampaignShape },
      refusals: ['campaign.not_found', 'campaign.not_running', ...termsRefusals],
    },
    async ({ caller, id, body }) => {
      const fault = body.rule === undefined ? undefined : ruleFault(body.rule)
      if (fault !== undefined) return refused(wrongRule(fault))
      const made = await reviseCampaign(flows, caller, id, (latest) => changedTerms(latest, body))
      return made.ok ? okay(presentCampaign(made.value)) : made
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/campaigns/{id}/publish',
      summary: 'Publishes the newest version and sets its budget aside; takes a second person',
      access: 'campaigns:write',
      id: 'campaign',
      responses: { 200: CampaignShape },
      refusals: [
        'campaign.not_found',
        'campaign.not_running',
        'campaign.already_published',
        'approval.same_person',
        'date.out_of_range',
        'policy.rebate_out_of_range',
        'campaign.budget_lowered',
      ],
    },
    async ({ caller, id }) => {
      const made = await publishCampaign(flows, caller, id)
      return made.ok ? okay(presentCampaign(made.value)) : made
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/campaigns/{id}/end',
      summary: 'Ends a campaign; what is left of its money comes back',
      access: 'campaigns:write',
      id: 'campaign',
      responses: { 200: CampaignShape },
      refusals: ['campaign.not_found', 'campaign.not_running'],
    },
    async ({ caller, id }) => {
      const made = await endCampaign(flows, caller, id)
      return made.ok ? okay(presentCampaign(made.value)) : made
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/campaigns',
      summary: 'Lists campaigns, the newest first',
      access: 'campaigns:read',
      query: closed({ ...paging, reference: Type.Optional(Reference) }),
      responses: { 200: pageOf(CampaignShape) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('campaigns', [uuidPart], query)
      if (!asked.ok) return asked
      const rows = await selectCampaigns(sql, caller.book, {
        reference: query.reference,
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('campaigns', asked.value, rows, ({ id }) => [id], presentCampaign))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/campaigns/{id}',
      summary: 'Shows a campaign',
      access: 'campaigns:read',
      id: 'campaign',
      responses: { 200: CampaignShape },
      refusals: ['campaign.not_found'],
    },
    async ({ caller, id }) => {
      const [campaign] = await selectCampaigns(sql, caller.book, { id, limit: 1 })
      return campaign === undefined ? refused(campaignNotFound) : okay(presentCampaign(campaign))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/campaigns/{id}/versions',
      summary: 'Lists every version of a campaign with its two people, the newest first',
      access: 'campaigns:read',
      id: 'campaign',
      responses: { 200: closed({ data: Type.Array(Version) }) },
      refusals: ['campaign.not_found'],
    },
    async ({ caller, id }) => {
      const filter = { id, limit: 1, everyVersion: true } as const
      const [campaign] = await selectCampaigns(sql, caller.book, filter)
      if (campaign === undefined) return refused(campaignNotFound)
      return okay({ data: campaign.versions.map(presentVersion) })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/campaigns/{id}/budget',
      summary: 'Shows what a campaign was given, what it gave and what is left',
      access: 'campaigns:read',
      id: 'campaign',
      responses: { 200: Budget },
      refusals: ['campaign.not_found'],
    },
    async ({ caller, id }) => {
      const [campaign] = await selectCampaigns(sql, caller.book, { id, limit: 1 })
      if (campaign === undefined) return refused(campaignNotFound)
      const lanes = flows.engine.lanesOf(modeOfBook(caller.book))
      const lines = await selectBudget(sql, campaign, lanes)
      return okay({
        campaign_id: formatId('campaign', id),
        currency: 'CNY' as const,
        lines: lines.map((line) => ({
          period: line.period,
          status: line.status,
          budget: fenToJson(line.opened),
          granted: fenToJson(line.granted),
          left: fenToJson(line.left),
          returned: fenToJson(line.returned),
        })),
      })
    },
  )
}

function wrongRule(member: string) {
  return shapeRefusal([
    { path: `rule.${member}`, message: 'is needed by this kind of rule, or is not one of it' },
  ])
}
