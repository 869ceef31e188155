/**
 * The campaigns in force, kept in memory by book: a payment or load looks into a map and asks the database nothing. What
 * is published here holds here at once, elsewhere within the second in which a server looks again.
 */
import type { BookId, BusinessDate, CampaignId, Fen, Uuid } from '@lika/contract'
import type { Database } from '../../platform/db.ts'
import { hasPublished, selectInForce, selectPromised, selectStates } from './campaign-store.ts'
import { type Promised, type Trigger, triggerOf } from './model.ts'

export interface Loyalty {
  /** Without waiting; undefined: `inForce` was not asked yet. */
  known(book: BookId): readonly Promised[] | undefined
  inForce(book: BookId): Promise<readonly Promised[]>
  /** A version that was published, in force or not; undefined: `promised` was not asked yet. */
  knownVersion(campaign: CampaignId, version: number): Promised | undefined
  promised(campaign: CampaignId, version: number): Promise<Promised>
  /** Whether anything was ever given in the book: only then do refunds look for rebates. */
  everGave(book: BookId): Promise<boolean>
  /** Looks what has changed; one statement however many campaigns there are. */
  refresh(): Promise<void>
  /** The books in which a campaign was ever published. */
  all(): Promise<readonly BookId[]>
  /** The id of an open budget line, where somebody looked for it before. */
  readonly lines: Map<string, Uuid>
  /** What was left of a budget line when it was last found short; forgotten at every look. */
  readonly left: Map<string, Fen>
}

export function lineKey(campaign: CampaignId, period: BusinessDate): string {
  return `${campaign} ${period}`
}

export function ofTrigger(
  promised: readonly Promised[] | undefined,
  trigger: Trigger,
): readonly Promised[] {
  if (promised === undefined || promised.length === 0) return none
  return promised.filter(({ terms }) => triggerOf(terms.rule) === trigger)
}

const none: readonly Promised[] = []

export function openLoyalty({ sql }: Pick<Database, 'sql'>): Loyalty {
  const byBook = new Map<BookId, readonly Promised[]>()
  const versions = new Map<string, Promised>()
  const left = new Map<string, Fen>()
  let states: ReadonlyMap<BookId, string> | undefined

  async function load(book: BookId): Promise<readonly Promised[]> {
    const found = await selectInForce(sql, book)
    byBook.set(book, found)
    for (const one of found) versions.set(`${one.campaignId} ${one.version}`, one)
    return found
  }

  async function refresh(): Promise<void> {
    const rows = await selectStates(sql)
    const fresh = new Map(
      [...Map.groupBy(rows, ({ book }) => book)].map(([book, some]) => [
        book,
        JSON.stringify(some),
      ]),
    )
    const before = states
    states = fresh
    left.clear()
    for (const book of byBook.keys())
      if (before === undefined || before.get(book) !== fresh.get(book)) await load(book)
  }

  return {
    known: (book) => byBook.get(book),
    inForce: async (book) => byBook.get(book) ?? load(book),
    knownVersion: (campaign, version) => versions.get(`${campaign} ${version}`),
    promised: async (campaign, version) => {
      const key = `${campaign} ${version}`
      const found = versions.get(key) ?? (await selectPromised(sql, campaign, version))
      if (found === undefined) throw new Error(`campaign ${campaign} has no version ${version}`)
      versions.set(key, found)
      return found
    },
    everGave: async (book) => {
      // Once there was a campaign there always is one; that there is none may have changed a moment ago, elsewhere.
      if (states?.has(book) !== true && (await hasPublished(sql, book))) await refresh()
      return states?.has(book) === true
    },
    refresh,
    all: async () => {
      await refresh()
      return [...(states?.keys() ?? [])]
    },
    lines: new Map(),
    left,
  }
}
