/** Routes of a member's own orders: to buy, to pay where he is now, to change his mind. */
import { asId, formatId, laneOfId, type OrderId, refused } from '@lika/contract'
import { cardNotFound } from '../../flows/cards/on-card.ts'
import { executeOnCards } from '../../flows/cards/repeat.ts'
import { refusedUnlessDone } from '../../flows/prepared.ts'
import { closeOrder } from '../../flows/purchase/close.ts'
import { createOrderCommand } from '../../flows/purchase/create.ts'
import { refundOrderCommand } from '../../flows/purchase/refund.ts'
import { unsealCommand } from '../../flows/purchase/unseal.ts'
import type { MemberCaller } from '../../modules/members/index.ts'
import { isCardOfMembers, mostCards, type OrderRow } from '../../modules/orders/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  closed,
  idOf,
  oneOf,
  pageOf,
  paging,
  readId,
  type Static,
  Type,
  text,
} from '../http/schemas.ts'
import { BuyerGiven, buyerFrom } from '../v1/card-shapes.ts'
import { detailOf, orderOf, pageOfOrders } from '../v1/order-reads.ts'
import {
  answerOf,
  answerOfRefund,
  InvitationBody,
  inviteBuyer,
  OrderBody,
  OrderDetail,
  OrderKindName,
  OrderStatusName,
  payRefusals,
  RefundOfOrder,
  refundRefusals,
} from '../v1/order-shapes.ts'
import { createRefusals } from '../v1/orders.ts'

const payWithinMs = 30 * 60_000

const NewOrder = closed({
  kind: OrderKindName,
  product_id: Type.Optional(idOf('product')),
  card_id: Type.Optional(idOf('card')),
  amount: Amount,
  quantity: Type.Optional(Type.Integer({ minimum: 1, maximum: mostCards })),
  buyer: Type.Optional(BuyerGiven),
  outside_wechat: Type.Optional(
    Type.Boolean({ description: 'The page is open in a browser outside WeChat.' }),
  ),
})

export function register(app: LikaApp, deps: Deps): void {
  registerPurchase(app, deps)
  registerReads(app, deps)
  registerAfterwards(app, deps)
}

/** The order, where it is the member's own; of anybody else's nothing is said. */
async function ownOrder(
  { flows }: Pick<Deps, 'flows'>,
  { book, memberId }: MemberCaller,
  id: OrderId,
): Promise<OrderRow | undefined> {
  const order = await orderOf(flows, book, id)
  if (order === undefined || order.memberId === null) return undefined
  const group = await flows.members.groupOf(memberId)
  return group.includes(order.memberId) ? order : undefined
}

