/** `/v3/profitsharing/orders` with its query and unfreezing, and what of a payment is left to share. */
import type { Merchant } from '../kernel/merchants.ts'
import { refuse, suffixes } from '../kernel/refusal.ts'
import { fault, flag, integer, list, object, optional, text } from '../kernel/shape.ts'
import { formatDay, formatTime } from '../kernel/time.ts'
import type { Twin } from '../kernel/twin.ts'
import type { V3Call } from '../v3/gate.ts'
import { checkAppid } from '../v3/orders.ts'
import { paymentOf, type ShareOrder, type SharingBook } from './book.ts'
import {
  afterShare,
  checkShare,
  checkUnfreeze,
  freeAmount,
  type Pot,
  type ShareDetail,
  type SharedPayment,
  type ShareRules,
  unsplitAmount,
} from './model.ts'
import { checkPerson, payerOf, receiverType, subOf } from './receivers.ts'

const outNumber = text({ max: 64, pattern: /^[0-9A-Za-z_\-|*@]+$/ })

const receiverShape = object({
  type: receiverType,
  account: text({ max: 64 }),
  name: optional(text({ max: 1024 })),
  amount: integer({ min: 1 }),
  description: text({ max: 80 }),
})

const shareShape = object({
  appid: text({ max: 32 }),
  sub_mchid: optional(text({ max: 32 })),
  sub_appid: optional(text({ max: 32 })),
  transaction_id: text({ max: 32 }),
  out_order_no: outNumber,
  receivers: optional(list(receiverShape, { min: 0, max: 50 })),
  unfreeze_unsplit: flag,
})

const unfreezeShape = object({
  sub_mchid: optional(text({ max: 32 })),
  transaction_id: text({ max: 32 }),
  out_order_no: outNumber,
  description: text({ max: 80 }),
})

const queryShape = object({
  sub_mchid: optional(text({ max: 32 })),
  transaction_id: text({ max: 32 }),
})

type ShareBody = ReturnType<(typeof shareShape)['read']>
type Asked = NonNullable<ShareBody['receivers']>[number]

export function registerShareOrders(twin: Twin, book: SharingBook): void {
  twin.v3.route(
    'POST',
    '/v3/profitsharing/orders',
    { kind: 'sharing.provider', body: shareShape },
    (call) => presentOrder(share(twin, book, call), subOf(call.body)),
  )
  twin.v3.route(
    'POST',
    '/v3/profitsharing/orders/unfreeze',
    { kind: 'sharing.provider', body: unfreezeShape },
    ({ merchant, body }) => presentOrder(unfreeze(twin, book, merchant, body), subOf(body)),
  )
  twin.v3.route(
    'GET',
    '/v3/profitsharing/orders/{out_order_no}',
    { kind: 'sharing.query', query: queryShape },
    ({ merchant, query, params }) => {
      const owner = payerOf(twin, merchant, query.sub_mchid)
      const order = book.orders.get(`${owner.mchid}|${params['out_order_no']}`)
      if (order === undefined || order.transaction_id !== query.transaction_id)
        return refuse(404, 'RESOURCE_NOT_EXISTS', '分账单不存在')
      return presentOrder(order, subOf(query))
    },
  )
  twin.v3.route(
    'GET',
    '/v3/profitsharing/transactions/{transaction_id}/amounts',
    { kind: 'sharing.query' },
    ({ merchant, params }) => {
      const transaction_id = params['transaction_id'] ?? ''
      const payment = findPayment(twin, merchant, transaction_id, true)
      const { shareDays } = twin.settings.now
      const pot = book.potOf(payment)
      return {
        transaction_id,
        unsplit_amount: unsplitAmount(payment, pot, twin.clock.now(), shareDays),
      }
    },
  )
}

