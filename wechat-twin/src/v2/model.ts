/**
 * What a payment code comes to, as a function of values: the order under this number, the code that was shown, and who
 * showed it.
 */
import type { Trade } from '../kernel/trades.ts'
import type { User } from '../kernel/users.ts'

/** A payment code as a phone shows it. */
export interface AuthCode {
  code: string
  user: string
  shown_at: number
  used: boolean
  /** The user is asked for a password whatever the amount. */
  password?: boolean
  /** How the bank or WeChat stumbles over it: before or after the money has moved. */
  stumble?: { code: 'BANKERROR' | 'SYSTEMERROR'; when: 'before' | 'after' }
  /** How many reversals of what it paid are answered with "ask again". */
  recalls?: number
}

export type MicropayDecision = { act: 'pay' } | { act: 'ask' } | { act: 'refuse'; code: V2Code }

/** Error codes of V2, in its spelling. */
export type V2Code =
  | 'USERPAYING'
  | 'AUTHCODEEXPIRE'
  | 'AUTH_CODE_ERROR'
  | 'AUTH_CODE_INVALID'
  | 'NOTENOUGH'
  | 'ORDERPAID'
  | 'ORDERCLOSED'
  | 'ORDERREVERSED'
  | 'ORDERNOTEXIST'
  | 'NOTSUPORTCARD'
  | 'BUYER_MISMATCH'
  | 'OUT_TRADE_NO_USED'
  | 'APPID_MCHID_NOT_MATCH'
  | 'TRADE_ERROR'
  | 'BANKERROR'
  | 'SYSTEMERROR'
  | 'PARAM_ERROR'
  | 'SIGNERROR'
  | 'NOAUTH'
  | 'FREQUENCY_LIMITED'
  | 'REVERSE_EXPIRE'
  | 'INVALID_REQUEST'
  | 'USER_ACCOUNT_ABNORMAL'

export interface MicropayFacts {
  /** Under the same number, as it is now. */
  trade: Trade | undefined
  terms: string
  auth_code: string
  code: AuthCode | undefined
  user: User | undefined
  total: number
  no_credit: boolean
  now: number
  codeSeconds: number
  /** From this amount on a password is asked for. */
  passwordFen: number
}

/** What is refused, in this order: the number, the code, its user, the means, the money. */
export function decideMicropay(facts: MicropayFacts): MicropayDecision {
  const { trade, code, user, total, passwordFen } = facts
  const refused = numberRefusal(facts) ?? codeRefusal(facts)
  if (refused !== undefined) return { act: 'refuse', code: refused }
  if (code === undefined || user === undefined) return { act: 'refuse', code: 'AUTH_CODE_INVALID' }
  if (trade?.payer_user !== undefined && trade.payer_user !== user.id)
    return { act: 'refuse', code: 'BUYER_MISMATCH' }
  if (user.account === 'closed') return { act: 'refuse', code: 'TRADE_ERROR' }
  if (facts.no_credit && user.pays_with === 'credit')
    return { act: 'refuse', code: 'NOTSUPORTCARD' }
  if (user.balance_fen !== undefined && user.balance_fen < total)
    return { act: 'refuse', code: 'NOTENOUGH' }
  return { act: total >= passwordFen || code.password === true ? 'ask' : 'pay' }
}

/** A number whose payment failed may be tried again by the same payer; any other is taken. */
function numberRefusal({ trade, terms }: MicropayFacts): V2Code | undefined {
  if (trade === undefined) return undefined
  if (trade.trade_type !== 'MICROPAY') return 'OUT_TRADE_NO_USED'
  const byState: Partial<Record<Trade['state'], V2Code>> = {
    SUCCESS: 'ORDERPAID',
    REFUND: 'ORDERPAID',
    CLOSED: 'ORDERCLOSED',
    REVOKED: 'ORDERREVERSED',
  }
  const over = byState[trade.state]
  if (over !== undefined) return over
  if (trade.terms !== terms) return 'OUT_TRADE_NO_USED'
  return trade.state === 'USERPAYING' ? 'USERPAYING' : undefined
}

function codeRefusal({ auth_code, code, now, codeSeconds }: MicropayFacts): V2Code | undefined {
  if (!/^1[0-5]\d{16}$/.test(auth_code)) return 'AUTH_CODE_ERROR'
  if (code === undefined || code.used) return 'AUTH_CODE_INVALID'
  return now > code.shown_at + codeSeconds * 1000 ? 'AUTHCODEEXPIRE' : undefined
}

export type ReverseDecision =
  | { act: 'revoke' | 'refund' | 'done' }
  | { act: 'refuse'; code: V2Code }

/** Whether a payment by code can be taken back: unpaid at once, paid by a refund for `days`, what was refunded not. */
export function decideReverse(
  trade: Trade | undefined,
  now: number,
  days: number,
): ReverseDecision {
  if (trade === undefined) return { act: 'refuse', code: 'ORDERNOTEXIST' }
  if (trade.trade_type !== 'MICROPAY') return { act: 'refuse', code: 'TRADE_ERROR' }
  if (trade.state === 'REVOKED') return { act: 'done' }
  if (trade.state === 'REFUND') return { act: 'refuse', code: 'TRADE_ERROR' }
  if (trade.state !== 'SUCCESS') return { act: 'revoke' }
  const isLate = now > (trade.paid_at ?? now) + days * 86_400_000
  return isLate ? { act: 'refuse', code: 'REVERSE_EXPIRE' } : { act: 'refund' }
}

/** What the till reads beside a code. */
export const v2Words: Record<V2Code, string> = {
  USERPAYING: '需要用户输入支付密码',
  AUTHCODEEXPIRE: '二维码已过期，请用户在微信上刷新后再试',
  AUTH_CODE_ERROR: '付款码参数错误',
  AUTH_CODE_INVALID: '付款码无效，每个二维码仅限使用一次，请刷新再试',
  NOTENOUGH: '余额不足',
  ORDERPAID: '该订单已支付',
  ORDERCLOSED: '订单已关闭',
  ORDERREVERSED: '订单已撤销',
  ORDERNOTEXIST: '此交易订单号不存在',
  NOTSUPORTCARD: '不支持卡类型',
  BUYER_MISMATCH: '暂不支持同一笔订单更换支付方',
  OUT_TRADE_NO_USED: '商户订单号重复',
  APPID_MCHID_NOT_MATCH: 'appid 和 mch_id 不匹配',
  TRADE_ERROR: '交易错误',
  BANKERROR: '银行系统异常',
  SYSTEMERROR: '接口返回错误',
  PARAM_ERROR: '参数错误',
  SIGNERROR: '签名错误',
  NOAUTH: '商户无权限',
  FREQUENCY_LIMITED: '频率超限',
  REVERSE_EXPIRE: '订单无法撤销',
  INVALID_REQUEST: '无效请求',
  USER_ACCOUNT_ABNORMAL: '用户账户异常',
}
