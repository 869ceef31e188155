/** `/v3/profitsharing/return-orders`: what merchants who were shared with give back, from what they have at WeChat. */

import type { Merchant } from '../kernel/merchants.ts'
import { refuse } from '../kernel/refusal.ts'
import { fault, integer, object, optional, text } from '../kernel/shape.ts'
import { formatTime } from '../kernel/time.ts'
import type { Twin } from '../kernel/twin.ts'
import type { ReturnOrder, ShareOrder, SharingBook } from './book.ts'
import { returnableAmount } from './model.ts'
import { numberOf } from './orders.ts'
import { payerOf, subOf } from './receivers.ts'

const outNumber = text({ max: 64, pattern: /^[0-9A-Za-z_\-|*@]+$/ })

const returnShape = object({
  sub_mchid: optional(text({ max: 32 })),
  order_id: optional(text({ max: 64 })),
  out_order_no: optional(outNumber),
  out_return_no: outNumber,
  return_mchid: text({ max: 32 }),
  amount: integer({ min: 1 }),
  description: text({ max: 80 }),
})
type ReturnBody = ReturnType<(typeof returnShape)['read']>

const queryShape = object({
  sub_mchid: optional(text({ max: 32 })),
  out_order_no: outNumber,
})

export function registerReturns(twin: Twin, book: SharingBook): void {
  twin.schedule.on<{ key: string }>('share_return', ({ key }, at) => finish(twin, book, key, at))
  // Whoever does not fill the account in time finds the return closed.
  twin.schedule.on<{ key: string }>('share_return_over', ({ key }, at) => {
    if (book.returns.get(key)?.result === 'PROCESSING') close(book, key, 'TIME_OUT_CLOSED', at)
  })

  twin.v3.route(
    'POST',
    '/v3/profitsharing/return-orders',
    { kind: 'sharing.return', body: returnShape },
    ({ merchant, body }) => present(giveBack(twin, book, merchant, body), subOf(body)),
  )
  twin.v3.route(
    'GET',
    '/v3/profitsharing/return-orders/{out_return_no}',
    { kind: 'sharing.query', query: queryShape },
    ({ merchant, query, params }) => {
      const owner = payerOf(twin, merchant, query.sub_mchid)
      const found = book.returns.get(`${owner.mchid}|${params['out_return_no']}`)
      if (found === undefined || found.out_order_no !== query.out_order_no)
        return refuse(404, 'RESOURCE_NOT_EXISTS', '分账回退单不存在')
      return present(found, subOf(query))
    },
  )
}

/**
 * Throws in this order: neither or both numbers, the number used otherwise, no such share, from the payer itself, the
 * receiver never agreed, too late, too often, more than was given, more than the receiver has (which stays PROCESSING:
 * the same number does it once the account was filled).
 */
function giveBack(
  twin: Twin,
  book: SharingBook,
  merchant: Merchant,
  body: ReturnBody,
): ReturnOrder {
  if ((body.order_id === undefined) === (body.out_order_no === undefined))
    fault('/order_id', undefined, '与 out_order_no 二选一')
  const owner = payerOf(twin, merchant, body.sub_mchid)
  const key = `${owner.mchid}|${body.out_return_no}`
  const order = findOrder(book, owner, body)
  const { return_mchid, amount, description } = body
  const terms = JSON.stringify([order.order_id, return_mchid, amount, description])
  const known = book.returns.get(key)
  if (known !== undefined && known.terms !== terms)
    refuse(400, 'INVALID_REQUEST', '商户回退单号重复，参数与原请求不一致')
  if (known !== undefined) return known.result === 'PROCESSING' ? work(twin, book, key) : known
  checkReturn(twin, book, owner, order, body)
  const now = twin.clock.now()
  book.returns.set(key, {
    mchid: owner.mchid,
    order_id: order.order_id,
    out_order_no: order.out_order_no,
    out_return_no: body.out_return_no,
    return_id: numberOf(twin, '3008', key, now),
    return_mchid,
    amount,
    description,
    terms,
    result: 'PROCESSING',
    create_time: now,
  })
  const { returnWaitSeconds } = twin.settings.now
  twin.schedule.at(now + returnWaitSeconds * 1000, 'share_return_over', { key })
  return work(twin, book, key)
}

