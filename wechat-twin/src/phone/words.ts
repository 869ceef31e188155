/** Why a payment cannot be made, in the words of the phone: Chinese first, English second. */

const words: Record<string, string> = {
  no_such_invitation: '没有这笔付款，二维码或订单无效 · No such code or order',
  no_such_order: '订单不存在 · No such order',
  no_such_kind: '无法识别的订单 · This kind of order is unknown',
  invitation_replaced: '二维码已失效，请使用最新的二维码 · A newer code has replaced this one',
  invitation_expired: '已过期，请返回商户重新下单 · Expired; order again',
  order_closed: '订单已关闭 · The order is closed',
  order_paid: '订单已支付，请勿重复支付 · The order is paid already',
  another_user: '该订单只能由下单用户支付 · Only the person who ordered may pay',
  no_credit_cards: '该订单不支持信用卡 · Credit cards are not accepted',
  another_app: '支付参数的 appId 与下单的不一致 · appId is not the one of the order',
  bad_pay_sign: '支付验证签名失败 · paySign does not hold',
  not_enough: '余额不足 · Balance too low',
}

export function wordsFor(why: string): string {
  return words[why] ?? why
}
