/**
 * Throttles guessing: wrong secrets and forged pay codes are counted in the database, for all processes and over
 * restarts, in real time. When a budget of guesses-budget.ts is used up, right and wrong attempts are answered alike.
 */
import { ok, type RefusalCode, type Result, refusal, refused } from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Sql } from '../../platform/db.ts'
import {
  type Budget,
  budgetsOf,
  type Guesser,
  lockedSeconds,
  type Presented,
  windowMinutes,
  wrongOnes,
} from './guesses-budget.ts'
import {
  countGuesses,
  deleteOldGuesses,
  type GuessCount,
  selectGuesses,
  uncountGuesses,
} from './guesses-store.ts'

export type Guesses = {
  /**
   * Runs `verify`, which answers undefined for what is wrong, unless a budget is used up. Attempts at one number or
   * card wait for each other within the process; over several processes, each may evaluate one more than the limit.
   * A right answer costs one read, and two small writes where that number was guessed at shortly before.
   *
   * Refusals, in this order: `throttled` (with retryAfterSeconds); `card.not_recognised` or
   * `pay_code.not_recognised`. What `verify` throws is passed on and not counted.
   */
  attempt<T>(
    presented: Presented,
    who: Guesser,
    verify: () => Promise<T | undefined>,
  ): Promise<Result<T>>
}

type Attempt<T> = {
  budgets: readonly Budget[]
  code: RefusalCode
  verify: () => Promise<T | undefined>
}

export function createGuesses(sql: Sql, keyring: Pick<Keyring, 'guessDigest'>): Guesses {
  const inTurn = turns()
  const underWay = tally()
  let sweptMinute = 0

  async function judge<T>({ budgets, code, verify }: Attempt<T>): Promise<Result<T>> {
    const before = await selectGuesses(sql, subjectsOf(budgets), windowMinutes)
    const locked = lockedSeconds(budgets, before)
    if (locked > 0) return throttled(locked)
    const needsCare = ({ hex, careFrom }: Budget, wrong: number) =>
      wrong + underWay.of(hex) >= careFrom
    const careful = budgets.filter((budget) => needsCare(budget, wrongOnes(budget, before)))
    const others = budgets.filter((budget) => !careful.includes(budget))

    return underWay.during(
      budgets.map(({ hex }) => hex),
      async () => {
        const counts = await count(careful)
        if (careful.some((budget) => wrongOnes(budget, counts) > budget.limit)) {
          await takeBack(careful, counts)
          return throttled(lockedSeconds(careful, counts))
        }
        const value = await unlessThrown(verify, () => takeBack(careful, counts))
        if (value !== undefined) {
          await takeBack(careful, counts)
          return ok(value)
        }
        counts.push(...(await count(others)))
        const lockedNow = lockedSeconds(budgets, counts)
        return lockedNow > 0 ? throttled(lockedNow) : refused(refusal(code, notRecognised))
      },
    )
  }

  async function count(budgets: readonly Budget[]): Promise<GuessCount[]> {
    if (budgets.length === 0) return []
    const counts = await countGuesses(sql, subjectsOf(budgets), windowMinutes)
    const now = minuteOf(counts)
    if (now > sweptMinute) {
      sweptMinute = now
      await deleteOldGuesses(sql, windowMinutes)
    }
    return counts
  }

  async function takeBack(budgets: readonly Budget[], counts: readonly GuessCount[]) {
    if (budgets.length > 0) await uncountGuesses(sql, subjectsOf(budgets), minuteOf(counts))
  }

  return {
    attempt: (presented, who, verify) => {
      const budgets = budgetsOf(keyring, presented, who)
      const code = 'number' in presented ? 'card.not_recognised' : 'pay_code.not_recognised'
      return inTurn(budgets[0].hex, () => judge({ budgets, code, verify }))
    },
  }
}

const notRecognised = 'What was presented is not recognised.'

function throttled(retryAfterSeconds: number): { ok: false; refusal: ReturnType<typeof refusal> } {
  const detail = `Too many wrong attempts. Try again in ${Math.ceil(retryAfterSeconds / 60)} minutes.`
  return refused(refusal('throttled', detail, { retryAfterSeconds }))
}

function subjectsOf(budgets: readonly Budget[]): Buffer[] {
  return budgets.map(({ subject }) => subject)
}

function minuteOf(counts: readonly GuessCount[]): number {
  return counts[0]?.now ?? 0
}

async function unlessThrown<T>(work: () => Promise<T>, thrown: () => Promise<void>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await thrown()
    throw error
  }
}

/** Runs what has the same key one after another, in the order of arrival. */
function turns() {
  const last = new Map<string, Promise<unknown>>()
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const mine = (last.get(key) ?? Promise.resolve()).then(work)
    const settled = mine.catch(() => undefined)
    last.set(key, settled)
    try {
      return await mine
    } finally {
      if (last.get(key) === settled) last.delete(key)
    }
  }
}

/** How many attempts of each subject this process is evaluating. */
function tally() {
  const counts = new Map<string, number>()
  const add = (key: string, change: number) => {
    const sum = (counts.get(key) ?? 0) + change
    if (sum === 0) counts.delete(key)
    else counts.set(key, sum)
  }
  return {
    of: (key: string) => counts.get(key) ?? 0,
    during: async <T>(keys: readonly string[], work: () => Promise<T>): Promise<T> => {
      for (const key of keys) add(key, 1)
      try {
        return await work()
      } finally {
        for (const key of keys) add(key, -1)
      }
    },
  }
}
