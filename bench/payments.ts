/** What the load is made of: payments at random, uniform over all cards and merchants, a new key each. */
import type { CardId, MerchantId } from '../contract/src/index.ts'
import { cardAt, merchantAt, type Population, randomFrom } from './population.ts'

export interface PaymentOptions {
  /** Instead of any merchant, any card. */
  readonly merchant?: number
  readonly card?: number
}

export interface Payment {
  readonly cardId: CardId
  readonly merchantId: MerchantId
  /** 1 to 500 fen; from a hot card 1, so that it lasts. */
  readonly amount: number
  /** New each time: idempotency key and merchant's order number. */
  readonly key: string
}

let stretches = 0

/** The payments of one stretch: uniform over all cards and merchants, a new key each. */
export function paymentsOf(
  population: Population,
  { merchant, card }: PaymentOptions = {},
): () => Payment {
  stretches += 1
  const name = `${process.pid.toString(36)}-${Date.now().toString(36)}-${stretches}`
  const random = randomFrom(Date.now() ^ (stretches << 16))
  const upTo = (count: number) => Math.floor(random() * count)
  let made = 0
  return () => {
    made += 1
    return {
      cardId: cardAt(population, card ?? upTo(population.cards)),
      merchantId: merchantAt(population, merchant ?? upTo(population.merchants)),
      amount: card === undefined ? 1 + upTo(500) : 1,
      key: `${name}-${made}`,
    }
  }
}
