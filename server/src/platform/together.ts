/**
 * What many ask of the database at once is asked in one statement. Whoever comes while one is under way waits for the next,
 * which asks for all that wait: no answer is older than its question, and who is alone waits for nobody.
 */
import type { Sql } from './db.ts'

/** Finds each of the keys that were asked for. */
export type FoundBy<Key, Found> = (key: Key) => Found

interface Waiting<Key, Found> {
  readonly key: Key
  resolve(found: Found): void
  reject(error: unknown): void
}

const mostAtOnce = 1_000
/** More than PostgreSQL gives a statement: a connection that fell silent must not keep everybody waiting behind it. */
const longestMs = 12_000

class Asking<Key, Found> {
  readonly #ask: (keys: readonly Key[]) => Promise<FoundBy<Key, Found>>
  #waiting: Waiting<Key, Found>[] = []
  #isAsking = false

  constructor(ask: (keys: readonly Key[]) => Promise<FoundBy<Key, Found>>) {
    this.#ask = ask
  }

  get(key: Key): Promise<Found> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, resolve, reject })
      if (!this.#isAsking) void this.#askAll()
    })
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true
    // Whoever asks before the next microtask comes along.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, mostAtOnce)
      try {
        const foundBy = await this.#inTime([...new Set(some.map(({ key }) => key))])
        for (const one of some) answer(one, foundBy)
      } catch (error) {
        for (const one of some) one.reject(error)
      }
    }
    this.#isAsking = false
  }

  /** What comes later is nobody's answer any more. */
  async #inTime(keys: readonly Key[]): Promise<FoundBy<Key, Found>> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(isSilent()), longestMs)
    try {
      return await Promise.race([this.#ask(keys), late.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Each by itself: one that cannot be answered keeps nobody else from his answer. */
function answer<Key, Found>(one: Waiting<Key, Found>, foundBy: FoundBy<Key, Found>): void {
  try {
    one.resolve(foundBy(one.key))
  } catch (error) {
    one.reject(error)
  }
}

function isSilent(): Error {
  const message = 'PostgreSQL did not answer a question in time'
  return Object.assign(new Error(message), { code: 'CONNECTION_CLOSED' })
}

/**
 * The same question for one key, asked together with those of others. `ask` is given no key twice. Where it fails, all that
 * were asked with it fail.
 */
export function together<Key, Found>(
  ask: (sql: Sql, keys: readonly Key[]) => Promise<FoundBy<Key, Found>>,
): (sql: Sql, key: Key) => Promise<Found> {
  const bySql = new WeakMap<Sql, Asking<Key, Found>>()
  return (sql, key) => {
    let asking = bySql.get(sql)
    if (asking === undefined) {
      asking = new Asking((keys) => ask(sql, keys))
      bySql.set(sql, asking)
    }
    return asking.get(key)
  }
}

/** As `together`, for the row that there is of each key; undefined: there is none. */
export function rowTogether<Key, Row>(
  load: (sql: Sql, keys: readonly Key[]) => Promise<readonly Row[]>,
  keyOf: (row: Row) => Key,
): (sql: Sql, key: Key) => Promise<Row | undefined> {
  return together(async (sql, keys) => {
    const rows = await load(sql, keys)
    const byKey = new Map(rows.map((row) => [keyOf(row), row]))
    return (key) => byKey.get(key)
  })
}
