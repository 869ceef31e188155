/**
 * In which lane the stock of a scarce product is kept. It never moves, so what was found is kept for good; for products
 * that have none it is asked each time, by all who wait in one statement, so that a limit holds from the moment it is set.
 */
import type { Lane, ProductId } from '@lika/contract'
import { placesOfStock } from '../../modules/stock/index.ts'
import type { Database } from '../../platform/db.ts'

type Sql = Pick<Database, 'sql'>

class Places {
  readonly #lanes = new Map<ProductId, Lane>()
  readonly #database: Sql
  #wanted = new Set<ProductId>()
  #asking: Promise<void> | undefined

  constructor(database: Sql) {
    this.#database = database
  }

  /** undefined: it has no limited stock. */
  async laneOf(id: ProductId): Promise<Lane | undefined> {
    const known = this.#lanes.get(id)
    if (known !== undefined) return known
    this.#wanted.add(id)
    this.#asking ??= Promise.resolve().then(() => this.#ask())
    await this.#asking
    return this.#lanes.get(id)
  }

  async #ask(): Promise<void> {
    const wanted = [...this.#wanted]
    this.#wanted = new Set()
    this.#asking = undefined
    for (const { productId, lane } of await placesOfStock(this.#database.sql, wanted))
      this.#lanes.set(productId, lane)
  }
}

const byDatabase = new WeakMap<Sql, Places>()

export function placesOf(database: Sql): Places {
  let places = byDatabase.get(database)
  if (places === undefined) {
    places = new Places(database)
    byDatabase.set(database, places)
  }
  return places
}
