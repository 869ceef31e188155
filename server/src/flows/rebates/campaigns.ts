/** Campaigns as their two people make them: one proposes a version, another publishes it, with the money that it may give. */
import {
  asId,
  type BookId,
  businessDateOf,
  type CampaignId,
  type Instant,
  modeOfBook,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { secondPerson } from '../../modules/access/index.ts'
import {
  type Campaign,
  type CampaignVersion,
  checkTerms,
  findBudgetLines,
  insertCampaign,
  insertVersion,
  lineKey,
  markEnded,
  markPublished,
  type Promised,
  type Proposer,
  selectCampaigns,
  type Terms,
  triggerOf,
  wholeRun,
} from '../../modules/loyalty/index.ts'
import {
  checkCashBackRate,
  checkRandomRebate,
  checkVoucherValidity,
  type Policy,
} from '../../modules/policy/index.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'
import type { CardCaller } from '../cards/caller.ts'
import { lawOf } from '../cards/law.ts'
import type { FlowContext } from '../context.ts'
import { executePrepared } from '../prepared.ts'
import { closeBudget, openBudget } from './budget.ts'

export interface CampaignCaller extends CardCaller {
  readonly keyId: string
  readonly owner: string
}

const attempts = 20
export const campaignNotFound = refusal(
  'campaign.not_found',
  'No campaign has this id here (camp_…).',
)

/**
 * A draft; it gives nothing until another person publishes it. Refusals: `product.not_found`, `merchant.not_found`,
 * `campaign.rule_invalid`, `reference.already_used` (as `existing`).
 */
export async function proposeCampaign(
  context: FlowContext,
  caller: CampaignCaller,
  terms: Terms,
  given: Pick<Campaign, 'reference' | 'metadata'>,
): Promise<Result<{ made: Campaign } | { existing: CampaignId }>> {
  const { engine, database, newId } = context
  const sound = await checkProposal(context, caller.book, terms)
  if (!sound.ok) return sound
  const id = asId<'campaign'>(newId())
  const campaign = {
    id,
    book: caller.book,
    homeLane: engine.laneForNew(caller.mode),
    createdAt: engine.now(caller.mode),
    ...given,
  }
  const existing = await insertCampaign(database.sql, campaign, terms, personOf(caller))
  if (existing !== undefined) return ok({ existing })
  return ok({ made: await find(context, caller.book, id) })
}

/** The next version. Refusals: `campaign.not_found`, `campaign.not_running` for one that has ended, as for a new one. */
export async function reviseCampaign(
  context: FlowContext,
  caller: CampaignCaller,
  id: CampaignId,
  change: (latest: Terms) => Terms,
): Promise<Result<Campaign>> {
  const { sql } = context.database
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const [campaign] = await selectCampaigns(sql, caller.book, { id, limit: 1 })
    const latest = campaign?.versions[0]
    if (campaign === undefined || latest === undefined) return refused(campaignNotFound)
    if (campaign.status === 'ended') return refused(hasEnded)
    const terms = change(latest.terms)
    if (terms.rule.kind !== latest.terms.rule.kind) return refused(otherKind)
    const sound = await checkProposal(context, caller.book, terms)
    if (!sound.ok) return sound
    const now = context.engine.now(caller.mode)
    if (await insertVersion(sql, campaign, terms, personOf(caller), now))
      return ok(await find(context, caller.book, id))
  }
  throw new Error(`campaign ${id} changes too fast`)
}

const hasEnded = refusal('campaign.not_running', 'The campaign has ended: make a new one.')
const otherKind = refusal('campaign.rule_invalid', 'A campaign keeps its kind: make another one.')

async function checkProposal(
  { programs, merchants }: FlowContext,
  book: BookId,
  terms: Terms,
): Promise<Result<void>> {
  for (const id of terms.products)
    if ((await programs.find(book, id)) === undefined)
      return refused(refusal('product.not_found', 'No product has this id here (prod_…).'))
  for (const id of terms.merchants)
    if ((await merchants.findMerchant(book, id)) === undefined)
      return refused(refusal('merchant.not_found', 'No merchant has this id here (merch_…).'))
  return checkTerms(terms)
}

/**
 * Publishes the newest version: its budget is set aside, and from then on it gives. Refusals:
 *
 * 1. `campaign.not_found`
 * 2. `campaign.not_running` for one that has ended, `campaign.already_published`
 * 3. `approval.same_person`
 * 4. `date.out_of_range` where its last day is over
 * 5. `policy.rebate_out_of_range`
 * 6. `campaign.budget_lowered`
 */
