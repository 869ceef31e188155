/**
 * WeChat Pay in this process, behind the port: as much of it as payments at tills, shares and bills need, its money
 * counted, and every call able to be refused, to get lost before or after its work, or to hang for ever.
 */
import type { Fen, Instant, WechatAccountId } from '@lika/contract'
import type {
  Answer,
  Invitation,
  Refund,
  Trade,
  TradeState,
  WechatPay,
} from '../../server/src/modules/wechat/index.ts'

/** What happens to a call: `lost` does the work, `unsent` does not, and nobody hears of either; `hung` never answers. */
export type Fate = 'refused' | 'lost' | 'unsent' | 'hung'

interface Order {
  outTradeNo: string
  amount: Fen
  appid: string
  openid: string | undefined
  expiresAt: Instant
  state: TradeState
  transactionId: string
  paidAt: Instant | undefined
  refunded: Fen
  isMicropay: boolean
}

export const fakeMchid = '1900000001'
export const fakeAppid = 'wx0000000000000001'
export const fakeAccount = '01900000-0000-7000-8000-00000000aaaa' as WechatAccountId

export class FakeWechatPay {
  readonly orders = new Map<string, Order>()
  readonly refunds = new Map<string, Refund & { asked: number }>()
  /** Methods in the order in which they were called. */
  readonly calls: string[] = []
  /** What a shown code leads to: paid at once, a password to type, or no money. */
  codeLeadsTo: 'paid' | 'password' | 'no_money' = 'paid'
  /** What refunds become when they are asked about. */
  refundsEnd: Refund['state'] = 'succeeded'
  readonly #now: () => Instant
  readonly #fates: { method: string; fate: Fate; code: string }[] = []
  readonly #hung: (() => void)[] = []

  constructor(now: () => Instant) {
    this.#now = now
  }

  get port(): WechatPay {
    return this as unknown as WechatPay
  }

  /** Of the next call of that method; of the one after it, when said again. `code`: why it is refused. */
  next(method: string, fate: Fate, code = 'SYSTEM_REFUSED'): void {
    this.#fates.push({ method, fate, code })
  }

  /** Calls that hang end, without an answer. */
  letGo(): void {
    for (const resolve of this.#hung) resolve()
  }

  /** What the merchant has got and not given back. */
  get balance(): Fen {
    let sum = 0n
    for (const order of this.orders.values())
      if (order.paidAt !== undefined && order.state !== 'revoked')
        sum += order.amount - order.refunded
    return sum
  }

  /** The payer pays; false: the order cannot be paid. */
  pay(outTradeNo: string): boolean {
    const order = this.#live(outTradeNo)
    if (order === undefined || (order.state !== 'not_paid' && order.state !== 'paying'))
      return false
    order.state = 'paid'
    order.paidAt = this.#now()
    return true
  }

  /** As a notification tells it. */
  tradeOf(outTradeNo: string): Trade {
    const order = this.#live(outTradeNo)
    if (order === undefined) throw new Error(`no order ${outTradeNo}`)
    return tradeFrom(order)
  }

  prepay = this.#faulty(
    'prepay',
    (_: WechatAccountId, asked: Parameters<WechatPay['prepay']>[1]): Answer<Invitation> => {
      const { outTradeNo, amount, appid, openid, expiresAt, scene } = asked
      const known = this.#live(outTradeNo)
      if (known !== undefined && known.state !== 'not_paid') return refuse('ORDER_CLOSED')
      this.#put({ outTradeNo, amount, appid, openid, expiresAt, isMicropay: false })
      if (scene === 'h5') return refuse('PARAM_ERROR')
      if (scene === 'native') return done({ scene, codeUrl: `weixin://pay/${outTradeNo}` })
      const parameters = { timeStamp: '1', nonceStr: 'n', package: 'prepay_id=1', signType: 'RSA' }
      return done({ scene, parameters: { ...parameters, paySign: 's' } })
    },
  )

  query = this.#faulty('query', (_: WechatAccountId, outTradeNo: string) => this.#asked(outTradeNo))

