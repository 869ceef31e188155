/**
 * A random rebate for a load, claimed in the week in which the load was made. What is given in a week is its budget and
 * not a fen more or less: the last one gets what is left. The amount is drawn before the round, where chance is allowed.
 */
import {
  type CampaignId,
  type CardId,
  type Fen,
  fenToJson,
  formatId,
  formatInstant,
  formatYuan,
  type Id,
  type Instant,
  laneOfId,
  modeOfBook,
  monthOfId,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { cards, checkCard, type LoadRow, loadRests, selectLoad } from '../../modules/cards/index.ts'
import { accountId, accounts } from '../../modules/ledger/index.ts'
import {
  debts,
  isAboutProduct,
  isRunning,
  mondayOf,
  type Promised,
  type Rule,
  rebateKey,
  rebates,
} from '../../modules/loyalty/index.ts'
import { checkCardBalance } from '../../modules/policy/index.ts'
import { randomBytes } from '../../platform/crypto/random.ts'
import {
  type Command,
  type Decision,
  type Plan,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import type { CardCaller } from '../cards/caller.ts'
import { type Body, currency, fenIn, textIn } from '../cards/facts.ts'
import { type Law, lawOf } from '../cards/law.ts'
import { termsOfCard } from '../cards/on-card.ts'
import type { FlowContext } from '../context.ts'
import { Desks } from '../payments/desks.ts'
import { lineOf } from '../payments/line-of-card.ts'
import { NotPrepared, refusedUnlessDone } from '../prepared.ts'
import { ensureLine } from './budget.ts'
import { whyNot } from './campaigns.ts'
import { grant } from './grant.ts'
import { loadNotFound } from './load-refund.ts'
import { bodyOf } from './post.ts'
import { openLineOf, Purse } from './purse.ts'

type RandomRule = Extract<Rule, { kind: 'random' }>

export interface ClaimInput {
  readonly campaignId: CampaignId
  readonly loadId: Id<'load'>
}

/**
 * Refusals:
 *
 * 1. `campaign.not_found`, `campaign.not_running` for what is not published or not of this kind, `load.not_found`
 *    (leave nothing)
 * 2. `campaign.not_running` by date, by product, and for a load of another week
 * 3. `campaign.already_claimed`
 * 4. `amount.out_of_range` for a load that is too small or was given back
 * 5. the states of the card, `card.expired`
 * 6. `campaign.budget_spent`
 * 7. `policy.card_limit`
 */
export async function claimCommand(
  context: FlowContext,
  { book, issuerId }: CardCaller,
  { campaignId, loadId }: ClaimInput,
  key: string,
): Promise<Result<Command>> {
  const { engine, database, loyalty } = context
  const lane = laneOfId(loadId)
  const isThere = engine.lanesOf(modeOfBook(book)).includes(lane)
  const base = {
    book,
    operation: 'rebate.granted',
    key,
    input: { campaign: campaignId, load: loadId },
    ...(isThere && { homeLane: () => lane }),
  }
  const promised = (await loyalty.inForce(book)).find((one) => one.campaignId === campaignId)
  if (promised === undefined)
    return ok(refusedUnlessDone(context, base, (await whyNot(context, book, campaignId)).why))
  const { rule } = promised.terms
  if (rule.kind !== 'random') return refused(notRunning('It gives by itself: nothing is claimed.'))
  if (!isThere) return refused(loadNotFound)
  const load = await selectLoad(database.sql, lane, monthOfId(loadId), book, loadId)
  if (load === undefined) return refused(loadNotFound)
  const law = await lawOf(context, issuerId)
  const drawn = drawAmount(rule)
  let purse: { readonly week: string; readonly of: Purse } | undefined
  const clock: Clock = { week: undefined }
  return ok({
    ...base,
    homeLane: () => lane,
    plan: async () => {
      const week = clock.week ?? mondayOf(engine.now(modeOfBook(book)))
      if (purse?.week !== week) {
        const open = await openLineOf(context, promised, week)
        const line = open === undefined ? await ensureLine(context, promised, week) : ok(open)
        if (!line.ok) return refusedPlan(lane, line.refusal)
        purse = { week, of: new Purse(context, promised, line.value, lane) }
      }
      const line = await lineOf(context, load.cardId)
      const holder = line.at(-1) ?? load.cardId
      const claimed = { campaignId, sourceId: load.id, period: mondayOf(load.at) }
      const asked: Asked = {
        promised,
        rule,
        law,
        load,
        drawn,
        clock,
        week,
        line,
        holder,
        purse: purse.of,
      }
      return {
        lanes: [...new Set([lane, ...purse.of.lanes()])],
        reads: [
          ...line.map((id) => read(cards, lane, id)),
          ...line.map((cardId) => read(rebates, lane, rebateKey({ ...claimed, cardId }))),
          read(accounts, lane, accountId(holder, 'card_principal', lane)),
          read(accounts, lane, accountId(holder, 'card_bonus', lane)),
          read(debts, lane, holder),
          read(loadRests, lane, load.id),
          ...purse.of.reads(),
        ],
        decide: (view, now) => decide(context, view, asked, now),
      }
    },
  })
}

/** Nothing is left behind: the week could not be opened now. */
function refusedPlan(lane: number, why: Refusal): Plan {
  const decision: Decision = { ok: false, final: false, refusal: why }
  return { lanes: [lane], reads: [], decide: () => decision }
}

function notRunning(detail: string): Refusal {
  return refusal('campaign.not_running', detail)
}

/** From min to max, each as likely as the others. */
function drawAmount({ min, max }: RandomRule): Fen {
  return min + (randomBytes(8).readBigUInt64BE() % (max - min + 1n))
}

/** The week by the clock of the lane, once a decision has seen it: it may be ahead of this server's. */
interface Clock {
  week: string | undefined
}

interface Asked {
  readonly clock: Clock
  readonly promised: Promised
  readonly rule: RandomRule
  readonly law: Law
  readonly load: LoadRow
  readonly drawn: Fen
  /** The Monday of the week whose budget the purse has. */
  readonly week: string
  readonly purse: Purse
  readonly line: readonly CardId[]
  readonly holder: CardId
}

function decide(context: FlowContext, view: View, asked: Asked, now: Instant): Decision {
  const { load, purse, drawn, holder, week, clock, law } = asked
  if (mondayOf(now) !== week)
    throw new NotPrepared('another week', async () => {
      clock.week = mondayOf(now)
    })
  const lane = laneOfId(holder)
  const card = view.get(cards, holder)
  if (card === undefined) throw new Error(`the card ${holder} of a load is gone`)
  if (card.replacedBy !== null) throw new NotPrepared(`the successor of ${holder}`)
  const { registered } = termsOfCard(context, card)
  const due = checkClaim(view, asked, card.productId, now)
  if (!due.ok) return due
  const allowed = checkCard(card, 'load', now)
  if (!allowed.ok) return allowed
  const desks = new Desks(view)
  const amount = purse.draw(view, desks, drawn, true)
  if (amount === 0n)
    return refused(refusal('campaign.budget_spent', 'The budget of this week is spent.'))
  const has = (kind: 'card_principal' | 'card_bonus') =>
    desks.in(lane).account(accountId(holder, kind, lane)).balance
  const carriedFen = has('card_principal') + has('card_bonus')
  const limit = checkCardBalance(law.at(now), { registered, carriedFen, addedFen: amount })
  if (!limit.ok) return limit
  const base = leftOf(view, load)
  const ground = { cardId: holder, lane, source: 'load', sourceId: load.id, base, now } as const
  const row = grant(view, desks, purse, { ...ground, period: mondayOf(load.at), amount }, 0)
  const body = { ...bodyOf(row), period: row.period }
  return { ok: true, value: { kind: 'rebate.granted', version: 1, body } }
}

function leftOf(view: View, { id, amount }: LoadRow): Fen {
  return amount - (view.get(loadRests, id)?.refunded ?? 0n)
}

function checkClaim(
  view: View,
  { promised, rule, load, week, line }: Asked,
  product: Parameters<typeof isAboutProduct>[1],
  now: Instant,
): Result<void> {
  const { campaignId, terms } = promised
  if (!isRunning(terms, now)) return refused(notRunning('Today it gives nothing.'))
  if (!isAboutProduct(terms, product)) return refused(notRunning('It is not about this card.'))
  const period = mondayOf(load.at)
  const claimed = line
    .map((cardId) =>
      view.get(rebates, rebateKey({ campaignId, sourceId: load.id, period, cardId })),
    )
    .find((row) => row !== undefined)
  if (claimed !== undefined)
    return refused(
      refusal('campaign.already_claimed', 'The rebate of this load was claimed already.', {
        data: { existing_id: formatId('rebate', claimed.id) },
      }),
    )
  if (period !== week) return refused(notRunning('The load was made in another week.'))
  const base = leftOf(view, load)
  if (base > 0n && base >= rule.minLoad) return ok(undefined)
  const least = rule.minLoad > 0n ? rule.minLoad : 1n
  const detail = `It takes a load of ${formatYuan(least)} yuan that was not given back.`
  return refused(
    refusal('amount.out_of_range', detail, { data: { allowed: { min: fenToJson(least) } } }),
  )
}

export function presentClaim(body: Body, at: Instant) {
  return {
    id: formatId('rebate', textIn(body, 'rebateId')),
    campaign_id: formatId('campaign', textIn(body, 'campaignId')),
    card_id: formatId('card', textIn(body, 'cardId')),
    load_id: formatId('load', textIn(body, 'loadId')),
    week: textIn(body, 'period'),
    amount: fenToJson(fenIn(body, 'amountFen')),
    set_off: fenToJson(fenIn(body, 'setOffFen')),
    currency,
    created_at: formatInstant(at),
  }
}
