/**
 * What waits for a lane: bounded, half of it at most for one issuer, served round-robin over issuers, tills before bulk
 * with a quarter for bulk when both wait.
 */
import type { BookId } from '@lika/contract'

export type Weight = 'till' | 'bulk'

export interface Queueable {
  readonly bookId: BookId
  readonly weight: Weight
  /** Rows that it writes, roughly. */
  readonly size: number
}

const bulkShare = 0.25

export class FairQueue<T extends Queueable> {
  readonly #capacity: number
  readonly #classes: Record<Weight, Map<BookId, T[]>> = { till: new Map(), bulk: new Map() }
  readonly #reserved = new Map<BookId, number>()
  #total = 0
  /** Rows that bulk may write now: grows by its share in each round in which tills wait too. */
  #credit = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** A place for what will be pushed later. False: full, or this issuer has its half. */
  reserve(book: BookId): boolean {
    const own = this.#reserved.get(book) ?? 0
    if (this.#total >= this.#capacity || own >= this.#capacity / 2) return false
    this.#reserved.set(book, own + 1)
    this.#total += 1
    return true
  }

  /** Gives the place back, once per `reserve` that answered true. */
  release(book: BookId): void {
    const own = (this.#reserved.get(book) ?? 1) - 1
    if (own === 0) this.#reserved.delete(book)
    else this.#reserved.set(book, own)
    this.#total -= 1
  }

  push(item: T): void {
    const waiting = this.#classes[item.weight]
    const own = waiting.get(item.bookId)
    if (own === undefined) waiting.set(item.bookId, [item])
    else own.push(item)
  }

  get isEmpty(): boolean {
    return this.#classes.till.size === 0 && this.#classes.bulk.size === 0
  }

  /** Places that are taken, waiting or running. */
  get taken(): number {
    return this.#total
  }

  /** The next round: about `limit` rows, at least one item. A bulk item may be larger than bulk's share: it saves up. */
  take(limit: number): T[] {
    const { till, bulk } = this.#classes
    if (till.size === 0 || bulk.size === 0) {
      this.#credit = 0
      return takeFrom(till.size > 0 ? till : bulk, limit, 'reach')
    }
    const share = limit * bulkShare
    this.#credit += share
    const heavy = takeFrom(bulk, this.#credit, 'within')
    const used = sizeOf(heavy)
    this.#credit -= used
    return [...takeFrom(till, limit - Math.min(used, share), 'reach'), ...heavy]
  }
}

/**
 * One of each issuer in turn, who go behind the others once served. `reach`: until the limit is reached, at least one;
 * `within`: as long as the next fits into it.
 */
function takeFrom<T extends Queueable>(
  waiting: Map<BookId, T[]>,
  limit: number,
  how: 'reach' | 'within',
): T[] {
  const taken: T[] = []
  let size = 0
  for (let next = nextOf(waiting); next !== undefined; next = nextOf(waiting)) {
    const { book, own, item } = next
    if (how === 'within' ? size + sizeOf([item]) > limit : taken.length > 0 && size >= limit) break
    own.shift()
    waiting.delete(book)
    if (own.length > 0) waiting.set(book, own)
    taken.push(item)
    size += sizeOf([item])
  }
  return taken
}

/** Whose turn it is; stays so until served. */
function nextOf<T>(waiting: Map<BookId, T[]>) {
  for (const [book, own] of waiting) {
    const [item] = own
    if (item !== undefined) return { book, own, item }
  }
  return undefined
}

function sizeOf(items: readonly Queueable[]): number {
  return items.reduce((sum, item) => sum + Math.max(1, item.size), 0)
}
