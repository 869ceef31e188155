/** Routes of orders: what is sold through WeChat, from the first question to the last fen that goes back. */
import { asId } from '@lika/contract'
import { executeOnCards } from '../../flows/cards/repeat.ts'
import { closeOrder } from '../../flows/purchase/close.ts'
import { createOrderCommand } from '../../flows/purchase/create.ts'
import { refundOrderCommand } from '../../flows/purchase/refund.ts'
import { unsealCommand } from '../../flows/purchase/unseal.ts'
import { reviewCommand } from '../../flows/top-up/review.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  Amount,
  AmountOrZero,
  closed,
  given,
  idOf,
  oneOf,
  readId,
  type Static,
  Type,
  text,
} from '../http/schemas.ts'
import { BuyerGiven, buyerFrom, HolderGiven } from './card-shapes.ts'
import {
  answerOf,
  answerOfRefund,
  InvitationBody,
  inviteBuyer,
  OrderBody,
  OrderChannelName,
  OrderKindName,
  PayAsked,
  payRefusals,
  RefundOfOrder,
  refundRefusals,
} from './order-shapes.ts'

const defaultPayWithinMinutes = 30

const NewOrder = closed({
  kind: OrderKindName,
  product_id: Type.Optional(idOf('product')),
  card_id: Type.Optional(idOf('card')),
  amount: Amount,
  bonus_amount: Type.Optional(AmountOrZero),
  quantity: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  channel: OrderChannelName,
  member_id: Type.Optional(idOf('member')),
  buyer: Type.Optional(BuyerGiven),
  pay_within_minutes: Type.Optional(
    Type.Integer({ minimum: 2, maximum: 10_080, default: defaultPayWithinMinutes }),
  ),
  ...given,
})

export const createRefusals = [
  'order.card_missing',
  'product.not_found',
  'card.not_found',
  'member.not_found',
  'reference.already_used',
  'order.too_many_cards',
  'product.not_published',
  'card.replaced',
  'card.closed',
  'card.lost',
  'card.frozen',
  'card.not_active',
  'card.sealed',
  'card.expired',
  'product.not_reloadable',
  'amount.out_of_range',
  'policy.sale_stopped',
  'policy.charter_missing',
  'policy.card_limit',
  'policy.identity_required',
  'stock.member_required',
  'stock.limit_reached',
  'stock.sold_out',
] as const

export function register(app: LikaApp, deps: Deps): void {
  registerSale(app, deps)
  registerAfterwards(app, deps)
}

function registerSale(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/orders',
      summary: 'Makes an order: cards of a product, or a top-up of a card',
      access: 'orders:write',
      idempotent: true,
      body: NewOrder,
      responses: { 201: OrderBody },
      refusals: createRefusals,
    },
    async (call) => {
      const command = await createOrderCommand(
        flows,
        call.caller,
        inputFrom(call.body),
        call.idempotencyKey,
      )
      if (!command.ok) return command
      const made = await executeOnCards(call.execute, command.value)
      const id = made.status === 'done' ? made.commandId : ''
      return answerOf(flows, asId<'order'>(id), made, 201, command.value.made())
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/orders/{id}/pay',
      summary: 'Asks the buyer to pay, where he is now; what he was asked before is closed first',
      access: 'orders:write',
      idempotent: true,
      id: 'order',
      body: PayAsked,
      responses: { 200: InvitationBody },
      refusals: payRefusals,
    },
    async ({ caller, id, body, idempotencyKey }) => {
      const invited = await inviteBuyer(flows, caller, id, body, idempotencyKey)
      return invited.ok ? okay(invited.value) : invited
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/orders/{id}/review',
      summary: 'Says as a second person whether a large top-up may be paid',
      access: 'orders:write',
      idempotent: true,
      id: 'order',
      body: closed({ decision: oneOf(['approve', 'reject']) }),
      responses: { 200: OrderBody },
      refusals: ['order.not_found', 'order.not_under_review', 'approval.same_person'],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const asked = { orderId: id, decision: body.decision }
      const command = reviewCommand(flows, caller.book, caller, asked, idempotencyKey)
      if (!command.ok) return command
      return answerOf(flows, id, await executeOnCards(call.execute, command.value), 200)
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/orders/{id}/close',
      summary: 'Closes an order that is not paid, at WeChat first',
      access: 'orders:write',
      idempotent: true,
      id: 'order',
      responses: { 200: OrderBody },
      refusals: ['order.not_found', 'order.wrong_status'],
    },
    async (call) => {
      const { caller, id, idempotencyKey } = call
      const closing = await closeOrder(flows, caller.book, id, idempotencyKey, call.execute)
      return closing.ok ? answerOf(flows, id, closing.value, 200) : closing
    },
  )
}

function registerAfterwards(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/orders/{id}/unseal',
      summary: 'Gives up the hours for changing one’s mind: the cards pay and show their secret',
      access: 'orders:write',
      idempotent: true,
      id: 'order',
      responses: { 200: OrderBody },
      refusals: ['order.not_found', 'order.wrong_status', 'order.not_sealed'],
    },
    async (call) => {
      const { caller, id, idempotencyKey } = call
      const command = unsealCommand(flows, caller.book, id, idempotencyKey)
      if (!command.ok) return command
      return answerOf(flows, id, await executeOnCards(call.execute, command.value), 200)
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/orders/{id}/refunds',
      summary: 'Gives an order back: first its cards are void, then the money goes back by WeChat',
      access: 'orders:write',
      idempotent: true,
      id: 'order',
      body: closed({
        reason: text(80),
        basis: Type.Optional(
          oneOf(
            ['cooling_off', 'statutory', 'surplus'],
            'cooling_off: only while the cards are sealed; surplus: the closed refund of a second payment, asked for again; without a word whichever of the first two holds',
          ),
        ),
        amount: Type.Optional(Amount),
        holder: Type.Optional(HolderGiven),
      }),
      responses: { 200: RefundOfOrder },
      refusals: [...refundRefusals, 'order.refund_not_found'],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const input = {
        orderId: id,
        reason: body.reason,
        basis: body.basis,
        amount: body.amount === undefined ? undefined : BigInt(body.amount),
        holder: buyerFrom(body.holder),
      }
      const command = await refundOrderCommand(flows, caller, input, idempotencyKey)
      if (!command.ok) return command
      const asked = await executeOnCards(call.execute, command.value)
      return answerOfRefund(flows, id, body.reason, asked)
    },
  )
}

function inputFrom(body: Static<typeof NewOrder>) {
  return {
    kind: body.kind,
    productId: body.product_id === undefined ? undefined : readId('product', body.product_id),
    cardId: body.card_id === undefined ? undefined : readId('card', body.card_id),
    amount: BigInt(body.amount),
    bonus: BigInt(body.bonus_amount ?? 0),
    quantity: body.quantity ?? 1,
    channel: body.channel,
    memberId: body.member_id === undefined ? undefined : readId('member', body.member_id),
    buyer: buyerFrom(body.buyer),
    payWithinMs: (body.pay_within_minutes ?? defaultPayWithinMinutes) * 60_000,
    reference: body.reference,
    metadata: body.metadata,
  }
}
