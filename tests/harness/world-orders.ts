/** Orders of a book that nobody has paid, for there is no WeChat in the world: one to look at, one to close, one to review. */
import type { Asking } from './asking.ts'

export interface WorldOrders {
  order: string
  /** Nothing else is done to it. */
  orderToClose: string
  /** A large top-up, which another person asked for. */
  orderUnderReview: string
}

export async function makeOrders(
  { ask, askSecond }: Asking,
  { product, card }: { product: string; card: string },
): Promise<WorldOrders> {
  const bought = { kind: 'purchase', product_id: product, amount: 1_000, channel: 'h5' }
  const large = { kind: 'top_up', card_id: card, amount: 600_000, channel: 'corporate' }
  const [order, toClose, underReview] = await Promise.all([
    ask('POST', '/v1/orders', bought),
    ask('POST', '/v1/orders', bought),
    askSecond('POST', '/v1/orders', large),
  ])
  return { order: order.id, orderToClose: toClose.id, orderUnderReview: underReview.id }
}
