/** Orders of v3: JSAPI (mini-programs too), Native, H5 and app. Placing, asking, closing, and being paid. */
import { canonical } from '../kernel/canonical.ts'
import type { Merchant } from '../kernel/merchants.ts'
import type { Prepay } from '../kernel/prepays.ts'
import { refuse, suffixes } from '../kernel/refusal.ts'
import { fault, type Infer, object, text } from '../kernel/shape.ts'
import { formatCompact } from '../kernel/time.ts'
import { keyOf, type Trade, type TradeType } from '../kernel/trades.ts'
import type { Twin } from '../kernel/twin.ts'
import type { User } from '../kernel/users.ts'
import { checkNotifyUrl } from './notify-url.ts'
import { h5Order, jsapiOrder, plainOrder } from './order-shapes.ts'
import { tradeAnswer } from './trade-answer.ts'

type Order = Infer<typeof plainOrder>
const prefix = '/v3/pay/transactions'

export function register(twin: Twin): void {
  registerPlacing(twin)
  registerAsking(twin)
  twin.prepays.kind('order', {
    show: (ref) => {
      const trade = twin.trades.table.get(ref)
      if (trade === undefined) return undefined
      const { mchid, appid, description, total, state, openid } = twin.trades.current(trade)
      const shown = { mchid, appid, description, total, state }
      return openid === undefined ? shown : { ...shown, openid }
    },
    pay: (ref, user) => pay(twin, ref, user),
  })
}

function registerPlacing(twin: Twin): void {
  twin.v3.route('POST', `${prefix}/jsapi`, { kind: 'order.jsapi', body: jsapiOrder }, (call) => {
    const { openid, identity } = call.body.payer
    if (identity !== undefined) {
      call.open(identity.name, '/payer/identity/name')
      call.open(identity.number, '/payer/identity/number')
    }
    const trade = place(twin, call.merchant, call.body, 'JSAPI', openid)
    return { prepay_id: invite(twin, trade, 'prepay_id').token }
  })
  twin.v3.route('POST', `${prefix}/app`, { kind: 'order.app', body: plainOrder }, (call) => {
    const trade = place(twin, call.merchant, call.body, 'APP')
    return { prepay_id: invite(twin, trade, 'prepay_id').token }
  })
  twin.v3.route('POST', `${prefix}/native`, { kind: 'order.native', body: plainOrder }, (call) => {
    const trade = place(twin, call.merchant, call.body, 'NATIVE')
    twin.prepays.killOthers('order', keyOf(trade.mchid, trade.out_trade_no), 'code_url')
    return { code_url: invite(twin, trade, 'code_url').token }
  })
  twin.v3.route('POST', `${prefix}/h5`, { kind: 'order.h5', body: h5Order }, (call) => {
    const trade = place(twin, call.merchant, call.body, 'MWEB')
    return { h5_url: invite(twin, trade, 'h5_url', call.body.scene_info.payer_client_ip).token }
  })
}

/** The openid must be one of the app's own users. */
export function checkOpenid(twin: Twin, appid: string, openid: string, path = '/payer/openid') {
  const found = twin.users.byOpenid(openid)
  if (found === undefined) fault(path, openid, '无效的 openid', suffixes.openidRequired)
  if (found.appid !== appid) fault(path, openid, 'appid 和 openid 不匹配')
}

/** The appid must be bound to the merchant. */
export function checkAppid(merchant: Merchant, appid: string): void {
  if (!merchant.appids.includes(appid))
    refuse(400, 'APPID_MCHID_NOT_MATCH', '商户号与 appid 不匹配', { suffix: suffixes.notBound })
}

