/** An issuer says how much of a product may be sold, to one member and in all, and how long an unpaid order keeps it. */
import {
  asId,
  type BookId,
  type Instant,
  laneOfId,
  modeOfBook,
  ok,
  type ProductId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { placeStock, type StockRow, stocks } from '../../modules/stock/index.ts'
import { type Command, read } from '../../platform/lanes/index.ts'
import { type Body, textIn } from '../cards/facts.ts'
import type { FlowContext } from '../context.ts'

export interface StockInput {
  readonly productId: ProductId
  /** Cards in all, sold ones included. */
  readonly count: bigint
  readonly perMember: number | undefined
  readonly unpaidSeconds: number
}

/**
 * The first time a lane is chosen, in which the stock stays. Refusals: `product.not_found` (leaves nothing),
 * `stock.below_taken` with what is sold or reserved.
 */
export async function setStockCommand(
  context: FlowContext,
  book: BookId,
  input: StockInput,
  key: string,
): Promise<Result<Command>> {
  const { engine, database, programs } = context
  const { productId, count, perMember, unpaidSeconds } = input
  if ((await programs.find(book, productId)) === undefined)
    return refused(refusal('product.not_found', 'No product has this id here (prod_…).'))
  const lane = await placeStock(database.sql, productId, engine.laneForNew(modeOfBook(book)))
  return ok({
    book,
    operation: 'stock.set',
    key,
    input: {
      product: productId,
      count: String(count),
      unpaid: unpaidSeconds,
      ...(perMember === undefined ? {} : { per_member: perMember }),
    },
    homeLane: () => lane,
    plan: (commandId) => ({
      lanes: [...new Set([laneOfId(commandId), lane])],
      reads: [read(stocks, lane, productId)],
      decide: (view, now) => {
        const row = view.get(stocks, productId)
        const { reserved = 0n, sold = 0n } = row ?? {}
        const taken = reserved + sold
        if (count < taken)
          return refused(
            refusal('stock.below_taken', `${taken} are sold or reserved already.`, {
              data: { taken: Number(taken) },
            }),
          )
        view.put(stocks, lane, {
          productId,
          bookId: book,
          count,
          reserved,
          sold,
          perMember: perMember ?? null,
          unpaidSeconds,
          changedAt: now,
        })
        const body = {
          productId,
          count: String(count),
          reserved: String(reserved),
          sold: String(sold),
          perMember: perMember ?? null,
          unpaidSeconds,
        }
        return ok({ kind: 'stock.set', version: 1, body })
      },
    }),
  })
}

/** As it was when it was set, whatever was sold since. */
export function stockSet(body: Body, changedAt: Instant): Omit<StockRow, 'bookId'> {
  const most = body['perMember']
  return {
    productId: asId(textIn(body, 'productId')),
    count: BigInt(textIn(body, 'count')),
    reserved: BigInt(textIn(body, 'reserved')),
    sold: BigInt(textIn(body, 'sold')),
    perMember: typeof most === 'number' ? most : null,
    unpaidSeconds: Number(body['unpaidSeconds']),
    changedAt,
  }
}
