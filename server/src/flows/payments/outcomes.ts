/** What payments, holds and refunds write into the journal, and how it is read back: ids and amounts only. */
import {
  asId,
  type CardId,
  type Fen,
  type HoldId,
  type PaymentId,
  type SubBalance,
  subBalances,
} from '@lika/contract'
import type { Till } from '../../modules/merchants/index.ts'
import type { Json } from '../../platform/lanes/index.ts'

export type Body = { readonly [member: string]: Json | undefined }

/** A part of a payment, hold or refund as its answer shows it. */
export interface ShownAllocation {
  readonly cardId: CardId
  readonly subBalance: SubBalance
  readonly amount: Fen
  readonly balanceAfter: Fen
}

/** Events name the members as these bodies do: `cardId` becomes `card_id`, `amountFen` becomes `amount`. */
export function allocationsBody(allocations: readonly ShownAllocation[]): readonly Json[] {
  return allocations.map(({ cardId, subBalance, amount, balanceAfter }) => ({
    cardId,
    subBalance,
    amountFen: String(amount),
    balanceAfterFen: String(balanceAfter),
  }))
}

export function tillBody({ merchantId, storeId, terminalId }: TillIds): Body {
  return {
    merchantId,
    ...(storeId === null || storeId === undefined ? {} : { storeId }),
    ...(terminalId === null || terminalId === undefined ? {} : { terminalId }),
  }
}

type TillIds = Pick<Till, 'merchantId'> & {
  readonly storeId: Till['storeId'] | null
  readonly terminalId: Till['terminalId'] | null
}

/** @throws for a body that this file has not written; so for the readers below. */
export function allocationsFrom(body: Body): ShownAllocation[] {
  const { allocations } = body
  if (!isList(allocations)) throw new Error('an outcome has no allocations')
  return allocations.map((one) => {
    if (!isObject(one)) throw new Error('an allocation is an object')
    return {
      cardId: asId(textFrom(one, 'cardId')),
      subBalance: subBalanceFrom(one),
      amount: fenFrom(one, 'amountFen'),
      balanceAfter: fenFrom(one, 'balanceAfterFen'),
    }
  })
}

export function fenFrom(body: Body, member: string): Fen {
  return BigInt(textFrom(body, member))
}

export function textFrom(body: Body, member: string): string {
  const value = body[member]
  if (typeof value !== 'string') throw new Error(`an outcome has no ${member}`)
  return value
}

export function textOrNull(body: Body, member: string): string | null {
  const value = body[member]
  return typeof value === 'string' ? value : null
}

export function numberFrom(body: Body, member: string): number {
  const value = body[member]
  if (typeof value !== 'number') throw new Error(`an outcome has no ${member}`)
  return value
}

export function paymentIdFrom(body: Body): PaymentId {
  return asId(textFrom(body, 'paymentId'))
}

export function holdIdFrom(body: Body): HoldId {
  return asId(textFrom(body, 'holdId'))
}

function subBalanceFrom(body: Body): SubBalance {
  const found = subBalances.find((name) => name === body['subBalance'])
  if (found === undefined) throw new Error('an allocation names no sub-balance')
  return found
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

function isObject(value: Json): value is Body & Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
