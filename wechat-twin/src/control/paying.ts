/** What users do about payments: pay, cancel, and change what they have; and orders that are made to run out. */

import type { Paid } from '../kernel/prepays.ts'
import { refuse } from '../kernel/refusal.ts'
import { integer, object, oneOf, optional, text } from '../kernel/shape.ts'
import { formatTime } from '../kernel/time.ts'
import type { Twin } from '../kernel/twin.ts'
import type { User } from '../kernel/users.ts'
import { wordsFor } from '../phone/words.ts'
import { expire } from '../v3/orders.ts'
import { payParameters, readPaySign } from '../v3/pay-sign.ts'
import { ControlMistake, control } from './control.ts'

const invitation = object({
  prepay_id: optional(text({ max: 128 })),
  code_url: optional(text({ max: 255 })),
  h5_url: optional(text({ max: 1024 })),
  /** As they are handed to `getBrandWCPayRequest` or `wx.requestPayment`: their signature is verified. */
  parameters: optional(payParameters),
})

export function register(twin: Twin): void {
  twin.doing('pay', (user, given) => {
    const done = payAndTell(twin, tokenOf(twin, given), user)
    if (!done.paid) return refuseToPay(done.why)
    return { transaction_id: done.transaction_id, paid_at: formatTime(twin.clock.now()) }
  })

  // The order stays open: the merchant learns nothing until it asks, and it may be paid later.
  twin.doing('cancel', (_, given) => {
    const token = tokenOf(twin, given)
    if (!twin.prepays.table.has(token)) throw new ControlMistake(`no invitation ${token}`)
    return { cancelled: true }
  })

  const changes = object({
    balance_fen: optional(integer()),
    pays_with: optional(oneOf('balance', 'debit', 'credit')),
    account: optional(oneOf('normal', 'blocked', 'closed')),
  })
  twin.doing('change', (user, given) => {
    const { account, ...rest } = changes.read(given, '')
    const { account: before, ...kept } = user
    const next = account ?? before
    const changed = { ...kept, ...rest }
    return twin.users.table.set(
      user.id,
      next === undefined || next === 'normal' ? changed : { ...changed, account: next },
    )
  })

  control(twin, 'POST', '/_twin/orders/{mchid}/{no}/expire', undefined, ({ params }) => {
    expire(twin, params['mchid'] ?? '', params['no'] ?? '')
  })
}

/** Pays, and leaves the message that a payer finds in WeChat. */
export function payAndTell(twin: Twin, token: string, user: User): Paid {
  const done = twin.prepays.pay(token, user)
  const shown = twin.prepays.show(token)
  if (done.paid && shown !== undefined)
    twin.users.tell(user.id, {
      from: '微信支付',
      title: '付款成功',
      text: `${shown.description} ￥${(shown.total / 100).toFixed(2)}`,
    })
  return done
}

/** By code for who calls, in words for who holds the phone. */
export function refuseToPay(why: string): never {
  return refuse(409, why.toUpperCase(), wordsFor(why))
}

/** What the user scanned or was shown. */
function tokenOf(twin: Twin, given: Record<string, unknown>): string {
  const { prepay_id, code_url, h5_url, parameters } = invitation.read(given, '')
  if (parameters !== undefined) {
    const read = readPaySign(twin, parameters)
    return 'why' in read ? refuseToPay(read.why) : read.prepayId
  }
  const token = prepay_id ?? code_url ?? h5_url
  if (token === undefined)
    throw new ControlMistake('prepay_id, code_url, h5_url or parameters are needed')
  return bareToken(token)
}

/** Of an h5_url without the redirect_url behind it, of `prepay_id=…` the id. */
export function bareToken(scanned: string): string {
  return scanned.replace(/&redirect_url=.*$/, '').replace(/^prepay_id=/, '')
}
