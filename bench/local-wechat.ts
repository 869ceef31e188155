/** The local WeChat of the bench: a process of its own, a merchant that both sides know, and signed calls of our own. */
import { spawn } from 'node:child_process'
import { createSign, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { newRsaKeys } from '../server/src/platform/crypto/pem-keys.ts'

export interface LocalWechat {
  readonly url: string
  stop(): Promise<void>
}

export interface BenchMerchant {
  readonly mchid: string
  readonly appid: string
  readonly serial: string
  readonly apiV3Key: string
  readonly privateKey: string
}

const program = resolve(import.meta.dirname, '../wechat-twin/src/main.ts')
const agent = new Agent({ keepAlive: true, maxSockets: 256 })

export async function startLocalWechat(dataDir: string): Promise<LocalWechat> {
  const folder = join(dataDir, 'local-wechat')
  const child = spawn(process.execPath, [program, '--data', folder, '--profile', 'local'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /listens on (http:\S+)/.exec(line)?.[1]
    if (url === undefined) continue
    child.stdout.resume()
    return { url, stop: () => end(child) }
  }
  throw new Error('the local WeChat did not start')
}

async function end(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

/** A merchant there whose limits a bench does not meet. */
export async function makeMerchant(url: string): Promise<BenchMerchant> {
  const { privateKey, publicKey } = newRsaKeys()
  const merchant = {
    mchid: '1900000777',
    appid: 'wxbench00000000001',
    serial: `4${randomBytes(20).toString('hex').slice(1).toUpperCase()}`,
    apiV3Key: randomBytes(16).toString('hex'),
    privateKey,
  }
  const { mchid, appid, serial, apiV3Key } = merchant
  await ask(url, 'POST', '/_twin/merchants', {
    mchid,
    appids: [appid],
    serial,
    api_v3_key: apiV3Key,
    public_key_pem: publicKey,
    key_mode: 'certificate',
  })
  return merchant
}

/** A native order as the bare protocol asks for it; throws unless WeChat takes it. */
export async function orderBare(
  url: string,
  { mchid, appid, serial, privateKey }: BenchMerchant,
  no: string,
): Promise<void> {
  const path = '/v3/pay/transactions/native'
  const body = JSON.stringify({
    appid,
    mchid,
    description: 'Gift card',
    out_trade_no: no,
    notify_url: `${url}/nowhere`,
    amount: { total: 100, currency: 'CNY' },
  })
  const timestamp = Math.floor(Date.now() / 1000)
  const nonce = randomBytes(16).toString('hex')
  const signature = createSign('RSA-SHA256')
    .update(`POST\n${path}\n${timestamp}\n${nonce}\n${body}\n`)
    .sign(privateKey, 'base64')
  const items = { mchid, nonce_str: nonce, timestamp, serial_no: serial, signature }
  const listed = Object.entries(items).map(([name, value]) => `${name}="${value}"`)
  await ask(url, 'POST', path, body, {
    authorization: `WECHATPAY2-SHA256-RSA2048 ${listed.join(',')}`,
    accept: 'application/json',
    'user-agent': 'bench',
  })
}

/** The JSON of a 2xx; throws for any other answer. */
export function ask(
  url: string,
  method: string,
  path: string,
  body?: object | string,
  headers: Record<string, string> = {},
): Promise<ReturnType<typeof JSON.parse>> {
  const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((done, failed) => {
    const asked = request(
      url + path,
      {
        method,
        agent,
        headers: { ...(sent !== undefined && { 'content-type': 'application/json' }), ...headers },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', failed)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const { statusCode = 0 } = response
          if (statusCode >= 300) failed(new Error(`${method} ${path}: ${statusCode} ${text}`))
          else done(text === '' ? undefined : JSON.parse(text))
        })
      },
    )
    asked.on('error', failed)
    asked.end(sent)
  })
}
