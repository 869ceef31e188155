/** What the shop says: Chinese first, English second. What went wrong is said with what to do about it. */

const again = ['未能完成，请稍后再试', 'That did not work; please try again in a moment']
const restart = ['请刷新页面，重新选购', 'Please load the page again and choose anew']
const cardUnusable = [
  '此卡目前不能使用，请联系商家',
  'The card cannot be used now; please ask the shop',
]
const noRefund = [
  '此卡不符合退款条件，请联系商家',
  'The card cannot be given back; please ask the shop',
]
const closedShop = ['商家暂停售卡，请稍后再来', 'Nothing is sold for now; please come back later']
const moved = [
  '订单状态已变化，请刷新页面查看',
  'The order has moved on; load the page again to see',
]

/** By the code of the refusal. */
export const refusals = {
  busy: ['系统繁忙，请稍后再试', 'Please try again in a moment'],
  throttled: ['操作太频繁，请一分钟后再试', 'Too many attempts; please try again in a minute'],
  'wechat_app.not_found': ['没有这家店，请核对链接', 'No such shop; please check the link'],
  'session.missing': restart,
  'session.not_recognised': [
    '登录已失效，请刷新页面重新开始',
    'The login is over; load the page again',
  ],
  'amount.out_of_range': [
    '此卡不售该面额，请换一个金额',
    'Not sold for this amount; choose another',
  ],
  'product.not_found': ['该卡已下架，请选其他卡', 'No longer sold; choose another card'],
  'product.not_published': ['该卡已停售，请选其他卡', 'No longer sold; choose another card'],
  'stock.sold_out': ['已售罄，请选其他卡', 'Sold out; choose another card'],
  'stock.limit_reached': [
    '您已达到限购数量，请选其他卡',
    'You have as many as one may; choose another',
  ],
  'stock.member_required': [
    '此卡限购，请登录微信后购买',
    'Please log in with WeChat to buy this card',
  ],
  'policy.sale_stopped': closedShop,
  'policy.charter_missing': closedShop,
  'policy.card_limit': [
    '超过法规允许的面额，请选较小金额',
    'More than the law allows; choose less',
  ],
  'policy.identity_required': [
    '此金额须实名购买，请选较小金额或到店购买',
    'Needs the buyer’s identity; choose less, or buy at the shop',
  ],
  'order.not_found': restart,
  'order.expired': ['订单已过期，请重新选购', 'The order has expired; please choose anew'],
  'order.wrong_status': moved,
  'order.payer_unknown': ['请先登录微信再付款', 'Please log in with WeChat first'],
  'order.superseded': [
    '您正在别处付款，请在那里完成',
    'Being paid in another place; please finish there',
  ],
  'order.review_pending': [
    '订单待商家审核，请稍后再付',
    'The shop has to agree first; please pay later',
  ],
  'order.too_many_invitations': [
    '付款方式换得太多，请重新下单',
    'Asked in too many ways; order anew',
  ],
  'order.refund_under_way': ['正在退款，请稍候', 'The money is on its way back already'],
  'order.not_sealed': ['冷静期已过，此卡已可使用', 'The card can be used already'],
  'wechat.not_connected': [
    '商家尚未开通微信支付，请联系商家',
    'WeChat Pay is not connected; ask the shop',
  ],
  'wechat.refused': [
    '微信未接受此次付款，请换一种方式',
    'WeChat refused; please choose another way',
  ],
  'policy.cooling_off_over': ['冷静期已过，不能再退', 'The hours for changing your mind are over'],
  'card.sealed': ['卡在冷静期内，请先放弃冷静期', 'The card is sealed; give up the hours first'],
  'card.secret_not_available': [
    '卡密查看时限已过，请联系商家',
    'The time to see the secret is over; please ask the shop',
  ],
  'card.not_found': restart,
  'card.not_active': cardUnusable,
  'card.already_active': moved,
  'card.frozen': cardUnusable,
  'card.lost': cardUnusable,
  'card.expired': cardUnusable,
  'card.closed': cardUnusable,
  'card.replaced': cardUnusable,
  'card.has_holds': ['卡内有一笔消费未完成，请稍后再试', 'A payment is under way; try again later'],
  'policy.card_already_used': noRefund,
  'policy.redemption_not_allowed': noRefund,
  'policy.redemption_too_early': noRefund,
  'policy.refund_too_late': noRefund,
  'redemption.nothing_due': noRefund,
  'redemption.no_original_route': noRefund,
}

const offline = [
  '网络不通或服务异常，请检查网络后重试',
  'No answer; check the network and try again',
]

/** What is said of an error: a refusal by its code, anything else as an answer that did not come. */
export function wordsOf(error) {
  if (typeof error.code !== 'string') return offline
  return refusals[error.code] ?? [again[0], `${again[1]} (${error.code})`]
}

/** How a login came back. */
export const logins = {
  refused: ['您未授权登录，可继续匿名购买', 'Not logged in; you can go on without'],
  snapshot: ['请点右下角“使用完整服务”后再登录', 'Open the full page to log in'],
  failed: ['登录未成功，可重试或匿名购买', 'The login failed; try again or go on without'],
}

/** How WeChat’s sheet was left, where it was not paid. */
export const sheets = {
  cancel: ['已取消付款，未扣款，可重新选择', 'Cancelled, nothing was taken; you can choose again'],
  fail: ['付款未成功，请重试或换一种方式', 'Not paid; try again or choose another way'],
}

export const ways = {
  jsapi: ['微信支付', 'WeChat Pay'],
  h5: ['打开微信付款', 'Open WeChat to pay'],
  native: ['扫码付款', 'Scan to pay'],
  login: ['登录微信后付款', 'Log in with WeChat to pay'],
  guest: ['不登录，扫码付款', 'Pay by a code without logging in'],
}
