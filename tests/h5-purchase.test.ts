/** What the shop page does, from choosing to the card, by the page's own script against the server and the local WeChat. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { openWallet, Refused } from '../server/assets/h5/wallet.js'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
before(async () => {
  shop = await startOrderShop()
})
after(() => shop.stop())

/** A browser that has the page open: its storage outlives the page, its cookies are shared with no other. */
function openBrowser(isWechat = false) {
  const stored = new Map<string, string>()
  let session: string | undefined
  /** Requests that get no answer, by the end of their path. */
  const lost: string[] = []
  const browser = {
    isWechat,
    fetch: async (path: string, options: RequestInit) => {
      const response = await fetch(shop.url + path, options)
      const at = lost.findIndex((one) => path.endsWith(one))
      if (at === -1) return response
      lost.splice(at, 1)
      await response.text()
      throw new TypeError('network error')
    },
    storage: {
      get: (name: string) => stored.get(name),
      set: (name: string, text: string) => void stored.set(name, text),
    },
    newKey: () => randomUUID(),
    takeSession: () => {
      const taken = session
      session = undefined
      return taken
    },
  }
  return {
    lost,
    openPage: () => openWallet(shop.official.id, browser),
    /** Over WeChat's page and back, as that user. */
    async logIn(user: string, page: { loginPage(path: string): string }): Promise<string> {
      const path = `/h5/${shop.official.id}`
      const start = await fetch(shop.url + page.loginPage(path), { redirect: 'manual' })
      const [cookie = ''] = start.headers.getSetCookie()
      const url = start.headers.get('location')
      const { location } = await shop.twin.control.do(user, 'authorize', { url })
      const headers = { cookie: cookie.split(';')[0] ?? '' }
      const back = await fetch(location, { redirect: 'manual', headers })
      for (const line of back.headers.getSetCookie())
        session = /^lika_session=([^;]+)/.exec(line)?.[1] ?? session
      return back.headers.get('location') ?? ''
    },
  }
}

const statusOf = async (page: { current(): Promise<{ status: string }> }) =>
  (await page.current()).status

test('outside WeChat a guest buys by a code, gives up the hours, and has a card that pays', async () => {
  const page = openBrowser().openPage()
  assert.equal((await page.shop()).local_wechat, shop.twin.url)
  const [product] = await page.products()
  assert.ok(product)
  assert.equal(product.id, shop.product)
  await page.beGuest()
  const order = await page.order(product.id, 10_000)
  assert.deepEqual([order.channel, order.status, order.total], ['h5', 'created', 10_000])
  const { code_url: codeUrl } = await page.pay('native')
  const user = await shop.twin.control.user()
  await shop.twin.control.do(user.id, 'pay', { code_url: codeUrl })
  await shop.twin.control.settle()
  const bought = await page.current()
  assert.equal(bought.status, 'delivered')
  const [card] = bought.cards
  assert.ok(card)
  assert.equal((await page.card(card)).balance.available, 10_000)
  await assert.rejects(page.reveal(card), (error: { code: string }) => error.code === 'card.sealed')
  await page.unseal()
  const face = await page.reveal(card)
  const found = await shop.call('POST', '/v1/cards/lookup', {
    key: shop.key,
    body: { number: face.number, secret: face.secret },
  })
  assert.deepEqual([found.status, found.body.id], [200, card])
})

test('inside WeChat a buyer logs in by his own act, pays by the sheet, and changes his mind', async () => {
  const browser = openBrowser(true)
  const page = browser.openPage()
  const user = await shop.twin.control.user()
  assert.equal(page.hasSession(), false)
  assert.match(await browser.logIn(user.id, page), /\?login=done$/)
  const again = browser.openPage()
  assert.equal(await again.takeOver(), true)
  assert.equal(again.isLoggedIn(), true)
  const order = await again.order(shop.product, 5_000)
  assert.equal(order.channel, 'official_account')
  const { parameters = {} } = await again.pay('jsapi')
  const back = `${shop.url}/h5/${shop.official.id}`
  const sheet = await fetch(
    `${shop.twin.url}/_twin/phone?${String(new URLSearchParams({ ...parameters, back }))}`,
  )
  const fields = [...(await sheet.text()).matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)]
  const form = new URLSearchParams()
  for (const [, name = '', value = ''] of fields) form.set(name, value)
  form.set('back', back)
  form.set('decision', 'pay')
  const paid = await fetch(`${shop.twin.url}/_twin/phone`, {
    method: 'POST',
    body: form,
    redirect: 'manual',
  })
  assert.equal(paid.headers.get('location'), `${back}?wxpay_result=ok`)
  await shop.twin.control.settle()
  assert.equal(await statusOf(again), 'delivered')
  const given = await again.giveBack()
  assert.equal(given.refund.amount, 5_000)
  await shop.advance(120)
  await shop.tend()
  assert.equal(await statusOf(again), 'refunded')
})

