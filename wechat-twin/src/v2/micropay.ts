/** V2's payment by code: `/pay/micropay`, `/pay/orderquery`, `/pay/closeorder`, `/tools/authcodetoopenid`. */
import { isIP } from 'node:net'
import { formatCompact, parseTime } from '../kernel/time.ts'
import { stateWords, type Trade } from '../kernel/trades.ts'
import type { Twin } from '../kernel/twin.ts'
import type { Codes } from './codes.ts'
import { type V2Call, V2Refusal, v2Route } from './gate.ts'
import { type AuthCode, decideMicropay } from './model.ts'

const outTradeNo = { max: 32, pattern: /^[0-9A-Za-z_\-|*]+$/ }
const oneNumber = {
  transaction_id: { max: 32, optional: true },
  out_trade_no: { ...outTradeNo, optional: true },
} as const
const compact = { max: 14, pattern: /^\d{14}$/, optional: true } as const

const micropayMembers = {
  device_info: { max: 32, optional: true },
  body: { max: 128 },
  detail: { max: 6000, optional: true },
  attach: { max: 127, optional: true },
  out_trade_no: outTradeNo,
  total_fee: { max: 10, pattern: /^[1-9]\d*$/ },
  fee_type: { max: 16, pattern: /^CNY$/, optional: true },
  spbill_create_ip: { max: 64 },
  goods_tag: { max: 32, optional: true },
  limit_pay: { max: 32, pattern: /^no_credit$/, optional: true },
  time_start: compact,
  time_expire: compact,
  receipt: { max: 8, pattern: /^Y$/, optional: true },
  profit_sharing: { max: 16, pattern: /^[YN]$/, optional: true },
  auth_code: { max: 128 },
  scene_info: { max: 256, optional: true },
} as const

export function registerMicropay(twin: Twin, codes: Codes): void {
  v2Route(twin, '/pay/micropay', { kind: 'v2.micropay', members: micropayMembers }, (call) =>
    paidMembers(micropay(twin, codes, call)),
  )
  v2Route(twin, '/pay/orderquery', { kind: 'order.query', members: oneNumber }, (call) => {
    const trade = tradeOf(twin, call)
    return {
      ...paidMembers(trade),
      trade_state: trade.state,
      trade_state_desc: stateWords[trade.state],
    }
  })
  v2Route(
    twin,
    '/pay/closeorder',
    { kind: 'order.close', members: { out_trade_no: outTradeNo } },
    (call) => {
      close(twin, tradeOf(twin, call))
      return { result_msg: 'OK' }
    },
  )
  v2Route(
    twin,
    '/tools/authcodetoopenid',
    { kind: 'v2.code', members: { auth_code: { max: 128 } } },
    ({ appid, get }) => {
      const code = codes.table.get(get('auth_code') ?? '')
      if (code === undefined || code.used) throw new V2Refusal('AUTH_CODE_INVALID')
      const until = code.shown_at + twin.settings.now.authCodeSeconds * 1000
      if (twin.clock.now() > until) throw new V2Refusal('AUTHCODEEXPIRE')
      return { openid: twin.users.openidOf(code.user, appid) }
    },
  )
}

function micropay(twin: Twin, codes: Codes, call: V2Call): Trade {
  const { merchant, get } = call
  const { authCodeSeconds, passwordFen } = twin.settings.now
  if (isIP(get('spbill_create_ip') ?? '') === 0)
    throw new V2Refusal('PARAM_ERROR', 'spbill_create_ip 格式不正确')
  const auth_code = get('auth_code') ?? ''
  const total = Number(get('total_fee'))
  const terms = termsOf(call)
  const trade = twin.trades.find(merchant.mchid, get('out_trade_no') ?? '')
  const code = codes.table.get(auth_code)
  const user = code === undefined ? undefined : twin.users.table.get(code.user)
  const no_credit = get('limit_pay') === 'no_credit'
  const decision = decideMicropay({
    trade,
    terms,
    auth_code,
    code,
    user,
    total,
    no_credit,
    now: twin.clock.now(),
    codeSeconds: authCodeSeconds,
    passwordFen,
  })
  if (decision.act === 'refuse') throw new V2Refusal(decision.code)
  if (code === undefined || user === undefined) throw new V2Refusal('AUTH_CODE_INVALID')
  codes.use(code)
  const order = trade ?? place(twin, call, total, terms)
  const more = { recalls: code.recalls ?? 0 }
  stumble(code, 'before')
  if (decision.act === 'ask') {
    codes.ask(order, user, more)
    throw new V2Refusal('USERPAYING')
  }
  twin.users.spend(user.id, total)
  const paid = twin.trades.markPaid(twin.trades.change(order, { more }), user)
  stumble(code, 'after')
  return paid
}

