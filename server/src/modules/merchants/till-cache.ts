/**
 * Tills by their ids. Nothing of them changes but the status of their merchant, which `standings.ts` knows, so those in
 * use are kept; those that are not are read many at a time, because at the start of a day every till asks at once.
 */
import { type BookId, ok, type Result, refused } from '@lika/contract'
import { notFound, type Till, type TillFound, type TillNamed, tillFrom } from './model.ts'

export interface TillWanted extends TillNamed {
  readonly book: BookId
}

/** Answers in the order of what is wanted. */
export type ReadTills = (wanted: readonly TillWanted[]) => Promise<readonly TillFound[]>

export type TillCache = (book: BookId, named: TillNamed) => Promise<Result<Till>>

interface Waiting {
  readonly wanted: TillWanted
  readonly resolve: (till: Result<Till>) => void
  readonly reject: (error: unknown) => void
}

/** Kept in two generations: the older one is thrown away when the younger is full. */
const generationSize = 100_000
const mostAtOnce = 1_000

/** `latest` tells a till with the status that its merchant has now. */
export function makeTillCache(readTills: ReadTills, latest: (till: Till) => Till): TillCache {
  let young = new Map<string, Result<Till>>()
  let old = new Map<string, Result<Till>>()
  const underWay = new Map<string, Promise<Result<Till>>>()
  const waiting: Waiting[] = []

  function keep(key: string, till: Result<Till>): void {
    if (young.size >= generationSize) {
      old = young
      young = new Map()
    }
    young.set(key, till)
  }

  function current(kept: Result<Till>): Result<Till> {
    if (!kept.ok) return kept
    const till = latest(kept.value)
    return till === kept.value ? kept : ok(till)
  }

  async function readWaiting(): Promise<void> {
    const batch = waiting.splice(0, mostAtOnce)
    if (waiting.length > 0) setImmediate(() => void readWaiting())
    try {
      const found = await readTills(batch.map(({ wanted }) => wanted))
      for (const [index, { wanted, resolve }] of batch.entries()) {
        const row = found[index]
        resolve(row === undefined ? refused(notFound.merchant) : tillFrom(wanted, row))
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  async function readSoon(key: string, wanted: TillWanted): Promise<Result<Till>> {
    try {
      const till = await new Promise<Result<Till>>((resolve, reject) => {
        if (waiting.length === 0) setImmediate(() => void readWaiting())
        waiting.push({ wanted, resolve, reject })
      })
      // What does not exist yet may be made in the next moment.
      if (till.ok) keep(key, till)
      return current(till)
    } finally {
      underWay.delete(key)
    }
  }

  return async (book, named) => {
    const key = `${book} ${named.merchantId} ${named.storeId ?? ''} ${named.terminalId ?? ''}`
    const kept = young.get(key)
    if (kept !== undefined) return current(kept)
    const older = old.get(key)
    if (older !== undefined) {
      keep(key, older)
      return current(older)
    }
    const same = underWay.get(key)
    if (same !== undefined) return same
    const answer = readSoon(key, { ...named, book })
    underWay.set(key, answer)
    return answer
  }
}
