/** For tests: a local WeChat in this process whose real clock can be put ahead, with accounts, users, calls and a callback. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Twin } from '../kernel/twin.ts'
import { registers } from '../routes.ts'

/** Answers are looked at member by member. */
export type Json = ReturnType<typeof JSON.parse>

export interface TestApp {
  readonly appid: string
  readonly secret: string
  readonly access_token: string
}

export type TestWorld = Awaited<ReturnType<typeof startWorld>>

export async function startWorld() {
  const data = mkdtempSync(join(tmpdir(), 'twin-app-'))
  let ahead = 0
  const begin = async () => {
    const made = new Twin({ data, profile: 'strict' })
    made.clock.real = () => Date.now() + ahead * 1000
    await made.start(registers, 0)
    return made
  }
  let twin = await begin()
  let made = 0

  async function send(method: string, path: string, body?: unknown): Promise<[number, Json]> {
    const sent =
      typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
    const response = await fetch(`${twin.url}${path}`, {
      method,
      redirect: 'manual',
      ...(sent !== undefined && { body: sent }),
    })
    const text = await response.text()
    return [response.status, text.startsWith('{') ? JSON.parse(text) : text]
  }

  /** Throws unless it answers 2xx. */
  async function control(method: string, path: string, body?: unknown): Promise<Json> {
    const [status, answer] = await send(method, `/_twin${path}`, body)
    assert.ok(status < 300, `${method} ${path}: ${status} ${JSON.stringify(answer)}`)
    return answer
  }

  const world = {
    folder: data,
    get twin() {
      return twin
    },
    control,
    send,
    /** Real time goes on; tokens, codes and windows with it. */
    pass: (seconds: number) => {
      ahead += seconds
    },
    /** The virtual clock goes on. */
    wait: (seconds: number) => control('POST', '/clock', { advance_seconds: seconds }),
    settle: () => control('POST', '/settle', {}),
    async app(kind: 'official_account' | 'mini_program', more: object = {}): Promise<TestApp> {
      made += 1
      const appid = `wx${String(made).padStart(16, '0')}`
      const given = { appid, secret: `secret-${made}`, kind, redirect_hosts: ['shop.example.cn'] }
      await control('POST', '/apps', { ...given, ...more })
      return world.withToken({ ...given, ...more })
    },
    async withToken(app: { appid: string; secret: string }): Promise<TestApp> {
      const { appid, secret } = app
      const { access_token } = await world.get('/cgi-bin/token', {
        grant_type: 'client_credential',
        appid,
        secret,
      })
      return { appid, secret, access_token }
    },
    user: (more: object = {}): Promise<Json> =>
      control('POST', '/users', { name: '张三', ...more }),
    do: (user: Json, action: string, more: object = {}): Promise<Json> =>
      control('POST', `/users/${user.id}/do`, { action, ...more }),
    /** A doing that is refused: by which code. */
    async refused(user: Json, action: string, more: object = {}): Promise<string> {
      const [status, answer] = await send('POST', `/_twin/users/${user.id}/do`, { action, ...more })
      assert.equal(status, 400, JSON.stringify(answer))
      return answer.code
    },
    async get(path: string, query: Record<string, string>): Promise<Json> {
      const [status, answer] = await send('GET', `${path}?${new URLSearchParams(query).toString()}`)
      assert.equal(status, 200)
      return answer
    },
    async post(app: TestApp, path: string, body: unknown): Promise<Json> {
      const token = new URLSearchParams({ access_token: app.access_token })
      const [status, answer] = await send('POST', `${path}?${token.toString()}`, body)
      assert.equal(status, 200, path)
      return answer
    },
    async ok(app: TestApp, path: string, body: unknown): Promise<Json> {
      const answer = await world.post(app, path, body)
      assert.equal(answer.errcode, 0, `${path}: ${JSON.stringify(answer)}`)
      return answer
    },
    posted: async (app: TestApp): Promise<Json[]> =>
      (await control('GET', `/callbacks?appid=${app.appid}`)).data,
    /** Names of the events that an app was posted, oldest first. */
    events: async (app: TestApp): Promise<string[]> =>
      (await world.posted(app)).map(({ name }: Json) => name),
    /** Ends and begins again with what was written. */
    async restart() {
      await twin.stop()
      twin = await begin()
    },
    async stop() {
      await twin.stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
  return world
}

export interface Received {
  readonly method: string
  readonly query: URLSearchParams
  readonly body: string
}

/** A server of an account's own: answers what `answer` says, and keeps what came. */
export async function startReceiver(answer: (received: Received) => [number, string] | 'silence') {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { searchParams: query } = new URL(request.url ?? '/', 'http://localhost')
      const one = { method: request.method ?? '', query, body: Buffer.concat(chunks).toString() }
      received.push(one)
      const said = answer(one)
      if (said === 'silence') return
      response.writeHead(said[0]).end(said[1])
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return {
    url: `http://127.0.0.1:${port}/callbacks`,
    received,
    posts: () => received.filter(({ method }) => method === 'POST'),
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A membership card that keeps a balance, with what a test wants otherwise. */
export function memberCard(base: object = {}, detail: object = {}): Json {
  return {
    card: {
      card_type: 'MEMBER_CARD',
      member_card: {
        base_info: { ...baseInfo, ...base },
        supply_bonus: true,
        supply_balance: true,
        prerogative: '会员专享',
        ...detail,
      },
    },
  }
}

export const baseInfo = {
  logo_url: 'http://mmbiz.qpic.cn/mmbiz/logo/0',
  code_type: 'CODE_TYPE_BARCODE',
  brand_name: '礼卡',
  title: '会员卡',
  color: 'Color010',
  notice: '使用时请出示此卡',
  service_phone: '020-88888888',
  description: '不可与其他优惠同享',
  date_info: { type: 'DATE_TYPE_PERMANENT' },
  sku: { quantity: 1000 },
  get_limit: 1,
}