/** The order of this number: a new one, or the same again. Another under the same number is refused, and so is one that is over. */
function place(
  twin: Twin,
  merchant: Merchant,
  body: Order & { payer?: object },
  type: TradeType,
  openid?: string,
): Trade {
  const { trades, settings, clock } = twin
  if (merchant.closed) refuse(400, 'MCH_NOT_EXISTS', '商户号不存在', { suffix: suffixes.merchant })
  checkAppid(merchant, body.appid)
  if (openid !== undefined) checkOpenid(twin, body.appid, openid)
  checkNotifyUrl(twin.profile, body.notify_url)
  const { time_expire, ...rest } = body
  const terms = canonical([type, rest])
  const before = trades.find(merchant.mchid, body.out_trade_no)
  const isOver = twin.faults.take(['expire_now'], {
    method: 'POST',
    paths: [`${prefix}/${type === 'MWEB' ? 'h5' : type.toLowerCase()}`],
    mchid: merchant.mchid,
  })
  if (before !== undefined) return again(twin, before, terms)
  const now = clock.now()
  const least = now + settings.now.leastExpirySeconds * 1000
  const latest = now + settings.now.orderSeconds * 1000
  const trade = trades.add({
    mchid: merchant.mchid,
    appid: body.appid,
    out_trade_no: body.out_trade_no,
    description: body.description,
    ...(body.attach !== undefined && { attach: body.attach }),
    total: body.amount.total,
    trade_type: type,
    state: 'NOTPAY',
    expires_at: time_expire === undefined ? latest : Math.min(Math.max(time_expire, least), latest),
    notify_url: body.notify_url,
    ...(openid !== undefined && { openid }),
    profit_sharing: body.settle_info?.profit_sharing ?? false,
    no_credit: body.limit_pay?.includes('no_credit') ?? false,
    ...(body.scene_info?.device_id !== undefined && { device_id: body.scene_info.device_id }),
    terms,
  })
  return isOver === undefined ? trade : trades.change(trade, { expires_at: now - 1 })
}

function again(twin: Twin, before: Trade, terms: string): Trade {
  const { reorderPaid, reorderClosed } = twin.settings.now
  if (before.trade_type === 'MICROPAY' || before.combine_out_trade_no !== undefined)
    return refuse(403, 'OUT_TRADE_NO_USED', '商户订单号重复', { suffix: suffixes.differentOrder })
  if (before.state === 'NOTPAY' && before.terms === terms) return before
  if (before.state === 'NOTPAY')
    return refuse(400, 'INVALID_REQUEST', '请求重入时，参数与首次请求时不一致', {
      suffix: suffixes.differentOrder,
    })
  if (before.state === 'CLOSED')
    return refuse(reorderClosed.status, reorderClosed.code, '该订单已关闭，请重新下单', {
      suffix: suffixes.orderExpired,
    })
  return refuse(reorderPaid.status, reorderPaid.code, '该订单已支付', {
    suffix: suffixes.orderPaid,
  })
}

function invite(twin: Twin, trade: Trade, via: Prepay['via'], address?: string): Prepay {
  const { clock, prepays, settings } = twin
  const now = clock.now()
  const { prepaySeconds, codeUrlSeconds, h5UrlSeconds } = settings.now
  const seconds = { prepay_id: prepaySeconds, code_url: codeUrlSeconds, h5_url: h5UrlSeconds }[via]
  return prepays.add({
    token: newToken(twin, via),
    via,
    kind: 'order',
    ref: keyOf(trade.mchid, trade.out_trade_no),
    mchid: trade.mchid,
    expires_at: Math.min(now + seconds * 1000, trade.expires_at),
    ...(address !== undefined && { address }),
  })
}

/** In WeChat's own forms: `wx…`, `weixin://…`, and the address of the page between browser and WeChat. */
export function newToken(twin: Twin, via: Prepay['via']): string {
  const { random } = twin
  if (via === 'code_url') return `weixin://wxpay/bizpayurl?pr=${random.letters(11)}`
  const id = `wx${formatCompact(twin.clock.now()).slice(6)}${random.hex(26)}`
  if (via === 'prepay_id') return id
  const page = '/cgi-bin/mmpayweb-bin/checkmweb'
  return `${twin.url}${page}?prepay_id=${id}&package=${random.digits(10)}`
}

