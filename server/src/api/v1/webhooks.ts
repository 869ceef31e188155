/** Routes of webhook endpoints and of what was delivered to them. */
import { formatId, formatInstant, type Id, type IdKind, refused } from '@lika/contract'
import {
  type Delivery,
  type Endpoint,
  endpointStatus,
  eventFilters,
} from '../../modules/webhooks/index.ts'
import { realNow } from '../../platform/clock.ts'
import type { Deps } from '../deps.ts'
import { created, noContent, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  closed,
  given,
  idOf,
  NoContent,
  nullable,
  oneOf,
  pageOf,
  paging,
  Reference,
  readId,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

const Events = Type.Array(oneOf(eventFilters), {
  minItems: 1,
  maxItems: eventFilters.length,
  description: 'Types of events, or all of a noun: `payment.*`.',
})

const endpointMembers = {
  id: idOf('endpoint'),
  url: text(2048),
  events: Events,
  status: oneOf(
    ['active', 'failing'],
    '`failing`: nothing got through for three days. Attempts go on; no event is dropped.',
  ),
  failing_since: nullable(Timestamp),
  ...shown,
  created_at: Timestamp,
}
const EndpointBody = closed(endpointMembers)
const NewEndpointBody = closed({
  ...endpointMembers,
  secret: Type.String({ description: '`whsec_…`, by the Standard Webhooks scheme.' }),
})

const DeliveryBody = closed({
  id: idOf('delivery'),
  endpoint_id: idOf('endpoint'),
  event_id: idOf('event'),
  event_type: Type.String(),
  attempt: Type.Integer({ minimum: 1, description: 'Which attempt at this event it was.' }),
  at: Timestamp,
  status: oneOf(['delivered', 'failed']),
  response_status: nullable(Type.Integer()),
  error: nullable(Type.String()),
  next_attempt_at: nullable(Timestamp),
})

export function register(app: LikaApp, deps: Deps): void {
  registerEndpoints(app, deps)
  registerReplay(app, deps)
  registerDeliveries(app, deps)
}

function registerEndpoints(app: LikaApp, { webhooks }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/webhook_endpoints',
      summary: 'Sends events to a URL from now on; the secret of their signatures is answered once',
      access: 'webhooks:write',
      body: closed({ url: text(2048), events: Events, ...given }),
      responses: { 201: NewEndpointBody },
      refusals: ['webhook.url_not_allowed', 'reference.already_used'],
    },
    async ({ caller, body }) => {
      const made = await webhooks.create({
        bookId: caller.book,
        url: body.url,
        events: body.events,
        reference: body.reference ?? null,
        metadata: body.metadata ?? {},
      })
      if (!made.ok) return made
      return created({ ...presentEndpoint(made.value.endpoint), secret: made.value.secret })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/webhook_endpoints',
      summary: 'Lists webhook endpoints, the newest first',
      access: 'webhooks:read',
      query: closed({ ...paging, reference: Type.Optional(Reference) }),
      responses: { 200: pageOf(EndpointBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('webhook_endpoints', [uuidPart], query)
      if (!asked.ok) return asked
      const { limit, afterId } = asked.value
      const page = { limit: limit + 1, afterId }
      const rows = await webhooks.list(caller.book, page, query.reference)
      return okay(
        presentPage('webhook_endpoints', asked.value, rows, ({ id }) => [id], presentEndpoint),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/webhook_endpoints/{id}',
      summary: 'Shows a webhook endpoint, without its secret',
      access: 'webhooks:read',
      id: 'endpoint',
      responses: { 200: EndpointBody },
      refusals: ['webhook_endpoint.not_found'],
    },
    async ({ caller, id }) => {
      const endpoint = await webhooks.find(caller.book, id)
      return endpoint === undefined
        ? refused(notFound('endpoint'))
        : okay(presentEndpoint(endpoint))
    },
  )

  app.route(
    {
      method: 'DELETE',
      path: '/v1/webhook_endpoints/{id}',
      summary: 'Ends the deliveries to a URL; what was tried stays listed',
      access: 'webhooks:write',
      id: 'endpoint',
      responses: { 204: NoContent },
      refusals: ['webhook_endpoint.not_found'],
    },
    async ({ caller, id }) =>
      (await webhooks.remove(caller.book, id)) ? noContent() : refused(notFound('endpoint')),
  )
}

function registerReplay(app: LikaApp, { webhooks }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/webhook_endpoints/{id}/replay',
      summary: 'Delivers again what came after an event, or from an instant on, under the same ids',
      access: 'webhooks:write',
      id: 'endpoint',
      body: closed({ after: Type.Union([idOf('event'), Timestamp]) }),
      responses: { 200: EndpointBody },
      refusals: ['webhook_endpoint.not_found', 'event.not_found'],
    },
    async ({ caller, id, body }) => {
      const replayed = await webhooks.replay(caller.book, id, body.after)
      if (!replayed.ok) return replayed
      return okay(presentEndpoint(replayed.value))
    },
  )
}

function registerDeliveries(app: LikaApp, { webhooks }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/webhook_deliveries',
      summary: 'Lists the attempts of the last thirty days, the newest first',
      access: 'webhooks:read',
      query: closed({
        ...paging,
        endpoint_id: Type.Optional(idOf('endpoint')),
        event_id: Type.Optional(idOf('event')),
        status: Type.Optional(oneOf(['delivered', 'failed'])),
      }),
      responses: { 200: pageOf(DeliveryBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('webhook_deliveries', [uuidPart], query)
      if (!asked.ok) return asked
      const { limit, afterId } = asked.value
      const filter = {
        endpointId: optionalId('endpoint', query.endpoint_id),
        eventId: optionalId('event', query.event_id),
        status: query.status,
      }
      const rows = await webhooks.deliveries(caller.book, { limit: limit + 1, afterId }, filter)
      return okay(
        presentPage('webhook_deliveries', asked.value, rows, ({ id }) => [id], presentDelivery),
      )
    },
  )
}

function optionalId<K extends IdKind>(kind: K, text: string | undefined): Id<K> | undefined {
  return text === undefined ? undefined : readId(kind, text)
}

function presentEndpoint(endpoint: Endpoint) {
  const { failingSince } = endpoint
  return {
    id: formatId('endpoint', endpoint.id),
    url: endpoint.url,
    events: [...endpoint.events],
    status: endpointStatus(endpoint, realNow()),
    failing_since: failingSince === null ? null : formatInstant(failingSince),
    reference: endpoint.reference,
    metadata: { ...endpoint.metadata },
    created_at: formatInstant(endpoint.createdAt),
  }
}

function presentDelivery(delivery: Delivery) {
  const { nextAttemptAt } = delivery
  return {
    id: formatId('delivery', delivery.id),
    endpoint_id: formatId('endpoint', delivery.endpointId),
    event_id: formatId('event', delivery.eventId),
    event_type: delivery.eventType,
    attempt: delivery.attempt,
    at: formatInstant(delivery.at),
    status: delivery.status,
    response_status: delivery.responseStatus,
    error: delivery.error,
    next_attempt_at: nextAttemptAt === null ? null : formatInstant(nextAttemptAt),
  }
}
