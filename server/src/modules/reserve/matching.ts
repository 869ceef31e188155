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
  /** Whether there is a statement of its day: before, nobody can say that it is missing. */
  readonly isDayStated: boolean
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
/** Of lines without a number that are taken together for one movement. */
const mostTogether = 50

/**
 * The lines of one day's statement against the movements that are open up to that day. A movement of that very day that
 * has no line yet waits for the next statement; an older one is missing, once the statement of its own day is there.
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

/** What is open of both, with the ways in which one is looked for by the other: thousands of lines take no longer than they must. */
class Desk {
  readonly matched: Matched[] = []
  readonly differences: Difference[] = []
  readonly #lines: ReadonlySet<BankLine>
  readonly #movements: ReadonlySet<BookMovement>
  readonly #openLines: Set<BankLine>
  readonly #openMovements: Set<BookMovement>
  readonly #linesByNumber: ReadonlyMap<string, BankLine[]>
  readonly #movementsByNumber: ReadonlyMap<string, BookMovement[]>

  constructor(lines: readonly BankLine[], movements: readonly BookMovement[]) {
    this.#lines = new Set(
      lines.toSorted(
        (one, other) => compareText(one.statementId, other.statementId) || one.line - other.line,
      ),
    )
    this.#movements = new Set(
      movements.toSorted(
        (one, other) => compareText(one.day, other.day) || compareText(one.id, other.id),
      ),
    )
    this.#openLines = new Set(this.#lines)
    this.#openMovements = new Set(this.#movements)
    this.#linesByNumber = groupedBy(this.#lines, ({ reference }) => reference ?? [])
    this.#movementsByNumber = groupedBy(this.#movements, numbersOf)
  }

  /** Number, amount and day agree. */
  matchExact(): void {
    for (const line of this.#lines) {
      const named = this.#movementsByNumber.get(line.reference ?? '') ?? []
      const movement = named.find(
        (one) => this.#openMovements.has(one) && one.amount === line.amount && one.day === line.day,
      )
      if (movement !== undefined) this.#match(line, movement)
    }
  }

  /** Without a number: the only line and the only movement of that amount on that day. */
  matchByAmount(): void {
    const keyOf = ({ amount, day }: { amount: Fen; day: BusinessDate }) => `${day} ${amount}`
    const lines = groupedBy(this.#openLines, keyOf)
    const movements = groupedBy(this.#openMovements, keyOf)
    for (const line of this.#unnumbered()) {
      const [movement, second] = movements.get(keyOf(line)) ?? []
      const isOnly = lines.get(keyOf(line))?.length === 1
      if (movement !== undefined && second === undefined && isOnly) this.#match(line, movement)
    }
  }

  /** The same once more: what the bank numbered before, or the number and amount of what was settled. */
  reportDoubled(settledBefore: readonly SettledLine[]): void {
    const keysOf = ({ amount, reference, bankNumber }: SettledLine) => [
      ...(reference === null ? [] : [`reference ${reference} ${amount}`]),
      ...(bankNumber === null ? [] : [`bank ${bankNumber} ${amount}`]),
    ]
    const settled = [...settledBefore, ...this.matched.map(({ line }) => line)]
    const known = new Set(settled.flatMap(keysOf))
    for (const line of this.#openLines)
      if (keysOf(line).some((key) => known.has(key)))
        this.#report('doubled_line', [line], undefined)
  }

  /** The number is that of a movement: several lines for it, another day, another amount. */
  reportByReference(): void {
    for (const movement of this.#openMovements) {
      const lines = numbersOf(movement)
        .flatMap((number) => this.#linesByNumber.get(number) ?? [])
        .filter((line) => this.#openLines.has(line))
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
    const byAmount = groupedBy(this.#unnumbered(), ({ amount }) => String(amount))
    const isOpen = (line: BankLine) => this.#openLines.has(line)
    for (const movement of this.#openMovements) {
      const { amount, day } = movement
      const ofAmount = (wanted: Fen) => (byAmount.get(String(wanted)) ?? []).filter(isOpen)
      const otherDay = ofAmount(amount).filter((line) => daysBetween(line.day, day) <= nearDays)
      const otherAmount = amountsNear(amount).flatMap((wanted) =>
        ofAmount(wanted).filter((line) => line.day === day),
      )
      if (otherDay.length === 1) this.#report('day_differs', otherDay, movement)
      else if (otherAmount.length === 1) this.#report('amount_differs', otherAmount, movement)
      else this.#reportTogether(movement)
    }
  }

  /** All lines of the day without a number, in the movement's direction, come to it. */
  #reportTogether(movement: BookMovement): void {
    const ofDay = this.#unnumbered().filter(
      (line) => line.day === movement.day && line.amount > 0n === movement.amount > 0n,
    )
    if (ofDay.length > 1 && ofDay.length <= mostTogether && sumOf(ofDay) === movement.amount)
      this.#report('split_lines', ofDay, movement)
  }

  reportUnknown(): void {
    for (const line of this.#openLines)
      this.#report(line.amount > 0n ? 'unknown_inflow' : 'unknown_outflow', [line], undefined)
  }

  reportMissing(day: BusinessDate): void {
    for (const movement of this.#openMovements)
      if (movement.day < day && movement.isDayStated) this.#report('missing_line', [], movement)
  }

  #unnumbered(): BankLine[] {
    return [...this.#openLines].filter(({ reference }) => reference === null)
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
    for (const line of lines) this.#openLines.delete(line)
    if (movement !== undefined) this.#openMovements.delete(movement)
  }
}

/** The caller's own number, and that of the movement itself, which a bank may be given to quote. */
function numbersOf({ id, reference }: BookMovement): string[] {
  const own = `mvmt_${id.replaceAll('-', '')}`
  return reference === null ? [own] : [reference, own]
}

function groupedBy<T>(
  all: Iterable<T>,
  keysOf: (one: T) => string | readonly string[],
): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of all) {
    const keys = keysOf(one)
    for (const key of typeof keys === 'string' ? [keys] : keys) {
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [one])
      else group.push(one)
    }
  }
  return groups
}

/** In its direction, itself left out. */
function amountsNear(amount: Fen): Fen[] {
  const near: Fen[] = []
  for (let off = 1n; off <= nearFen; off += 1n) near.push(amount - off, amount + off)
  return near.filter((one) => one !== 0n && one > 0n === amount > 0n)
}

function sumOf(lines: readonly { readonly amount: Fen }[]): Fen {
  return lines.reduce((sum, { amount }) => sum + amount, 0n)
}

function daysBetween(one: BusinessDate, other: BusinessDate): number {
  const at = (day: BusinessDate) => Date.parse(`${day}T00:00:00.000Z`)
  return Math.abs(at(one) - at(other)) / 86_400_000
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
