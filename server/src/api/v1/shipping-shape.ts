/** How far it is with telling WeChat that what was paid in a mini-program was delivered. */
import { shippingEnds } from '@lika/contract'
import { closed, nullable, oneOf, Type } from '../http/schemas.ts'

/** null: it was not paid in a mini-program. */
export const Shipping = nullable(
  closed({
    status: oneOf(
      ['waiting', ...shippingEnds] as const,
      'of what is paid in a mini-program: WeChat keeps the money until its delivery is reported',
    ),
    problem: nullable(Type.String({ description: 'why WeChat has not taken it yet' })),
  }),
)
