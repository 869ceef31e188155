/** Webhooks and events: what happened in a book, told to those who asked for it. */
export { eventFilters } from './event-types.ts'
export { type Delivery, type Endpoint, endpointStatus } from './model.ts'
export type { EventPosition, EventPositions } from './read-events.ts'
export type { Posted, WebhookSender } from './sender.ts'
export { readDeliveryFigures } from './watch-store.ts'
export { openWebhooks, type Webhooks, type WebhooksOptions } from './webhooks.ts'