/** Everything but what names the code: the same order may be tried with another one. */
function termsOf({ get }: V2Call): string {
  const names = Object.keys(micropayMembers).filter((name) => name !== 'auth_code')
  return JSON.stringify(names.map((name) => get(name) ?? ''))
}

function place(twin: Twin, { merchant, appid, get }: V2Call, total: number, terms: string): Trade {
  const [attach, device_id] = [get('attach'), get('device_info')]
  const latest = twin.clock.now() + twin.settings.now.orderSeconds * 1000
  return twin.trades.add({
    mchid: merchant.mchid,
    appid,
    out_trade_no: get('out_trade_no') ?? '',
    description: get('body') ?? '',
    ...(attach !== undefined && { attach }),
    total,
    trade_type: 'MICROPAY',
    state: 'NOTPAY',
    expires_at: Math.min(parseCompact(get('time_expire')) ?? latest, latest),
    profit_sharing: get('profit_sharing') === 'Y',
    no_credit: get('limit_pay') === 'no_credit',
    ...(device_id !== undefined && { device_id }),
    terms,
  })
}

/** `yyyyMMddHHmmss` in China. */
function parseCompact(text: string | undefined): number | undefined {
  const form = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/
  return text === undefined ? undefined : parseTime(text.replace(form, '$1-$2-$3T$4:$5:$6+08:00'))
}

function stumble(code: AuthCode, when: 'before' | 'after'): void {
  if (code.stumble?.when === when) throw new V2Refusal(code.stumble.code)
}

export function tradeOf(twin: Twin, call: V2Call): Trade {
  const trade = findTrade(twin, call)
  if (trade === undefined) throw new V2Refusal('ORDERNOTEXIST')
  return trade
}

/** Of the caller, by exactly one of its two numbers. */
export function findTrade(twin: Twin, { merchant, get }: V2Call): Trade | undefined {
  const [id, no] = [get('transaction_id'), get('out_trade_no')]
  if ((id === undefined) === (no === undefined))
    throw new V2Refusal('PARAM_ERROR', 'transaction_id 与 out_trade_no 二选一')
  const trade =
    id === undefined
      ? twin.trades.find(merchant.mchid, no ?? '')
      : twin.trades.findByTransaction(id)
  return trade?.mchid === merchant.mchid ? trade : undefined
}

function close(twin: Twin, trade: Trade): void {
  if (trade.trade_type === 'MICROPAY')
    throw new V2Refusal('INVALID_REQUEST', '付款码订单不支持关单，请调用撤销')
  if (trade.state === 'CLOSED') throw new V2Refusal('ORDERCLOSED')
  if (trade.state !== 'NOTPAY') throw new V2Refusal('ORDERPAID')
  twin.trades.change(trade, { state: 'CLOSED' })
}

function paidMembers(trade: Trade) {
  const isPaid = trade.transaction_id !== undefined
  return {
    ...(trade.device_id !== undefined && { device_info: trade.device_id }),
    trade_type: trade.trade_type,
    out_trade_no: trade.out_trade_no,
    total_fee: trade.total,
    attach: trade.attach ?? '',
    ...(isPaid && {
      openid: trade.payer_openid,
      is_subscribe: 'N',
      bank_type: trade.bank_type,
      fee_type: 'CNY',
      cash_fee: trade.total,
      cash_fee_type: 'CNY',
      transaction_id: trade.transaction_id,
      time_end: formatCompact(trade.paid_at ?? 0),
    }),
  }
}
