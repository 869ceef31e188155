/** What goes wrong because somebody asked for it: rules that match calls or notifications and are used up. */
import type { Random } from './random.ts'
import type { Store, Table } from './store.ts'

/** Those that concern the carrying of a call; the kernel applies them to every route. */
export const transportEffects = [
  'answer_500_before',
  'answer_500_after',
  'hang_after',
  'close_before',
  'status',
  'bad_signature',
  'probe_signature',
] as const

/** Those that a handler or the notification sender asks for by name. */
export const otherEffects = [
  'drop_notification',
  'duplicate_notification',
  'delay_notification',
  'reorder_notifications',
  'wrong_amount_notification',
  'refund_abnormal',
  'refund_closed',
  'bill_not_ready',
  'corrupt_bill_hash',
  'expire_now',
] as const

export type Effect = (typeof transportEffects)[number] | (typeof otherEffects)[number]

/** Of those the ones that concern nothing but calls; signatures are of notifications too. */
export const callEffects: readonly Effect[] = [
  'answer_500_before',
  'answer_500_after',
  'hang_after',
  'close_before',
  'status',
]

export interface Match {
  method?: string
  /** Of the call, without its query: `*` stands for anything, `{name}` for one part. For notifications the event type or the path of the notify_url. */
  path: string
  mchid?: string
  /** From which matching call on, 1 being the next. */
  nth?: number
  /** For how many of them; 1 unless said, 0 until the faults are cleared. */
  times?: number
}

export interface Fault {
  id: string
  match: Match
  effect: Effect
  /** What the effect needs besides: count, seconds, fen, http, code. */
  with: Record<string, unknown>
  seen: number
  used: number
}

export class Faults {
  readonly #rules: Table<Fault>
  readonly #random: Random
  readonly #patterns = new Map<string, RegExp>()

  constructor(store: Store, random: Random) {
    this.#rules = store.table('faults')
    this.#random = random
  }

  add(match: Match, effect: Effect, more: Record<string, unknown>): Fault {
    const id = `fault_${this.#random.letters(12)}`
    return this.#rules.set(id, { id, match, effect, with: more, seen: 0, used: 0 })
  }

  list(): Fault[] {
    return [...this.#rules.values()]
  }

  clear(): void {
    for (const { id } of this.list()) this.#rules.delete(id)
  }

  /** The first rule with one of these effects that matches and is not used up; counts the call on every one that matches. */
  take(
    effects: readonly Effect[],
    call: { method?: string; paths: readonly string[]; mchid?: string | undefined },
  ): Fault | undefined {
    if (this.#rules.size === 0) return undefined
    let taken: Fault | undefined
    for (const rule of this.list()) {
      if (!effects.includes(rule.effect) || !this.#isMatch(rule.match, call)) continue
      const { nth = 1, times = 1 } = rule.match
      const seen = rule.seen + 1
      const isDue = taken === undefined && seen >= nth && (times === 0 || rule.used < times)
      const kept = this.#rules.set(rule.id, { ...rule, seen, used: rule.used + (isDue ? 1 : 0) })
      if (isDue) taken = kept
    }
    return taken
  }

  #isMatch(
    match: Match,
    call: { method?: string; paths: readonly string[]; mchid?: string | undefined },
  ): boolean {
    if (match.method !== undefined && match.method !== call.method) return false
    if (match.mchid !== undefined && match.mchid !== call.mchid) return false
    const pattern = this.#patternOf(match.path)
    return call.paths.some((path) => pattern.test(path))
  }

  #patternOf(path: string): RegExp {
    let pattern = this.#patterns.get(path)
    if (pattern === undefined) {
      pattern = patternOf(path)
      this.#patterns.set(path, pattern)
    }
    return pattern
  }
}

function patternOf(path: string): RegExp {
  const source = path
    .replace(/[.+?^$()|[\]\\]/g, '\\$&')
    .replace(/\{[^}]*\}/g, '[^/]+')
    .replace(/\*/g, '.*')
  return new RegExp(`^${source}$`)
}

/** Whether a call of the route can meet a fault of this path: a name of the route stands for whatever the path says there. */
export function canMeet(path: string, route: string): boolean {
  if (patternOf(path).test(route)) return true
  const [given, parts] = [path.split('/'), route.split('/')]
  const isPart = (part: string, place: number) =>
    part.startsWith('{') || patternOf(given[place] ?? '').test(part)
  return given.length === parts.length && parts.every(isPart)
}

/** The routes that begin as the path does for longest, the nearest first. */
export function nearest(path: string, routes: readonly string[], most: number): string[] {
  const given = path.split('/')
  const alike = (route: string) => {
    const parts = route.split('/')
    const differs = given.findIndex((part, place) => part !== parts[place])
    return differs === -1 ? given.length : differs
  }
  return routes.toSorted((one, other) => alike(other) - alike(one)).slice(0, most)
}

/** A whole number that a fault brings with it. */
export function numberOf(fault: Fault, name: string, otherwise: number): number {
  const value = fault.with[name]
  return typeof value === 'number' ? value : otherwise
}

/** A word that a fault brings with it. */
export function textOf(fault: Fault, name: string, otherwise: string): string {
  const value = fault.with[name]
  return typeof value === 'string' ? value : otherwise
}
