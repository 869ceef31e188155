/**
 * Redeeming a card for money: what is owed to the holder leaves the card for an account of its own, what was given goes
 * back, and the card is closed. One command; the payment itself is made, and booked, by whoever pays.
 */
import {
  asId,
  type CardId,
  type Fen,
  formatYuan,
  issuerOfBook,
  laneOfId,
  ok,
  type RedemptionId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  type Buyer,
  checkCard,
  type PayoutMethod,
  type PayoutRoute,
  recordBuyer,
  redemptions,
} from '../../modules/cards/index.ts'
import { type AccountKindName, accountId } from '../../modules/ledger/index.ts'
import { checkPayout } from '../../modules/policy/index.ts'
import type { Command, Decision } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { NotPrepared } from '../prepared.ts'
import { type Previewed, previewPlan } from '../preview-plan.ts'
import { markForfeited, readsOfRebates } from '../rebates/forfeit.ts'
import type { CardCaller } from './caller.ts'
import type { Body } from './facts.ts'
import { type Law, lawOf } from './law.ts'
import {
  balanceOn,
  changed,
  commandOnCard,
  type Decide,
  nameRefusal,
  type OnCard,
  termsOfCard,
} from './on-card.ts'
import { claimedPerson } from './purchase.ts'
import { assertUnchanged, type CardHistory, readHistory } from './redemption-history.ts'
import {
  checkGrounds,
  formulaBody,
  type RedemptionCase,
  type RedemptionGrounds,
  routesOf,
  type Settlement,
  settle,
} from './redemption-sums.ts'

