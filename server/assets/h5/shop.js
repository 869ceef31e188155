/** The shop page: choose, pay, wait, see the card. What it does lies in wallet.js, how it looks in view.js. */
import {
  $,
  both,
  button,
  element,
  logins,
  qrCode,
  say,
  sayRefusal,
  show,
  ways,
} from '/h5/assets/view.js'
import { fenOf, openWallet, waysToPay, yuanOf } from '/h5/assets/wallet.js'

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
  newKey: () => crypto.randomUUID(),
  takeSession,
  isWechat,
})

let shop
let products = []
/** Told by WeChat on the way back; a refusal is not asked about again in this visit. */
let login = new URLSearchParams(location.search).get('login') ?? undefined
let watching = 0

/** The token that the login left in a cookie for this page; removed at once. */
function takeSession() {
  const found = /(?:^|; )lika_session=([\w-]+)/.exec(document.cookie)
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store is not there in WeChat's browser
  if (found !== null) document.cookie = 'lika_session=; Path=/h5; Max-Age=0; SameSite=Lax'
  return found?.[1]
}

async function trying(work) {
  say('')
  try {
    await work()
  } catch (error) {
    sayRefusal(error)
  }
}

async function start() {
  shop = await wallet.shop()
  $('issuer').replaceChildren(...both(shop.issuer.name, '礼卡 Gift cards'))
  document.title = `${shop.issuer.name} · 礼卡`
  $('mode').hidden = shop.mode !== 'test'
  if (login !== undefined) history.replaceState(null, '', path)
  await wallet.takeOver()
  products = await wallet.products()
  showShelf()
  if (wallet.underWay() !== undefined && wallet.hasSession()) await showOrder()
  if (login in logins) say(...logins[login])
}

function showShelf() {
  const radios = products.map((product) => {
    const radio = element('input', {
      type: 'radio',
      name: 'product',
      value: product.id,
      required: true,
    })
    radio.addEventListener('change', () => showAmounts(product))
    return element('label', { children: [radio, product.name] })
  })
  $('products').replaceChildren(...radios)
  if (products.length === 0) say('暂无在售礼卡', 'Nothing is on sale')
  $('buy').disabled = products.length === 0
  show('shelf')
}

function showAmounts({ faces, face_range: range }) {
  const radios = (faces ?? []).map((fen) => {
    const radio = element('input', {
      type: 'radio',
      name: 'fen',
      value: String(fen),
      required: true,
    })
    return element('label', { children: [radio, yuanOf(fen)] })
  })
  $('faces').replaceChildren(...radios)
  $('own-amount').hidden = range === undefined
  $('choice').elements.namedItem('yuan').required = range !== undefined
  $('amounts').hidden = false
}

async function buy() {
  const form = new FormData($('choice'))
  const product = products.find(({ id }) => id === form.get('product'))
  const fen = product?.faces
    ? Number(form.get('fen'))
    : fenOf($('choice').elements.namedItem('yuan').value)
  if (product === undefined || !fen) return say('请选择面额', 'Choose an amount')
  if (!wallet.hasSession()) {
    const mayAsk = isWechat && shop.kind === 'official_account' && login === undefined
    if (mayAsk) return location.assign(wallet.loginPage(path))
    await wallet.beGuest()
  }
  await wallet.order(product.id, fen)
  await showOrder()
}

/** The order that is under way, wherever it stands. */
async function showOrder() {
  const order = await wallet.current()
  $('total').textContent = yuanOf(order.total)
  if (order.status === 'created' || order.status === 'paying') return showWays()
  stopWatching()
  if (order.status === 'delivered' || order.status === 'completed') return showCards(order)
  wallet.forget()
  showShelf()
  if (order.status === 'closed') say('订单已关闭', 'The order is closed')
  else say('款项将原路退回', 'The money goes back the way it came')
}

function showWays() {
  const isLocal = shop.local_wechat !== null && !isWechat
  const all = waysToPay({ isWechat, isPhone, isLoggedIn: wallet.isLoggedIn() })
  // A browser beside the local WeChat can be within it too.
  if (isLocal && shop.kind === 'official_account') all.push(wallet.isLoggedIn() ? 'jsapi' : 'login')
  if (isWechat && !wallet.isLoggedIn()) all.push('guest')
  const buttons = all.map((way) => button(ways[way], () => trying(() => pay(way)), 'second'))
  buttons[0]?.classList.remove('second')
  $('ways').replaceChildren(...buttons)
  show('pay')
  watch()
}

async function pay(way) {
  if (way === 'login') return location.assign(wallet.loginPage(path))
  const invitation = await wallet.pay(way === 'guest' ? 'native' : way)
  if (invitation.code_url !== undefined) showCode(invitation.code_url)
  else if (invitation.h5_url !== undefined) {
    const back = encodeURIComponent(location.origin + path)
    return location.assign(`${invitation.h5_url}&redirect_url=${back}`)
  } else payInside(invitation.parameters)
  watch()
}

/** WeChat's own sheet; beside the local WeChat the sheet is a page of its phone. */
function payInside(parameters) {
  if (isWechat) {
    const invoke = () =>
      WeixinJSBridge.invoke('getBrandWCPayRequest', parameters, () => trying(showOrder))
    if (typeof WeixinJSBridge === 'undefined')
      document.addEventListener('WeixinJSBridgeReady', invoke, { once: true })
    else invoke()
    return
  }
  const asked = new URLSearchParams({ ...parameters, back: location.origin + path })
  location.assign(`${shop.local_wechat}/_twin/phone?${asked}`)
}

function showCode(text) {
  const parts = [qrCode(text)]
  if (shop.local_wechat !== null) {
    const phone = element('a', { href: `${shop.local_wechat}/`, target: '_blank', rel: 'noopener' })
    phone.append(...both('在本地微信里扫码', 'Scan it with the local WeChat'))
    parts.push(phone)
  }
  $('code').replaceChildren(...parts)
  $('code').hidden = false
}

function watch() {
  if (watching !== 0) return
  $('waiting').hidden = false
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
  show('done')
}

function cardOf(card, order) {
  const title = `尾号 ${card.number_last4} · ${yuanOf(card.balance.available)}`
  const parts = [element('p', { className: 'amount', textContent: title })]
  if (order.status === 'delivered' && order.sealed_until !== null) {
    const until = new Date(order.sealed_until).toLocaleString('zh-CN')
    parts.push(
      element('p', { className: 'note', children: both(`冷静期至 ${until}`, 'sealed until then') }),
      button(['放弃冷静期，立即使用', 'Use it now'], () => trying(unseal), 'second'),
      button(['不要了，退款', 'Give it back'], () => trying(giveBack), 'second'),
    )
  } else {
    const shown = element('output')
    const reveal = async () => {
      const { number, secret } = await wallet.reveal(card.id)
      shown.textContent = `卡号 ${number}\u3000密码 ${secret}`
    }
    parts.push(
      button(['查看卡号和密码', 'Show number and secret'], () => trying(reveal)),
      shown,
    )
  }
  return element('div', { className: 'card', children: parts })
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
