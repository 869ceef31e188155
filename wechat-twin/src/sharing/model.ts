/**
 * The rules of profit sharing (分账) as functions of values: what of a payment may still be shared, whether a request may
 * be accepted, and what becomes of it when it is worked off.
 */
import { refuse } from '../kernel/refusal.ts'

/** What sharing needs to know of a payment; amounts in fen, instants virtual. */
export interface SharedPayment {
  transaction_id: string
  mchid: string
  total: number
  fee: number
  refunded: number
  paid_at: number
  profit_sharing: boolean
}

/** What was done with a payment so far. */
export interface Pot {
  transaction_id: string
  mchid: string
  /** Requests that were accepted, unfreezing among them. */
  requests: number
  /** Given or promised to receivers, the payer itself among them. */
  taken: number
  /** Of it, what counts against the ratio: not what the payer gets itself. */
  counted: number
  returns: number
  unfrozen: boolean
}

export type FailReason =
  | 'ACCOUNT_ABNORMAL'
  | 'NO_RELATION'
  | 'RECEIVER_HIGH_RISK'
  | 'RECEIVER_REAL_NAME_NOT_VERIFIED'
  | 'NO_AUTH'
  | 'RECEIVER_RECEIPT_LIMIT'
  | 'PAYER_ACCOUNT_ABNORMAL'
  | 'INVALID_REQUEST'

export interface ShareDetail {
  type: 'MERCHANT_ID' | 'PERSONAL_OPENID' | 'PERSONAL_SUB_OPENID'
  account: string
  amount: number
  description: string
  result: 'PENDING' | 'SUCCESS' | 'CLOSED'
  fail_reason?: FailReason
  detail_id: string
  create_time: number
  finish_time?: number
}

export interface ShareRules {
  /** Of the payment, in ten-thousandths. */
  maxBp: number
  firstSeconds: number
  days: number
  requestsPerOrder: number
}

export function emptyPot(payment: SharedPayment): Pot {
  const { transaction_id, mchid } = payment
  return { transaction_id, mchid, requests: 0, taken: 0, counted: 0, returns: 0, unfrozen: false }
}

/** Whether what is left went to the payer: by a request, or because the days are over. */
function isUnfrozen(payment: SharedPayment, pot: Pot, now: number, days: number): boolean {
  return pot.unfrozen || now > payment.paid_at + days * 86_400_000
}

/** What may still be shared: the payment less its fee, less refunds (which give their part of the fee back), less shares. */
export function unsplitAmount(payment: SharedPayment, pot: Pot, now: number, days: number): number {
  if (!payment.profit_sharing || isUnfrozen(payment, pot, now, days)) return 0
  return Math.max(0, freeAmount(payment, pot))
}

export function freeAmount({ total, fee, refunded }: SharedPayment, pot: Pot): number {
  const feeBack = total === 0 ? 0 : Math.round((fee * refunded) / total)
  return total - fee - (refunded - feeBack) - pot.taken
}

/**
 * Throws, in this order: not a payment for sharing, sooner than a minute after it, fully refunded, unfrozen or too late, too
 * many requests, more than the ratio, more than is left.
 */
export function checkShare(
  payment: SharedPayment,
  pot: Pot,
  asked: { amount: number; counted: number },
  rules: ShareRules,
  now: number,
): void {
  checkDivisible(payment, pot, rules, now)
  if ((pot.counted + asked.counted) * 10_000 > payment.total * rules.maxBp)
    refuse(400, 'INVALID_REQUEST', '分账金额超出最大分账比例')
  if (asked.amount > freeAmount(payment, pot)) refuse(403, 'NOT_ENOUGH', '分账金额不足')
}

/** As a share, but for the amounts; there must be something left to unfreeze. */
export function checkUnfreeze(
  payment: SharedPayment,
  pot: Pot,
  rules: ShareRules,
  now: number,
): void {
  checkDivisible(payment, pot, rules, now)
  if (freeAmount(payment, pot) <= 0) refuse(403, 'NOT_ENOUGH', '分账金额不足')
}

function checkDivisible(payment: SharedPayment, pot: Pot, rules: ShareRules, now: number): void {
  if (!payment.profit_sharing) refuse(400, 'INVALID_REQUEST', '非分账订单不支持分账')
  if (now < payment.paid_at + rules.firstSeconds * 1000)
    refuse(400, 'INVALID_REQUEST', '订单处理中，暂时无法分账，请稍后再试')
  if (payment.refunded >= payment.total)
    refuse(400, 'INVALID_REQUEST', '订单已全额退款，不支持分账')
  if (isUnfrozen(payment, pot, now, rules.days)) refuse(403, 'NOT_ENOUGH', '分账金额不足')
  if (pot.requests >= rules.requestsPerOrder)
    refuse(400, 'INVALID_REQUEST', `同一订单最多可发起${rules.requestsPerOrder}次分账请求`)
}

/** The pot after a request was accepted. */
export function afterShare(
  pot: Pot,
  asked: { amount: number; counted: number; unfreeze: boolean },
): Pot {
  return {
    ...pot,
    requests: pot.requests + 1,
    taken: pot.taken + asked.amount,
    counted: pot.counted + asked.counted,
    unfrozen: pot.unfrozen || asked.unfreeze,
  }
}

/** What makes a receiver fail, as it is when the share is worked off; the first that holds is told. */
export interface ReceiverFacts {
  payerAuthorised: boolean
  payerAbnormal: boolean
  related: boolean
  accountAbnormal: boolean
  highRisk: boolean
  realNameVerified: boolean
  /** WeChat could not set the description that the payer gave. */
  descriptionRefused: boolean
  /** What a person received this month by sharing; undefined for merchants. */
  receivedThisMonth: number | undefined
  monthlyLimit: number
}

export function failReasonOf(facts: ReceiverFacts, amount: number): FailReason | undefined {
  if (!facts.payerAuthorised) return 'NO_AUTH'
  if (facts.payerAbnormal) return 'PAYER_ACCOUNT_ABNORMAL'
  if (!facts.related) return 'NO_RELATION'
  if (facts.accountAbnormal) return 'ACCOUNT_ABNORMAL'
  if (facts.highRisk) return 'RECEIVER_HIGH_RISK'
  if (!facts.realNameVerified) return 'RECEIVER_REAL_NAME_NOT_VERIFIED'
  if (facts.descriptionRefused) return 'INVALID_REQUEST'
  const { receivedThisMonth, monthlyLimit } = facts
  if (receivedThisMonth !== undefined && receivedThisMonth + amount > monthlyLimit)
    return 'RECEIVER_RECEIPT_LIMIT'
  return undefined
}

/** What the receiver may still be asked to give back of one share. */
export function returnableAmount(
  details: readonly ShareDetail[],
  returned: readonly { return_mchid: string; amount: number }[],
  account: string,
): number {
  const given = details
    .filter(
      ({ type, account: to, result }) =>
        type === 'MERCHANT_ID' && to === account && result === 'SUCCESS',
    )
    .reduce((sum, { amount }) => sum + amount, 0)
  const back = returned
    .filter(({ return_mchid }) => return_mchid === account)
    .reduce((sum, { amount }) => sum + amount, 0)
  return given - back
}