export async function publishCampaign(
  context: FlowContext,
  caller: CampaignCaller,
  id: CampaignId,
): Promise<Result<Campaign>> {
  const { engine, database, loyalty } = context
  const [campaign] = await selectCampaigns(database.sql, caller.book, { id, limit: 1 })
  const latest = campaign?.versions[0]
  if (campaign === undefined || latest === undefined) return refused(campaignNotFound)
  if (campaign.status === 'ended') return refused(hasEnded)
  if (campaign.version === campaign.latest) return refused(nothingNew)
  const second = secondPerson(latest.proposed, personOf(caller))
  if (!second.ok) return second
  const now = engine.now(caller.mode)
  const timely = checkDates(latest, now)
  if (!timely.ok) return timely
  const lawful = checkLaw((await lawOf(context, caller.issuerId)).at(now), latest.terms)
  if (!lawful.ok) return lawful
  const promised = promisedOf(campaign, latest)
  const funded = await fund(context, promised)
  if (!funded.ok) return funded
  await markPublished(database.sql, id, latest.version, personOf(caller), now)
  await loyalty.refresh()
  return ok(await find(context, caller.book, id))
}

const nothingNew = refusal(
  'campaign.already_published',
  'Its newest version is published: PATCH the campaign to propose another.',
)

function checkDates({ terms }: CampaignVersion, now: Instant): Result<void> {
  const today = businessDateOf(now)
  if (terms.endsOn >= today) return ok(undefined)
  return refused(
    refusal('date.out_of_range', `The campaign ended on ${terms.endsOn}.`, {
      data: { allowed: { min: today } },
    }),
  )
}

/** What the law says of the rule, as of the day on which it is published. */
function checkLaw(policy: Policy, { rule }: Terms): Result<void> {
  switch (rule.kind) {
    case 'voucher':
      return checkVoucherValidity(policy, rule.validDays)
    case 'cash_back':
      return checkCashBackRate(policy, rule.rateBp)
    case 'random':
      return checkRandomRebate(policy, rule.max)
    case 'load_bonus':
    case 'ladder':
    case 'monthly':
    case 'presale':
      return ok(undefined)
  }
}

/** What gives by the week gets its money when the week begins. */
async function fund(context: FlowContext, promised: Promised): Promise<Result<void>> {
  if (triggerOf(promised.terms.rule) === 'claim') return ok(undefined)
  const command = openBudget(context, promised, wholeRun, 'campaign.published')
  const done = await executePrepared((one) => context.engine.execute(one), command)
  return done.status === 'done' ? ok(undefined) : refused(done.refusal)
}

function promisedOf({ id, book, homeLane }: Campaign, one: CampaignVersion): Promised {
  return { campaignId: id, version: one.version, book, homeLane, terms: one.terms }
}

/**
 * Ends a campaign before its time: it gives nothing any more, and what is left of its money comes back. What it gave
 * stays given. Refusals: `campaign.not_found`, `campaign.not_running` for a draft.
 */
export async function endCampaign(
  context: FlowContext,
  caller: CampaignCaller,
  id: CampaignId,
): Promise<Result<Campaign>> {
  const { engine, database, loyalty } = context
  const [campaign] = await selectCampaigns(database.sql, caller.book, { id, limit: 1 })
  if (campaign === undefined) return refused(campaignNotFound)
  if (campaign.status === 'draft')
    return refused(refusal('campaign.not_running', 'The campaign was never published.'))
  await markEnded(database.sql, id, personOf(caller), engine.now(caller.mode))
  await loyalty.refresh()
  await callHome(context, campaign, () => true)
  return ok(await find(context, caller.book, id))
}

/**
 * Why nothing is to be had of a campaign that is not in force: there is none, or it is a draft or has ended; then with the
 * lane in which it is at home.
 */
export async function whyNot(
  { database }: Pick<FlowContext, 'database'>,
  book: BookId,
  id: CampaignId,
): Promise<{ readonly why: Refusal; readonly home?: Pick<Command, 'homeLane'> }> {
  const [campaign] = await selectCampaigns(database.sql, book, { id, limit: 1 })
  if (campaign === undefined) return { why: campaignNotFound }
  const { status, homeLane } = campaign
  const detail = status === 'ended' ? 'has ended' : 'was not published yet'
  const why = refusal('campaign.not_running', `The campaign ${detail}.`)
  return { why, home: { homeLane: () => homeLane } }
}

/** Closes the open lines of a campaign that `isOver` names. */
export async function callHome(
  context: Pick<FlowContext, 'engine' | 'database' | 'loyalty'>,
  { id, book, homeLane }: Pick<Campaign, 'id' | 'book' | 'homeLane'>,
  isOver: (period: string) => boolean,
): Promise<Executed[]> {
  const { engine, database, loyalty } = context
  const lines = await findBudgetLines(database.sql, homeLane, [id])
  const due = lines.filter(({ status, period }) => status === 'open' && isOver(period))
  const done: Executed[] = []
  for (const line of due) {
    const kind = line.period === wholeRun ? 'campaign.ended' : 'budget.closed'
    done.push(await engine.execute(closeBudget(context, book, homeLane, line, kind)))
    loyalty.lines.delete(lineKey(id, line.period))
  }
  return done
}

async function find(context: FlowContext, book: BookId, id: CampaignId): Promise<Campaign> {
  const [campaign] = await selectCampaigns(context.database.sql, book, { id, limit: 1 })
  if (campaign === undefined) throw new Error(`campaign ${id} of ${modeOfBook(book)} is gone`)
  return campaign
}

function personOf({ keyId, owner }: CampaignCaller): Proposer {
  return { keyId, owner }
}
