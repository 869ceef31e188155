// What the phone does in the browser: shows the state of the twin once a second, and sends what the user decides.
const at = (id) => document.getElementById(id)
const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`
const ways = { prepay_id: 'JSAPI', code_url: '扫码 · Native', h5_url: 'H5' }
let user = localStorage.getItem('user') ?? ''
let shown = ''

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Error('连不上本地微信 · The local WeChat does not answer')
  })
  const text = await answer.text()
  const said = text === '' ? {} : JSON.parse(text)
  if (!answer.ok) throw new Error(said.message ?? `${answer.status}`)
  return said
}

function notice(text) {
  at('notice').textContent = text
  setTimeout(() => {
    if (at('notice').textContent === text) at('notice').textContent = ''
  }, 5000)
}

/** Refusals that are for whoever writes a program come in English alone. */
function wordsOf({ message }) {
  return /\p{Script=Han}/u.test(message) ? message : `未能完成 · ${message}`
}

/** Whatever goes wrong is told to whoever holds the phone. */
const trying = (work) => (event) => {
  event?.preventDefault()
  work(event).catch((error) => notice(wordsOf(error)))
}

function element(name, text, members = {}) {
  return Object.assign(document.createElement(name), { textContent: text, ...members })
}

async function refresh() {
  const state = await ask('GET', `/_twin/phone/state?user=${encodeURIComponent(user)}`)
  at('now').textContent = state.now
  at('profile').textContent = state.profile === 'strict' ? '严格 · strict' : '本地 · local'
  at('show-code').closest('section').hidden = !state.actions.includes('show_code')
  const { now: _, ...rest } = state
  const cards = state.user === null ? [] : (await act('cards')).data
  const text = JSON.stringify([rest, cards])
  if (text === shown) return
  shown = text
  if (!state.users.some(({ id }) => id === user)) user = state.users.at(-1)?.id ?? ''
  at('user').replaceChildren(
    ...state.users.map(({ id, name }) =>
      element('option', name, { value: id, selected: id === user }),
    ),
  )
  at('me').textContent = state.user === null ? '' : aboutMe(state.user)
  at('invitations').replaceChildren(...state.invitations.map(invitationItem))
  at('cards').closest('section').hidden = cards.length === 0
  at('cards').replaceChildren(...cards.map(cardItem))
  at('messages').replaceChildren(...state.messages.map(messageItem))
}

function aboutMe({ phone, balance_fen }) {
  const balance = balance_fen === undefined ? '' : `零钱 · Balance ${yuan(balance_fen)}`
  return [phone ?? '', balance].filter((text) => text !== '').join(' · ')
}

function invitationItem(invitation) {
  const item = element('li', '')
  const words = element('div', `${invitation.merchant} · ${invitation.description}`)
  words.append(element('br', ''), element('small', ways[invitation.via]))
  const button = element('button', `付款 ${yuan(invitation.total)}`, {
    onclick: trying(() => confirm(invitation.token)),
  })
  item.append(words, button)
  return item
}

function cardItem({ title, code, status, balance }) {
  const item = element('li', '')
  const words = element('div', title)
  const held = balance === undefined ? code : `${code} · ${yuan(balance)}`
  words.append(element('br', ''), element('small', `${held} · ${status}`))
  item.append(words)
  return item
}

async function takeCard(offer) {
  await act('add_card', offer)
  notice('已放入卡包 · Taken')
  await refresh()
}

function messageItem(message) {
  const item = element('li', '')
  const words = element('div', '')
  words.append(
    element('strong', message.title),
    element('br', ''),
    element('span', message.text),
    element('br', ''),
    element('small', `${message.from} · ${message.at}`),
  )
  item.append(words)
  if (/^https?:/.test(message.url ?? ''))
    item.append(element('a', '打开 · Open', { href: message.url }))
  if (message.kind === 'card' && message.data !== undefined) {
    const onclick = trying(() => takeCard({ message: message.id }))
    item.append(element('button', '领取 · Take', { onclick }))
  }
  return item
}

/** Shows the sheet of one payment, and pays where that is what the user says. @throws Error where none can be made */
async function confirm(scanned) {
  const asked = await ask(
    'GET',
    `/_twin/phone/invitation?${new URLSearchParams({ token: scanned })}`,
  )
  const { token, merchant, total, description } = asked
  at('sheet-merchant').textContent = merchant
  at('sheet-amount').textContent = yuan(total)
  at('sheet-text').textContent = description
  const sheet = at('sheet')
  sheet.returnValue = ''
  sheet.showModal()
  await new Promise((resolve) => sheet.addEventListener('close', resolve, { once: true }))
  const name = token.startsWith('weixin:')
    ? 'code_url'
    : token.startsWith('http')
      ? 'h5_url'
      : 'prepay_id'
  const isPaid = sheet.returnValue === 'pay'
  await act(isPaid ? 'pay' : 'cancel', { [name]: token })
  notice(isPaid ? '支付成功 · Paid' : '已取消 · Cancelled')
  await refresh()
}

async function acceptTransfer(package_info) {
  await act('confirm_transfer', { package_info })
  notice('已收款 · Accepted')
  await refresh()
}

function act(action, more = {}) {
  if (user === '') throw new Error('请先添加用户 · Add a user first')
  return ask('POST', `/_twin/users/${user}/do`, { action, ...more })
}

at('user').onchange = trying(async () => {
  user = at('user').value
  localStorage.setItem('user', user)
  await refresh()
})
at('new-user').onsubmit = trying(async (event) => {
  const name = new FormData(event.target).get('name')
  event.target.reset()
  user = (await ask('POST', '/_twin/users', { name })).id
  localStorage.setItem('user', user)
  await refresh()
})
at('scan').onsubmit = trying(async (event) => {
  const form = event.target
  const token = form.elements.token.value.trim()
  // What a transfer to the user is accepted by is longer than any invitation to pay, and has no form of its own.
  if (/^https?:\/\/weixin\.qq\.com\/q\//.test(token)) await takeCard({ qr: token })
  else if (token.includes('/bizmall/cardshelf')) await takeCard({ landing: token })
  else if (!/^(weixin|https?):/.test(token) && token.length > 80) await acceptTransfer(token)
  else await confirm(token)
  form.reset()
})
at('password').onsubmit = trying(async (event) => {
  event.preventDefault()
  const ok = event.submitter.value === 'yes'
  await act('enter_password', { ok })
  notice(ok ? '支付成功 · Paid' : '已放弃 · Given up')
  await refresh()
})
at('show-code').onclick = trying(async () => {
  at('code').textContent = (await act('show_code')).auth_code
})
at('forward').onchange = trying(async () => {
  const advance_seconds = Number(at('forward').value)
  at('forward').value = ''
  if (advance_seconds > 0) await ask('POST', '/_twin/clock', { advance_seconds })
  await refresh()
})

trying(refresh)()
setInterval(trying(refresh), 1000)
