/** What a page or a mini-program hands to WeChat to call up a payment, checked as the phone checks it. */
import { verify } from 'node:crypto'
import { type Infer, object, oneOf, optional, text } from '../kernel/shape.ts'
import type { Twin } from '../kernel/twin.ts'

/** Of `getBrandWCPayRequest`; `wx.requestPayment` leaves the appId out, which is signed all the same. */
export const payParameters = object({
  appId: optional(text({ max: 32 })),
  timeStamp: text({ max: 32, pattern: /^\d+$/ }),
  nonceStr: text({ max: 32 }),
  package: text({ max: 128, pattern: /^prepay_id=.+$/ }),
  signType: oneOf('RSA'),
  paySign: text({ max: 512 }),
})

/** The prepay_id, or in a word of the phone why the payment is not called up. */
export function readPaySign(
  twin: Twin,
  given: Infer<typeof payParameters>,
): { prepayId: string } | { why: string } {
  const prepayId = given.package.slice('prepay_id='.length)
  const shown = twin.prepays.show(prepayId)
  const merchant = twin.merchants.find(shown?.mchid ?? '')
  if (shown === undefined || merchant === undefined) return { why: 'no_such_invitation' }
  if (given.appId !== undefined && given.appId !== shown.appid) return { why: 'another_app' }
  const lines = [shown.appid, given.timeStamp, given.nonceStr, given.package]
  const message = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  const signature = Buffer.from(given.paySign, 'base64')
  const holds = verify('sha256', message, twin.merchants.merchantKey(merchant), signature)
  return holds ? { prepayId } : { why: 'bad_pay_sign' }
}
