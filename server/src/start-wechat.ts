/**
 * A step of the start: where WeChat is for each mode, and the local WeChat, a process of its own beside us that ends when
 * we do.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import type { Mode } from '@lika/contract'
import { CannotStart } from './platform/cannot-start.ts'
import type { Config } from './platform/config.ts'
import { type WechatUrls, wechatUrls } from './platform/config-wechat.ts'
import type { Log } from './platform/log.ts'
import type { Stop } from './stops.ts'

export interface WechatPlaces {
  readonly urlsOf: (mode: Mode) => WechatUrls
  /** What callbacks and pages are reached by; without a slash at the end. */
  readonly publicUrl: () => string
  /** Says under which address we answer, which is known last. */
  readonly listensAt: (url: string) => void
  /** Of the local WeChat that we started. */
  readonly twinUrl: string | undefined
  /** Tells the local WeChat, ours or a given one, how far ahead the clock of test mode is. Never rejects. */
  readonly tellClock: (offsetMs: number) => Promise<void>
}

const program = resolve(import.meta.dirname, '../../wechat-twin/src/main.ts')
const usualPort = 8090
const tellWithinMs = 2_000

/** @throws CannotStart `twin.impossible` */
export async function startWechat(
  config: Config,
  log: Log,
  onStop: (stop: Stop) => void,
): Promise<WechatPlaces> {
  const { wechat } = config
  const isWanted = wechat.twinPort !== undefined || (config.demo && wechat.given.pay === undefined)
  const twinUrl = isWanted ? await startTwin(config, log, onStop) : undefined
  let ownUrl = ''
  const urlsOf = (mode: Mode) => wechatUrls(wechat, mode, twinUrl)
  return {
    urlsOf,
    publicUrl: () => wechat.publicUrl ?? ownUrl,
    listensAt: (url) => {
      ownUrl = url
    },
    twinUrl,
    tellClock: (offsetMs) => tellClock(urlsOf('test').pay, offsetMs, log),
  }
}

async function startTwin(config: Config, log: Log, onStop: (stop: Stop) => void): Promise<string> {
  const port = config.wechat.twinPort ?? ((await isFree(usualPort)) ? usualPort : 0)
  const folder = join(config.dataDir, 'wechat-twin')
  const child = spawn(
    process.execPath,
    [program, '--data', folder, '--port', String(port), '--profile', 'local', '--end-with-stdin'],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  )
  const ended = once(child, 'exit')
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said = (said + text.toString()).slice(-2_000)
  })
  const url = await Promise.race([urlSaid(child.stdout), ended.then(() => undefined)])
  if (url === undefined) {
    throw new CannotStart(
      'twin.impossible',
      `The local WeChat does not start on port ${port}: ${said.trim() || 'it said nothing'}. Set LIKA_TWIN_PORT to a free port.`,
    )
  }
  let stopping = false
  child.on('exit', (code) => {
    if (!stopping) log.error({ code, said }, 'the local WeChat has ended')
  })
  onStop(async () => {
    stopping = true
    child.stdin.end()
    await ended
  })
  return url
}

/** What it says later is read and thrown away, or its pipe would fill. */
function urlSaid(output: NodeJS.ReadableStream): Promise<string> {
  const { promise, resolve: said } = Promise.withResolvers<string>()
  let text = ''
  output.on('data', (more: Buffer) => {
    text = (text + more.toString()).slice(-2_000)
    const url = /listens on (http:\/\/\S+)\n/.exec(text)?.[1]
    if (url !== undefined) said(url)
  })
  return promise
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  const outcome = Promise.race([
    once(probe, 'listening').then(() => true),
    once(probe, 'error').then(() => false),
  ])
  probe.listen(port, '127.0.0.1')
  const free = await outcome
  if (free) await new Promise((closed) => probe.close(closed))
  return free
}

async function tellClock(payUrl: string, offsetMs: number, log: Log): Promise<void> {
  const { hostname } = new URL(payUrl)
  if (hostname !== '127.0.0.1' && hostname !== 'localhost') return
  try {
    const answer = await fetch(`${payUrl}/_twin/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ offset_seconds: offsetMs / 1000 }),
      signal: AbortSignal.timeout(tellWithinMs),
    })
    if (!answer.ok) log.warn({ status: answer.status }, 'the local WeChat refuses our clock')
  } catch {
    // Nobody is there: tests without a local WeChat.
  }
}
