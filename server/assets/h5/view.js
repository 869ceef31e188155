/** How the shop looks: words in Chinese first, elements made of text alone, and the code to scan. */
import { qrModules } from '/h5/assets/qr.js'

export const $ = (id) => document.getElementById(id)

export function element(name, { children = [], ...properties } = {}) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

/** Chinese, and English smaller behind it. */
export function both(chinese, english) {
  return [`${chinese} `, element('small', { textContent: english })]
}

export function button([chinese, english], onClick, className = '') {
  const made = element('button', { type: 'button', className, children: both(chinese, english) })
  made.addEventListener('click', async () => {
    made.disabled = true
    try {
      await onClick()
    } finally {
      made.disabled = false
    }
  })
  return made
}

/** One of these parts of the page, and no other. */
export function show(part) {
  for (const id of ['shelf', 'pay', 'done']) $(id).hidden = id !== part
}

export function say(chinese, english = '') {
  $('notice').replaceChildren(...(chinese === '' ? [] : both(chinese, english)))
}

const words = {
  busy: ['暂时无法处理，请稍后再试', 'Please try again in a moment'],
  throttled: ['操作太频繁，请稍后再试', 'Too many attempts, please wait'],
  'session.missing': ['请重新开始', 'Please begin again'],
  'session.not_recognised': ['登录已失效，请重新登录', 'Please log in again'],
  'amount.out_of_range': ['此卡不售该面额', 'The card is not sold for this amount'],
  'product.not_published': ['该卡已停售', 'No longer sold'],
  'policy.sale_stopped': ['暂停售卡', 'Sale is stopped for now'],
  'policy.card_limit': ['超过法规允许的面额', 'More than the law allows on a card'],
  'policy.identity_required': ['此金额须实名购买', 'This amount needs the buyer’s identity'],
  'order.expired': ['订单已过期，请重新选购', 'The order has expired'],
  'order.wrong_status': ['订单状态已变化', 'The order has moved on'],
  'order.payer_unknown': ['请先登录微信', 'Please log in with WeChat first'],
  'order.superseded': ['已在别处付款中', 'Being paid in another place'],
  'wechat.not_connected': ['商户尚未开通微信支付', 'WeChat Pay is not connected'],
  'wechat.refused': ['微信拒绝了此次付款', 'WeChat refused'],
  'policy.cooling_off_over': ['冷静期已过', 'The hours for changing your mind are over'],
  'card.sealed': ['卡在冷静期内', 'The card is sealed for now'],
  'card.secret_not_available': ['卡密已看过，不再显示', 'The secret was shown already'],
}

export function sayRefusal(error) {
  const [chinese, english] = words[error.code] ?? ['未能完成', String(error.code ?? error.message)]
  say(chinese, english)
}

export const logins = {
  refused: ['您未授权登录，可继续匿名购买', 'Not logged in; you can go on without'],
  snapshot: ['请点右下角“使用完整服务”后再登录', 'Open the full page to log in'],
  failed: ['登录未成功，可重试或匿名购买', 'The login failed; try again or go on without'],
}

export const ways = {
  jsapi: ['微信支付', 'WeChat Pay'],
  h5: ['打开微信付款', 'Open WeChat to pay'],
  native: ['扫码付款', 'Scan to pay'],
  login: ['登录微信后付款', 'Log in with WeChat to pay'],
  guest: ['不登录，扫码付款', 'Pay by a code without logging in'],
}

/** Black on white with a quiet zone, as one path. */
export function qrCode(text) {
  const rows = qrModules(text)
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  const size = rows.length + 8
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`)
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', '付款码 Code to scan')
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  const squares = rows.flatMap((row, y) =>
    row.flatMap((dark, x) => (dark ? [`M${x + 4} ${y + 4}h1v1h-1z`] : [])),
  )
  path.setAttribute('d', squares.join(''))
  svg.append(path)
  return svg
}
