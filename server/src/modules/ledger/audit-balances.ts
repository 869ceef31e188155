/**
 * The balance that each guarded account had before a transfer: remembered for those seen lately, looked up for the
 * others, so that an audit needs no more memory for ten million cards than for ten thousand.
 */
import type { Fen, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { readBalancesBefore } from './audit-row-store.ts'

export interface KnownBalance {
  readonly balance: Fen
  /** The entry that made it; 0: none. */
  readonly seq: bigint
}

const never: KnownBalance = { balance: 0n, seq: 0n }

export class KnownBalances {
  readonly #lane: Lane
  readonly #most: number
  readonly #known = new Map<string, KnownBalance>()
  /** Nothing was forgotten since the first entry: who is not known has not moved. */
  #isWhole: boolean

  constructor(lane: Lane, isWhole: boolean, most: number) {
    this.#lane = lane
    this.#isWhole = isWhole
    this.#most = most
  }

  /** Makes the balances of these accounts before the entry `seq` known. */
  async learn(sql: Sql, ids: ReadonlySet<string>, seq: bigint): Promise<void> {
    if (this.#known.size > this.#most) {
      this.#known.clear()
      this.#isWhole = false
    }
    if (this.#isWhole) return
    const unknown = [...ids].filter((id) => !this.#known.has(id))
    for (const row of await readBalancesBefore(sql, this.#lane, unknown, seq))
      this.#known.set(row.id, { balance: row.balance, seq: row.seq })
  }

  before(id: string): KnownBalance {
    return this.#known.get(id) ?? never
  }

  set(id: string, balance: Fen, seq: bigint): void {
    this.#known.set(id, { balance, seq })
  }
}
