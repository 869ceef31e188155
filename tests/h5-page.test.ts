/** The shop page in a browser of its own making: what is shown, what a click does, where it goes. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type OrderShop, startOrderShop } from './harness/orders.ts'
import { openPage, type Page } from './harness/page.ts'

interface Invitation {
  token: string
  via: string
  total: number
}

const desktop = 'Mozilla/5.0 (X11; Linux x86_64)'
const inWechat = 'Mozilla/5.0 (iPhone) MicroMessenger/8.0.49'

let shop: OrderShop
let url = ''
before(async () => {
  shop = await startOrderShop()
  url = `${shop.url}/h5/${shop.official.id}`
})
after(() => shop.stop())

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (holds()) return
    await sleep(25)
  }
  assert.fail(what)
}

async function loaded(page: Page): Promise<Page> {
  await until('the shelf is shown', () => page.byId('products').children.length > 0)
  return page
}

async function choose(page: Page, yuan: string): Promise<void> {
  const [radio] = page
    .byId('products')
    .all()
    .filter((one) => one.type === 'radio')
  assert.ok(radio)
  radio.checked = true
  await radio.fire('change')
  assert.equal(page.byId('own-amount').hidden, false)
  const field = page.byId('choice').elements.namedItem('yuan')
  assert.ok(field)
  field.value = yuan
  await page.byId('choice').fire('submit')
}

test('on a desk: chosen, paid by a code that is drawn, and the card is shown', async () => {
  const page = await loaded(await openPage(url, desktop))
  assert.match(page.byId('issuer').textContent, /^Tea /)
  assert.equal(page.byId('mode').hidden, false)
  await choose(page, '88.8')
  await until('ways to pay are shown', () => !page.byId('pay').hidden)
  assert.equal(page.byId('total').textContent, '¥88.80')
  await page.button('扫码付款').fire('click')
  const [drawn] = page
    .byId('code')
    .all()
    .filter((one) => one.tag === 'path')
  assert.ok((drawn?.attributes.get('d') ?? '').length > 1_000)
  const user = await shop.twin.control.user()
  const phone = await fetch(`${shop.twin.url}/_twin/phone/state`)
  const { invitations } = (await phone.json()) as { invitations: Invitation[] }
  const invitation = invitations.find(({ total }) => total === 8_880)
  assert.equal(invitation?.via, 'code_url')
  await shop.twin.control.do(user.id, 'pay', { code_url: invitation?.token })
  await until('the card is shown', () => !page.byId('done').hidden)
  assert.match(page.byId('cards').textContent, /¥88\.80尾号 \d{4} · 有效期至 \d{4}\/\d+\/\d+/)
  await page.button('放弃冷静期').fire('click')
  await until('the secret can be seen', () => /查看卡号/.test(page.byId('cards').textContent))
  await page.button('查看卡号和密码').fire('click')
  await until('it is shown', () => /卡号 \d{19}\s密码 \w{16}/.test(page.byId('cards').textContent))
  page.close()
})

test('in WeChat: to WeChat’s page only when something is bought, and not again once refused', async () => {
  const page = await loaded(await openPage(url, inWechat))
  assert.deepEqual(page.left, [])
  await choose(page, '10')
  await until('the page is left', () => page.left.length > 0)
  assert.match(page.left[0] ?? '', /^\/wallet\/v1\/oauth\/start\?app_id=wxapp_/)
  page.close()
  const back = await loaded(await openPage(`${url}?login=refused`, inWechat, page.storage))
  await until('it is said', () => /您未授权登录/.test(back.byId('notice').textContent))
  await choose(back, '10')
  await until('ways to pay are shown', () => !back.byId('pay').hidden)
  assert.deepEqual(back.left, [])
  assert.match(back.byId('ways').textContent, /不登录，扫码付款/)
  await back.button('登录微信后付款').fire('click')
  assert.match(back.left[0] ?? '', /oauth\/start/)
  back.close()
})

test('what the server refuses is said in Chinese first, and the shelf stays', async () => {
  const page = await loaded(await openPage(url, desktop))
  await choose(page, '999999')
  await until('it is said', () => page.byId('notice').textContent !== '')
  assert.match(page.byId('notice').textContent, /^此卡不售该面额，请换一个金额 /)
  assert.equal(page.byId('shelf').hidden, false)
  await choose(page, 'abc')
  await until('it is said', () => /请选择面额/.test(page.byId('notice').textContent))
  page.close()
})
