/** The route of events: what happened in the book of the key, for those who rather ask than be told. */
import {
  type EventPosition,
  type EventPositions,
  eventFilters,
} from '../../modules/webhooks/index.ts'
import type { JsonObject } from '../../platform/lanes/tail-store.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { encode, readPage } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { closed, idOf, oneOf, paging, Timestamp, Type } from '../http/schemas.ts'

/** The one object whose members depend on what happened: those of the command's outcome. */
const Data = Type.Unsafe<JsonObject>({
  type: 'object',
  patternProperties: { '^[a-z][a-z0-9_]*$': {} },
  additionalProperties: false,
  description:
    'What happened, by type: ids (`card_id`), amounts in fen (`amount`) with their `currency`, states. Members may be added to a type.',
})

const EventBody = closed({
  id: idOf('event'),
  type: Type.String({ description: '`payment.created` …' }),
  created_at: Timestamp,
  lane: Type.Integer({ minimum: 1, maximum: 999 }),
  seq: Type.Integer({
    minimum: 1,
    description: 'Rises within a lane; events share it or skip it.',
  }),
  data: Data,
})

const EventPageBody = closed({ data: Type.Array(EventBody), next_cursor: Type.String() })

/** `lane:seq`, and `.n` where the first n events of the entry after it were shown. */
const positionsPart = /^(\d{1,3}:\d{1,18}(\.\d{1,2})?(,|$))*$/

export function register(app: LikaApp, { webhooks }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/events',
      summary:
        'Lists events, the oldest first, in the order of each lane; ask again with next_cursor, which is always there',
      access: 'events:read',
      query: closed({
        limit: paging.limit,
        cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 12_000 })),
        type: Type.Optional(oneOf(eventFilters, 'A type, or all of a noun: `payment.*`.')),
      }),
      responses: { 200: EventPageBody },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('events', [positionsPart], query)
      if (!asked.ok) return asked
      const { limit, afterId = '' } = asked.value
      const wanted = query.type === undefined ? undefined : [query.type]
      const page = await webhooks.events(caller.book, parsePositions(afterId), wanted, limit)
      return okay({
        data: page.events.map((event) => ({ ...event })),
        next_cursor: encode('events', [formatPositions(page.positions)]),
      })
    },
  )
}

function parsePositions(text: string): EventPositions {
  const places = text.split(',').filter((place) => place !== '')
  return new Map(places.map(parsePosition))
}

function parsePosition(place: string): [number, EventPosition] {
  const [lane = '', seq = '', done = '0'] = place.split(/[:.]/)
  return [Number(lane), { seq: BigInt(seq), done: Number(done) }]
}

function formatPositions(positions: EventPositions): string {
  const places = [...positions].map(
    ([lane, { seq, done }]) => `${lane}:${seq}${done === 0 ? '' : `.${done}`}`,
  )
  return places.join(',')
}
