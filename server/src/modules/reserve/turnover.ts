/**
 * How long money lies on cards: for each fen that was spent the days since it was paid in, oldest money first. Pure;
 * reads the movements of cards in the order of their lane.
 */
import { type BusinessDate, dayMs, type Fen, startOfDay } from '@lika/contract'

/** Something that happened to the principal of a card. */
export type PrincipalMove =
  /** Paid in. */
  | {
      readonly kind: 'load'
      readonly card: string
      readonly day: BusinessDate
      readonly amount: Fen
    }
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
  | {
      readonly kind: 'leave'
      readonly card: string
      readonly day: BusinessDate
      readonly amount: Fen
    }

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
  const cards = new CardLayers()
  for (const move of moves) {
    if (move.kind === 'load') cards.load(move.card, move.day, move.amount)
    else if (move.kind === 'refund') cards.refund(move)
    else if (move.kind === 'spend') cards.spend(move)
    else cards.leave(move.card, move.amount, move.kind === 'move' ? move.to : undefined)
  }
  return { spent: cards.spent, fenDays: cards.fenDays }
}

type Spending = Extract<PrincipalMove, { kind: 'spend' | 'refund' }>

/** The money on each card by the day on which it was paid in, oldest first, and what was spent of it. */
class CardLayers {
  spent = 0n
  fenDays = 0n
  readonly #layers = new Map<string, Layer[]>()
  readonly #spends = new Map<string, Spent[]>()

  load(card: string, day: BusinessDate, amount: Fen): void {
    entryOf(this.#layers, card).push({ day, amount })
  }

  spend({ card, day, amount: asked, counts }: Spending): void {
    for (const { day: loaded, amount } of take(entryOf(this.#layers, card), asked)) {
      const days = daysFrom(loaded, day)
      entryOf(this.#spends, card).push({ loaded, days, amount, counted: counts })
      if (counts) this.#count(amount, days)
    }
  }

  refund({ card, day, amount, counts }: Spending): void {
    const { back, undone, rest } = takeBack(entryOf(this.#spends, card), amount)
    entryOf(this.#layers, card).unshift(...back)
    if (rest > 0n) this.load(card, day, rest)
    if (!counts) return
    this.spent -= undone.amount
    this.fenDays -= undone.fenDays
  }

  leave(card: string, amount: Fen, to: string | undefined): void {
    const taken = take(entryOf(this.#layers, card), amount)
    if (to !== undefined) entryOf(this.#layers, to).push(...taken)
  }

  #count(amount: Fen, days: bigint): void {
    this.spent += amount
    this.fenDays += amount * days
  }
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
