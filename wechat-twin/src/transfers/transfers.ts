/**
 * `/v3/fund-app/mch-transfer/transfer-bills`: money to a person, which the person must want. It leaves the merchant when the
 * transfer is made and comes back when it fails, is cancelled, or nobody confirmed it in time.
 */
import { control } from '../control/control.ts'
import { known } from '../control/merchants.ts'
import { canonical } from '../kernel/canonical.ts'
import type { Merchant } from '../kernel/merchants.ts'
import { refuse } from '../kernel/refusal.ts'
import { fault, integer, list, object, oneOf, optional, text } from '../kernel/shape.ts'
import { formatTime } from '../kernel/time.ts'
import type { Twin } from '../kernel/twin.ts'
import type { User } from '../kernel/users.ts'
import type { V3Call } from '../v3/gate.ts'
import { checkNotifyUrl } from '../v3/notify-url.ts'
import { checkAppid, checkOpenid } from '../v3/orders.ts'
import { failReasons, keyOf, shown, type TransferBill } from './bill.ts'
import { after, checkScene, isFinal, type TransferEvent } from './model.ts'

const prefix = '/v3/fund-app/mch-transfer/transfer-bills'

const body = object({
  appid: text({ max: 32 }),
  out_bill_no: text({ max: 32, pattern: /^[0-9A-Za-z]+$/ }),
  transfer_scene_id: text({ max: 36 }),
  openid: text({ max: 64 }),
  user_name: optional(text({ max: 1024 })),
  transfer_amount: integer({ min: 1 }),
  transfer_remark: text({ max: 32 }),
  notify_url: optional(text({ max: 256 })),
  user_recv_perception: optional(text({ max: 36 })),
  transfer_scene_report_infos: list(
    object({ info_type: text({ max: 15 }), info_content: text({ max: 32 }) }),
    { max: 10 },
  ),
})
type Body = ReturnType<(typeof body)['read']>

export function register(twin: Twin): void {
  new Transfers(twin).hang()

  // A merchant charges its account up (or takes something out): what transfers are paid from.
  const recharge = object({ fen: integer({ min: -1e12 }) })
  control(
    twin,
    'POST',
    '/_twin/merchants/{mchid}/recharge',
    recharge,
    ({ body: { fen }, params }) => {
      const { mchid } = known(twin, params['mchid'])
      const serial = `1${twin.random.digits(27)}`
      twin.trades.move({ mchid, kind: 'other', amount: fen, serial, out_no: '' })
      return { balance_fen: twin.trades.balanceOf(mchid) }
    },
  )
}

class Transfers {
  readonly #bills
  readonly #byNumber
  readonly #byPackage
  readonly #twin: Twin

  constructor(twin: Twin) {
    this.#twin = twin
    this.#bills = twin.store.table<TransferBill>('transfers')
    this.#byNumber = this.#bills.index(({ transfer_bill_no }) => transfer_bill_no)
    this.#byPackage = this.#bills.index(({ package_info }) => package_info)
  }

