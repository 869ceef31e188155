/**
 * How WeChat's account, mini-program and card APIs say no: HTTP 200 and `{errcode, errmsg}`. Every code that this local
 * WeChat answers stands here once, with its words.
 */

const words = {
  [-1]: 'system error',
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40009: 'invalid image size',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40030: 'invalid refresh_token',
  40036: 'invalid template_id size',
  40037: 'invalid template_id',
  40053: 'invalid action info',
  40056: 'invalid serial code',
  40071: 'invalid card type',
  40072: 'invalid code type',
  40078: 'invalid card status',
  40079: 'invalid time',
  40080: 'invalid CardExt',
  40097: 'invalid args',
  40099: 'code has been consumed',
  40100: 'invalid time range',
  40116: 'invalid code',
  40122: 'invalid sku quantity',
  40124: 'custom_field over limit',
  40125: 'invalid appsecret',
  40127: 'invalid user-card status! code deleted or gifted',
  40163: 'code been used',
  40164: 'invalid ip',
  40226: 'high risk user, login failed',
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  41008: 'missing code',
  41009: 'missing openid',
  41011: 'missing required fields',
  41012: 'missing cardid',
  41030: 'invalid page',
  42001: 'access_token expired',
  42002: 'refresh_token expired',
  42003: 'code expired',
  42007: 'access_token and refresh_token exception by changing password',
  43001: 'require GET method',
  43002: 'require POST method',
  43004: 'require subscribe',
  43009: 'not have sn permission',
  43010: 'not have balance permission',
  43101: 'user refuse to accept the msg',
  44002: 'empty post data',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  45015: 'response out of time limit or subscription is canceled',
  45021: 'field length exceeds limit',
  45030: 'no permission for this card',
  45031: 'not enough stock',
  45033: 'user get card count exceeds get_limit',
  45047: 'out of response count limit',
  45061: 'update member card too often',
  47001: 'data format error',
  47003: 'argument invalid!',
  48001: 'api unauthorized',
  48004: 'api forbidden for irregularities',
  48006: 'forbid to clear quota because of reaching the limit',
  50001: 'user unauthorized',
  50002: 'user limited',
  10060001: '支付单不存在',
  10060002: '支付单已完成发货，无法继续发货',
  10060003: '支付单已使用重新发货机会',
  10060004: '支付单处于不可发货的状态',
  10060005: '物流类型有误',
  10060006: '非快递发货时不允许分拆发货',
  10060007: '分拆发货模式下必须填写 is_all_delivered 字段',
  10060008: '商品描述 item_desc 字段不能为空',
  10060009: '商品描述 item_desc 字段太长',
  10060014: '参数错误',
  10060023: '发货信息未更新',
  10060024: '物流信息列表太长',
  10060025: '物流公司编码太长',
  10060026: '物流单号太长',
  10060031: '该笔支付单不属于 openid 所指定的用户',
  268485195: '微信支付单号形式下 transaction_id 字段不能为空',
  268485196: '商户侧单号形式下 mchid 字段不能为空',
  268485194: '商户侧单号形式下 out_trade_no 字段不能为空',
  268485216: '上传时间非法，请按照 RFC 3339 格式填写',
  268485224: '发货模式非法',
} as const

export type Errcode = keyof typeof words

export const errcodes: readonly number[] = Object.keys(words).map(Number)

/**
 * A refusal is thrown here, not returned: sixty calls read their bodies member by member, and the one frame that answers
 * them catches it. Nothing may have been written before it is thrown.
 */
export class Refused extends Error {
  readonly errcode: Errcode

  /** `hint` names the member or the value that was wrong. */
  constructor(errcode: Errcode, hint?: string) {
    super(hint === undefined ? words[errcode] : `${words[errcode]} ${hint}`)
    this.errcode = errcode
  }
}