/** Throws in this order: rates of payee and payment, numbers, receivers, and the rules of `checkShare`. */
function share(twin: Twin, book: SharingBook, call: V3Call<ShareBody, unknown>): ShareOrder {
  const { body } = call
  const owner = payerOf(twin, call.merchant, body.sub_mchid)
  takeRates(twin, owner, body.transaction_id)
  checkAppid(call.merchant, body.appid)
  const receivers = body.receivers ?? []
  if (receivers.length === 0 && !body.unfreeze_unsplit)
    fault('/receivers', undefined, '必填，未传入')
  const names = receivers.map((receiver, place) =>
    receiver.name === undefined ? undefined : call.open(receiver.name, `/receivers/${place}/name`),
  )
  // The same name is another text each time that it is encrypted.
  const plain = receivers.map((receiver, place) => ({ ...receiver, name: names[place] }))
  const terms = JSON.stringify([body.transaction_id, plain, body.unfreeze_unsplit])
  const key = `${owner.mchid}|${body.out_order_no}`
  const known = book.orders.get(key)
  if (known !== undefined) return sameOrder(known, terms)
  if (book.has(owner.mchid, 'NO_AUTH')) refuse(403, 'NO_AUTH', '无分账权限')
  const payment = findPayment(twin, owner, body.transaction_id)
  checkReceivers(twin, book, call, owner, receivers)
  const amount = sumOf(receivers)
  const counted = sumOf(receivers.filter(({ account }) => account !== owner.mchid))
  const pot = book.potOf(payment)
  const now = twin.clock.now()
  checkShare(payment, pot, { amount, counted }, rulesOf(twin, owner), now)
  const details = receivers.map((receiver) => detailOf(twin, key, receiver, now))
  const after = afterShare(pot, { amount, counted, unfreeze: body.unfreeze_unsplit })
  if (body.unfreeze_unsplit) details.push(...restOf(twin, key, payment, after, '解冻给分账方', now))
  book.keep(after)
  return book.accept(orderOf(twin, owner, body, terms, details, now))
}

function unfreeze(
  twin: Twin,
  book: SharingBook,
  merchant: Merchant,
  body: ReturnType<(typeof unfreezeShape)['read']>,
): ShareOrder {
  const owner = payerOf(twin, merchant, body.sub_mchid)
  takeRates(twin, owner, body.transaction_id)
  const terms = JSON.stringify([body.transaction_id, 'unfreeze', body.description])
  const key = `${owner.mchid}|${body.out_order_no}`
  const known = book.orders.get(key)
  if (known !== undefined) return sameOrder(known, terms)
  if (book.has(owner.mchid, 'NO_AUTH')) refuse(403, 'NO_AUTH', '无分账权限')
  const payment = findPayment(twin, owner, body.transaction_id)
  const pot = book.potOf(payment)
  const now = twin.clock.now()
  checkUnfreeze(payment, pot, rulesOf(twin, owner), now)
  book.keep(afterShare(pot, { amount: 0, counted: 0, unfreeze: true }))
  const details = restOf(twin, key, payment, pot, body.description, now)
  return book.accept(orderOf(twin, owner, body, terms, details, now))
}

function takeRates(twin: Twin, owner: Merchant, transactionId: string): void {
  const isAllowed =
    twin.rates.take('sharing.payee', owner.mchid) && twin.rates.take('sharing.order', transactionId)
  if (!isAllowed)
    refuse(429, 'FREQUENCY_LIMITED', '频率超限，请降低请求频率', { suffix: suffixes.frequency })
}

function sameOrder(known: ShareOrder, terms: string): ShareOrder {
  if (known.terms !== terms)
    refuse(400, 'INVALID_REQUEST', '商户分账单号重复，分账接收方与原请求不一致')
  return known
}

/** `isServed`: a provider may ask for the payments of those whom it serves without naming them. */
function findPayment(
  twin: Twin,
  owner: Merchant,
  transactionId: string,
  isServed = false,
): SharedPayment {
  const trade = twin.trades.findByTransaction(transactionId)
  const payment = trade === undefined ? undefined : paymentOf(trade)
  if (payment === undefined) return refuse(404, 'RESOURCE_NOT_EXISTS', '微信订单号不存在')
  if (payment.mchid === owner.mchid) return payment
  const served = owner.more['sub_mchids']
  if (isServed && Array.isArray(served) && served.includes(payment.mchid)) return payment
  return refuse(404, 'RESOURCE_NOT_EXISTS', '微信订单号不存在')
}

