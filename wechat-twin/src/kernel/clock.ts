/**
 * Time, and what is due. Signatures, tokens and rates go by real time; everything of the business (expiry, success_time,
 * the ladder of notifications, bills) by the virtual clock, which is real time plus an offset that a test sets.
 */
import type { Store, Table } from './store.ts'

type Due = { id: string; at: number; kind: string; data: unknown }
type Work = (data: unknown, at: number) => void

/** The longest that a timer of Node can wait. */
const longestWait = 2 ** 31 - 1

export class Clock {
  readonly #kept: Table<{ offset: number }>
  #offset: number

  constructor(store: Store) {
    this.#kept = store.table('clock')
    this.#offset = this.#kept.get('offset')?.offset ?? 0
  }

  /** Virtual milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#offset
  }

  /** Real milliseconds since 1970. */
  real(): number {
    return Date.now()
  }

  realSeconds(): number {
    return Math.floor(this.real() / 1000)
  }

  get offset(): number {
    return this.#offset
  }

  setOffset(milliseconds: number): void {
    this.#offset = milliseconds
    this.#kept.set('offset', { offset: milliseconds })
  }
}

/**
 * Events of the virtual clock that outlive the process. Each kind has one handler, which is told at which instant its
 * event was due: after a jump of the clock that is earlier than now, and events run in the order in which they were due.
 */
export class Schedule {
  readonly #events: Table<Due>
  readonly #clock: Clock
  readonly #afterwards: () => void
  readonly #works = new Map<string, Work>()
  readonly #queue: Due[] = []
  #timer: NodeJS.Timeout | undefined
  #count: number
  #started = false

  /** `afterwards` runs when something was done outside a request: the place to flush. */
  constructor(store: Store, clock: Clock, afterwards: () => void) {
    this.#events = store.table('events')
    this.#clock = clock
    this.#afterwards = afterwards
    this.#count = 0
    for (const event of this.#events.values()) {
      this.#count = Math.max(this.#count, Number(event.id))
      push(this.#queue, event)
    }
  }

  /** `work` gets the event's data as it was given, read back from the log perhaps. */
  on<T>(kind: string, work: (data: T, at: number) => void): void {
    if (this.#works.has(kind)) throw new Error(`two handlers for ${kind}`)
    this.#works.set(kind, work as Work)
  }

  at(at: number, kind: string, data: unknown): string {
    this.#count += 1
    const event: Due = { id: String(this.#count), at, kind, data }
    this.#events.set(event.id, event)
    push(this.#queue, event)
    this.#arm()
    return event.id
  }

  cancel(id: string): void {
    this.#events.delete(id)
  }

  /** Begins to run what is due: called once every handler is there. */
  start(): void {
    this.#started = true
    this.run()
  }

  stop(): void {
    this.#started = false
    clearTimeout(this.#timer)
  }

  /** When the next event is due, on the virtual clock. */
  next(): number | undefined {
    this.#dropCancelled()
    return this.#queue[0]?.at
  }

  /** Runs everything that is due by now, and what that makes due. */
  run(): void {
    if (!this.#started) return
    for (let next = this.next(); next !== undefined && next <= this.#clock.now(); ) {
      const event = pop(this.#queue)
      if (event !== undefined) this.#work(event)
      next = this.next()
    }
    this.#afterwards()
    this.#arm()
  }

  /** One event that fails must not keep the others from happening. */
  #work(event: Due): void {
    this.#events.delete(event.id)
    try {
      const work = this.#works.get(event.kind)
      if (work === undefined) throw new Error(`nobody handles ${event.kind}`)
      work(event.data, event.at)
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    }
  }

  #dropCancelled(): void {
    while (this.#queue[0] !== undefined && !this.#events.has(this.#queue[0].id)) pop(this.#queue)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const next = this.next()
    if (!this.#started || next === undefined) return
    const wait = Math.min(Math.max(next - this.#clock.now(), 0), longestWait)
    this.#timer = setTimeout(() => this.run(), wait)
  }
}

/** Earlier first; of two that are due at once, the one that was asked for first. */
function isBefore(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && Number(one.id) < Number(other.id))
}

/** The queue is a binary heap: `queue[0]` is due next. */
function push(queue: Due[], event: Due): void {
  queue.push(event)
  let place = queue.length - 1
  while (place > 0) {
    const above = (place - 1) >> 1
    if (!swapIfBefore(queue, place, above)) return
    place = above
  }
}

function pop(queue: Due[]): Due | undefined {
  const first = queue[0]
  const last = queue.pop()
  if (last === undefined || queue.length === 0) return first
  queue[0] = last
  for (let place = 0; ; ) {
    const left = 2 * place + 1
    const [one, other] = [queue[left], queue[left + 1]]
    if (one === undefined) return first
    const least = other !== undefined && isBefore(other, one) ? left + 1 : left
    if (!swapIfBefore(queue, least, place)) return first
    place = least
  }
}

function swapIfBefore(queue: Due[], lower: number, upper: number): boolean {
  const [below, above] = [queue[lower], queue[upper]]
  if (below === undefined || above === undefined || !isBefore(below, above)) return false
  queue[lower] = above
  queue[upper] = below
  return true
}
