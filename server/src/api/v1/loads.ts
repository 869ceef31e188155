/** Routes that put money onto a card after it was issued, or correct what is on it. */
import { adjustCommand, presentAdjustment } from '../../flows/cards/adjust.ts'
import { loadCommand, presentLoad } from '../../flows/cards/load.ts'
import type { Deps } from '../deps.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  given,
  idOf,
  SignedAmount,
  SubBalanceName,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import {
  AgentGiven,
  Balance,
  BuyerGiven,
  buyerFrom,
  FundingGiven,
  FundingShown,
  fundingFrom,
  purchaseRefusals,
  runOnCard,
  stateRefusals,
} from './card-shapes.ts'
import { GivenRebates } from './rebate-shapes.ts'

const NewLoad = closed({
  amount: Amount,
  bonus_amount: Type.Optional(AmountOrZero),
  funding: FundingGiven,
  buyer: Type.Optional(BuyerGiven),
  agent: Type.Optional(AgentGiven),
  ...given,
})

const Load = closed({
  id: idOf('load'),
  card_id: idOf('card'),
  amount: Amount,
  bonus_amount: AmountOrZero,
  currency: Currency,
  funding: FundingShown,
  rebates: GivenRebates,
  balance: Balance,
  ...shown,
  created_at: Timestamp,
})

const NewAdjustment = closed({
  amount: SignedAmount,
  sub_balance: SubBalanceName,
  reason: text(500),
  ...given,
})

const Adjustment = closed({
  id: idOf('adjustment'),
  card_id: idOf('card'),
  amount: SignedAmount,
  currency: Currency,
  sub_balance: SubBalanceName,
  reason: Type.String(),
  balance: Balance,
  ...shown,
  created_at: Timestamp,
})

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/cards/{id}/loads',
      summary: 'Tops a card up',
      access: 'cards:write',
      idempotent: true,
      id: 'card',
      body: NewLoad,
      responses: { 201: Load },
      refusals: [
        ...stateRefusals,
        'card.expired',
        'reference.already_used',
        'product.not_reloadable',
        ...purchaseRefusals,
      ],
    },
    async (call) => {
      const { body, caller, idempotencyKey } = call
      const input = {
        cardId: call.id,
        amount: BigInt(body.amount),
        bonus: BigInt(body.bonus_amount ?? 0),
        funding: fundingFrom(body.funding),
        buyer: buyerFrom(body.buyer),
        agent: buyerFrom(body.agent),
        reference: body.reference,
        metadata: body.metadata,
      }
      const command = await loadCommand(flows, caller, input, idempotencyKey)
      return runOnCard(call, command, 201, ({ body: outcome, at }) =>
        presentLoad(outcome, at, input),
      )
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/cards/{id}/adjustments',
      summary: 'Corrects a sub-balance by hand',
      access: 'cards:write',
      idempotent: true,
      id: 'card',
      body: NewAdjustment,
      responses: { 201: Adjustment },
      refusals: [
        ...stateRefusals,
        'reference.already_used',
        'amount.out_of_range',
        'policy.card_limit',
        'funds.insufficient',
      ],
    },
    async (call) => {
      const { body, caller, idempotencyKey } = call
      const input = {
        cardId: call.id,
        amount: BigInt(body.amount),
        subBalance: body.sub_balance,
        reason: body.reason,
        reference: body.reference,
        metadata: body.metadata,
      }
      const command = await adjustCommand(flows, caller, input, idempotencyKey)
      return runOnCard(call, command, 201, ({ body: outcome, at }) =>
        presentAdjustment(outcome, at, input),
      )
    },
  )
}
