/** Routes of scarce stock: how much of a product may be sold, and is. */
import { formatId, formatInstant, refusal, refused } from '@lika/contract'
import { setStockCommand, stockSet } from '../../flows/stock/set.ts'
import { findStock, leftOfStock, type StockRow } from '../../modules/stock/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, idOf, nullable, Timestamp, Type } from '../http/schemas.ts'

const Count = Type.Integer({ minimum: 0, maximum: 1_000_000_000 })
const PerMember = Type.Integer({ minimum: 1, maximum: 1_000_000 })
const Minutes = Type.Integer({
  minimum: 2,
  maximum: 1_440,
  description: 'how long an order that is not paid keeps what it has',
})

const StockBody = closed({
  product_id: idOf('product'),
  count: Count,
  reserved: { ...Count, description: 'in orders that are not paid yet' },
  sold: Count,
  left: Count,
  per_member: nullable(PerMember),
  unpaid_minutes: Minutes,
  changed_at: Timestamp,
})

export function register(app: LikaApp, { database, flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/products/{id}/stock',
      summary: 'Limits how much of a product may be sold by orders, in all and to one member',
      access: 'products:write',
      idempotent: true,
      id: 'product',
      body: closed({
        count: { ...Count, description: 'in all, what is sold included' },
        per_member: Type.Optional(PerMember),
        unpaid_minutes: Minutes,
      }),
      responses: { 200: StockBody },
      refusals: ['product.not_found', 'stock.below_taken'],
    },
    async (call) => {
      const { caller, id, body: limits, idempotencyKey } = call
      const input = {
        productId: id,
        count: BigInt(limits.count),
        perMember: limits.per_member,
        unpaidSeconds: limits.unpaid_minutes * 60,
      }
      const command = await setStockCommand(flows, caller.book, input, idempotencyKey)
      if (!command.ok) return command
      return executed(await call.execute(command.value), 200, (body, at) =>
        present(stockSet(body, at)),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/products/{id}/stock',
      summary: 'Shows how much of a scarce product is left',
      access: 'products:read',
      id: 'product',
      responses: { 200: StockBody },
      refusals: ['product.not_found', 'stock.not_found'],
    },
    async ({ caller, id }) => {
      const stock = await findStock(database.sql, caller.book, id)
      if (stock !== undefined) return okay(present(stock))
      const isThere = (await flows.programs.find(caller.book, id)) !== undefined
      return refused(isThere ? noLimit : notFound('product'))
    },
  )
}

const noLimit = refusal('stock.not_found', 'As much of the product may be sold as is wanted.')

function present(stock: Omit<StockRow, 'bookId'>) {
  return {
    product_id: formatId('product', stock.productId),
    count: Number(stock.count),
    reserved: Number(stock.reserved),
    sold: Number(stock.sold),
    left: Number(leftOfStock(stock)),
    per_member: stock.perMember,
    unpaid_minutes: stock.unpaidSeconds / 60,
    changed_at: formatInstant(stock.changedAt),
  }
}