function registerAsking(twin: Twin): void {
  const query = object({ mchid: text({ max: 32 }) })
  const asking = { kind: 'order.query', query }
  twin.v3.route('GET', `${prefix}/out-trade-no/{no}`, asking, ({ merchant, params }) => {
    const no = params['no'] ?? ''
    const call = { method: 'GET', paths: [`${prefix}/out-trade-no/${no}`], mchid: merchant.mchid }
    if (twin.faults.take(['expire_now'], call) !== undefined) expire(twin, merchant.mchid, no)
    return tradeAnswer(known(twin, merchant, twin.trades.find(merchant.mchid, no)))
  })
  twin.v3.route('GET', `${prefix}/id/{id}`, asking, ({ merchant, params }) => {
    const id = params['id'] ?? ''
    if (!/^\d{28,32}$/.test(id)) fault('/transaction_id', id, '格式不正确')
    return tradeAnswer(known(twin, merchant, twin.trades.findByTransaction(id)))
  })

  const closing = { kind: 'order.close', body: query }
  twin.v3.route('POST', `${prefix}/out-trade-no/{no}/close`, closing, ({ merchant, params }) => {
    close(twin, known(twin, merchant, twin.trades.find(merchant.mchid, params['no'] ?? '')))
    return undefined
  })
}

function known(twin: Twin, merchant: Merchant, trade: Trade | undefined): Trade {
  if (trade !== undefined && trade.mchid === merchant.mchid) return twin.trades.current(trade)
  return refuse(404, 'ORDER_NOT_EXIST', '订单不存在', { suffix: suffixes.noOrder })
}

function close(twin: Twin, trade: Trade): void {
  if (trade.trade_type === 'MICROPAY')
    refuse(400, 'INVALID_REQUEST', '付款码订单不支持关单，请调用撤销', {
      suffix: suffixes.onlyReverse,
    })
  if (trade.combine_out_trade_no !== undefined)
    refuse(400, 'INVALID_REQUEST', '合单订单请调用合单关单接口')
  if (trade.state === 'CLOSED') return
  if (trade.state !== 'NOTPAY')
    refuse(twin.settings.now.closePaidStatus, 'ORDER_PAID', '该订单已支付', {
      suffix: suffixes.alreadyPaid,
    })
  twin.trades.change(trade, { state: 'CLOSED' })
}

/** Lets an unpaid order run out at once. */
export function expire(twin: Twin, mchid: string, outTradeNo: string): void {
  const trade = twin.trades.find(mchid, outTradeNo)
  if (trade?.state === 'NOTPAY')
    twin.trades.change(trade, { expires_at: twin.clock.now() - 1, state: 'CLOSED' })
}

function pay(twin: Twin, ref: string, user: User) {
  const found = twin.trades.table.get(ref)
  if (found === undefined) return { paid: false, why: 'no_such_order' } as const
  const trade = twin.trades.current(found)
  const why = twin.users.whyNot(user, trade) ?? whyNotPayable(trade)
  if (why !== undefined) return { paid: false, why } as const
  if (!twin.users.spend(user.id, trade.total)) return { paid: false, why: 'not_enough' } as const
  const paid = twin.trades.markPaid(trade, user)
  tellPaid(twin, paid)
  return { paid: true, transaction_id: paid.transaction_id ?? '' } as const
}

function whyNotPayable(trade: Trade): string | undefined {
  if (trade.state === 'NOTPAY') return undefined
  return trade.state === 'CLOSED' ? 'order_closed' : 'order_paid'
}

function tellPaid(twin: Twin, trade: Trade): void {
  if (trade.notify_url === undefined) return
  twin.notifier.tell({
    mchid: trade.mchid,
    url: trade.notify_url,
    event_type: 'TRANSACTION.SUCCESS',
    original_type: 'transaction',
    summary: '支付成功',
    ref: trade.out_trade_no,
    plain: tradeAnswer(trade),
  })
}
