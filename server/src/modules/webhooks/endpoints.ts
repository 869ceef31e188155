/** What is done to endpoints when somebody asks: make one, and begin its deliveries again from some earlier event. */
import {
  asId,
  type BookId,
  formatId,
  type Instant,
  type Lane,
  ok,
  parseInstant,
  type Result,
  refusal,
  refused,
  type Uuid,
} from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Sql } from '../../platform/db.ts'
import {
  findEntry,
  type JournalEntry,
  laneStart,
  positionBefore,
  readEntries,
} from '../../platform/lanes/tail-store.ts'
import { type EventPlace, placeOfEvent, typesOfKind } from './events.ts'
import type { Endpoint, EndpointId } from './model.ts'
import type { WebhookSender } from './sender.ts'
import { formatSecret, secretBytes } from './signature.ts'
import {
  findEndpoint,
  findEndpointByReference,
  insertEndpoint,
  type ReplayPosition,
  rewindCursors,
} from './store.ts'

export interface NewEndpoint {
  readonly bookId: BookId
  readonly url: string
  readonly events: readonly string[]
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
}

export interface EndpointTools {
  readonly sql: Sql
  readonly sender: WebhookSender
  readonly keyring: Pick<Keyring, 'seal'>
  readonly lanesOf: (bookId: BookId) => readonly Lane[]
  readonly realNow: () => Instant
  readonly newId: () => Uuid
  readonly randomBytes: (length: number) => Uint8Array
}

/**
 * Makes an endpoint, which is told of events from now on; its secret is shown this once. Refusals:
 * `webhook.url_not_allowed`, `reference.already_used`.
 */
export async function createEndpoint(
  wanted: NewEndpoint,
  tools: EndpointTools,
): Promise<Result<{ endpoint: Endpoint; secret: string }>> {
  const objection = await tools.sender.objection(wanted.url)
  if (objection !== undefined)
    return refused(refusal('webhook.url_not_allowed', `The URL is not allowed: ${objection}.`))
  const id: EndpointId = asId(tools.newId())
  const key = tools.randomBytes(secretBytes)
  const endpoint: Endpoint = {
    ...wanted,
    id,
    events: [...new Set(wanted.events)],
    createdAt: tools.realNow(),
    failingSince: null,
  }
  const sealed = tools.keyring.seal('webhook-secret', id, key)
  const lanes = tools.lanesOf(wanted.bookId)
  if (await insertEndpoint(tools.sql, endpoint, sealed, lanes))
    return ok({ endpoint, secret: formatSecret(key) })
  const { reference } = wanted
  const existing =
    reference === null
      ? undefined
      : await findEndpointByReference(tools.sql, wanted.bookId, reference)
  return refused(
    refusal('reference.already_used', 'Another webhook endpoint has this reference.', {
      data: existing === undefined ? {} : { existing_id: formatId('endpoint', existing) },
    }),
  )
}

/**
 * Delivers again what came after an event, or from an instant (RFC 3339) on: in the event's lane everything behind it,
 * in the others everything from its time on. What was not delivered yet is never skipped. Refusals:
 * `webhook_endpoint.not_found`, `event.not_found`.
 */
export async function replayEndpoint(
  bookId: BookId,
  id: EndpointId,
  after: string,
  tools: Pick<EndpointTools, 'sql' | 'lanesOf'>,
): Promise<Result<Endpoint>> {
  const endpoint = await findEndpoint(tools.sql, bookId, id)
  if (endpoint === undefined)
    return refused(refusal('webhook_endpoint.not_found', 'There is no such webhook endpoint.'))
  const lanes = tools.lanesOf(bookId)
  const instant = parseInstant(after)
  const positions =
    instant === undefined
      ? await positionsBehindEvent(tools.sql, bookId, lanes, after)
      : await positionsAt(tools.sql, lanes, instant)
  if (positions === undefined) return refused(refusal('event.not_found', 'There is no such event.'))
  await rewindCursors(tools.sql, id, positions)
  return ok(endpoint)
}

async function positionsBehindEvent(
  sql: Sql,
  bookId: BookId,
  lanes: readonly Lane[],
  eventId: string,
): Promise<ReplayPosition[] | undefined> {
  const place = placeOfEvent(eventId)
  if (place === undefined || !lanes.includes(place.lane)) return undefined
  const entry = await findEntry(sql, place.lane, place.month, place.commandId)
  if (entry === undefined || entry.bookId !== bookId || !isEvent(place, entry)) return undefined
  const others = lanes.filter((lane) => lane !== place.lane)
  return [await positionBehind(sql, place, entry), ...(await positionsAt(sql, others, entry.at))]
}

function isEvent({ index }: EventPlace, { kind, refused }: JournalEntry): boolean {
  return !refused && index < typesOfKind(kind).length
}

/** Behind one of several events of an entry lies the next of them. */
async function positionBehind(
  sql: Sql,
  { index }: EventPlace,
  entry: JournalEntry,
): Promise<ReplayPosition> {
  const { lane, seq, digest, kind } = entry
  if (index + 1 === typesOfKind(kind).length) return { lane, seq, digest, done: 0 }
  const [before] = await readEntries(sql, lane, seq - 2n, undefined, 1, { untilSeq: seq - 1n })
  const at = before ?? laneStart
  return { lane, seq: at.seq, digest: at.digest, done: index + 1 }
}

function positionsAt(sql: Sql, lanes: readonly Lane[], at: Instant): Promise<ReplayPosition[]> {
  return Promise.all(
    lanes.map(async (lane) => ({ lane, ...(await positionBefore(sql, lane, at)), done: 0 })),
  )
}
