/**
 * A buyer in a real browser, from the shelf to a card that pays at a till: over the page behind an h5_url, over the sheet
 * within WeChat, and by a code that the phone scans; and what the shop says of payments that were not made. Every page on
 * the way is looked over on a small phone and on a desk, in the light and in the dark.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { qrModules } from '../server/assets/h5/qr.js'
import { faultsOf, noBrowser, openBrowser, sizes, type TestBrowser } from './harness/browser.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

const onPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148'
const inWechat = `${onPhone} MicroMessenger/8.0.49`

describe('a purchase in a browser', { skip: noBrowser }, () => {
  let shop: OrderShop
  let browser: TestBrowser
  let url = ''
  let till = ''
  before(async () => {
    // A registered domain: WeChat then looks at where the browser comes from, and where it goes back to.
    shop = await startOrderShop({ merchant: { h5_domains: ['127.0.0.1'] } })
    url = `${shop.url}/h5/${shop.official.id}`
    const tea = { name: 'Shop', category: 'food' }
    till = (await shop.post(shop.key, '/v1/merchants', tea)).body.id
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.stop()
    await shop?.stop()
  })

  const inTwin = ({ origin }: URL) => origin === shop.twin.url

  /** The card that is shown is taken into use, and pays all that is on it with the number and secret that are shown. */
  async function useCard(page: Page, fen: number): Promise<void> {
    const bought = page.getByRole('region', { name: '已购礼卡' })
    await bought.getByText(`¥${(fen / 100).toFixed(2)}`).waitFor()
    await looksRight(page)
    await press(page, '放弃冷静期')
    await press(page, '查看卡号和密码')
    const shown = await bought.getByText(/^卡号 \d{19}/).textContent()
    await looksRight(page)
    const [, number, secret] = /^卡号 (\d{19})\n密码 (\w{16})$/.exec(shown ?? '') ?? []
    const paid = await shop.post(shop.key, '/v1/payments', {
      amount: fen,
      currency: 'CNY',
      merchant_id: till,
      reference: `till-${number}`,
      sources: [{ number, secret }],
    })
    assert.deepEqual([paid.status, paid.body.status], [201, 'succeeded'], JSON.stringify(paid.body))
  }

  test('on a phone goes to WeChat and back: without having paid, then with the card', async () => {
    const buyer = await shop.makeBuyer()
    await browser.visit({ size: 'small', userAgent: onPhone }, async ({ page }) => {
      await page.goto(url)
      await choose(page, '88.8')
      await press(page, '打开微信付款')
      await page.waitForURL(inTwin)
      await page.getByText('¥88.80').waitFor()
      await looksRight(page)
      await press(page, '取消')
      await page.waitForURL(url)
      await press(page, '打开微信付款')
      await page.getByLabel('付款人').selectOption(buyer.id)
      await press(page, '确认付款')
      await page.waitForURL(url)
      await useCard(page, 8_880)
    })
  })

  test('beside the local WeChat: logged in, cancelled, refused, paid', async () => {
    const buyer = await shop.makeBuyer()
    const has = (balance_fen: number) => shop.twin.control.do(buyer.id, 'change', { balance_fen })
    await has(0)
    await browser.visit({ size: 'desk' }, async ({ page }) => {
      await page.goto(url)
      await choose(page, '20')
      await press(page, '登录微信后付款')
      await page.getByLabel('微信用户').selectOption(buyer.id)
      await looksRight(page)
      await press(page, '允许')
      await page.waitForURL(url)
      await press(page, '微信支付')
      await page.waitForURL(inTwin)
      await page.getByText('¥20.00').waitFor()
      await looksRight(page)
      await press(page, '取消')
      await says(page, '已取消付款')
      await looksRight(page)
      await press(page, '微信支付')
      await press(page, '确认付款')
      await says(page, '付款未成功')
      await has(2_000)
      await press(page, '微信支付')
      await press(page, '确认付款')
      await page.waitForURL(url)
      await useCard(page, 2_000)
    })
    assert.equal((await has(0)).balance_fen, 0)
  })

  test('within WeChat: its sheet, left, refused and paid; the bridge may come late', async () => {
    const buyer = await shop.makeBuyer()
    let decision = 'pay'
    /** What WeChat does when a page asks for its sheet: the signature is verified by the local WeChat. */
    const openSheet = async (name: string, parameters: object): Promise<string> => {
      if (decision === 'pay')
        return shop.twin.control.do(buyer.id, 'pay', { parameters }).then(
          () => `${said(name)}:ok`,
          () => `${said(name)}:fail`,
        )
      return `${said(name)}:cancel`
    }
    await browser.visit({ size: 'small', userAgent: inWechat }, async ({ page, context }) => {
      await context.exposeFunction('openSheet', openSheet)
      await page.goto(url)
      await choose(page, '35')
      await page.getByLabel('微信用户').selectOption(buyer.id)
      await press(page, '允许')
      await page.waitForURL(url)
      await choose(page, '35')
      await press(page, '微信支付')
      decision = 'cancel'
      await page.evaluate(bridge)
      await says(page, '已取消付款')
      await looksRight(page)
      decision = 'pay'
      await shop.twin.control.do(buyer.id, 'change', { balance_fen: 3_499 })
      await press(page, '微信支付')
      await says(page, '付款未成功')
      await shop.twin.control.do(buyer.id, 'change', { balance_fen: 3_500 })
      await press(page, '微信支付')
      await says(page, '付款成功，卡已到账')
      await useCard(page, 3_500)
    })
  })

  test('on a desk: a code, scanned on the phone, and this page follows by itself', async () => {
    await browser.visit({ size: 'desk' }, async ({ page, context, expect }) => {
      await page.goto(url)
      await choose(page, '30')
      const invited = page.waitForResponse((response) => response.url().endsWith('/pay'))
      await press(page, '扫码付款')
      const { code_url: code } = await (await invited).json()
      await page.getByText('请用微信“扫一扫”').waitFor()
      assert.equal(await page.locator('#code path').getAttribute('d'), drawn(code))
      await looksRight(page)

      const opened = context.waitForEvent('page')
      await page.getByRole('link', { name: '在本地微信里扫码' }).click()
      const phone = await opened
      await phone.getByLabel('新用户').fill('李四')
      await press(phone, '添加')
      await phone
        .getByRole('option', { name: '李四', selected: true })
        .waitFor({ state: 'attached' })
      await looksRight(phone)
      await scan(phone, code)
      await phone.getByRole('dialog').getByText('¥30.00').waitFor()
      await looksRight(phone)
      await press(phone, '取消')
      await says(phone, '已取消')
      expect(/answered: 409 \/_twin\/phone\/invitation/)
      await scan(phone, `${code}x`)
      await says(phone, '没有这笔付款')
      assert.equal(await phone.getByRole('dialog').count(), 0)
      await looksRight(phone)
      await scan(phone, code)
      await press(phone, '确认付款')
      await says(phone, '支付成功')
      await phone.getByText('付款成功').waitFor()
      await scan(phone, code)
      await says(phone, '订单已支付')
      await looksRight(phone)

      await says(page, '付款成功，卡已到账')
      await useCard(page, 3_000)
    })
  })

  test('a shop that is not there is said to be none', async () => {
    await browser.visit({ size: 'small' }, async ({ page, expect }) => {
      expect(/answered: 404 \/h5\/wxapp_0+$/)
      await page.goto(`${shop.url}/h5/wxapp_${'0'.repeat(32)}`)
      await page.getByText('没有这家店').waitFor()
      await looksRight(page)
    })
  })
})

