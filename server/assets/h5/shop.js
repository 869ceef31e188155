/** The shop page: choose, pay, wait, see the card. What it does lies in wallet.js, how it looks in view.js. */
import {
  cardFace,
  faceChoice,
  productChoice,
  rangeOf,
  sealedNote,
  secretParts,
} from '/h5/assets/cards.js'
import {
  $,
  both,
  button,
  element,
  paragraph,
  qrCode,
  say,
  sayRefusal,
  show,
  shownPart,
} from '/h5/assets/view.js'
import { fenOf, openWallet, waysToPay, yuanOf } from '/h5/assets/wallet.js'
import { logins, sheets, ways } from '/h5/assets/words.js'

const path = location.pathname
const isWechat = /MicroMessenger/i.test(navigator.userAgent)
const isPhone = /Mobile|Android|iPhone/i.test(navigator.userAgent)
const pollMs = 2_000

const wallet = openWallet(path.split('/')[2], {
  fetch: (...asked) => fetch(...asked),
  storage: {
    get: (name) => localStorage.getItem(`lika.${name}`),
    set: (name, text) => localStorage.setItem(`lika.${name}`, text),
  },
  newKey,
  takeSession,
  isWechat,
})

let shop
let products = []
const asked = new URLSearchParams(location.search)
/** Told by WeChat on the way back; a refusal is not asked about again in this visit. */
let login = asked.get('login') ?? undefined
let watching = 0

/** Where a page is not served over TLS, browsers have no `randomUUID`. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The token that the login left in a cookie for this page; removed at once. */
function takeSession() {
  const found = /(?:^|; )lika_session=([\w-]+)/.exec(document.cookie)
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store is not there in WeChat's browser
  if (found !== null) document.cookie = 'lika_session=; Path=/h5; Max-Age=0; SameSite=Lax'
  return found?.[1]
}

/** What `work` returns; undefined where it fails, which is then said. */
async function trying(work) {
  say()
  try {
    return await work()
  } catch (error) {
    sayRefusal(error)
    return undefined
  }
}

async function start() {
  shop = await wallet.shop()
  $('issuer').replaceChildren(`${shop.issuer.name} `, element('small', { textContent: '礼卡' }))
  $('legal').replaceChildren(...both('发卡机构', 'Issuer'), ` ${shop.issuer.legal_name}`)
  document.title = `${shop.issuer.name} · 礼卡 Gift cards`
  $('mode').hidden = shop.mode !== 'test'
  if (location.search !== '') history.replaceState(null, '', path)
  await wallet.takeOver()
  products = await wallet.products()
  showShelf()
  if (wallet.underWay() !== undefined && wallet.hasSession())
    await showOrder(asked.get('wxpay_result') ?? '')
  if (login in logins) say(logins[login])
}

function showShelf() {
  const choices = products.map((product) => {
    const made = productChoice(product)
    made.radio.addEventListener('change', () => showAmounts(product))
    return made
  })
  $('products').replaceChildren(...choices.map(({ label }) => label))
  $('amounts').hidden = true
  if (products.length === 0)
    say(['暂无在售礼卡，请稍后再来', 'Nothing is on sale; come back later'])
  $('buy').disabled = products.length === 0
  show('shelf')
  if (products.length > 1) return
  for (const { radio } of choices) radio.checked = true
  for (const product of products) showAmounts(product)
}

function showAmounts({ faces = [], face_range: range }) {
  $('faces').replaceChildren(...faces.map((fen) => faceChoice(fen, faces.length === 1)))
  $('own-amount').hidden = range === undefined
  $('range').textContent = range === undefined ? '' : rangeOf(range)
  $('choice').elements.namedItem('yuan').required = range !== undefined
  $('amounts').hidden = false
}

async function buy() {
  const form = new FormData($('choice'))
  const product = products.find(({ id }) => id === form.get('product'))
  const fen = product?.faces
    ? Number(form.get('fen'))
    : fenOf($('choice').elements.namedItem('yuan').value)
  if (product === undefined || !fen) return say(['请选择面额', 'Choose an amount'], 'wrong')
  if (!wallet.hasSession()) {
    const mayAsk = isWechat && shop.kind === 'official_account' && login === undefined
    if (mayAsk) return location.assign(wallet.loginPage(path))
    await wallet.beGuest()
  }
  await wallet.order(product.id, fen)
  await showOrder()
}

/** The order that is under way, wherever it stands. `result`: how WeChat's sheet was left, where it says so. */
async function showOrder(result = '') {
  const order = await wallet.current()
  $('total').textContent = yuanOf(order.total)
  $('what').textContent = products.find(({ id }) => id === order.product_id)?.name ?? ''
  if (order.status === 'created' || order.status === 'paying') {
    const [left] = result.split(':')
    showWays()
    $('waiting').hidden = order.status === 'created' || left in sheets
    return left in sheets ? say(sheets[left], 'wrong') : undefined
  }
  stopWatching()
  if (order.status === 'delivered' || order.status === 'completed') return showCards(order)
  wallet.forget()
  showShelf()
  if (order.status === 'closed')
    say(['订单已关闭，可重新选购', 'The order is closed; you can choose anew'])
  else say(['款项将原路退回', 'The money goes back the way it came'], 'good')
}