function findOrder(book: SharingBook, owner: Merchant, body: ReturnBody): ShareOrder {
  const { order_id, out_order_no } = body
  const order =
    order_id === undefined
      ? book.orders.get(`${owner.mchid}|${out_order_no}`)
      : book.orderById.first(order_id)
  if (order === undefined || order.mchid !== owner.mchid)
    return refuse(404, 'RESOURCE_NOT_EXISTS', '分账单不存在')
  return order
}

function checkReturn(
  twin: Twin,
  book: SharingBook,
  owner: Merchant,
  order: ShareOrder,
  { return_mchid, amount }: ReturnBody,
): void {
  const { returnDays, returnsPerOrder } = twin.settings.now
  if (return_mchid === owner.mchid)
    refuse(400, 'INVALID_REQUEST', '分账回退出资商户不允许和接收商户相同')
  if (book.has(return_mchid, 'RETURN_NOT_AGREED'))
    refuse(403, 'NO_AUTH', '分账接收方未同意分账回退')
  if (twin.clock.now() > order.created_at + returnDays * 86_400_000)
    refuse(400, 'INVALID_REQUEST', '分账单已超过可回退期限')
  const earlier = book.returnsOf.all(order.order_id)
  if (earlier.length >= returnsPerOrder)
    refuse(400, 'INVALID_REQUEST', `同一分账单最多回退${returnsPerOrder}次`)
  const standing = earlier.filter(({ result }) => result !== 'FAILED')
  if (amount > returnableAmount(order.receivers, standing, return_mchid))
    refuse(400, 'INVALID_REQUEST', '剩余可回退的金额不足')
}

/** At once unless settings say otherwise; throws where the receiver's account does not reach. */
function work(twin: Twin, book: SharingBook, key: string): ReturnOrder {
  const { returnSeconds } = twin.settings.now
  if (returnSeconds > 0) {
    twin.schedule.at(twin.clock.now() + returnSeconds * 1000, 'share_return', { key })
    return rowOf(book, key)
  }
  const done = finish(twin, book, key, twin.clock.now())
  if (done.result === 'PROCESSING') refuse(403, 'NOT_ENOUGH', '可用余额不足，请充值后重新发起')
  return done
}

function finish(twin: Twin, book: SharingBook, key: string, at: number): ReturnOrder {
  const order = rowOf(book, key)
  if (order.result !== 'PROCESSING') return order
  if (book.has(order.return_mchid, 'ACCOUNT_ABNORMAL'))
    return close(book, key, 'ACCOUNT_ABNORMAL', at)
  if (book.has(order.mchid, 'PAYER_ACCOUNT_ABNORMAL'))
    return close(book, key, 'PAYER_ACCOUNT_ABNORMAL', at)
  if (twin.trades.spendable(order.return_mchid) < order.amount)
    return twin.settings.now.returnWaitSeconds > 0
      ? order
      : close(book, key, 'BALANCE_NOT_ENOUGH', at)
  const refs = {
    at,
    kind: 'share_return' as const,
    serial: order.return_id,
    out_no: order.out_return_no,
  }
  twin.trades.move({ ...refs, mchid: order.return_mchid, amount: -order.amount })
  // To what the payer has, not back into what may be shared.
  twin.trades.move({ ...refs, mchid: order.mchid, amount: order.amount })
  return book.returns.change(key, { result: 'SUCCESS', finish_time: at })
}

function close(book: SharingBook, key: string, fail_reason: string, at: number): ReturnOrder {
  return book.returns.change(key, { result: 'FAILED', fail_reason, finish_time: at })
}

function rowOf(book: SharingBook, key: string): ReturnOrder {
  const order = book.returns.get(key)
  if (order === undefined) throw new Error(`no return ${key}`)
  return order
}

function present(order: ReturnOrder, sub: { sub_mchid?: string }): object {
  const { order_id, out_order_no, out_return_no, return_id, return_mchid, amount } = order
  const { description, result, fail_reason, create_time, finish_time } = order
  return {
    ...sub,
    order_id,
    out_order_no,
    out_return_no,
    return_id,
    return_mchid,
    amount,
    description,
    result,
    ...(fail_reason !== undefined && { fail_reason }),
    create_time: formatTime(create_time),
    ...(finish_time !== undefined && { finish_time: formatTime(finish_time) }),
  }
}
