/** What payments, holds and refunds write into the journal, and how it is read back: ids and amounts only. */
import { asId, type CardId, channels, type Fen, subBalances, type VoucherId } from '@lika/contract'
import type { PaidFrom, PaymentRow } from '../../modules/payments/index.ts'
import type { Json } from '../../platform/lanes/index.ts'
import { type Body, fenIn, listIn, membersOf, textIn } from '../cards/facts.ts'

/** A part of a payment, hold or refund as its answer shows it. */
export interface ShownAllocation {
  readonly cardId: CardId
  readonly subBalance: PaidFrom
  readonly voucherId?: VoucherId | undefined
  readonly amount: Fen
  readonly balanceAfter: Fen
}

/** Events name the members as these bodies do: `cardId` becomes `card_id`, `amountFen` becomes `amount`. */
export function allocationsBody(allocations: readonly ShownAllocation[]): readonly Json[] {
  return allocations.map(({ cardId, subBalance, voucherId, amount, balanceAfter }) => ({
    cardId,
    subBalance,
    ...(voucherId === undefined ? {} : { voucherId }),
    amountFen: String(amount),
    balanceAfterFen: String(balanceAfter),
  }))
}

const paidFrom: readonly PaidFrom[] = [...subBalances, 'voucher']

/** @throws for a body that this file has not written. */
export function allocationsFrom(body: Body): ShownAllocation[] {
  return listIn(body, 'allocations').map((one) => {
    const members = membersOf(one)
    const subBalance = paidFrom.find((name) => name === members['subBalance'])
    const { voucherId } = members
    if (subBalance === undefined) throw new Error('an allocation names no sub-balance')
    return {
      cardId: asId(textIn(members, 'cardId')),
      subBalance,
      ...(typeof voucherId === 'string' ? { voucherId: asId<'voucher'>(voucherId) } : {}),
      amount: fenIn(members, 'amountFen'),
      balanceAfter: fenIn(members, 'balanceAfterFen'),
    }
  })
}

type AtTill = Pick<PaymentRow, 'merchantId' | 'storeId' | 'terminalId' | 'channel'>

/** What there is. */
export function tillBody({ merchantId, storeId, terminalId, channel }: AtTill): Body {
  return {
    merchantId,
    ...(storeId === null ? {} : { storeId }),
    ...(terminalId === null ? {} : { terminalId }),
    ...(channel === null ? {} : { channel }),
  }
}

export function tillFrom(body: Body): AtTill {
  const { storeId, terminalId } = body
  return {
    merchantId: asId(textIn(body, 'merchantId')),
    storeId: typeof storeId === 'string' ? asId(storeId) : null,
    terminalId: typeof terminalId === 'string' ? asId(terminalId) : null,
    channel: channels.find((channel) => channel === body['channel']) ?? null,
  }
}
