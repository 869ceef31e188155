/** The watch over pages in a browser sees what it is there to see: a page that is wrong in every way is told in every way. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { faultsOf, noBrowser, openBrowser, type TestBrowser } from './harness/browser.ts'

const wrong = `<!doctype html>
<meta name="viewport" content="width=device-width">
<script>window.inline = true</script>
<script src="/thrown.js" defer></script>
<p id="wide">wide</p>
<p id="pale">pale</p>
<button id="small">x</button>
<input id="nameless">`

const right = `<!doctype html>
<html lang="zh-CN"><title>对 · Right</title>
<meta name="viewport" content="width=device-width">
<p>可以 Fine</p>`

const files: Record<string, [type: string, text: string]> = {
  '/wrong': ['text/html', wrong],
  '/right': ['text/html', right],
  '/thrown.js': [
    'text/javascript',
    `document.querySelector('#pale').style.color = '#999'
     document.querySelector('#wide').style.width = '900px'
     throw new Error('on purpose')`,
  ],
}

const server = createServer((request, response) => {
  const found = files[request.url ?? '']
  const [type, text] = found ?? ['text/plain', 'nothing']
  response.writeHead(found === undefined ? 404 : 200, {
    'content-type': `${type}; charset=utf-8`,
    'content-security-policy': "default-src 'self'",
  })
  response.end(text)
})

describe('the watch', { skip: noBrowser }, () => {
  let browser: TestBrowser
  let url = ''
  before(async () => {
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await openBrowser()
  })
  after(async () => {
    await browser.stop()
    server.close()
  })

  const failsWith = (path: string, complaint: RegExp) =>
    assert.rejects(
      browser.visit({ size: 'phone' }, async ({ page }) => {
        await page.goto(url + path)
      }),
      (error: Error) => complaint.test(error.message),
    )

  test('fails a page whose script throws, and one that its own policy stops', async () => {
    await failsWith('/wrong', /thrown: on purpose/)
    await failsWith('/wrong', /said: .*Content Security Policy/)
    await failsWith('/nowhere', /answered: 404 \/nowhere/)
  })

  test('fails a page that would reach beyond this machine', async () => {
    await assert.rejects(
      browser.visit({ size: 'phone' }, async ({ page }) => {
        await page.goto('http://example.com/')
      }),
      /ERR_NAME_NOT_RESOLVED/,
    )
  })

  test('fails where a complaint that belongs to the test does not come', async () => {
    const visit = browser.visit({ size: 'phone' }, async ({ page, expect }) => {
      expect(/answered: 409/)
      await page.goto(`${url}/right`)
    })
    await assert.rejects(visit, /it came: \/answered: 409\//)
  })

  test('tells what is too wide, too small, too pale or without a name', async () => {
    const faults: string[] = []
    await browser.visit({ size: 'phone' }, async ({ page, expect }) => {
      expect(/thrown: on purpose/)
      expect(/Content Security Policy/)
      await page.goto(`${url}/wrong`)
      faults.push(...(await faultsOf(page)))
    })
    const told = faults.join('\n')
    assert.match(told, /its language is ""/)
    assert.match(told, /no title/)
    assert.match(told, /the page is \d+ px wide in 375 px/)
    assert.match(told, /id="small".* is \d+ × \d+ px/)
    assert.match(told, /id="nameless".* has no name/)
    assert.match(told, /id="pale".* has a contrast of 2\.\d+/)
    assert.equal(faults.filter((fault) => fault.includes('contrast')).length, 1)
  })

  test('has nothing to say of a page that is right', async () => {
    await browser.visit({ size: 'small' }, async ({ page }) => {
      await page.goto(`${url}/right`)
      assert.deepEqual(await faultsOf(page), [])
    })
  })
})