export interface RedeemInput extends RedemptionGrounds {
  readonly cardId: CardId
  readonly payout: {
    readonly method: PayoutMethod
    readonly accountName?: string | undefined
    readonly accountNumber?: string | undefined
  }
  /** Whoever brings the card, where it is not the buyer on record. */
  readonly holder?: Buyer | undefined
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * Cards that are active, frozen or expired. Refusals:
 *
 * 1. `card.not_found` (not final)
 * 2. `reference.already_used`
 * 3. `card.closed` and the other states of a card
 * 4. `card.has_holds`
 * 5. `policy.cooling_off_over`, `policy.card_already_used`, `policy.withdrawal_not_allowed`,
 *    `policy.redemption_not_allowed`, `policy.redemption_too_early`
 * 6. `date.out_of_range`, `redemption.nothing_due`
 * 7. `redemption.account_missing`, `redemption.no_original_route`
 * 8. `policy.identity_required`, `policy.account_name_differs`, `policy.cash_not_allowed`
 */
export async function redeemCommand(
  context: FlowContext,
  caller: CardCaller,
  input: RedeemInput,
  key: string,
): Promise<Result<Command>> {
  return build(context, caller, input, { key, isReal: true })
}

/** What a redemption would pay out, and nothing done. Refusals: as for the command. */
export async function previewRedemption(
  context: FlowContext,
  caller: CardCaller,
  input: RedeemInput,
): Promise<Result<Previewed>> {
  const command = await build(context, caller, input, { key: 'preview', isReal: false })
  if (!command.ok) return command
  return previewPlan(context, caller.book, laneOfId(input.cardId), (commandId) =>
    command.value.plan(commandId, 'own'),
  )
}

async function build(
  context: FlowContext,
  caller: CardCaller,
  input: RedeemInput,
  { key, isReal }: { key: string; isReal: boolean },
): Promise<Result<Command>> {
  const { cardId, payout, holder, reference, ...rest } = input
  const law = await lawOf(context, caller.issuerId)
  const name = reference === undefined ? undefined : { kind: nameKinds.redemption, name: reference }
  const people = claimedPerson(context, caller, { payout, holder })
  const claimed = { ...rest, method: payout.method, people, reference }
  const asked = { cardId, operation: 'card.redeemed', key, input: claimed, name }
  return commandOnCard(context, caller, asked, async (commandId, lane, nameState) => {
    const taken = await nameRefusal(context, nameState, 'redemption')
    const history = await readHistory(context, cardId)
    const payee = payeeOf(input, history)
    if (isReal && history !== undefined)
      await recordBuyer(context.database.sql, context.keyring, {
        id: asId(commandId),
        bookId: caller.book,
        buyer: payee,
        account: { name: payout.accountName, number: payout.accountNumber },
        at: context.engine.now(caller.mode),
      })
    const redeemed: Decide = (on) => {
      if (taken !== undefined) return { ok: false, refusal: taken }
      if (history === undefined) throw new NotPrepared(`the history of ${cardId}`)
      return decide(context, law, on, { input, history, payee })
    }
    const reads = history === undefined ? [] : readsOfRebates(lane, history)
    return { decide: redeemed, lanes: [], reads }
  })
}

interface Prepared {
  readonly input: RedeemInput
  readonly history: CardHistory
  readonly payee: Buyer
}

function payeeOf({ holder }: RedeemInput, history: CardHistory | undefined): Buyer {
  return holder ?? history?.buyer ?? { kind: 'person' }
}

function decide(context: FlowContext, law: Law, on: OnCard, prepared: Prepared): Decision {
  const { input, history } = prepared
  const allowed = checkCard(on.card, 'redeem', on.now, 'ignored')
  if (!allowed.ok) return allowed
  const balance = balanceOn(on)
  if (balance.held > 0n)
    return refused(
      refusal('card.has_holds', `${formatYuan(balance.held)} yuan are set aside by holds.`),
    )
  assertUnchanged(on, history)
  const { registered } = termsOfCard(context, on.card)
  const asked: RedemptionCase = { ...input, registered, balance, history, now: on.now }
  const lawful = checkGrounds(law, asked, context.tables)
  if (!lawful.ok) return lawful
  const settled = settle(law, asked, context.tables)
  if (!settled.ok) return settled
  const routes = checkWayBack(law, on, prepared, settled.value)
  return routes.ok ? redeem(on, prepared, settled.value, routes.value) : routes
}

/** Whether the money may go there; the routes are empty where it goes to an account. */
function checkWayBack(
  law: Law,
  on: OnCard,
  { input, history, payee }: Prepared,
  { returned }: Settlement,
): Result<PayoutRoute[]> {
  const { method, accountName, accountNumber } = input.payout
  const toAccount = method === 'same_name_account'
  if (toAccount && (accountName === undefined || accountNumber === undefined))
    return refused(
      refusal('redemption.account_missing', 'Name payout.account_name and payout.account_number.'),
    )
  const routes = toAccount ? ok([]) : routesOf(returned, history)
  if (!routes.ok) return routes
  const cash = routes.value
    .filter((route) => route.method === 'cash')
    .reduce((sum, { amount }) => sum + amount, 0n)
  const lawful = checkPayout(law.at(on.now), {
    amount: returned,
    holder: payee,
    accountName: toAccount ? accountName : history.buyer?.name,
    cash,
  })
  return lawful.ok ? routes : lawful
}

function redeem(
  on: OnCard,
  { input, history }: Prepared,
  settlement: Settlement,
  routes: readonly PayoutRoute[],
): Decision {
  const { view, lane, now, card } = on
  const { reason, payout, reference, metadata } = input
  const balance = balanceOn(on)
  const id: RedemptionId = asId(view.commandId)
  const outcome: Body = {
    redemptionId: id,
    reason,
    principalReturnedFen: String(settlement.returned),
    bonusForfeitedFen: String(balance.bonus),
    feeFen: String(settlement.fee),
    payoutMethod: payout.method,
    routes: routes.map((route) => ({ method: route.method, amountFen: String(route.amount) })),
    payBy: settlement.payBy,
    soldAt: history.soldAt,
    formula: formulaBody(settlement, balance),
  }
  postRedemption(on, settlement, balance.bonus, history)
  view.put(redemptions, lane, {
    id,
    bookId: view.bookId,
    cardId: card.id,
    reason,
    payoutMethod: payout.method,
    principalReturned: settlement.returned,
    fee: settlement.fee,
    bonusForfeited: balance.bonus,
    outcome: { ...outcome, cardId: card.id },
    routes,
    personId: view.commandId,
    reference: reference ?? null,
    metadata: metadata ?? null,
    createdAt: now,
  })
  return changed(on, 'card.redeemed', { ...card, state: 'closed' }, outcome)
}

/**
 * The whole card is emptied: to the holder, to the issuer's income, and back to where the bonus came from. What campaigns
 * gave is taken back by that, the newest first: a refund that comes later does not take it again.
 */
export function postRedemption(
  on: OnCard,
  settlement: Settlement,
  bonus: Fen,
  history: CardHistory,
): void {
  const { desk, lane, view } = on
  const own = (kind: AccountKindName) => accountId(issuerOfBook(view.bookId), kind, lane)
  const move = (debit: typeof on.principal, kind: AccountKindName, amount: Fen) => {
    if (amount > 0n) desk.transfer({ debit, credit: own(kind), amount })
  }
  move(on.principal, 'redemption_payable', settlement.returned)
  move(on.principal, 'redemption_income', settlement.fee + settlement.kept)
  move(on.principal, 'bonus_expense', settlement.bonusCharged)
  const { fromCampaigns } = history
  const ofCampaigns = fromCampaigns < bonus ? fromCampaigns : bonus
  move(on.bonus, 'rebate_expense', ofCampaigns)
  move(on.bonus, 'bonus_expense', bonus - ofCampaigns)
  markForfeited(view, lane, history, ofCampaigns)
}