/** `chosen`: the way whose code is shown, which is not offered again beside it. */
function showWays(chosen) {
  const isLocal = shop.local_wechat !== null && !isWechat
  const all = waysToPay({ isWechat, isPhone, isLoggedIn: wallet.isLoggedIn() })
  // A browser beside the local WeChat can be within it too.
  if (isLocal && shop.kind === 'official_account') all.push(wallet.isLoggedIn() ? 'jsapi' : 'login')
  if (isWechat && !wallet.isLoggedIn()) all.push('guest')
  const buttons = all
    .filter((way) => way !== chosen)
    .map((way) => button(ways[way], () => trying(() => pay(way)), 'second'))
  if (chosen === undefined) buttons[0]?.classList.remove('second')
  $('ways').replaceChildren(...buttons)
  show('pay')
  watch()
}

async function pay(way) {
  if (way === 'login') return location.assign(wallet.loginPage(path))
  const invitation = await wallet.pay(way === 'guest' ? 'native' : way)
  $('waiting').hidden = false
  if (invitation.code_url !== undefined) {
    showCode(invitation.code_url)
    showWays(way)
  } else if (invitation.h5_url !== undefined) {
    const back = encodeURIComponent(location.origin + path)
    location.assign(`${invitation.h5_url}&redirect_url=${back}`)
  } else payInside(invitation.parameters)
}

/** WeChat's own sheet; beside the local WeChat the sheet is a page of its phone. */
function payInside(parameters) {
  if (isWechat) {
    const left = ({ err_msg: said = '' }) => trying(() => showOrder(said.replace(/^\w+:/, '')))
    const invoke = () => WeixinJSBridge.invoke('getBrandWCPayRequest', parameters, left)
    if (typeof WeixinJSBridge === 'undefined')
      document.addEventListener('WeixinJSBridgeReady', invoke, { once: true })
    else invoke()
    return
  }
  const handed = new URLSearchParams({ ...parameters, back: location.origin + path })
  location.assign(`${shop.local_wechat}/_twin/phone?${handed}`)
}

function showCode(text) {
  const parts = [
    qrCode(text),
    paragraph('centred', ...both('请用微信“扫一扫”', 'Scan this with WeChat')),
  ]
  if (shop.local_wechat !== null) {
    const phone = element('a', { href: `${shop.local_wechat}/`, target: '_blank', rel: 'noopener' })
    phone.className = 'link'
    phone.append(...both('在本地微信里扫码', 'Open the local WeChat'))
    parts.push(phone)
  }
  $('code').replaceChildren(...parts)
  $('code').hidden = false
}

function watch() {
  if (watching !== 0) return
  watching = setInterval(async () => {
    const order = await wallet.current().catch(() => undefined)
    if (order !== undefined && order.status !== 'created' && order.status !== 'paying')
      await trying(showOrder)
  }, pollMs)
}

function stopWatching() {
  clearInterval(watching)
  watching = 0
  $('code').hidden = true
  $('waiting').hidden = true
}

async function showCards(order) {
  const cards = await Promise.all(order.cards.map((id) => wallet.card(id)))
  $('cards').replaceChildren(...cards.map((card) => cardOf(card, order)))
  const isNew = shownPart() === 'pay'
  show('done')
  if (isNew) say(['付款成功，卡已到账', 'Paid; the card is yours'], 'good')
}

function cardOf(card, order) {
  const product = products.find(({ id }) => id === card.product_id)
  const isSealed = order.status === 'delivered' && order.sealed_until !== null
  const parts = isSealed
    ? sealedParts(order.sealed_until)
    : secretParts(() => trying(() => wallet.reveal(card.id)))
  return element('div', { className: 'card', children: [cardFace(card, product), ...parts] })
}

/** Neither choice stands out: it is the buyer's. */
function sealedParts(until) {
  return [
    sealedNote(until),
    button(['放弃冷静期，立即使用', 'Use it now'], () => trying(unseal), 'second'),
    button(['不要了，退款', 'Give it back'], () => trying(giveBack), 'second'),
  ]
}

async function unseal() {
  await wallet.unseal()
  await showOrder()
}

async function giveBack() {
  await wallet.giveBack()
  await showOrder()
}

$('choice').addEventListener('submit', (event) => {
  event.preventDefault()
  $('buy').disabled = true
  void trying(buy).finally(() => {
    $('buy').disabled = false
  })
})
$('leave').addEventListener('click', () =>
  trying(async () => {
    await wallet.leave()
    stopWatching()
    login = undefined
    showShelf()
  }),
)
$('again').addEventListener('click', () => {
  wallet.forget()
  showShelf()
})
void trying(start)
