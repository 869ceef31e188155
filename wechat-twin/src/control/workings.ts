/** Control of the clock, of faults and settings, and what there is to look at: orders, notifications, requests. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../kernel/clock.ts'
import {
  callEffects,
  canMeet,
  type Effect,
  type Match,
  nearest,
  otherEffects,
  transportEffects,
} from '../kernel/faults.ts'
import type { Notice } from '../kernel/notifications.ts'
import { instant, integer, object, oneOf, optional, text } from '../kernel/shape.ts'
import type { Trade } from '../kernel/trades.ts'
import type { Twin } from '../kernel/twin.ts'
import { anything, ControlMistake, control } from './control.ts'

const matching = object({
  method: optional(oneOf('GET', 'POST', 'PUT', 'DELETE', 'PATCH')),
  path: text({ max: 255 }),
  mchid: optional(text({ max: 32 })),
  nth: optional(integer({ min: 1 })),
  times: optional(integer()),
})

export function register(twin: Twin): void {
  registerClock(twin)
  registerFaults(twin)
  registerLooking(twin)
}

function registerClock(twin: Twin): void {
  const { clock, schedule } = twin
  const told = () => ({
    now: new Date(clock.now()).toISOString(),
    offset_seconds: clock.offset / 1000,
    profile: twin.profile,
  })
  const turn = object({
    offset_seconds: optional({ read: readSeconds }),
    advance_seconds: optional({ read: readSeconds }),
    set_at: optional(instant),
  })
  control(twin, 'GET', '/_twin/clock', undefined, told)
  control(twin, 'POST', '/_twin/clock', turn, ({ body }) => {
    if (Object.keys(body).length !== 1)
      throw new ControlMistake('either offset_seconds, advance_seconds or set_at')
    clock.setOffset(offsetOf(clock, body))
    schedule.run()
    return told()
  })
  // Until everything that is due is done and every notification that is out has its answer.
  const patience = object({ timeout_seconds: optional(integer({ max: 600 })) })
  control(twin, 'POST', '/_twin/settle', patience, async ({ body }) => {
    const until = clock.real() + (body.timeout_seconds ?? 30) * 1000
    const isBusy = () =>
      twin.notifier.flying > 0 ||
      twin.flying.some((count) => count() > 0) ||
      (schedule.next() ?? Infinity) <= clock.now()
    while (isBusy() && clock.real() < until) {
      schedule.run()
      await sleep(5)
    }
    return { settled: !isBusy(), ...told() }
  })
}

function offsetOf(
  clock: Clock,
  turn: { offset_seconds?: number; advance_seconds?: number; set_at?: number },
): number {
  const { offset_seconds, advance_seconds = 0, set_at } = turn
  if (set_at !== undefined) return set_at - clock.real()
  if (offset_seconds !== undefined) return Math.round(offset_seconds * 1000)
  return clock.offset + Math.round(advance_seconds * 1000)
}

function registerFaults(twin: Twin): void {
  const { faults, settings } = twin
  const effects = oneOf<Effect>(...transportEffects, ...otherEffects)
  // `effect` is a name, or an object of one member whose value is what the effect needs: {duplicate_notification: {count: 3}}.
  const rule = object({ match: matching, effect: { read: (value: unknown) => value } })
  // A rule may come alone or as the member `rule`.
  control(twin, 'POST', '/_twin/faults', anything, ({ body }) => {
    const { match, effect } = rule.read(body['rule'] ?? body, '')
    const [name, more] = readEffect(effect)
    const known = effects.read(name, '/effect')
    if (callEffects.includes(known)) checkMet(twin, match)
    const { id } = faults.add(match, known, more)
    return { id }
  })
  control(twin, 'GET', '/_twin/faults', undefined, () => ({ data: faults.list() }))
  control(twin, 'DELETE', '/_twin/faults', undefined, () => faults.clear())

  control(twin, 'GET', '/_twin/settings', undefined, () => settings.now)
  control(twin, 'POST', '/_twin/settings', anything, ({ body }) => {
    const mistake = settings.change(body)
    if (mistake !== undefined) throw new ControlMistake(mistake)
    return settings.now
  })
}

/** A fault that no call can meet would be waited for in vain. */
function checkMet(twin: Twin, { method, path }: Match): void {
  const routes = twin.router.list().filter((route) => !route.path.startsWith('/_twin'))
  const fitting = routes.filter((route) => method === undefined || route.method === method)
  if (fitting.some((route) => canMeet(path, route.path))) return
  const all = [...new Set(routes.map((route) => `${route.method} ${route.path}`))]
  const paths = nearest(path, [...new Set(routes.map((route) => route.path))], 5)
  const near = all.filter((route) => paths.includes(route.split(' ')[1] ?? ''))
  const said = method === undefined ? path : `${method} ${path}`
  throw new ControlMistake(`no call can meet ${said}; near it: ${near.join(', ')}`)
}

function readEffect(effect: unknown): [name: unknown, more: Record<string, unknown>] {
  if (typeof effect !== 'object' || effect === null) return [effect, {}]
  const { name, effect: type, ...members } = effect as Record<string, unknown>
  if (name !== undefined || type !== undefined) return [name ?? type, members]
  const [only, ...others] = Object.entries(members)
  if (only === undefined || others.length > 0)
    throw new ControlMistake('effect is a name, {name, …} or {<name>: {…}}')
  const [found, more] = only
  return [found, typeof more === 'object' && more !== null ? { ...more } : {}]
}

function registerLooking(twin: Twin): void {
  const { trades, notifier, requests } = twin
  control(twin, 'GET', '/_twin/orders', undefined, ({ query }) => {
    const mchid = query.get('mchid')
    const all = mchid === null ? [...trades.table.values()] : trades.byMerchant.all(mchid)
    return { data: all.map((trade) => shownTrade(trades.current(trade))) }
  })
  control(twin, 'GET', '/_twin/notifications', undefined, ({ query }) => {
    const mchid = query.get('mchid')
    const all = mchid === null ? [...notifier.table.values()] : notifier.ofMerchant.all(mchid)
    return { data: all.map(shownNotice) }
  })
  control(twin, 'GET', '/_twin/requests', undefined, ({ query }) => {
    const found = requests.list(query.get('path') ?? '', Number(query.get('last') ?? 100))
    return { data: found.map(({ at, ...rest }) => ({ at: new Date(at).toISOString(), ...rest })) }
  })
}

function shownTrade(trade: Trade) {
  const { terms: _, created_at, expires_at, paid_at, last_refund_at, ...rest } = trade
  return {
    ...rest,
    created_at: new Date(created_at).toISOString(),
    expires_at: new Date(expires_at).toISOString(),
    ...(paid_at !== undefined && { paid_at: new Date(paid_at).toISOString() }),
    ...(last_refund_at !== undefined && { last_refund_at: new Date(last_refund_at).toISOString() }),
  }
}

function shownNotice(notice: Notice) {
  const { created_at, attempts, dropped_tries, copies: _, ...rest } = notice
  return {
    ...rest,
    dropped: dropped_tries > 0,
    created_at: new Date(created_at).toISOString(),
    attempts: attempts.map(({ at, ...more }) => ({ at: new Date(at).toISOString(), ...more })),
  }
}

function readSeconds(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new ControlMistake('seconds are a number')
}
