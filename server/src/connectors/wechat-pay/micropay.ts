/**
 * Payment codes, which go by the second protocol: XML signed with a shared key, no callback, and an outcome that has to be
 * asked for until it is known. Kept apart from everything else, so that it can leave when WeChat has something newer.
 */
import { fenToJson } from '@lika/contract'
import type { Answer, Micropay, Trade, TradeState } from '../../modules/wechat/index.ts'
import { currentCode, refusedHere, unknown } from './answers.ts'
import type { PayClient } from './client.ts'
import { filledText, parseCompactTime } from './texts.ts'
import { tradeStates, whole } from './trades.ts'
import type { CallV2, FieldsV2 } from './wire-v2.ts'

/** After these nothing was paid and nothing will be; whatever is not here has to be asked about. */
const final = [
  'AUTH_CODE_EXPIRED',
  'AUTH_CODE_ERROR',
  'AUTH_CODE_INVALID',
  'NOT_ENOUGH',
  'NOT_SUPPORT_CARD',
  'BUYER_MISMATCH',
  'OUT_TRADE_NO_USED',
  'APPID_MCHID_NOT_MATCH',
  'APPID_NOT_EXIST',
  'MCHID_NOT_EXIST',
  'LACK_PARAMS',
  'NO_AUTH',
  'PARAM_ERROR',
  'SIGN_ERROR',
  'ORDER_PAID',
  'ORDER_CLOSED',
  'ORDER_REVERSED',
  'ORDER_NOT_EXIST',
  'RULE_LIMIT',
  'TRADE_ERROR',
  'FREQUENCY_LIMITED',
]

export async function micropay(
  client: PayClient,
  call: CallV2,
  order: Micropay,
): Promise<Answer<Trade>> {
  if (!client.credentials.isActive)
    return refusedHere('ACCOUNT_DISABLED', 'The merchant number takes no more orders.')
  if (!/^1[0-5]\d{16}$/.test(order.authCode))
    return refusedHere(
      'AUTH_CODE_INVALID',
      'A payment code has 18 digits and begins with 10 to 15.',
    )
  const answer = await call({
    path: '/pay/micropay',
    // A code pays once: whether it did is asked by number, never by showing it again.
    isRepeatable: false,
    fields: {
      appid: order.appid,
      body: filledText(order.description, 127, '消费'),
      out_trade_no: order.outTradeNo,
      total_fee: String(fenToJson(order.amount)),
      spbill_create_ip: order.clientIp,
      auth_code: order.authCode,
      ...(order.attach !== undefined && { attach: order.attach }),
      ...(!order.creditCards && { limit_pay: 'no_credit' }),
      ...(order.profitSharing === true && { profit_sharing: 'Y' }),
    },
  })
  if (answer.status !== 'done') return answer
  const { outTradeNo, appid } = order
  const code = errorOf(answer.value)
  if (code === undefined) return paidBy(client, answer.value, outTradeNo, 'paid')
  if (code !== 'USERPAYING') return refusedBy(answer.value, code)
  const { mchid } = client.credentials
  return { status: 'done', value: { outTradeNo, mchid, appid, state: 'paying' } }
}

export async function queryMicropay(
  client: PayClient,
  call: CallV2,
  outTradeNo: string,
): Promise<Answer<Trade>> {
  const answer = await call({
    path: '/pay/orderquery',
    isRepeatable: true,
    fields: { ...anyApp(client), out_trade_no: outTradeNo },
  })
  if (answer.status !== 'done') return answer
  const code = errorOf(answer.value)
  if (code !== undefined) return refusedBy(answer.value, code)
  const state = tradeStates.get(answer.value.get('trade_state') ?? '')
  if (state === undefined) return unknown('WeChat answered a state that is not documented')
  return paidBy(client, answer.value, outTradeNo, state)
}

/** As often as WeChat asks for it, which it does while it does not know itself. */
const mostReversals = 5

export async function reverse(
  client: PayClient,
  call: CallV2,
  outTradeNo: string,
  pause: () => Promise<unknown>,
): Promise<Answer<'reversed'>> {
  const asked = {
    path: '/secapi/pay/reverse',
    isRepeatable: true,
    needsCertificate: true,
    fields: { ...anyApp(client), out_trade_no: outTradeNo },
  }
  for (let attempt = 1; attempt <= mostReversals; attempt += 1) {
    const answer = await call(asked)
    if (answer.status !== 'done') return answer
    const code = errorOf(answer.value)
    const isDone = code === undefined || code === 'ORDER_REVERSED'
    const again = answer.value.get('recall') === 'Y'
    if (isDone && !again) return { status: 'done', value: 'reversed' }
    if (!again) return refusedBy(answer.value, code ?? '')
    if (attempt < mostReversals) await pause()
  }
  return unknown('WeChat asks to be asked again to reverse it')
}

/** The protocol wants one that is bound to the merchant number; which one does not matter where a number is given. */
function anyApp({ credentials }: PayClient): { appid: string } {
  return { appid: credentials.appids[0] ?? '' }
}

/** Undefined: it succeeded. */
function errorOf(fields: FieldsV2): string | undefined {
  if (fields.get('result_code') === 'SUCCESS') return undefined
  return currentCode(fields.get('err_code') ?? 'NO_CODE')
}

function refusedBy(fields: FieldsV2, code: string): Answer<never> {
  if (!final.includes(code)) return unknown(`WeChat answered ${code}`)
  return { status: 'refused', code, detail: fields.get('err_code_des') ?? '' }
}

function paidBy(
  client: PayClient,
  fields: FieldsV2,
  outTradeNo: string,
  state: TradeState,
): Answer<Trade> {
  const fee = fields.get('total_fee') ?? ''
  const isOurs = fields.get('out_trade_no') === outTradeNo
  const trade = whole({
    outTradeNo,
    state,
    mchid: client.credentials.mchid,
    appid: fields.get('appid') ?? '',
    transactionId: fields.get('transaction_id') || undefined,
    openid: fields.get('openid') || undefined,
    amount: /^\d{1,15}$/.test(fee) ? BigInt(fee) : undefined,
    paidAt: parseCompactTime(fields.get('time_end') ?? ''),
  })
  return isOurs && trade !== undefined
    ? { status: 'done', value: trade }
    : unknown('WeChat answered something else than is documented')
}
