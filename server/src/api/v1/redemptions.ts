/** Routes by which a card is redeemed for money. */
import { laneOfId, refused } from '@lika/contract'
import { fundingMethods } from '../../flows/cards/purchase.ts'
import { previewRedemption, redeemCommand } from '../../flows/cards/redeem.ts'
import { presentRedemption } from '../../flows/cards/redemption-present.ts'
import { payoutMethods, redemptionReasons, selectRedemption } from '../../modules/cards/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  DateText,
  given,
  idOf,
  nullable,
  oneOf,
  type Static,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'
import { buyerFrom, HolderGiven, runOnCard, stateRefusals } from './card-shapes.ts'

const ReasonName = oneOf(
  redemptionReasons,
  'cooling_off: within the days after the payment, without a reason; consumer, operator: whose reason it is; withdrawal: on demand, against a fee',
)
const MethodName = oneOf(payoutMethods)
const Term = closed({
  days: Type.Integer({ minimum: 1, maximum: 36_600 }),
  used_days: Type.Integer({ minimum: 0, maximum: 36_600 }),
})

const NewRedemption = closed({
  reason: ReasonName,
  payout: closed({
    method: MethodName,
    account_name: Type.Optional(text(100)),
    account_number: Type.Optional(text(64)),
  }),
  holder: Type.Optional(HolderGiven),
  list_price: Type.Optional({
    ...Amount,
    description: 'fen; what was delivered would have cost without the discount of the card',
  }),
  term: Type.Optional(Term),
  rescinded_on: Type.Optional(DateText),
  dry_run: Type.Optional(Type.Boolean()),
  ...given,
})

const Redemption = closed({
  id: nullable(idOf('redemption')),
  card_id: idOf('card'),
  reason: ReasonName,
  principal_returned: AmountOrZero,
  bonus_forfeited: AmountOrZero,
  fee: AmountOrZero,
  currency: Currency,
  payout: closed({
    method: MethodName,
    routes: Type.Array(closed({ method: oneOf(fundingMethods), amount: Amount })),
    pay_by: nullable(DateText),
  }),
  formula: closed(
    {
      articles: Type.String(),
      sold_at: Timestamp,
      paid: AmountOrZero,
      bonus_given: AmountOrZero,
      consumed: AmountOrZero,
      consumed_value: AmountOrZero,
      due: AmountOrZero,
      principal_on_card: AmountOrZero,
      owed_beyond_card: AmountOrZero,
      bonus_charged: AmountOrZero,
      kept: AmountOrZero,
    },
    { description: '法释〔2025〕4号: due = paid − consumed_value; only principal is paid out' },
  ),
  interest: nullable(
    closed(
      {
        table: Type.String(),
        rate_bp: Type.Integer(),
        rate_confirmed: Type.Boolean(),
        days: Type.Integer(),
        amount: AmountOrZero,
      },
      { description: 'Owed beside what the card pays out, up to today.' },
    ),
  ),
  ...shown,
  created_at: Timestamp,
})

const redemptionRefusals = [
  ...stateRefusals,
  'reference.already_used',
  'card.has_holds',
  'policy.cooling_off_over',
  'policy.card_already_used',
  'policy.withdrawal_not_allowed',
  'policy.redemption_not_allowed',
  'policy.redemption_too_early',
  'date.out_of_range',
  'redemption.nothing_due',
  'redemption.account_missing',
  'redemption.no_original_route',
  'policy.identity_required',
  'policy.account_name_differs',
  'policy.cash_not_allowed',
] as const

export function register(app: LikaApp, { flows, database }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/cards/{id}/redemptions',
      summary: 'Redeems a card for money: what is owed to the holder is set aside, the card closed',
      access: 'cards:write',
      idempotent: true,
      id: 'card',
      body: NewRedemption,
      responses: { 200: Redemption, 201: Redemption },
      refusals: redemptionRefusals,
    },
    async (call) => {
      const { body, caller } = call
      const contradiction = contradictionIn(body)
      if (contradiction !== undefined) return refused(shapeRefusal([contradiction]))
      const input = { ...inputFrom(body), cardId: call.id }
      if (body.dry_run === true) {
        const seen = await previewRedemption(flows, caller, input)
        if (!seen.ok) return seen
        return okay({ ...presentRedemption(seen.value.body, seen.value.at, input), id: null })
      }
      const command = await redeemCommand(flows, caller, input, call.idempotencyKey)
      return runOnCard(call, command, 201, (done) => presentRedemption(done.body, done.at, input))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/redemptions/{id}',
      summary: 'Shows a redemption',
      access: 'cards:read',
      id: 'redemption',
      responses: { 200: Redemption },
      refusals: ['redemption.not_found'],
    },
    async ({ caller, id }) => {
      const row = await selectRedemption(database.sql, laneOfId(id), caller.book, id)
      if (row === undefined) return refused(notFound('redemption'))
      const { outcome, createdAt, reference, metadata } = row
      return okay(presentRedemption(outcome, createdAt, { reference, metadata }))
    },
  )
}

function contradictionIn({ list_price: listPrice, term }: Static<typeof NewRedemption>) {
  if (listPrice !== undefined && term !== undefined)
    return { path: 'term', message: 'is given, or list_price: not both' }
  if (term !== undefined && term.used_days > term.days)
    return { path: 'term.used_days', message: 'is at most days' }
  return undefined
}

function inputFrom(body: Static<typeof NewRedemption>) {
  const { reason, payout, holder, rescinded_on: rescindedOn, reference, metadata } = body
  const { method, account_name: accountName, account_number: accountNumber } = payout
  return {
    reason,
    payout: { method, accountName, accountNumber },
    holder: buyerFrom(holder),
    valuation: valuationIn(body),
    rescindedOn,
    reference,
    metadata,
  }
}

function valuationIn({ list_price: listPrice, term }: Static<typeof NewRedemption>) {
  if (term !== undefined) {
    const { days, used_days: usedDays } = term
    return { kind: 'term', days, usedDays } as const
  }
  if (listPrice !== undefined) return { kind: 'discount', listFen: BigInt(listPrice) } as const
  return undefined
}
