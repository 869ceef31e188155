/**
 * Compares the bank's lines with what moved by the books, by rules in a fixed order. What fits in every respect is
 * settled; everything else opens the case that says in which respect it does not. Pure, and independent of the order in
 * which lines and movements are given.
 */
import type { BusinessDate, Fen } from '@lika/contract'

export interface BankLine {
  readonly statementId: string
  readonly line: number
  readonly day: BusinessDate
  /** Above zero: onto the account. */
  readonly amount: Fen
  readonly reference: string | null
  /** The bank's own number. */
  readonly bankNumber: string | null
}

export interface BookMovement {
  readonly id: string
  readonly day: BusinessDate
  readonly amount: Fen
  readonly reference: string | null
}

/** A line that was settled before, by which a second one is known. */
export type SettledLine = Pick<BankLine, 'amount' | 'reference' | 'bankNumber'>

export const differenceKinds = [
  'amount_differs',
  'day_differs',
  'split_lines',
  'doubled_line',
  'unknown_inflow',
  'unknown_outflow',
  'missing_line',
] as const
export type DifferenceKind = (typeof differenceKinds)[number]

export interface Difference {
  readonly kind: DifferenceKind
  readonly lines: readonly BankLine[]
  readonly movement: BookMovement | undefined
  /** What the bank has more than the books, in fen; 0 where the sums agree. */
  readonly amount: Fen
}

export interface Matched {
  readonly line: BankLine
  readonly movement: BookMovement
}

export interface Comparison {
  readonly matched: readonly Matched[]
  readonly differences: readonly Difference[]
}

/** How far apart in time and money a line without a number may lie and still be taken for a movement with a fault. */
const nearDays = 1
const nearFen = 100n

/**
 * The lines of one day's statement against the movements that are open up to that day. A movement of that very day that
 * has no line yet waits for the next statement; an older one is missing.
 */
export function compare(
  day: BusinessDate,
  givenLines: readonly BankLine[],
  givenMovements: readonly BookMovement[],
  settled: readonly SettledLine[],
): Comparison {
  const desk = new Desk(givenLines, givenMovements)
  desk.matchExact()
  desk.matchByAmount()
  desk.reportDoubled(settled)
  desk.reportByReference()
  desk.reportNear()
  desk.reportUnknown()
  desk.reportMissing(day)
  return { matched: desk.matched, differences: desk.differences }
}

/** What is left of both is put in place of what was there: who goes through them goes through what was left then. */
class Desk {
  readonly matched: Matched[] = []
  readonly differences: Difference[] = []
  #lines: BankLine[]
  #movements: BookMovement[]

  constructor(lines: readonly BankLine[], movements: readonly BookMovement[]) {
    this.#lines = lines.toSorted(
      (one, other) => compareText(one.statementId, other.statementId) || one.line - other.line,
    )
    this.#movements = movements.toSorted(
      (one, other) => compareText(one.day, other.day) || compareText(one.id, other.id),
    )
  }

  /** Number, amount and day agree. */
  matchExact(): void {
    for (const line of this.#lines) {
      if (line.reference === null) continue
      const movement = this.#movements.find(
        (one) => isNamed(line, one) && one.amount === line.amount && one.day === line.day,
      )
      if (movement !== undefined) this.#match(line, movement)
    }
  }

  /** Without a number: the only line and the only movement of that amount on that day. */
  matchByAmount(): void {
    for (const line of this.#lines.filter(({ reference }) => reference === null)) {
      const same = (one: { amount: Fen; day: BusinessDate }) =>
        one.amount === line.amount && one.day === line.day
      const [movement, second] = this.#movements.filter(same)
      const isOnly = this.#lines.filter(same).length === 1
      if (movement !== undefined && second === undefined && isOnly) this.#match(line, movement)
    }
  }

  /** The same once more: what the bank numbered before, or the number and amount of what was settled. */
  reportDoubled(settledBefore: readonly SettledLine[]): void {
    const settled = [...settledBefore, ...this.matched.map(({ line }) => line)]
    for (const line of this.#lines) {
      const isAgain = settled.some(
        (one) =>
          one.amount === line.amount &&
          ((line.bankNumber !== null && one.bankNumber === line.bankNumber) ||
            (line.reference !== null && one.reference === line.reference)),
      )
      if (isAgain) this.#report('doubled_line', [line], undefined)
    }
  }

  /** The number is that of a movement: several lines for it, another day, another amount. */
  reportByReference(): void {
    for (const movement of this.#movements) {
      const lines = this.#lines.filter((line) => isNamed(line, movement))
      const [first] = lines
      if (first === undefined) continue
      if (lines.length > 1 && sumOf(lines) === movement.amount)
        this.#report('split_lines', lines, movement)
      else {
        const exact = lines.find((line) => line.amount === movement.amount) ?? first
        const kind = exact.amount === movement.amount ? 'day_differs' : 'amount_differs'
        this.#report(kind, [exact], movement)
      }
    }
  }

  /** Lines without a number that lie near a movement, where there is no other that they could belong to. */
  reportNear(): void {
    for (const movement of this.#movements) {
      const free = this.#lines.filter(
        (line) => line.reference === null && line.amount > 0n === movement.amount > 0n,
      )
      const otherDay = free.filter(
        (line) =>
          line.amount === movement.amount && daysBetween(line.day, movement.day) <= nearDays,
      )
      const otherAmount = free.filter(
        (line) => line.day === movement.day && distance(line.amount, movement.amount) <= nearFen,
      )
      const ofDay = free.filter((line) => line.day === movement.day)
      if (otherDay.length === 1) this.#report('day_differs', otherDay, movement)
      else if (otherAmount.length === 1) this.#report('amount_differs', otherAmount, movement)
      else if (ofDay.length > 1 && sumOf(ofDay) === movement.amount)
        this.#report('split_lines', ofDay, movement)
    }
  }

  reportUnknown(): void {
    for (const line of this.#lines)
      this.#report(line.amount > 0n ? 'unknown_inflow' : 'unknown_outflow', [line], undefined)
  }

  reportMissing(day: BusinessDate): void {
    for (const movement of this.#movements.filter((one) => one.day < day))
      this.#report('missing_line', [], movement)
  }

  #match(line: BankLine, movement: BookMovement): void {
    this.#take([line], movement)
    this.matched.push({ line, movement })
  }

  #report(
    kind: DifferenceKind,
    lines: readonly BankLine[],
    movement: BookMovement | undefined,
  ): void {
    this.#take(lines, movement)
    const amount = sumOf(lines) - (movement?.amount ?? 0n)
    this.differences.push({ kind, lines, movement, amount })
  }

  #take(lines: readonly BankLine[], movement: BookMovement | undefined): void {
    this.#lines = this.#lines.filter((line) => !lines.includes(line))
    this.#movements = this.#movements.filter((one) => one !== movement)
  }
}

/** By the caller's own number, or by that of the movement itself, which a bank may be given to quote. */
function isNamed(line: BankLine, { id, reference }: BookMovement): boolean {
  const { reference: named } = line
  if (named === null) return false
  return named === reference || named === `mvmt_${id.replaceAll('-', '')}`
}

function sumOf(lines: readonly { readonly amount: Fen }[]): Fen {
  return lines.reduce((sum, { amount }) => sum + amount, 0n)
}

function distance(one: Fen, other: Fen): Fen {
  return one > other ? one - other : other - one
}

function daysBetween(one: BusinessDate, other: BusinessDate): number {
  const at = (day: BusinessDate) => Date.parse(`${day}T00:00:00.000Z`)
  return Math.abs(at(one) - at(other)) / 86_400_000
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
