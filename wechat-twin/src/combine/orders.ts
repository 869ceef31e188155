/**
 * Combined orders (合单): placed as one, paid all or none, each part a trade of its own afterwards, with a
 * transaction_id to refund and share by.
 */
import { canonical } from '../kernel/canonical.ts'
import type { Merchant } from '../kernel/merchants.ts'
import type { Prepay } from '../kernel/prepays.ts'
import { refuse, suffixes } from '../kernel/refusal.ts'
import { type Infer, object } from '../kernel/shape.ts'
import { formatTime } from '../kernel/time.ts'
import { stateWords, type Trade, type TradeType } from '../kernel/trades.ts'
import type { Twin } from '../kernel/twin.ts'
import type { User } from '../kernel/users.ts'
import { checkNotifyUrl } from '../v3/notify-url.ts'
import { checkAppid, checkOpenid, newToken } from '../v3/orders.ts'
import { checkParts, isSameParts, type Part } from './model.ts'
import { closeCombine, h5Combine, jsapiCombine, plainCombine } from './shapes.ts'

interface Combined {
  combine_mchid: string
  combine_appid: string
  combine_out_trade_no: string
  notify_url: string
  expires_at: number
  terms: string
  device_id?: string
  parts: Part[]
}

type Body = Infer<typeof plainCombine>
const prefix = '/v3/combine-transactions'

export function register(twin: Twin): void {
  new CombinedOrders(twin).hang()
}

class CombinedOrders {
  readonly #table
  readonly #twin: Twin

  constructor(twin: Twin) {
    this.#twin = twin
    this.#table = twin.store.table<Combined>('combined')
  }

  hang(): void {
    const { v3, prepays } = this.#twin
    v3.route('POST', `${prefix}/jsapi`, { kind: 'order.jsapi', body: jsapiCombine }, (call) => {
      const { openid } = call.body.combine_payer_info
      checkOpenid(this.#twin, call.body.combine_appid, openid, '/combine_payer_info/openid')
      return {
        prepay_id: this.#invite(this.#place(call.merchant, call.body, 'JSAPI'), 'prepay_id'),
      }
    })
    v3.route('POST', `${prefix}/app`, { kind: 'order.app', body: plainCombine }, (call) => ({
      prepay_id: this.#invite(this.#place(call.merchant, call.body, 'APP'), 'prepay_id'),
    }))
    v3.route('POST', `${prefix}/native`, { kind: 'order.native', body: plainCombine }, (call) => {
      const order = this.#place(call.merchant, call.body, 'NATIVE')
      prepays.killOthers('combined', keyOf(order), 'code_url')
      return { code_url: this.#invite(order, 'code_url') }
    })
    v3.route('POST', `${prefix}/h5`, { kind: 'order.h5', body: h5Combine }, (call) => ({
      h5_url: this.#invite(this.#place(call.merchant, call.body, 'MWEB'), 'h5_url'),
    }))
    const asking = { kind: 'order.query', query: object({}) }
    v3.route('GET', `${prefix}/out-trade-no/{no}`, asking, ({ merchant, params }) =>
      this.#answer(this.#known(merchant, params['no'])),
    )
    const closing = { kind: 'order.close', body: closeCombine }
    v3.route('POST', `${prefix}/out-trade-no/{no}/close`, closing, ({ merchant, body, params }) => {
      const order = this.#known(merchant, params['no'])
      checkAppid(merchant, body.combine_appid)
      this.#close(order, body.sub_orders)
      return undefined
    })
    prepays.kind('combined', {
      show: (ref) => {
        const order = this.#table.get(ref)
        return order === undefined ? undefined : this.#shown(order)
      },
      pay: (ref, user) => this.#pay(ref, user),
    })
  }

  /**
   * Throws in this order: merchant closed, appid, notify_url, parts, a merchant of a part that is not there or not bound to
   * the appid, the combined number used otherwise, a part's number used, over, paid.
   */
  #place(merchant: Merchant, body: Body, type: TradeType): Combined {
    const twin = this.#twin
    if (merchant.closed)
      refuse(400, 'MCH_NOT_EXISTS', '商户号不存在', { suffix: suffixes.merchant })
    checkAppid(merchant, body.combine_appid)
    checkNotifyUrl(twin.profile, body.notify_url)
    checkParts(body.sub_orders, Array.isArray(merchant.more['sub_mchids']))
    for (const part of body.sub_orders) this.#checkMerchant(part.mchid, body.combine_appid)
    const { time_start: _, time_expire: __, ...rest } = body
    const terms = canonical([type, rest])
    const before = this.#table.get(`${merchant.mchid}|${body.combine_out_trade_no}`)
    if (before !== undefined) return this.#again(before, terms)
    for (const { mchid, out_trade_no } of body.sub_orders)
      if (twin.trades.find(mchid, out_trade_no) !== undefined)
        refuse(403, 'OUT_TRADE_NO_USED', '子单商户订单号重复', { suffix: suffixes.differentOrder })
    return this.#add(merchant, body, type, terms)
  }

  #add(merchant: Merchant, body: Body, type: TradeType, terms: string): Combined {
    const { trades, clock, settings } = this.#twin
    const now = clock.now()
    const least = now + settings.now.leastExpirySeconds * 1000
    const latest = now + settings.now.orderSeconds * 1000
    const given = body.time_expire ?? latest
    const expires_at = Math.min(Math.max(given, least), latest)
    const openid = body.combine_payer_info?.openid
    const device = body.scene_info?.device_id
    for (const part of body.sub_orders)
      trades.add({
        mchid: part.mchid,
        appid: body.combine_appid,
        out_trade_no: part.out_trade_no,
        description: part.description,
        attach: part.attach,
        total: part.amount.total_amount,
        trade_type: type,
        state: 'NOTPAY',
        expires_at,
        ...(openid !== undefined && { openid }),
        profit_sharing: part.settle_info?.profit_sharing ?? false,
        no_credit: false,
        ...(device !== undefined && { device_id: device }),
        terms,
        combine_out_trade_no: body.combine_out_trade_no,
      })
    const order: Combined = {
      combine_mchid: merchant.mchid,
      combine_appid: body.combine_appid,
      combine_out_trade_no: body.combine_out_trade_no,
      notify_url: body.notify_url,
      expires_at,
      terms,
      ...(device !== undefined && { device_id: device }),
      parts: body.sub_orders.map(({ mchid, out_trade_no }) => ({ mchid, out_trade_no })),
    }
    return this.#table.set(keyOf(order), order)
  }

