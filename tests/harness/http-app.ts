/** The HTTP server in this process, on a test database, with an issuer and keys at hand; and a caller for it. */

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { scopes } from '@lika/contract'
import { buildApp } from '../../server/src/api/app.ts'
import type { Deps } from '../../server/src/api/deps.ts'
import type { LikaApp } from '../../server/src/api/http/kernel.ts'
import { webhookSender } from '../../server/src/connectors/webhook-sender.ts'
import type { FlowContext } from '../../server/src/flows/context.ts'
import { ensureOperatorKey, openAccess } from '../../server/src/modules/access/index.ts'
import { openIssuers } from '../../server/src/modules/issuers/index.ts'
import { openMerchants } from '../../server/src/modules/merchants/index.ts'
import { loadPacks, loadTables } from '../../server/src/modules/policy/index.ts'
import { openPrograms } from '../../server/src/modules/programs/index.ts'
import { openWebhooks } from '../../server/src/modules/webhooks/index.ts'
import { keyringOf } from '../../server/src/platform/crypto/keyring.ts'
import { openLog } from '../../server/src/platform/log.ts'
import { answerCheckOf } from './answer-check.ts'
import { testDatabase } from './database.ts'
import { temporaryFolder } from './server.ts'

export type Answered = {
  status: number
  /** Whatever JSON: tests of every kind look into it. */
  body: ReturnType<typeof JSON.parse>
  headers: Headers
}

export type CallOptions = {
  key?: string
  body?: unknown
  headers?: Record<string, string>
  /** Instead of a JSON body. */
  raw?: string | Buffer
  /** False: the answer is one that the document does not have, and that is what the test is about. */
  checked?: boolean
}

/** The lanes in which tests may write a journal for these routes to read. */
export const httpLanes = [601, 602]

export type Issuer = { id: string; test: string; live: string }

export const deliveredPolicies = join(import.meta.dirname, '../../policies')

/** `more`: further route files; `deps`: in place of the ordinary ones; `policies`: another folder of packs. */
export async function startHttpApp(
  more: ((app: LikaApp, deps: Deps) => void)[] = [],
  deps: Partial<Deps> = {},
  policies = deliveredPolicies,
) {
  const database = await testDatabase()
  const folder = temporaryFolder('lika-http-')
  const packs = await loadPacks(policies)
  const tables = await loadTables(join(policies, 'tables'))
  const operatorFile = join(folder, 'operator.key')
  await ensureOperatorKey(database.app.sql, operatorFile)
  const operator = readFileSync(operatorFile, 'utf8')
  const logged: string[] = []
  // What other route files need beyond this is not there; nothing here calls them.
  const all = {
    log: openLog('warn', { write: (line) => void logged.push(line) }),
    database: database.app,
    packs,
    bookNow: () => Date.now(),
    access: openAccess(database.app),
    issuers: openIssuers(database.app, packs),
    programs: openPrograms(database.app),
    merchants: openMerchants({
      database: database.app,
      keyring: keyringOf(Buffer.alloc(32)),
      classes: tables.merchantClasses.classes,
      lanesOf: (mode) => (deps.flows as Partial<FlowContext>)?.engine?.lanesOf(mode) ?? httpLanes,
    }),
    webhooks: openWebhooks({
      database: database.app,
      keyring: keyringOf(Buffer.alloc(32)),
      sender: webhookSender({ allowPrivate: true }),
      lanesOf: () => httpLanes,
      lanes: () => [],
      log: { error: () => {} },
    }),
    execute: () => Promise.reject(new Error('there is no engine in this test')),
    readiness: [],
    trustProxy: false,
    count: () => {},
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    ...deps,
  } as unknown as Deps
  const app = await buildApp(all, more).catch(async (error: unknown) => {
    await database.drop()
    throw error
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const check = await answerCheckOf(url)

  async function call(method: string, path: string, options: CallOptions = {}): Promise<Answered> {
    const { key, body, raw, headers = {}, checked = true } = options
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined && raw === undefined
        ? {}
        : { body: raw === undefined ? JSON.stringify(body) : new Uint8Array(Buffer.from(raw)) }),
    })
    const text = await response.text()
    const header = (name: string) => response.headers.get(name) ?? undefined
    if (checked) check.assertDocumented(method, path, { status: response.status, header, text })
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return {
      status: response.status,
      body: isJson ? JSON.parse(text) : text,
      headers: response.headers,
    }
  }

  /** A key with every scope unless other ones are named. */
  async function makeKey(issuerId: string, mode: 'test' | 'live', more: object = {}) {
    const body = { issuer_id: issuerId, mode, name: 'all', owner: 'tests', scopes, ...more }
    const { body: made } = await call('POST', '/v1/keys', { key: operator, body })
    return made
  }

  async function makeIssuer(packNames: string[] = ['open']): Promise<Issuer> {
    const body = { name: 'Tea', legal_name: 'Tea House Ltd', packs: packNames }
    const { body: issuer } = await call('POST', '/v1/issuers', { key: operator, body })
    const [test, live] = await Promise.all([makeKey(issuer.id, 'test'), makeKey(issuer.id, 'live')])
    return { id: issuer.id, test: test.secret, live: live.secret }
  }

  return {
    url,
    operator,
    database,
    tables,
    merchants: all.merchants,
    logged,
    call,
    makeKey,
    makeIssuer,
    stop: async () => {
      await app.close()
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