test('a purchase whose answers are lost and whose page is closed goes on where it was', async () => {
  const browser = openBrowser()
  let page = browser.openPage()
  await page.beGuest()
  browser.lost.push('/orders', '/pay')
  await assert.rejects(page.order(shop.product, 7_000), TypeError)
  page = browser.openPage()
  const order = await page.order(shop.product, 7_000)
  await assert.rejects(page.pay('native'), TypeError)
  page = browser.openPage()
  assert.equal(page.underWay(), order.id)
  const invitation = await page.pay('native')
  assert.deepEqual(await page.pay('native'), invitation)
  const shown = await shop.show(order.id)
  assert.equal(shown.payments.length, 1)
  const user = await shop.twin.control.user()
  await shop.twin.control.fault({ path: 'TRANSACTION.SUCCESS' }, 'drop_notification')
  await shop.twin.control.do(user.id, 'pay', { code_url: invitation.code_url })
  await shop.twin.control.settle()
  await shop.advance(120)
  await shop.tend()
  assert.equal(await statusOf(page), 'delivered')
  await shop.twin.control.clearFaults()
})

test('whoever goes from way to way and back is asked once at a time, and charged once', async () => {
  const page = openBrowser().openPage()
  await page.beGuest()
  const order = await page.order(shop.product, 3_000)
  const code = await page.pay('native')
  const browser = await page.pay('h5')
  const again = await page.pay('native')
  assert.notEqual(again.out_trade_no, code.out_trade_no)
  assert.match(browser.h5_url ?? '', /^http/)
  const user = await shop.twin.control.user()
  const pay = (url: string | undefined) => shop.twin.control.do(user.id, 'pay', { code_url: url })
  await assert.rejects(pay(code.code_url))
  await pay(again.code_url)
  await shop.twin.control.settle()
  const { payments } = await shop.show(order.id)
  assert.equal(payments.filter(({ status }: { status: string }) => status === 'paid').length, 1)
})

test('who logs in after buying as a guest has the card, and nobody else has', async () => {
  const browser = openBrowser()
  const page = browser.openPage()
  await page.beGuest()
  await page.order(shop.product, 2_000)
  const { code_url: codeUrl } = await page.pay('native')
  const user = await shop.twin.control.user()
  await shop.twin.control.do(user.id, 'pay', { code_url: codeUrl })
  await shop.twin.control.settle()
  const [card] = (await page.current()).cards
  assert.ok(card)
  const stranger = openBrowser().openPage()
  await stranger.beGuest()
  const isHidden = (error: unknown) => error instanceof Refused && error.code === 'card.not_found'
  await assert.rejects(stranger.card(card), isHidden)
  await assert.rejects(stranger.reveal(card), isHidden)
  await browser.logIn(user.id, page)
  await page.takeOver()
  assert.equal(page.isLoggedIn(), true)
  assert.equal((await page.card(card)).id, card)
  assert.equal(await statusOf(page), 'delivered')
})

test('an order that is left is closed, and the next one is another', async () => {
  const page = openBrowser().openPage()
  await page.beGuest()
  const first = await page.order(shop.product, 1_000)
  const { code_url: codeUrl } = await page.pay('native')
  await page.leave()
  assert.equal((await shop.show(first.id)).status, 'closed')
  assert.equal(page.underWay(), undefined)
  const user = await shop.twin.control.user()
  await assert.rejects(shop.twin.control.do(user.id, 'pay', { code_url: codeUrl }))
  const second = await page.order(shop.product, 1_000)
  assert.notEqual(second.id, first.id)
})

test('what is refused is said by its code, and asked anew the next time', async () => {
  const page = openBrowser().openPage()
  await page.beGuest()
  const refused = { name: 'Error', code: 'amount.out_of_range' }
  await assert.rejects(page.order(shop.product, 99_999_999), refused)
  await assert.rejects(page.order(shop.product, 99_999_999), refused)
  const order = await page.order(shop.product, 1_500)
  assert.equal(order.total, 1_500)
})