  #checkMerchant(mchid: string, appid: string): void {
    const found = this.#twin.merchants.find(mchid)
    if (found !== undefined && !found.closed) checkAppid(found, appid)
    else refuse(400, 'MCH_NOT_EXISTS', '子单商户号不存在', { suffix: suffixes.merchant })
  }

  #again(before: Combined, terms: string): Combined {
    const { reorderPaid, reorderClosed } = this.#twin.settings.now
    if (before.terms !== terms)
      return refuse(400, 'INVALID_REQUEST', '请求重入时，参数与首次请求时不一致', {
        suffix: suffixes.differentOrder,
      })
    const state = this.#stateOf(before)
    if (state === 'NOTPAY') return before
    const how = state === 'CLOSED' ? reorderClosed : reorderPaid
    return refuse(
      how.status,
      how.code,
      state === 'CLOSED' ? '该订单已关闭，请重新下单' : '该订单已支付',
      {
        suffix: state === 'CLOSED' ? suffixes.orderExpired : suffixes.orderPaid,
      },
    )
  }

  #invite(order: Combined, via: Prepay['via']): string {
    const { clock, prepays, settings } = this.#twin
    const { prepaySeconds, codeUrlSeconds, h5UrlSeconds } = settings.now
    const seconds = { prepay_id: prepaySeconds, code_url: codeUrlSeconds, h5_url: h5UrlSeconds }[
      via
    ]
    return prepays.add({
      token: newToken(this.#twin, via),
      via,
      kind: 'combined',
      ref: keyOf(order),
      mchid: order.combine_mchid,
      expires_at: Math.min(clock.now() + seconds * 1000, order.expires_at),
    }).token
  }

  #tradesOf(order: Combined): Trade[] {
    return order.parts.flatMap(({ mchid, out_trade_no }) => {
      const trade = this.#twin.trades.find(mchid, out_trade_no)
      return trade === undefined ? [] : [trade]
    })
  }

  /** Of all parts, which are paid and closed together. */
  #stateOf(order: Combined): Trade['state'] {
    return this.#tradesOf(order)[0]?.state ?? 'CLOSED'
  }

  #known(merchant: Merchant, no: string | undefined): Combined {
    const order = this.#table.get(`${merchant.mchid}|${no}`)
    return order ?? refuse(404, 'ORDER_NOT_EXIST', '订单不存在', { suffix: suffixes.noOrder })
  }

  #close(order: Combined, named: readonly Part[]): void {
    if (!isSameParts(order.parts, named))
      refuse(400, 'INVALID_REQUEST', '关单需传入全部子单，且与下单时一致')
    const state = this.#stateOf(order)
    if (state === 'CLOSED') return
    if (state !== 'NOTPAY')
      refuse(this.#twin.settings.now.closePaidStatus, 'ORDER_PAID', '该订单已支付', {
        suffix: suffixes.alreadyPaid,
      })
    for (const trade of this.#tradesOf(order)) this.#twin.trades.change(trade, { state: 'CLOSED' })
  }

  #shown(order: Combined) {
    const trades = this.#tradesOf(order)
    return {
      mchid: order.combine_mchid,
      appid: order.combine_appid,
      description: trades.map(({ description }) => description).join('、'),
      total: trades.reduce((sum, { total }) => sum + total, 0),
      state: this.#stateOf(order),
    }
  }

  #pay(ref: string, user: User) {
    const { trades, users } = this.#twin
    const order = this.#table.get(ref)
    const parts = order === undefined ? [] : this.#tradesOf(order)
    const [first] = parts
    if (order === undefined || first === undefined)
      return { paid: false, why: 'no_such_order' } as const
    const why = users.whyNot(user, first)
    if (why !== undefined) return { paid: false, why } as const
    const { state, total } = this.#shown(order)
    if (state !== 'NOTPAY')
      return { paid: false, why: state === 'CLOSED' ? 'order_closed' : 'order_paid' } as const
    if (!users.spend(user.id, total)) return { paid: false, why: 'not_enough' } as const
    const paid = parts.map((trade) => trades.markPaid(trade, user))
    this.#tell(order)
    return { paid: true, transaction_id: paid[0]?.transaction_id ?? '' } as const
  }

  #tell(order: Combined): void {
    this.#twin.notifier.tell({
      mchid: order.combine_mchid,
      url: order.notify_url,
      event_type: 'TRANSACTION.SUCCESS',
      original_type: 'transaction',
      summary: '支付成功',
      ref: order.combine_out_trade_no,
      plain: this.#answer(order),
    })
  }

  #answer(order: Combined): Record<string, unknown> {
    const trades = this.#tradesOf(order)
    const payer = trades[0]?.payer_openid
    return {
      combine_appid: order.combine_appid,
      combine_mchid: order.combine_mchid,
      combine_out_trade_no: order.combine_out_trade_no,
      ...(order.device_id !== undefined && { scene_info: { device_id: order.device_id } }),
      sub_orders: trades.map(partAnswer),
      ...(payer !== undefined && { combine_payer_info: { openid: payer } }),
    }
  }
}

function partAnswer(trade: Trade): Record<string, unknown> {
  const paid = trade.transaction_id !== undefined
  return {
    mchid: trade.mchid,
    trade_type: trade.trade_type,
    trade_state: trade.state,
    trade_state_desc: stateWords[trade.state],
    ...(paid && {
      bank_type: trade.bank_type,
      success_time: formatTime(trade.paid_at ?? 0),
      transaction_id: trade.transaction_id,
      promotion_detail: [],
    }),
    attach: trade.attach ?? '',
    amount: {
      total_amount: trade.total,
      currency: 'CNY',
      ...(paid && { payer_amount: trade.total, payer_currency: 'CNY' }),
    },
    out_trade_no: trade.out_trade_no,
  }
}

function keyOf(order: Combined): string {
  return `${order.combine_mchid}|${order.combine_out_trade_no}`
}
