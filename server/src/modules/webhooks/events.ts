/**
 * Journal entries as the public sees them: which entries are events, of which type, under which id, and with which
 * data. Pure, and the same whenever it is asked, so that a repeated delivery is the same to the byte.
 */
import {
  asId,
  type CommandId,
  currency,
  formatId,
  formatInstant,
  type IdKind,
  idPrefixes,
  kindBitsOfId,
  type Lane,
  laneOfId,
  monthOfId,
  parseId,
  type Uuid,
  withKindAndLane,
} from '@lika/contract'
import type { Json } from '../../platform/lanes/index.ts'
import type { JournalEntry, JsonObject } from '../../platform/lanes/tail-store.ts'
import { publicNouns } from './event-types.ts'

export interface PublicEvent {
  readonly id: string
  readonly type: string
  readonly created_at: string
  readonly lane: Lane
  readonly seq: number
  readonly data: JsonObject
}

/** What a kind of entry tells beside its own type: a captured hold is also a new payment, a delivered pre-sale a new card. */
const furtherTypes: Readonly<Record<string, readonly string[]>> = {
  'hold.captured': ['payment.created'],
  'presale.delivered': ['card.issued'],
  'order.topped_up': ['load.created'],
}

/**
 * The events of an entry in their order. None for a refusal, for what is not public, and for the part of a command
 * that lies outside its home lane.
 */
export function eventsOf(entry: JournalEntry): PublicEvent[] {
  if (entry.refused || entry.lane !== laneOfId(entry.commandId)) return []
  const types = typesOfKind(entry.kind)
  if (types.length === 0) return []
  const data = dataOf(entry.body)
  return types.map((type, index) => ({
    id: formatId('event', eventUuid(entry.commandId, index)),
    type,
    created_at: formatInstant(entry.at),
    lane: entry.lane,
    seq: Number(entry.seq),
    data,
  }))
}

/** The types of the events that an entry of this kind makes. */
export function typesOfKind(kind: string): readonly string[] {
  if (!publicNouns.some((noun) => kind.startsWith(`${noun}.`))) return []
  return [kind, ...(furtherTypes[kind] ?? [])]
}

/** Whether an endpoint or a reader who asked for `wanted` (types, or `payment.*`) wants this type. */
export function wants(wanted: readonly string[], type: string): boolean {
  return wanted.some((one) =>
    one.endsWith('.*') ? type.startsWith(one.slice(0, -1)) : type === one,
  )
}

/** The entries to look at for what is wanted; `eventsOf` and `wants` decide. undefined: everything that is public. */
export function narrowingOf(wanted: readonly string[] | undefined): {
  kinds: string[]
  nouns: string[]
} {
  if (wanted === undefined) return { kinds: [], nouns: [...publicNouns] }
  const also = Object.keys(furtherTypes).filter((kind) =>
    typesOfKind(kind).some((type) => wants(wanted, type)),
  )
  const wildcards = wanted.filter((one) => one.endsWith('.*'))
  return {
    kinds: [...wanted.filter((one) => !one.endsWith('.*')), ...also],
    nouns: wildcards.map((one) => one.slice(0, -2)),
  }
}

/** The id of the event with that number among those of its command. */
function eventUuid(commandId: CommandId, index: number): Uuid {
  return asId(withKindAndLane(commandId, index, laneOfId(commandId)))
}

export interface EventPlace {
  readonly commandId: CommandId
  readonly index: number
  readonly lane: Lane
  readonly month: number
}

/** Where to look for the event of a public id; undefined: it is not the id of an event. */
export function placeOfEvent(text: string): EventPlace | undefined {
  const id = parseId('event', text)
  if (id === undefined) return undefined
  const lane = laneOfId(id)
  const commandId: CommandId = asId(withKindAndLane(id, 0, lane))
  return { commandId, index: kindBitsOfId(id), lane, month: monthOfId(id) }
}

/** The body of an entry as public data: see `memberOf`. Amounts bring the currency along. */
export function dataOf(body: JsonObject): JsonObject {
  const data = objectOf(body)
  const hasAmounts = Object.keys(body).some((name) => isAmount(name))
  return hasAmounts && !('currency' in data) ? { ...data, currency } : data
}

function objectOf(body: JsonObject): JsonObject {
  const members = Object.entries(body).flatMap(([name, value]) => memberOf(name, value))
  return Object.fromEntries(members)
}

/**
 * `cardId` → `card_id: "card_…"`, `amountFen: "1250"` → `amount: 1250`, `expiresAt: 1780000000000` → RFC 3339,
 * `subBalance` → `sub_balance`, also inside objects and lists. What begins with `_`, and the book, stays inside.
 */
function memberOf(name: string, value: Json | undefined): [string, Json][] {
  if (value === undefined || name.startsWith('_') || name === 'bookId') return []
  if (isAmount(name)) return [[snakeCase(name.slice(0, -'Fen'.length)), eachOf(value, amountOf)]]
  const kind = kindOfMember(name)
  if (kind !== undefined) return [[snakeCase(name), eachOf(value, (one) => idOf(kind, one))]]
  if (/[a-z]At$/.test(name)) return [[snakeCase(name), eachOf(value, instantOf)]]
  return [[snakeCase(name), eachOf(value, (one) => one)]]
}

/** Through lists, and into objects by their own members' names. */
function eachOf(value: Json, convert: (one: Json) => Json): Json {
  if (isList(value)) return value.map((one) => eachOf(one, convert))
  return typeof value === 'object' && value !== null ? objectOf(value) : convert(value)
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function isAmount(name: string): boolean {
  return /[a-z0-9]Fen$/.test(name)
}

function amountOf(value: Json): Json {
  return typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
}

function instantOf(value: Json): Json {
  return typeof value === 'number' ? formatInstant(value) : value
}

/** Members that name a card by its part in the matter. */
const cardParts = ['parent', 'predecessor', 'successor', 'replacement']

/** `cardId`, `newCardIds` → card. undefined: not the id of something public. */
function kindOfMember(name: string): IdKind | undefined {
  const [, words] = /^(\w+)Ids?$/.exec(name) ?? []
  const last = words
    ?.split(/(?=[A-Z])/)
    .at(-1)
    ?.toLowerCase()
  if (words === undefined || last === undefined) return undefined
  const whole = snakeCase(words)
  if (isIdKind(whole)) return whole
  if (cardParts.includes(last)) return 'card'
  return isIdKind(last) ? last : undefined
}

function isIdKind(word: string): word is IdKind {
  return Object.hasOwn(idPrefixes, word)
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function idOf(kind: IdKind, value: Json): Json {
  return typeof value === 'string' && uuid.test(value) ? formatId(kind, value) : value
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