  hang(): void {
    const { v3, schedule } = this.#twin
    schedule.on<{ key: string; event: TransferEvent; reason?: string }>(
      'transfer',
      ({ key, event, reason }, at) => this.#step(key, event, at, reason),
    )
    v3.route('POST', prefix, { kind: 'transfer.create', body }, (call) => {
      const bill = this.#make(call)
      const { out_bill_no, transfer_bill_no, state, package_info } = bill
      const create_time = formatTime(bill.created_at)
      const open = state === 'WAIT_USER_CONFIRM' ? { package_info } : {}
      return { out_bill_no, transfer_bill_no, create_time, state, ...open }
    })
    v3.route('GET', `${prefix}/out-bill-no/{no}`, { kind: 'transfer.query' }, (call) =>
      shown(
        this.#recent(this.#bills.get(`${call.merchant.mchid}|${call.params['no']}`), call.merchant),
      ),
    )
    v3.route('GET', `${prefix}/transfer-bill-no/{no}`, { kind: 'transfer.query' }, (call) =>
      shown(this.#recent(this.#byNumber.first(call.params['no'] ?? ''), call.merchant)),
    )
    v3.route('POST', `${prefix}/out-bill-no/{no}/cancel`, { kind: 'transfer.cancel' }, (call) => {
      const bill = this.#cancel(call.merchant, call.params['no'] ?? '')
      const { out_bill_no, transfer_bill_no, state, updated_at } = bill
      return { out_bill_no, transfer_bill_no, state, update_time: formatTime(updated_at) }
    })
    this.#hangDoings()
  }

  #hangDoings(): void {
    const given = object({ package_info: text({ max: 1024 }) })
    this.#twin.doing('confirm_transfer', (user, more) => {
      const key = this.#mine(user, given.read(more, '').package_info)
      this.#step(key, 'confirm', this.#twin.clock.now())
      return { state: this.#rowOf(key).state }
    })
    // What goes wrong between the user's yes and the money; before it, without a yes.
    const failing = object({ package_info: text({ max: 1024 }), reason: oneOf(...failReasons) })
    this.#twin.doing('fail_transfer', (user, more) => {
      const { package_info, reason } = failing.read(more, '')
      const key = this.#mine(user, package_info)
      this.#step(key, 'fail', this.#twin.clock.now(), reason)
      return { state: this.#rowOf(key).state }
    })
  }

  /**
   * Throws in this order: appid, openid, notify_url, amount too small, scene, name missing or undecipherable, the number used
   * otherwise, name not the user's, the merchant's money.
   */
  #make(call: V3Call<Body, unknown>): TransferBill {
    const { merchant, body: asked } = call
    const { transferLeastFen, transferNameFen } = this.#twin.settings.now
    checkAppid(merchant, asked.appid)
    checkOpenid(this.#twin, asked.appid, asked.openid, '/openid')
    if (asked.notify_url !== undefined) checkNotifyUrl(this.#twin.profile, asked.notify_url)
    if (asked.transfer_amount < transferLeastFen)
      fault('/transfer_amount', asked.transfer_amount, `小于最小值 ${transferLeastFen}`)
    checkScene(
      asked.transfer_scene_id,
      asked.transfer_scene_report_infos.map(({ info_type }) => info_type),
    )
    if (asked.transfer_amount >= transferNameFen && asked.user_name === undefined)
      fault('/user_name', undefined, '转账金额达到 2,000 元时必填')
    const name =
      asked.user_name === undefined ? undefined : call.open(asked.user_name, '/user_name')
    // The same name is another text each time that it is encrypted.
    const terms = canonical({ ...asked, user_name: name ?? '' })
    const key = `${merchant.mchid}|${asked.out_bill_no}`
    const known = this.#bills.get(key)
    if (known !== undefined && known.terms !== terms)
      refuse(400, 'ALREADY_EXISTS', '商户单号已存在，且参数与原请求不一致')
    return known ?? this.#add(merchant, asked, name, terms)
  }

  #add(merchant: Merchant, asked: Body, name: string | undefined, terms: string): TransferBill {
    const { clock, random, schedule, settings, trades, users } = this.#twin
    const user = users.byOpenid(asked.openid)?.user
    if (user === undefined || (name !== undefined && name !== user.name))
      return refuse(400, 'INVALID_REQUEST', '收款用户姓名与微信实名不一致')
    if (trades.spendable(merchant.mchid) < asked.transfer_amount)
      return refuse(403, 'NOT_ENOUGH', '商户运营账户资金不足，请充值后重试')
    const now = clock.now()
    const { transferAcceptSeconds, transferConfirmSeconds } = settings.now
    const own = random.of(`transfer ${merchant.mchid}|${asked.out_bill_no}`)
    const bill: TransferBill = {
      mchid: merchant.mchid,
      appid: asked.appid,
      out_bill_no: asked.out_bill_no,
      transfer_bill_no: `1330${own.digits(34)}`,
      openid: asked.openid,
      user: user.id,
      amount: asked.transfer_amount,
      remark: asked.transfer_remark,
      ...(name !== undefined && { user_name: name }),
      ...(asked.notify_url !== undefined && { notify_url: asked.notify_url }),
      terms,
      state: transferAcceptSeconds > 0 ? 'ACCEPTED' : 'WAIT_USER_CONFIRM',
      package_info: own.bytes(66).toString('base64'),
      created_at: now,
      updated_at: now,
    }
    const key = keyOf(bill)
    this.#bills.set(key, bill)
    this.#move(bill, -bill.amount, now)
    if (transferAcceptSeconds > 0) {
      schedule.at(now + transferAcceptSeconds * 500, 'transfer', { key, event: 'start' })
      schedule.at(now + transferAcceptSeconds * 1000, 'transfer', { key, event: 'ask_user' })
    }
    const until = now + transferConfirmSeconds * 1000
    schedule.at(until, 'transfer', { key, event: 'expire', reason: 'OVERDUE_CLOSE' })
    users.tell(user.id, {
      from: merchant.name,
      title: '商家转账',
      text: `${asked.transfer_remark} ￥${(bill.amount / 100).toFixed(2)}，请在 24 小时内确认收款`,
    })
    return bill
  }

  #cancel(merchant: Merchant, no: string): TransferBill {
    const key = `${merchant.mchid}|${no}`
    const bill = this.#recent(this.#bills.get(key), merchant)
    if (bill.state === 'CANCELING' || bill.state === 'CANCELLED') return bill
    if (after(bill.state, 'cancel') === undefined)
      refuse(400, 'INVALID_REQUEST', '当前转账单状态不支持撤销')
    this.#step(key, 'cancel', this.#twin.clock.now())
    return this.#rowOf(key)
  }

  /** Does nothing where the event does not fit, e.g. the end of the 24 hours after the user's yes. */
  #step(key: string, event: TransferEvent, at: number, reason?: string): void {
    const before = this.#rowOf(key)
    const state = after(before.state, event)
    if (state === undefined) return
    const bill = this.#bills.change(key, {
      state,
      updated_at: at,
      ...(reason !== undefined && state === 'FAIL' && { fail_reason: reason }),
      ...(state === 'CANCELLED' && { fail_reason: 'MCH_CANCEL' }),
    })
    if (state === 'TRANSFERING' || state === 'CANCELING') {
      const due = at + this.#twin.settings.now.transferSeconds * 1000
      this.#twin.schedule.at(due, 'transfer', { key, event: 'finish' })
    }
    if (state === 'SUCCESS') this.#twin.users.spend(bill.user, -bill.amount)
    if (state === 'FAIL' || state === 'CANCELLED') this.#move(bill, bill.amount, at)
    if (isFinal(state)) this.#tell(bill)
  }

  #move(bill: TransferBill, amount: number, at: number): void {
    const { mchid, transfer_bill_no: serial, out_bill_no: out_no } = bill
    this.#twin.trades.move({ mchid, kind: 'transfer', amount, serial, out_no, at })
  }

  #tell(bill: TransferBill): void {
    if (bill.notify_url === undefined) return
    const { state } = bill
    this.#twin.notifier.tell({
      mchid: bill.mchid,
      url: bill.notify_url,
      event_type: 'MCHTRANSFER.BILL.FINISHED',
      original_type: 'mch_payment',
      summary: '商家转账单据终态通知',
      ref: bill.out_bill_no,
      plain: {
        out_bill_no: bill.out_bill_no,
        transfer_bill_no: bill.transfer_bill_no,
        state,
        mch_id: bill.mchid,
        transfer_amount: bill.amount,
        openid: bill.openid,
        ...(bill.fail_reason !== undefined && { fail_reason: bill.fail_reason }),
        create_time: formatTime(bill.created_at),
        update_time: formatTime(bill.updated_at),
      },
    })
  }

  #mine(user: User, packageInfo: string): string {
    const bill = this.#byPackage.first(packageInfo)
    if (bill === undefined || bill.user !== user.id)
      return refuse(404, 'RESOURCE_NOT_EXISTS', '没有待确认的转账')
    return keyOf(bill)
  }

  /** Of the caller, and not older than thirty days. */
  #recent(bill: TransferBill | undefined, merchant: Merchant): TransferBill {
    const oldest = this.#twin.clock.now() - this.#twin.settings.now.transferQueryDays * 86_400_000
    if (bill === undefined || bill.mchid !== merchant.mchid || bill.created_at < oldest)
      return refuse(404, 'NOT_FOUND', '记录不存在')
    return bill
  }

  #rowOf(key: string): TransferBill {
    const bill = this.#bills.get(key)
    if (bill === undefined) throw new Error(`no transfer ${key}`)
    return bill
  }
}
