/**
 * How long money lies on cards: for each fen that was spent the days since it was paid in, oldest money first. Pure;
 * reads the movements of cards in the order of their lane.
 */
import { type BusinessDate, dayMs, type Fen, startOfDay } from '@lika/contract'

/** Something that happened to the principal of a card. */
export type PrincipalMove =
  /** Paid in. */
  | { readonly kind: 'load'; readonly card: string; readonly day: BusinessDate; readonly amount: Fen }
  /** Paid at a merchant; `counts`: the card is one of those that are measured. */
  | {
      readonly kind: 'spend'
      readonly card: string
      readonly day: BusinessDate
      readonly amount: Fen
      readonly counts: boolean
    }
  /** Came back from a merchant: the last that was spent, with its age. */
  | {
      readonly kind: 'refund'
      readonly card: string
      readonly day: BusinessDate
      readonly amount: Fen
      readonly counts: boolean
    }
  /** To another card, as when one is split or replaced: the money keeps its age. */
  | {
      readonly kind: 'move'
      readonly card: string
      readonly to: string
      readonly day: BusinessDate
      readonly amount: Fen
    }
  /** Left the card otherwise: redeemed, adjusted. */
  | { readonly kind: 'leave'; readonly card: string; readonly day: BusinessDate; readonly amount: Fen }

export interface Turnover {
  /** Fen that were spent, less what came back. */
  readonly spent: Fen
  /** The sum over them of the days since they were paid in. */
  readonly fenDays: bigint
}

interface Layer {
  readonly day: BusinessDate
  amount: Fen
}

interface Spent {
  readonly loaded: BusinessDate
  readonly days: bigint
  amount: Fen
  readonly counted: boolean
}

/** Moves in the order in which they happened. What is spent without having been seen to come in counts for nothing. */
export function turnoverOf(moves: Iterable<PrincipalMove>): Turnover {
  const layers = new Map<string, Layer[]>()
  const spends = new Map<string, Spent[]>()
  let spent = 0n
  let fenDays = 0n
  for (const move of moves) {
    const own = entryOf(layers, move.card)
    if (move.kind === 'load') own.push({ day: move.day, amount: move.amount })
    else if (move.kind === 'refund') {
      const { back, undone, rest } = takeBack(entryOf(spends, move.card), move.amount)
      own.unshift(...back)
      if (rest > 0n) own.push({ day: move.day, amount: rest })
      if (move.counts) {
        spent -= undone.amount
        fenDays -= undone.fenDays
      }
    } else {
      const taken = take(own, move.amount)
      if (move.kind === 'move') entryOf(layers, move.to).push(...taken)
      if (move.kind === 'spend') {
        const paid = taken.map(({ day, amount }) => ({
          loaded: day,
          days: daysFrom(day, move.day),
          amount,
          counted: move.counts,
        }))
        entryOf(spends, move.card).push(...paid)
        if (!move.counts) continue
        for (const { amount, days } of paid) {
          spent += amount
          fenDays += amount * days
        }
      }
    }
  }
  return { spent, fenDays }
}

/** The days in hundredths, half up; undefined: nothing was spent. */
export function turnoverDays({ spent, fenDays }: Turnover): string | undefined {
  if (spent <= 0n) return undefined
  const hundredths = (fenDays * 200n + spent) / (spent * 2n)
  return `${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}`
}

function take(layers: Layer[], amount: Fen): Layer[] {
  const taken: Layer[] = []
  let left = amount
  for (let first = layers[0]; left > 0n && first !== undefined; first = layers[0]) {
    const part = first.amount < left ? first.amount : left
    taken.push({ day: first.day, amount: part })
    first.amount -= part
    left -= part
    if (first.amount === 0n) layers.shift()
  }
  return taken
}

/** The last that was spent, in the order in which it lay on the card before; `rest`: spent on another card. */
function takeBack(spends: Spent[], amount: Fen) {
  const back: Layer[] = []
  const undone = { amount: 0n, fenDays: 0n }
  let left = amount
  for (let last = spends.at(-1); left > 0n && last !== undefined; last = spends.at(-1)) {
    const part = last.amount < left ? last.amount : left
    back.unshift({ day: last.loaded, amount: part })
    if (last.counted) {
      undone.amount += part
      undone.fenDays += part * last.days
    }
    last.amount -= part
    left -= part
    if (last.amount === 0n) spends.pop()
  }
  return { back, undone, rest: left }
}

function daysFrom(from: BusinessDate, to: BusinessDate): bigint {
  return BigInt(Math.max(0, Math.round((startOfDay(to) - startOfDay(from)) / dayMs)))
}

function entryOf<V>(map: Map<string, V[]>, key: string): V[] {
  let found = map.get(key)
  if (found === undefined) {
    found = []
    map.set(key, found)
  }
  return found
}
