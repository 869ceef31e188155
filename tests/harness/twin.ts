/** The local WeChat as a process, and what a test says to it over its control API. */
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from './server.ts'

const main = join(import.meta.dirname, '../../wechat-twin/src/main.ts')

/** What the control API answers is looked at by tests, member by member. */
type Json = ReturnType<typeof JSON.parse>

/** A merchant at the twin, with what only the merchant itself has. */
export interface TwinMerchant {
  mchid: string
  appids: string[]
  serial: string
  api_v3_key: string
  api_v2_key: string
  private_key_pem: string
  public_key_pem: string
  platform_certificates: { serial_no: string; pem: string }[]
  public_key: { id: string; pem: string } | null
}

export interface TwinUser {
  id: string
  name: string
  openids: Record<string, string>
  unionid: string
  unionids: Record<string, string>
}

export type TwinProcess = Awaited<ReturnType<typeof startTwin>>

let merchantsMade = 0

export async function startTwin(
  options: {
    profile?: 'strict' | 'local'
    seed?: string
    port?: number
    /** Besides this process's own. */
    env?: Record<string, string>
  } = {},
) {
  const folder = temporaryFolder('lika-twin-')
  const { profile = 'local', seed, port = 0, env } = options
  const first = await run(port)
  let { child } = first
  const { url } = first

  async function run(onPort: number) {
    // Ends with the tests, whatever way they end.
    const given = ['--data', folder, '--port', String(onPort), '--end-with-stdin']
    given.push('--profile', profile)
    if (seed !== undefined) given.push('--seed', seed)
    const started = spawn(process.execPath, [main, ...given], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    let said = ''
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (text: Buffer) => (said += text.toString()))
    const until = Date.now() + 30_000
    for (;;) {
      const found = /listens on (http:\S+)/.exec(said)?.[1]
      if (found !== undefined) return { child: started as ChildProcess, url: found }
      if (started.exitCode !== null || Date.now() > until)
        throw new Error(`the twin did not start: ${said}`)
      await sleep(10)
    }
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM') {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  /** Throws unless it answers 2xx. */
  async function control(method: string, path: string, body?: unknown): Promise<Json> {
    const response = await fetch(`${url}/_twin${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} /_twin${path}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  return {
    url,
    folder,
    control: {
      /** Any call of the control API, for what has no name here. */
      call: control,
      /** A merchant with keys of its own; give what should be other than ordinary. */
      async merchant(more: Record<string, unknown> = {}): Promise<TwinMerchant> {
        const { privateKey, publicKey } = generateKeyPairSync('rsa', {
          modulusLength: 2048,
          publicKeyEncoding: { type: 'spki', format: 'pem' },
          privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        })
        merchantsMade += 1
        const given = {
          mchid: String(1_900_000_000 + merchantsMade),
          appids: ['wxd678efh567hg6787'],
          api_v3_key: randomBytes(16).toString('hex'),
          api_v2_key: randomBytes(16).toString('hex'),
          serial: `4${randomBytes(20).toString('hex').slice(1).toUpperCase()}`,
          public_key_pem: publicKey,
          key_mode: 'certificate',
          ...more,
        }
        const made = await control('POST', '/merchants', given)
        return { private_key_pem: privateKey, ...given, ...made }
      },
      app: (given: Record<string, unknown>): Promise<Json> => control('POST', '/apps', given),
      user: (given: Record<string, unknown> = {}): Promise<TwinUser> =>
        control('POST', '/users', { name: '张三', ...given }),
      do: (user: string, action: string, more: Record<string, unknown> = {}): Promise<Json> =>
        control('POST', `/users/${user}/do`, { action, ...more }),
      /** `effect`: a name, or {name, …what it needs}. */
      fault: (
        match: { path: string; method?: string; mchid?: string; nth?: number; times?: number },
        effect: string | ({ name: string } & Record<string, unknown>),
      ): Promise<{ id: string }> => control('POST', '/faults', { rule: { match, effect } }),
      clearFaults: (): Promise<void> => control('DELETE', '/faults'),
      clock: (
        turn: { offset_seconds: number } | { advance_seconds: number },
      ): Promise<{ now: string; offset_seconds: number }> => control('POST', '/clock', turn),
      /** Waits until everything due is done and every notification that is out has its answer. */
      settle: (): Promise<{ settled: boolean }> => control('POST', '/settle', {}),
      settings: (changes: Record<string, unknown>): Promise<Json> =>
        control('POST', '/settings', changes),
      orders: async (mchid?: string): Promise<Json[]> =>
        (await control('GET', `/orders${mchid === undefined ? '' : `?mchid=${mchid}`}`)).data,
      notifications: async (mchid?: string): Promise<Json[]> =>
        (await control('GET', `/notifications${mchid === undefined ? '' : `?mchid=${mchid}`}`))
          .data,
      requests: async (path = '/', last = 100): Promise<Json[]> =>
        (await control('GET', `/requests?path=${encodeURIComponent(path)}&last=${last}`)).data,
    },
    /** Killed without warning, and started again on the same port with what it had written. */
    restart: async () => {
      await end('SIGKILL')
      const again = await run(Number(new URL(url).port))
      child = again.child
    },
    kill: () => end('SIGKILL'),
    stop: async () => {
      await end('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
