/**
 * Settles by itself what has become due: when a day is closed in every lane and its closings are written, every book of
 * that mode, one after the other. Several processes may do so at once.
 */
import { type BusinessDate, type Mode, modeOfBook } from '@lika/contract'
import { closedThrough } from '../../modules/ledger/index.ts'
import { booksWithMerchants } from '../../modules/merchants/index.ts'
import { type SettleContext, settleBook } from './run.ts'

export interface Settler {
  /** Settles what is due and was not settled by this process yet. */
  run(isEnded?: () => boolean): Promise<void>
}

export interface SettlerOptions {
  readonly log: { error(details: object, sentence: string): void }
  /** In milliseconds, from any beginning. */
  readonly monotonic: () => number
}

const modes = ['live', 'test'] as const
/** How long a book that waits for something is left alone, before it is looked at again. */
const restMs = 60_000

export function makeSettler(context: SettleContext, { log, monotonic }: SettlerOptions): Settler {
  /** The day through which nothing is left to do. */
  const settled = new Map<Mode, BusinessDate>()
  const waiting = new Map<Mode, number>()

  return {
    run: async (isEnded = () => false) => {
      for (const mode of modes) {
        const through = await closedThrough(context.database.sql, mode)
        if (through === undefined || settled.get(mode) === through) continue
        if (monotonic() < (waiting.get(mode) ?? 0)) continue
        const isWhole = await settleMode(mode, isEnded)
        if (isWhole) settled.set(mode, through)
        else waiting.set(mode, monotonic() + restMs)
      }
    },
  }

  /** One book that cannot be settled does not keep the others from it. */
  async function settleMode(mode: Mode, isEnded: () => boolean): Promise<boolean> {
    let isWhole = true
    const books = await booksWithMerchants(context.database.sql)
    for (const book of books.filter((one) => modeOfBook(one) === mode)) {
      if (isEnded()) return false
      try {
        const { stopped } = await settleBook(context, book, { isEnded })
        isWhole &&= stopped === undefined
      } catch (error) {
        log.error({ err: error, book }, 'a book could not be settled: tried again later')
        isWhole = false
      }
    }
    return isWhole
  }
}
