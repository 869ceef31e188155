import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { qrModules } from '../server/assets/h5/qr.js'
import { fenOf, waysToPay, yuanOf } from '../server/assets/h5/wallet.js'
import { refusals, wordsOf } from '../server/assets/h5/words.js'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'

const assets = join(import.meta.dirname, '../server/assets/h5')

describe('the page', () => {
  let app: WechatTestApp
  before(async () => {
    app = await startWechatApp()
  })
  after(() => app.stop())

  test('of an app is there for everybody, and of nothing else', async () => {
    const page = await fetch(`${app.url}/h5/${app.official.id}`)
    assert.equal(page.status, 200)
    assert.match(page.headers.get('content-type') ?? '', /^text\/html; charset=utf-8$/)
    assert.match(await page.text(), /<html lang="zh-CN">/)
    for (const id of [`wxapp_${'0'.repeat(32)}`, app.issuer.id, 'x', '%00']) {
      const nowhere = await fetch(`${app.url}/h5/${id}`)
      assert.equal(nowhere.status, 404, id)
    }
  })

  test('takes nothing from elsewhere, and lets nothing in', async () => {
    const page = await fetch(`${app.url}/h5/${app.official.id}`)
    const csp = page.headers.get('content-security-policy') ?? ''
    assert.match(csp, /^default-src 'none'; script-src 'self'; style-src 'self';/)
    assert.ok(csp.includes("frame-ancestors 'none'"))
    assert.ok(!csp.includes('unsafe') && !csp.includes('http'))
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff')
    const html = await page.text()
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|\son\w+=|style=|javascript:/)
    const files = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => path)
    assert.ok(files.length >= 2)
    for (const path of [
      ...files,
      '/h5/assets/view.js',
      '/h5/assets/cards.js',
      '/h5/assets/wallet.js',
      '/h5/assets/words.js',
      '/h5/assets/qr.js',
    ]) {
      const file = await fetch(app.url + path)
      assert.equal(file.status, 200, path)
      const text = await file.text()
      // Of addresses of others only the name of a drawing's elements.
      const others = text
        .replaceAll('http://www.w3.org/2000/svg', '')
        .match(/https?:\/\/|import\(/g)
      assert.equal(others, null, path)
      assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/)
    }
  })
})

describe('the words', () => {
  /** What the page sends so that these cannot come, or are faults of its own. */
  const never =
    /^(request|idempotency|cursor|media_type)\.|^(order\.card_missing|order\.too_many_cards|member\.not_found|reference\.already_used|product\.not_reloadable|policy\.account_name_differs|refund\.exceeds_load|command\.too_late)$/
  const calls = [
    ['get', '/shops/{id}'],
    ['get', '/products'],
    ['post', '/guests'],
    ['post', '/orders'],
    ['get', '/orders/{id}'],
    ['post', '/orders/{id}/pay'],
    ['post', '/orders/{id}/close'],
    ['post', '/orders/{id}/unseal'],
    ['post', '/orders/{id}/refunds'],
    ['get', '/cards/{id}'],
    ['post', '/cards/{id}/reveal'],
  ] as const

  test('are there for every refusal that the page may get', async () => {
    const app = await startWechatApp()
    try {
      const { paths } = JSON.parse(await (await fetch(`${app.url}/wallet/openapi.json`)).text())
      const codes = calls.flatMap(([method, path]) => {
        const answers: object = paths[`/wallet/v1${path}`][method].responses
        return Object.entries(answers).flatMap(([status, { description }]) =>
          status < '400'
            ? []
            : [...String(description).matchAll(/`([\w.]+)`:/g)].map(([, code = '']) => code),
        )
      })
      assert.ok(codes.includes('stock.sold_out') && codes.includes('wechat.refused'))
      const unsaid = new Set(codes.filter((code) => !never.test(code) && !(code in refusals)))
      assert.deepEqual([...unsaid], [])
    } finally {
      await app.stop()
    }
  })

  test('say in Chinese what to do, of an answer that never came too', () => {
    const broken = [new TypeError('Failed to fetch'), new SyntaxError('<'), { code: 'x.new' }]
    for (const [chinese] of [...Object.values(refusals), ...broken.map(wordsOf)])
      assert.match(chinese, /^[\p{Script=Han}“”，、]{6,40}$/u)
  })
})

describe('what is typed and chosen', () => {
  const typed: [string, number | undefined][] = [
    ['100', 10_000],
    ['0.5', 50],
    ['12.34', 1_234],
    [' 7 ', 700],
    ['1,000', undefined],
    ['-5', undefined],
    ['1.234', undefined],
    ['', undefined],
    ['1e3', undefined],
    ['1234567', undefined],
  ]
  for (const [yuan, fen] of typed)
    test(`${JSON.stringify(yuan)} yuan are ${fen} fen`, () => assert.equal(fenOf(yuan), fen))

  test('fen are shown as yuan', () => assert.equal(yuanOf(12_345), '¥123.45'))

  test('within WeChat its own sheet is asked for, which needs a login; elsewhere browser or code', () => {
    assert.deepEqual(waysToPay({ isWechat: true, isPhone: true, isLoggedIn: true }), ['jsapi'])
    assert.deepEqual(waysToPay({ isWechat: true, isPhone: true, isLoggedIn: false }), ['login'])
    assert.equal(waysToPay({ isWechat: false, isPhone: true, isLoggedIn: true })[0], 'h5')
    assert.equal(waysToPay({ isWechat: false, isPhone: false, isLoggedIn: true })[0], 'native')
  })
})

describe('a code to scan', () => {
  const wechatTwin = createRequire(join(import.meta.dirname, '../wechat-twin/package.json'))
  const qrcode = wechatTwin('qrcode')

  test('has the modules that another encoder gives it, in each of its sizes', () => {
    const text = 'weixin://wxpay/bizpayurl?pr='.repeat(8)
    const sizes = new Set<number>()
    for (let length = 1; length <= 213; length += 6) {
      const part = text.slice(0, length)
      const rows = qrModules(part)
      sizes.add(rows.length)
      const made = qrcode.create([{ data: Buffer.from(part), mode: 'byte' }], {
        errorCorrectionLevel: 'M',
        maskPattern: 0,
        version: (rows.length - 17) / 4,
      })
      const theirs = rows.map((row, y) => row.map((_, x) => Boolean(made.modules.get(y, x))))
      assert.deepEqual(rows, theirs, `${length} bytes`)
    }
    assert.equal(sizes.size, 10)
  })

  test('is refused for a text that is too long', () => {
    assert.throws(() => qrModules('x'.repeat(214)), RangeError)
  })
})

test('every call that the page makes is one of the wallet’s', () => {
  const text = readFileSync(join(assets, 'wallet.js'), 'utf8')
  assert.match(text, /fetch\(`\/wallet\/v1\$\{path\}`/)
  assert.equal(text.match(/fetch\(/g)?.length, 1)
})