/** Chooses the card that is on sale for as many yuan, and goes on to pay. */
async function choose(page: Page, yuan: string): Promise<void> {
  await page.getByRole('heading', { name: '选购' }).waitFor()
  await page.getByLabel('金额（元）').fill(yuan)
  await looksRight(page)
  await press(page, '购买')
}

/** By the first of its words. */
async function press(page: Page, words: string): Promise<void> {
  await page.getByRole('button', { name: new RegExp(`^${words}`) }).click()
}

async function says(page: Page, words: string): Promise<void> {
  await page.locator('#notice').getByText(words).waitFor()
}

async function scan(phone: Page, token: string): Promise<void> {
  await phone.getByLabel('二维码内容').fill(token)
  await press(phone, '扫码')
}

/** As it stands, at both sizes and by day and night; it is then as it was. */
async function looksRight(page: Page): Promise<void> {
  const before = page.viewportSize()
  assert.ok(before)
  for (const size of [sizes.small, sizes.desk])
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.setViewportSize(size)
      await page.emulateMedia({ colorScheme })
      assert.deepEqual(await faultsOf(page), [], `${page.url()} ${size.width} px, ${colorScheme}`)
    }
  await page.setViewportSize(before)
}

/** Whose answer it is, as WeChat writes it: `getBrandWCPayRequest` is answered by `get_brand_wcpay_request:ok`. */
function said(name: string): string {
  assert.equal(name, 'getBrandWCPayRequest')
  return 'get_brand_wcpay_request'
}

/** As one path, in the manner of view.js. */
function drawn(text: string): string {
  return qrModules(text)
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x + 4} ${y + 4}h1v1h-1z`] : [])))
    .join('')
}

/** Run in the page: what WeChat puts into a page that is open in it, and says that it has. */
const bridge = `
  window.WeixinJSBridge = {
    invoke: async (name, parameters, left) => left({ err_msg: await openSheet(name, parameters) }),
  }
  document.dispatchEvent(new Event('WeixinJSBridgeReady'))`
