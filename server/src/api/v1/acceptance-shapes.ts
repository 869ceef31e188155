/** Where and when a product is taken, as callers send and see it. */
import { channels, fenToJson, formatId } from '@lika/contract'
import type { Hours, Terms } from '../../modules/programs/index.ts'
import { Amount, closed, idOf, oneOf, readId, type Static, Type, text } from '../http/schemas.ts'

const HoursShape = closed(
  {
    days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), { minItems: 1, maxItems: 7 }),
    from: Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' }),
    to: Type.String({ pattern: '^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$' }),
  },
  { description: 'from a time until before another, in Shanghai; days of the week from 1, Monday' },
)
const lists = {
  merchants: Type.Array(idOf('merchant'), { maxItems: 1000 }),
  stores: Type.Array(idOf('store'), { maxItems: 1000 }),
  categories: Type.Array(text(64), { maxItems: 100 }),
}
const beside = {
  channels: Type.Optional(Type.Array(oneOf(channels), { maxItems: channels.length })),
  hours: Type.Optional(Type.Array(HoursShape, { maxItems: 50 })),
  min_amount: Type.Optional(Amount),
}

export const AcceptanceGiven = closed({
  merchants: Type.Optional(lists.merchants),
  stores: Type.Optional(lists.stores),
  categories: Type.Optional(lists.categories),
  ...beside,
})

/** What does not restrict is left out, but for the three lists. */
export const AcceptanceShown = closed({ ...lists, ...beside })

export function acceptanceIn(given: Static<typeof AcceptanceGiven>): Terms['acceptance'] {
  return {
    merchants: (given.merchants ?? []).map((id) => readId('merchant', id)),
    stores: (given.stores ?? []).map((id) => readId('store', id)),
    categories: given.categories ?? [],
    channels: given.channels ?? [],
    hours: (given.hours ?? []).map(inOrder),
    minAmount: given.min_amount === undefined ? null : BigInt(given.min_amount),
  }
}

function inOrder({ days, from, to }: Static<typeof HoursShape>): Hours {
  return { days: days.toSorted((one, other) => one - other), from, to }
}

export function presentAcceptance(acceptance: Terms['acceptance']) {
  const { merchants, stores, categories, minAmount, hours } = acceptance
  return {
    merchants: merchants.map((id) => formatId('merchant', id)),
    stores: stores.map((id) => formatId('store', id)),
    categories: [...categories],
    ...(acceptance.channels.length > 0 && { channels: [...acceptance.channels] }),
    ...(hours.length > 0 && {
      hours: hours.map(({ days, from, to }) => ({ days: [...days], from, to })),
    }),
    ...(minAmount !== null && { min_amount: fenToJson(minAmount) }),
  }
}
