/**
 * In which lane the stock of a scarce product is kept. It never moves, so what was found is kept for good; for products
 * that have none it is asked each time, so that a limit holds from the moment it is set.
 */
import type { Lane, ProductId } from '@lika/contract'
import { placeOfStock } from '../../modules/stock/index.ts'
import type { Database } from '../../platform/db.ts'

type Sql = Pick<Database, 'sql'>

const byDatabase = new WeakMap<Sql, Map<ProductId, Lane>>()

/** undefined: the product has no limited stock. */
export async function laneOfStock(database: Sql, id: ProductId): Promise<Lane | undefined> {
  let lanes = byDatabase.get(database)
  if (lanes === undefined) {
    lanes = new Map()
    byDatabase.set(database, lanes)
  }
  const lane = lanes.get(id) ?? (await placeOfStock(database.sql, id))?.lane
  if (lane !== undefined) lanes.set(id, lane)
  return lane
}
