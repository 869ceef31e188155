/** Orders for staff who look for them. */

import type { MemberId } from '@lika/contract'
import { laneOfId, modeOfBook, type OrderState, refused } from '@lika/contract'
import type { FlowContext } from '../../flows/context.ts'
import { presentOrder } from '../../flows/purchase/facts.ts'
import {
  findOrder,
  loadOrders,
  type OrderRow,
  selectOrders,
  selectRefundsOf,
  selectShippings,
  selectTradesOf,
} from '../../modules/orders/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { type PageAsked, presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, idOf, pageOf, paging, Reference, readId, Type } from '../http/schemas.ts'
import { OrderBody, OrderDetail, OrderStatusName, presentDetail } from './order-shapes.ts'

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/orders/{id}',
      summary: 'Shows an order with everything that it has at WeChat',
      access: 'orders:read',
      id: 'order',
      responses: { 200: OrderDetail },
      refusals: ['order.not_found'],
    },
    async ({ caller, id }) => {
      const order = await orderOf(flows, caller.book, id)
      return order === undefined ? refused(notFound('order')) : okay(await detailOf(flows, order))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/orders',
      summary: 'Lists orders, the newest first',
      access: 'orders:read',
      query: closed({
        ...paging,
        reference: Type.Optional(Reference),
        status: Type.Optional(OrderStatusName),
        member_id: Type.Optional(idOf('member')),
      }),
      responses: { 200: pageOf(OrderBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('orders', [uuidPart], query)
      if (!asked.ok) return asked
      const members =
        query.member_id === undefined ? undefined : [readId('member', query.member_id)]
      return okay(
        await pageOfOrders(flows, caller.book, asked.value, {
          reference: query.reference,
          status: query.status,
          members,
        }),
      )
    },
  )
}

/** undefined: there is none in that book. */
export function orderOf(
  { engine, database }: FlowContext,
  book: OrderRow['bookId'],
  id: OrderRow['id'],
): Promise<OrderRow | undefined> {
  const lane = laneOfId(id)
  if (!engine.lanesOf(modeOfBook(book)).includes(lane)) return Promise.resolve(undefined)
  return findOrder(database.sql, book, id)
}

export async function detailOf({ engine, database }: FlowContext, order: OrderRow) {
  const lane = laneOfId(order.id)
  const [trades, refunds] = await Promise.all([
    selectTradesOf(database.sql, order.id),
    selectRefundsOf(database.sql, lane, order.id),
  ])
  const isInMiniProgram = trades.some(({ scene }) => scene === 'mini_program')
  const shippings = isInMiniProgram ? await selectShippings(database.sql, lane, order.id) : []
  const at = engine.now(modeOfBook(order.bookId))
  return presentDetail(order, { trades, refunds, shippings }, at)
}

export interface OrdersWanted {
  readonly reference?: string | undefined
  readonly status?: OrderState | undefined
  /** Of any of these. */
  readonly members?: readonly MemberId[] | undefined
}

export async function pageOfOrders(
  { engine, database }: FlowContext,
  book: OrderRow['bookId'],
  asked: PageAsked,
  { reference, status, members }: OrdersWanted,
) {
  const { sql } = database
  const mode = modeOfBook(book)
  const now = engine.now(mode)
  const found = await selectOrders(sql, engine.lanesOf(mode), book, {
    reference,
    status,
    members,
    now,
    before: asked.afterId,
    limit: asked.limit + 1,
  })
  const byLane = Map.groupBy(found, ({ lane }) => lane)
  const rows = await Promise.all(
    [...byLane].map(([lane, some]) =>
      loadOrders(
        sql,
        lane,
        some.map(({ id }) => id),
      ),
    ),
  )
  const sorted = rows.flat().toSorted((one, other) => (one.id < other.id ? 1 : -1))
  return presentPage(
    'orders',
    asked,
    sorted,
    ({ id }) => [id],
    (row) => presentOrder(row, now),
  )
}
