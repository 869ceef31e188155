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

  /** The next round: at most `limit` rows, but at least one item. */
  take(limit: number): T[] {
    const both = this.#classes.till.size > 0 && this.#classes.bulk.size > 0
    const bulk = takeFrom(this.#classes.bulk, both ? limit * bulkShare : limit, both)
    const taken = takeFrom(this.#classes.till, limit - sizeOf(bulk), false)
    return [...taken, ...bulk]
  }

  /** Everything that waits, taken out. */
  drain(): T[] {
    const all = [...this.#classes.till.values(), ...this.#classes.bulk.values()].flat()
    this.#classes.till.clear()
    this.#classes.bulk.clear()
    return all
  }
}

/** One of each issuer in turn. `strict`: stops before the limit rather than behind it, but takes one. */
function takeFrom<T extends Queueable>(
  waiting: Map<BookId, T[]>,
  limit: number,
  strict: boolean,
): T[] {
  const taken: T[] = []
  let size = 0
  for (const [book, own] of rotating(waiting)) {
    const [next] = own
    if (next === undefined) continue
    if (taken.length > 0 && (size >= limit || (strict && size + next.size > limit))) {
      waiting.set(book, own)
      break
    }
    own.shift()
    taken.push(next)
    size += next.size
    if (own.length > 0) waiting.set(book, own)
  }
  return taken
}

/** Always the first, taken out: whoever puts it back puts it behind the others. */
function* rotating<K, V>(map: Map<K, V>): Generator<[K, V]> {
  for (let first = map.entries().next(); !first.done; first = map.entries().next()) {
    map.delete(first.value[0])
    yield first.value
  }
}

function sizeOf(items: readonly Queueable[]): number {
  return items.reduce((sum, item) => sum + item.size, 0)
}
