/** Lika as a process of its own, which tests kill and start again: on a test database, always under the same port. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { scopes } from '@lika/contract'
import { newId } from '../../server/src/platform/ids.ts'
import { answerCheckOf } from './answer-check.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import type { Answered } from './http-app.ts'
import { temporaryFolder } from './server.ts'

export type LikaProcess = Awaited<ReturnType<typeof startLikaProcess>>

const main = join(import.meta.dirname, '../../server/src/main.ts')

/** `more`: of its environment. */
export async function startLikaProcess(more: Record<string, string> = {}) {
  const database: TestDatabase = await testDatabase()
  const folder = temporaryFolder('lika-process-')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let said = ''
  let child = await run()

  async function run(): Promise<ChildProcess> {
    const started = spawn(process.execPath, [main], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        DATABASE_URL: database.url,
        LIKA_DATA: folder,
        LIKA_PORT: String(port),
        LIKA_DEMO: '0',
        LIKA_LANES: '4',
        TMPDIR: folder,
        ...more,
      },
    })
    const from = said.length
    for (const stream of [started.stdout, started.stderr])
      stream?.on('data', (text: Buffer) => (said += text.toString()))
    const until = Date.now() + 60_000
    while (!said.slice(from).includes('Lika is ready')) {
      if (started.exitCode !== null || Date.now() > until)
        throw new Error(`Lika did not start: ${said.slice(from)}`)
      await sleep(20)
    }
    return started
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  const check = await answerCheckOf(url)

  /** Asked again while the server is away, as a careful client does; the answer is one that the document has. */
  async function call(...request: Parameters<typeof exchange>): ReturnType<typeof exchange> {
    const answer = await exchange(...request)
    const { status, headers, bytes } = answer
    const header = (name: string) => headers.get(name) ?? undefined
    const [method, path] = request
    check.assertDocumented(method, path, { status, header, text: bytes.toString() })
    return answer
  }

  async function exchange(
    method: string,
    path: string,
    options: { key: string; body?: unknown; form?: FormData; idempotencyKey?: string },
  ): Promise<Answered & { bytes: Buffer }> {
    const { key, body, form, idempotencyKey = newId() } = options
    const request: RequestInit = {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(method === 'POST' && { 'idempotency-key': idempotencyKey }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
    }
    if (form !== undefined) request.body = form
    else if (body !== undefined) request.body = JSON.stringify(body)
    for (let attempt = 0; ; attempt += 1) {
      const answer = await send(path, request).catch((error: unknown) => {
        if (attempt > 500) throw error
      })
      if (answer !== undefined && answer.status !== 503) return answer
      await sleep(100)
    }
  }

  async function send(path: string, request: RequestInit) {
    const response = await fetch(url + path, request)
    const bytes = Buffer.from(await response.arrayBuffer())
    const { status, headers } = response
    const isJson = headers.get('content-type')?.includes('json') === true
    return { status, headers, bytes, body: isJson ? JSON.parse(bytes.toString()) : undefined }
  }

  const operator = () => readFileSync(join(folder, 'operator.key'), 'utf8').trim()

  return {
    url,
    folder,
    database,
    call,
    /** Everything that it wrote on stdout and stderr. */
    said: () => said,
    kill: () => end('SIGKILL'),
    start: async () => {
      child = await run()
    },
    /** An issuer with a key that may do everything, in test mode. */
    async makeIssuer(packs = ['open']): Promise<string> {
      const key = operator()
      const issuer = { name: 'Tea', legal_name: 'Tea House Ltd', packs }
      const made = await call('POST', '/v1/issuers', { key, body: issuer })
      const body = { issuer_id: made.body.id, mode: 'test', name: 'all', owner: 'tests', scopes }
      return (await call('POST', '/v1/keys', { key, body })).body.secret
    },
    /** A published product whose cards take any amount. */
    async makeProduct(key: string, terms: object = {}): Promise<string> {
      const body = {
        name: 'Tea card',
        kind: 'stored_value',
        registered: false,
        carrier: 'virtual',
        face_range: { min: 1, max: 5_000_000 },
        validity_months: 36,
        reloadable: true,
        ...terms,
      }
      const made = await call('POST', '/v1/products', { key, body })
      await call('POST', `/v1/products/${made.body.id}/publish`, { key })
      return made.body.id
    },
    /** The job when it has ended. */
    async ended(key: string, job: string): Promise<Answered['body']> {
      for (;;) {
        const { body } = await call('GET', `/v1/jobs/${job}`, { key })
        if (body.status === 'succeeded' || body.status === 'failed') return body
        await sleep(50)
      }
    },
    stop: async () => {
      await end('SIGTERM')
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
