/**
 * Chromium, and pages in it that are watched: what a page's scripts throw, what the browser complains of, what it may not
 * load and what the server refuses is collected, and a page that is closed with any of it fails the test.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { byHand, findChromium } from '../../tools/chromium.mjs'

/** For `{ skip }` of a test: false where there is a browser. */
export const noBrowser: string | false =
  findChromium() === undefined && `no Chromium here; to run it, ${byHand}`

/** Widths of a small phone, an ordinary one and a desk, in CSS pixels. */
export const sizes = {
  small: { width: 360, height: 640 },
  phone: { width: 375, height: 812 },
  desk: { width: 1280, height: 800 },
} as const

export interface Visit {
  readonly page: Page
  /** Complaints that match are part of the test, and have to come. */
  readonly expect: (complaint: RegExp) => void
  /** So that another page of the same browser shares cookies and storage. */
  readonly context: BrowserContext
}

export type TestBrowser = Awaited<ReturnType<typeof openBrowser>>

const audit = readFileSync(join(import.meta.dirname, 'browser-audit.js'), 'utf8')

/** No address but of this machine is reached; it is spoken to over a pipe, and listens on nothing. */
export async function openBrowser() {
  const browser = await chromium.launch({
    executablePath: findChromium() ?? '',
    headless: true,
    // Chromium's sandbox does not work for root.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'],
  })

  /** Runs `work` with a browser profile of its own, and fails on what its pages complained of. */
  async function visit(
    { size, userAgent }: { size: keyof typeof sizes; userAgent?: string },
    work: (visit: Visit) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext({
      viewport: sizes[size],
      locale: 'zh-CN',
      timezoneId: 'Asia/Shanghai',
      ...(size !== 'desk' && { hasTouch: true, isMobile: true }),
      ...(userAgent !== undefined && { userAgent }),
    })
    context.setDefaultTimeout(20_000)
    const complaints: string[] = []
    const expected: RegExp[] = []
    context.on('page', (page) => watch(page, complaints))
    try {
      const page = await context.newPage()
      await work({ page, context, expect: (complaint) => void expected.push(complaint) })
      const unexpected = complaints.filter((one) => !expected.some((other) => other.test(one)))
      assert.deepEqual(unexpected, [])
      for (const one of expected)
        assert.ok(
          complaints.some((complaint) => one.test(complaint)),
          `it came: ${one}`,
        )
    } finally {
      await context.close()
    }
  }

  return { visit, stop: () => browser.close() }
}

function watch(page: Page, complaints: string[]): void {
  page.on('pageerror', (error) => complaints.push(`thrown: ${error.message}`))
  page.on('console', (message) => {
    const isServers = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isServers) complaints.push(`said: ${message.text()}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400)
      complaints.push(`answered: ${response.status()} ${new URL(response.url()).pathname}`)
  })
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText
    // What the page no longer waits for, since the browser has gone on.
    if (why !== 'net::ERR_ABORTED') complaints.push(`failed: ${why} ${request.url()}`)
  })
}

/** What is wrong with how the page looks now, in sentences; see browser-audit.js. */
export async function faultsOf(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(audit)
}
