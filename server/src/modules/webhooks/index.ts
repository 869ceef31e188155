/** Webhooks and events: what happened in a book, told to those who asked for it. */
export { type Dispatcher, type DispatcherOptions, startDispatcher } from './dispatcher.ts'
export {
  createEndpoint,
  type EndpointTools,
  type NewEndpoint,
  replayEndpoint,
} from './endpoints.ts'
export { eventFilters, eventTypes } from './event-types.ts'
export { type PublicEvent, placeOfEvent } from './events.ts'
export {
  type BackOff,
  type Delivery,
  type Endpoint,
  type EndpointId,
  endpointStatus,
} from './model.ts'
export {
  type EventPosition,
  type EventPositions,
  readEventPage,
} from './read-events.ts'
export type { Posted, WebhookSender } from './sender.ts'
export {
  type DeliveryFilter,
  deleteEndpoint,
  findEndpoint,
  listDeliveries,
  listEndpoints,
} from './store.ts'
