/** How a handler says no: a thrown value that carries everything of WeChat's error body and its HTTP status. */

/** Numeric suffixes of `Request-ID`. */
export const suffixes = {
  ok: 0,
  parameter: 268435461,
  range: 268435464,
  signature: 268443699,
  merchant: 268443715,
  notBound: 268445527,
  frequency: 268447840,
  otherMerchant: 268447843,
  orderExpired: 268447914,
  alreadyPaid: 268449538,
  onlyReverse: 268449641,
  differentOrder: 268498688,
  orderPaid: 268498689,
  openidRequired: 268501013,
  noOrder: 268512771,
  extraMember: 270924358,
} as const

export interface Detail {
  /** A JSON pointer for a fault of the body, a name for one of the query. */
  field: string
  value?: unknown
  issue: string
  location: 'body' | 'query' | 'path' | 'header'
}

export class WechatRefusal extends Error {
  readonly status: number
  readonly code: string
  readonly suffix: number
  readonly detail: Detail | undefined
  /** 401 answers and what comes before authentication go without a signature. */
  readonly unsigned: boolean

  constructor(
    status: number,
    code: string,
    message: string,
    more: { suffix?: number; detail?: Detail; unsigned?: boolean } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.suffix = more.suffix ?? suffixes.parameter
    this.detail = more.detail
    this.unsigned = more.unsigned ?? false
  }
}

/** Throws a refusal: `refuse(403, 'OUT_TRADE_NO_USED', '商户订单号重复')`. */
export function refuse(
  status: number,
  code: string,
  message: string,
  more: { suffix?: number; detail?: Detail; unsigned?: boolean } = {},
): never {
  throw new WechatRefusal(status, code, message, more)
}