function registerPurchase(app: LikaApp, deps: Deps): void {
  const { flows } = deps

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/orders',
      summary: 'Makes an order of the member: cards of a product, or a top-up of a card of his own',
      access: 'member',
      idempotent: true,
      body: NewOrder,
      responses: { 201: OrderBody },
      refusals: createRefusals,
    },
    async (call) => {
      const { caller, body, idempotencyKey } = call
      const input = await inputFrom(caller, body)
      const by = { ...caller, keyId: caller.memberId, owner: `member ${caller.memberId}` }
      const command = await createOrderCommand(flows, by, input, idempotencyKey)
      if (!command.ok) return command
      // Whose the card is changes when members part; the order that was made under the key is the member's own.
      const isOwn = input.cardId === undefined || (await isOwnCard(caller, input.cardId))
      const asked = isOwn ? command.value : refusedUnlessDone(flows, command.value, cardNotFound)
      const made = await executeOnCards(call.execute, asked)
      const id = made.status === 'done' ? made.commandId : ''
      return answerOf(flows, asId<'order'>(id), made, 201, command.value.made())
    },
  )

  async function inputFrom(caller: MemberCaller, body: Static<typeof NewOrder>) {
    const app = await flows.wechatApps.find(caller.book, caller.appId)
    const channel = body.outside_wechat === true || app === undefined ? 'h5' : app.kind
    return {
      kind: body.kind,
      productId: body.product_id === undefined ? undefined : readId('product', body.product_id),
      cardId: body.card_id === undefined ? undefined : readId('card', body.card_id),
      amount: BigInt(body.amount),
      bonus: 0n,
      quantity: body.quantity ?? 1,
      channel,
      memberId: caller.memberId,
      buyer: buyerFrom(body.buyer),
      payWithinMs,
    } as const
  }

  async function isOwnCard({ memberId }: MemberCaller, cardId: Parameters<typeof laneOfId>[0]) {
    const group = await flows.members.groupOf(memberId)
    return isCardOfMembers(flows.database.sql, laneOfId(cardId), group, asId<'card'>(cardId))
  }

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/orders/{id}/pay',
      summary: 'Asks the member to pay, where he is now; what he was asked before is closed first',
      access: 'member',
      idempotent: true,
      id: 'order',
      body: closed({ scene: oneOf(['jsapi', 'mini_program', 'native', 'h5']) }),
      responses: { 200: InvitationBody },
      refusals: payRefusals,
    },
    async ({ caller, id, body, idempotencyKey, address }) => {
      if ((await ownOrder(deps, caller, id)) === undefined) return refused(notFound('order'))
      const asked = {
        scene: body.scene,
        app_id: formatId('wechat_app', caller.appId),
        client_ip: address,
      }
      const invited = await inviteBuyer(flows, caller, id, asked, idempotencyKey)
      return invited.ok ? okay(invited.value) : invited
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/orders/{id}/close',
      summary: 'Closes an order of the member that is not paid',
      access: 'member',
      idempotent: true,
      id: 'order',
      responses: { 200: OrderBody },
      refusals: ['order.not_found', 'order.wrong_status'],
    },
    async (call) => {
      const { caller, id, idempotencyKey } = call
      if ((await ownOrder(deps, caller, id)) === undefined) return refused(notFound('order'))
      const closing = await closeOrder(flows, caller.book, id, idempotencyKey, call.execute)
      return closing.ok ? answerOf(flows, id, closing.value, 200) : closing
    },
  )
}

function registerReads(app: LikaApp, deps: Deps): void {
  const { flows } = deps

  app.route(
    {
      method: 'GET',
      path: '/wallet/v1/orders',
      summary: 'Lists the orders of the member, the newest first',
      access: 'member',
      query: closed({ ...paging, status: Type.Optional(OrderStatusName) }),
      responses: { 200: pageOf(OrderBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('orders', [uuidPart], query)
      if (!asked.ok) return asked
      const members = await flows.members.groupOf(caller.memberId)
      const wanted = { status: query.status, members }
      return okay(await pageOfOrders(flows, caller.book, asked.value, wanted))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/wallet/v1/orders/{id}',
      summary: 'Shows an order of the member',
      access: 'member',
      id: 'order',
      responses: { 200: OrderDetail },
      refusals: ['order.not_found'],
    },
    async ({ caller, id }) => {
      const order = await ownOrder(deps, caller, id)
      return order === undefined ? refused(notFound('order')) : okay(await detailOf(flows, order))
    },
  )
}

function registerAfterwards(app: LikaApp, deps: Deps): void {
  const { flows } = deps

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/orders/{id}/unseal',
      summary: 'Gives up the hours for changing one’s mind',
      access: 'member',
      idempotent: true,
      id: 'order',
      responses: { 200: OrderBody },
      refusals: ['order.not_found', 'order.wrong_status', 'order.not_sealed'],
    },
    async (call) => {
      const { caller, id, idempotencyKey } = call
      if ((await ownOrder(deps, caller, id)) === undefined) return refused(notFound('order'))
      const command = unsealCommand(flows, caller.book, id, idempotencyKey)
      if (!command.ok) return command
      return answerOf(flows, id, await executeOnCards(call.execute, command.value), 200)
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/orders/{id}/refunds',
      summary: 'Gives an order of the member back, on whichever ground holds',
      access: 'member',
      idempotent: true,
      id: 'order',
      body: closed({ reason: text(80) }),
      responses: { 200: RefundOfOrder },
      refusals: refundRefusals,
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      if ((await ownOrder(deps, caller, id)) === undefined) return refused(notFound('order'))
      const input = { orderId: id, reason: body.reason }
      const command = await refundOrderCommand(flows, caller, input, idempotencyKey)
      if (!command.ok) return command
      const asked = await executeOnCards(call.execute, command.value)
      return answerOfRefund(flows, id, body.reason, asked)
    },
  )
}