  queryMicropay = this.#faulty('queryMicropay', (_: WechatAccountId, outTradeNo: string) =>
    this.#asked(outTradeNo),
  )

  close = this.#faulty('close', (_: WechatAccountId, outTradeNo: string) => {
    const order = this.#live(outTradeNo)
    if (order === undefined) return refuse('ORDER_NOT_EXIST')
    if (order.paidAt !== undefined) return refuse('ORDER_PAID')
    order.state = 'closed'
    return done('closed' as const)
  })

  micropay = this.#faulty(
    'micropay',
    (_: WechatAccountId, asked: Parameters<WechatPay['micropay']>[1]) => {
      const { outTradeNo, amount, appid } = asked
      const expiresAt = this.#now() + 3_600_000
      if (this.codeLeadsTo === 'no_money') return refuse('NOT_ENOUGH')
      this.#put({ outTradeNo, amount, appid, openid: 'o1', expiresAt, isMicropay: true })
      const order = this.orders.get(outTradeNo)
      if (order !== undefined) order.state = 'paying'
      if (this.codeLeadsTo === 'paid') this.pay(outTradeNo)
      return done(this.tradeOf(outTradeNo))
    },
  )

  reverse = this.#faulty('reverse', (_: WechatAccountId, outTradeNo: string) => {
    const order = this.#live(outTradeNo)
    if (order === undefined) return refuse('ORDER_NOT_EXIST')
    order.state = 'revoked'
    return done('reversed' as const)
  })

  refund = this.#faulty(
    'refund',
    (_: WechatAccountId, asked: Parameters<WechatPay['refund']>[1]) => {
      const { outTradeNo, outRefundNo, amount } = asked
      const known = this.refunds.get(outRefundNo)
      if (known !== undefined) {
        known.asked += 1
        return done<Refund>(known)
      }
      const order = this.#live(outTradeNo)
      if (order?.paidAt === undefined) return refuse('RESOURCE_NOT_EXISTS')
      if (order.refunded + amount > order.amount) return refuse('INVALID_REQUEST')
      order.refunded += amount
      order.state = 'refunded'
      const refundId = `50${this.refunds.size}`
      const row = { outRefundNo, outTradeNo, refundId, state: 'processing' as const, amount }
      this.refunds.set(outRefundNo, { ...row, asked: 1 })
      return done<Refund>(row)
    },
  )

  queryRefund = this.#faulty('queryRefund', (_: WechatAccountId, outRefundNo: string) => {
    const known = this.refunds.get(outRefundNo)
    if (known === undefined) return refuse('RESOURCE_NOT_EXISTS')
    if (known.asked > 0) this.refunds.set(outRefundNo, { ...known, state: this.refundsEnd })
    return done<Refund>(this.refunds.get(outRefundNo) ?? known)
  })

  #asked(outTradeNo: string): Answer<Trade> {
    const order = this.#live(outTradeNo)
    return order === undefined ? refuse('ORDER_NOT_EXIST') : done(tradeFrom(order))
  }

  /** Past its time nobody can pay it any more. */
  #live(outTradeNo: string): Order | undefined {
    const order = this.orders.get(outTradeNo)
    if (order?.state === 'not_paid' && this.#now() >= order.expiresAt) order.state = 'closed'
    return order
  }

  #put(
    asked: Pick<Order, 'outTradeNo' | 'amount' | 'appid' | 'openid' | 'expiresAt' | 'isMicropay'>,
  ) {
    if (this.orders.has(asked.outTradeNo)) return
    const transactionId = `42${this.orders.size}`
    const rest = { state: 'not_paid' as const, transactionId, paidAt: undefined, refunded: 0n }
    this.orders.set(asked.outTradeNo, { ...asked, ...rest })
  }

  #faulty<A extends unknown[], T>(method: string, work: (...given: A) => Answer<T>) {
    return async (...given: A): Promise<Answer<T>> => {
      this.calls.push(method)
      const at = this.#fates.findIndex((one) => one.method === method)
      const [fate] = at === -1 ? [] : this.#fates.splice(at, 1)
      if (fate === undefined) return work(...given)
      if (fate.fate === 'refused') return refuse(fate.code)
      if (fate.fate === 'unsent') return { status: 'unknown', why: 'nothing was sent' }
      work(...given)
      if (fate.fate === 'hung') await new Promise<void>((resolve) => this.#hung.push(resolve))
      return { status: 'unknown', why: 'the answer was lost' }
    }
  }
}

function tradeFrom(order: Order): Trade {
  const { outTradeNo, state, appid, openid, amount, transactionId, paidAt } = order
  const base = { outTradeNo, state, mchid: fakeMchid, appid }
  return paidAt === undefined ? base : { ...base, openid, amount, transactionId, paidAt }
}

function done<T>(value: T): Answer<T> {
  return { status: 'done', value }
}

function refuse(code: string): Answer<never> {
  return { status: 'refused', code, detail: code }
}
