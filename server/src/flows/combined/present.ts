/** Combined payments and their refunds as callers see them: as they are now, for they go on after the first answer. */
import { type Currency, fenToJson, formatId, formatInstant, currency as yuan } from '@lika/contract'
import type { CombinedRefundRow, CombinedRow } from '../../modules/combined/index.ts'
import type { PaymentHoldRow, PaymentRow } from '../../modules/payments/index.ts'
import type { Invitation } from '../../modules/wechat/index.ts'

const currency: Currency = yuan

export interface ShownCombined {
  readonly row: CombinedRow
  readonly hold: PaymentHoldRow
  /** Of the card part, once it succeeded. */
  readonly payment: PaymentRow | undefined
}

export function presentCombined({ row, hold, payment }: ShownCombined, invitation?: Invitation) {
  const isOpen = row.status === 'waiting'
  const cardRefunded = payment?.refunded ?? 0n
  const wechatRefunded = row.status === 'succeeded' ? row.wechatRefunded : 0n
  const { allocations } = payment ?? hold
  return {
    id: formatId('combined_payment', row.id),
    status: row.status,
    reason: row.reason,
    amount: fenToJson(row.amount),
    currency,
    card_amount: fenToJson(row.cardAmount),
    wechat_amount: fenToJson(row.wechatAmount),
    refunded_amount: fenToJson(cardRefunded + wechatRefunded),
    merchant_id: formatId('merchant', row.merchantId),
    store_id: hold.storeId === null ? null : formatId('store', hold.storeId),
    terminal_id: hold.terminalId === null ? null : formatId('terminal', hold.terminalId),
    scene: row.scene,
    hold_id: formatId('hold', hold.id),
    payment_id: row.paymentId === null ? null : formatId('payment', row.paymentId),
    shipping: shippingOf(row),
    allocations: allocations.map(({ cardId, subBalance, amount }) => ({
      card_id: formatId('card', cardId),
      sub_balance: subBalance,
      amount: fenToJson(amount),
    })),
    ...(isOpen && invitation !== undefined ? { invitation: presentInvitation(invitation) } : {}),
    expires_at: formatInstant(row.legExpiresAt),
    reference: row.reference,
    metadata: { ...row.metadata },
    created_at: formatInstant(row.createdAt),
    ended_at: row.endedAt === null ? null : formatInstant(row.endedAt),
  }
}

function shippingOf({ scene, status, wechatAmount, shipping, shippingProblem }: CombinedRow) {
  const isInMiniProgram = scene === 'mini_program' && status === 'succeeded' && wechatAmount > 0n
  return isInMiniProgram
    ? { status: shipping ?? ('waiting' as const), problem: shippingProblem }
    : null
}

function presentInvitation(invitation: Invitation) {
  switch (invitation.scene) {
    case 'jsapi':
    case 'mini_program':
      return { scene: invitation.scene, parameters: { ...invitation.parameters } }
    case 'native':
      return { scene: invitation.scene, code_url: invitation.codeUrl }
    case 'h5':
      throw new Error('nobody at a till is asked to pay in a browser')
  }
}

export function presentCombinedRefund(row: CombinedRefundRow) {
  return {
    id: formatId('combined_refund', row.id),
    combined_payment_id: formatId('combined_payment', row.combinedId),
    status: row.status,
    attempt: row.attempt,
    amount: fenToJson(row.cardAmount + row.wechatAmount),
    currency,
    card_amount: fenToJson(row.cardAmount),
    wechat_amount: fenToJson(row.wechatAmount),
    refund_id: row.cardAmount === 0n ? null : formatId('refund', row.id),
    problem: row.problem,
    reference: row.reference,
    reason: row.reason,
    metadata: { ...row.metadata },
    created_at: formatInstant(row.createdAt),
    ended_at: row.endedAt === null ? null : formatInstant(row.endedAt),
  }
}