function checkReceivers(
  twin: Twin,
  book: SharingBook,
  call: V3Call<ShareBody, unknown>,
  owner: Merchant,
  receivers: readonly Asked[],
): void {
  const { body } = call
  const seen = new Set<string>()
  for (const [place, receiver] of receivers.entries()) {
    const key = book.receiverKey(owner.mchid, receiver.type, receiver.account)
    if (seen.has(key)) refuse(400, 'INVALID_REQUEST', '同一请求中分账接收方重复')
    seen.add(key)
    if (receiver.account === owner.mchid) {
      if (body.unfreeze_unsplit)
        refuse(400, 'INVALID_REQUEST', '解冻剩余资金时分账方不能作为分账接收方')
      continue
    }
    if (!book.receivers.has(key))
      refuse(400, 'INVALID_REQUEST', '分账接收方关系不存在，请检查参数中每个接收方的关系')
    const { appid, sub_appid } = body
    const app = sub_appid === undefined ? { appid } : { appid, sub_appid }
    checkPerson(twin, call, { ...receiver, ...app, path: `/receivers/${place}` })
  }
}

function rulesOf(twin: Twin, owner: Merchant): ShareRules {
  const { shareFirstSeconds, shareDays, shareRequests } = twin.settings.now
  return {
    maxBp: owner.sharing_max_bp,
    firstSeconds: shareFirstSeconds,
    days: shareDays,
    requestsPerOrder: shareRequests,
  }
}

/** `of`: the request that it is a part of. */
function detailOf(twin: Twin, of: string, asked: Asked, now: number): ShareDetail {
  const { type, account, amount, description } = asked
  const detail_id = numberOf(twin, '3600', `${of}|${type}|${account}`, now)
  return { type, account, amount, description, result: 'PENDING', detail_id, create_time: now }
}

/** What is left goes to the payer at once; nothing where nothing is. */
function restOf(
  twin: Twin,
  of: string,
  payment: SharedPayment,
  pot: Pot,
  description: string,
  now: number,
): ShareDetail[] {
  const amount = freeAmount(payment, pot)
  if (amount <= 0) return []
  const rest = { type: 'MERCHANT_ID' as const, account: payment.mchid, amount, description }
  return [{ ...detailOf(twin, of, rest, now), result: 'SUCCESS', finish_time: now }]
}

function orderOf(
  twin: Twin,
  owner: Merchant,
  { transaction_id, out_order_no }: { transaction_id: string; out_order_no: string },
  terms: string,
  receivers: ShareDetail[],
  now: number,
): ShareOrder {
  const isDone = receivers.every(({ result }) => result !== 'PENDING')
  return {
    mchid: owner.mchid,
    transaction_id,
    out_order_no,
    order_id: numberOf(twin, '3000', `${owner.mchid}|${out_order_no}`, now),
    terms,
    state: isDone ? 'FINISHED' : 'PROCESSING',
    receivers,
    created_at: now,
  }
}

/** As WeChat's numbers of sharing look: a prefix of four, five digits, the day, twelve digits. `thing` is what it is for. */
export function numberOf(twin: Twin, prefix: string, thing: string, now: number): string {
  const day = formatDay(now).replaceAll('-', '')
  const random = twin.random.of(`${prefix} ${thing}`)
  return `${prefix}${random.digits(5)}${day}${random.digits(12)}`
}

function presentOrder(order: ShareOrder, sub: { sub_mchid?: string }): object {
  const { transaction_id, out_order_no, order_id, state } = order
  const receivers = order.receivers.map((detail) => ({
    amount: detail.amount,
    description: detail.description,
    type: detail.type,
    account: detail.account,
    result: detail.result,
    ...(detail.fail_reason !== undefined && { fail_reason: detail.fail_reason }),
    create_time: formatTime(detail.create_time),
    ...(detail.finish_time !== undefined && { finish_time: formatTime(detail.finish_time) }),
    detail_id: detail.detail_id,
  }))
  return { ...sub, transaction_id, out_order_no, order_id, state, receivers }
}

function sumOf(all: readonly { amount: number }[]): number {
  return all.reduce((sum, { amount }) => sum + amount, 0)
}
