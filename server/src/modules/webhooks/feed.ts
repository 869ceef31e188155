/**
 * The journal for many endpoints at once: each lane is looked at once however many wait for it, and what was read last
 * is kept, so that endpoints that keep up share one reading.
 */
import type { Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { readOn } from '../../platform/lanes/tail.ts'
import {
  type JournalCursor,
  type JournalEntry,
  readLaneEnd,
} from '../../platform/lanes/tail-store.ts'
import type { Nap } from '../../platform/nap.ts'

export interface Feed {
  /** Some entries after the cursor, none at the end of the lane. @throws JournalBroken */
  after(lane: Lane, cursor: JournalCursor): Promise<readonly JournalEntry[]>
  /** Wakes the nap when the lane goes on after `seq`, once. */
  watch(lane: Lane, seq: bigint, nap: Nap): void
  unwatch(lane: Lane, nap: Nap): void
  /** The lane has new entries. */
  wake(lane: Lane): void
  stop(): void
}

interface LaneFeed {
  recent: readonly JournalEntry[]
  readonly watching: Map<Nap, bigint>
  readonly reading: Map<string, Promise<readonly JournalEntry[]>>
  looking: boolean
  lookAgain: boolean
}

const atOnce = 500
const mostRecent = 2_000

/** `onTrouble` is told of the first failure of each time in which the journal cannot be read. */
export function startFeed(sql: Sql, pollMs: number, onTrouble: (error: unknown) => void): Feed {
  const lanes = new Map<Lane, LaneFeed>()
  let troubled = false
  const polling = setInterval(() => {
    for (const lane of lanes.keys()) look(lane)
  }, pollMs).unref()

  function laneFeed(lane: Lane): LaneFeed {
    const known = lanes.get(lane)
    if (known !== undefined) return known
    const made: LaneFeed = {
      recent: [],
      watching: new Map(),
      reading: new Map(),
      looking: false,
      lookAgain: false,
    }
    lanes.set(lane, made)
    return made
  }

  /** One look at a time; a call meanwhile leads to one more. */
  function look(lane: Lane): void {
    const feed = laneFeed(lane)
    if (feed.watching.size === 0) return
    feed.lookAgain = true
    if (feed.looking) return
    feed.looking = true
    lookNow(lane, feed)
      .then(() => {
        troubled = false
      })
      .catch((error: unknown) => {
        if (!troubled) onTrouble(error)
        troubled = true
      })
      .finally(() => {
        feed.looking = false
      })
  }

  async function lookNow(lane: Lane, feed: LaneFeed): Promise<void> {
    while (feed.lookAgain) {
      feed.lookAgain = false
      const end = await readLaneEnd(sql, lane)
      for (const [nap, seq] of feed.watching) {
        if (end.seq === seq) continue
        feed.watching.delete(nap)
        nap.wake()
      }
    }
  }

  async function read(lane: Lane, feed: LaneFeed, cursor: JournalCursor) {
    const place = `${cursor.seq} ${Buffer.from(cursor.digest).toString('hex')}`
    const underWay = feed.reading.get(place)
    if (underWay !== undefined) return underWay
    const reading = readOn(sql, lane, cursor, atOnce)
    feed.reading.set(place, reading)
    try {
      const entries = await reading
      keep(feed, entries)
      return entries
    } finally {
      feed.reading.delete(place)
    }
  }

  return {
    after: async (lane, cursor) => {
      const feed = laneFeed(lane)
      const kept = following(feed.recent, cursor)
      return kept.length > 0 ? kept.slice(0, atOnce) : read(lane, feed, cursor)
    },
    watch: (lane, seq, nap) => {
      const { watching } = laneFeed(lane)
      watching.set(nap, seq)
      look(lane)
    },
    unwatch: (lane, nap) => laneFeed(lane).watching.delete(nap),
    wake: look,
    stop: () => clearInterval(polling),
  }
}

/** What is kept behind the cursor, if the cursor's own entry is among it. */
function following(recent: readonly JournalEntry[], cursor: JournalCursor): JournalEntry[] {
  const [first] = recent
  if (first === undefined) return []
  const at = Number(cursor.seq - first.seq)
  const own = recent[at]
  if (own === undefined || Buffer.compare(own.digest, cursor.digest) !== 0) return []
  return recent.slice(at + 1)
}

/** Readings far behind the newest are for one endpoint alone and not kept. */
function keep(feed: LaneFeed, entries: readonly JournalEntry[]): void {
  const [first, last] = [entries[0], feed.recent.at(-1)]
  if (first === undefined) return
  if (last !== undefined && first.seq <= last.seq) return
  const joined =
    last !== undefined && first.seq === last.seq + 1n ? [...feed.recent, ...entries] : entries
  feed.recent = joined.slice(-mostRecent)
}
