/**
 * The HTTP server in this process with a local WeChat beside it: an issuer in test mode whose merchant number, official
 * account and mini-program both sides know, one clock for both, and the ordinary steps of a buyer.
 */
import assert from 'node:assert/strict'
import { formatId } from '@lika/contract'
import type { Deps } from '../../server/src/api/deps.ts'
import { wechatApp } from '../../server/src/connectors/wechat-app/index.ts'
import { payHosts, trySm, wechatPay } from '../../server/src/connectors/wechat-pay/wechat-pay.ts'
import { nameKinds } from '../../server/src/flows/names.ts'
import { openMembers, openSessions } from '../../server/src/modules/members/index.ts'
import {
  openAppDesk,
  openPayAccounts,
  openWechatApps,
} from '../../server/src/modules/wechat/index.ts'
import { openLog } from '../../server/src/platform/log.ts'
import { startCardApp } from './card-app.ts'
import { startTwin } from './twin.ts'

export type WechatTestApp = Awaited<ReturnType<typeof startWechatApp>>

/**
 * `twin`: how the local WeChat is started; `merchant`: what its merchant is to be other than ordinary; `issuerPacks`: policies
 * of the issuer, in place of `open`; `timeoutMs`: how long an answer of WeChat is waited for.
 */
export async function startWechatApp(options: WechatAppOptions = {}) {
  const stops: (() => Promise<unknown>)[] = []
  try {
    return await open(options, stops)
  } catch (error) {
    // What runs would keep the tests from ending.
    for (const stop of stops.reverse()) await stop()
    throw error
  }
}

type WechatAppOptions = NonNullable<Parameters<typeof startCardApp>[1]> & {
  twin?: Parameters<typeof startTwin>[0]
  merchant?: Record<string, unknown>
  issuerPacks?: string[]
  timeoutMs?: number
}

async function open(
  {
    twin: twinOptions = {},
    merchant: merchantOptions = {},
    issuerPacks,
    timeoutMs = 10_000,
    ...others
  }: WechatAppOptions,
  stops: (() => Promise<unknown>)[],
) {
  const twin = await startTwin({ profile: 'local', ...twinOptions })
  stops.push(() => twin.stop())
  const logged: string[] = []
  const log = openLog('debug', { write: (line) => void logged.push(line) })
  const app = await startCardApp([], { log, ...others } as Partial<Deps>)
  stops.push(() => app.stop())
  const { flows } = app
  const urls = { pay: twin.url, api: twin.url, open: twin.url }
  const { database, keyring } = flows
  const payAccounts = openPayAccounts({ database, keyring })
  const wechatApps = openWechatApps({ database, keyring })
  Object.assign(flows, {
    members: openMembers({
      database,
      keyring,
      nameKinds,
      now: (mode) => flows.engine.now(mode),
      laneForNew: (mode) => flows.engine.laneForNew(mode),
    }),
    sessions: openSessions(database),
    payAccounts,
    wechatApps,
    publicUrl: () => app.url,
    wechatPay: wechatPay({
      accounts: payAccounts,
      hostsOf: () => payHosts(urls.pay),
      notifyUrlOf: (account) =>
        `${app.url}/wechat/pay/${formatId('wechat_account', account)}/notifications`,
      log,
      now: () => Date.now(),
      sm: trySm(log),
      timeoutMs,
    }),
    wechatApp: wechatApp({
      desk: openAppDesk({ database, keyring, apps: wechatApps }),
      urlsOf: () => urls,
      log,
    }),
    tellTestClock: async (offsetMs: number) => {
      await twin.control.clock({ offset_seconds: offsetMs / 1000 })
    },
  } satisfies Partial<typeof flows>)

  const issuer = await app.makeIssuer(issuerPacks)
  const key = issuer.test
  const merchant = await twin.control.merchant({
    appids: ['wxofficial000000001', 'wxminiprogram000001'],
    ...merchantOptions,
  })
  const account = await created('/v1/wechat/pay_accounts', {
    mchid: merchant.mchid,
    appids: merchant.appids,
    api_v3_key: merchant.api_v3_key,
    api_v2_key: merchant.api_v2_key,
    private_key_pem: merchant.private_key_pem,
    certificate_serial: merchant.serial,
    key_mode: 'certificate',
  })
  const official = await makeApp('official_account', 'wxofficial000000001')
  const miniProgram = await makeApp('mini_program', 'wxminiprogram000001')

  async function created(path: string, body: object) {
    const made = await app.call('POST', path, { key, body })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    return made.body
  }

  /** An app that both sides know. */
  async function makeApp(kind: 'official_account' | 'mini_program', appid: string) {
    const secret = appid.padEnd(32, '0').slice(-32)
    const token = 'tokenOfTests'
    const aes = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
    await twin.control.app({
      appid,
      kind,
      secret,
      token,
      encoding_aes_key: aes,
      subject: 'lika',
      redirect_hosts: ['127.0.0.1'],
    })
    return created('/v1/wechat/apps', { appid, kind, secret, token, encoding_aes_key: aes })
  }

  /** Moves the clock of test mode, here and there. */
  async function advance(seconds: number): Promise<void> {
    const body = { advance_seconds: seconds }
    const { status } = await app.call('POST', '/v1/test/clock', { key, body })
    assert.equal(status, 200)
  }

  return {
    ...app,
    twin,
    merchant,
    account,
    official,
    miniProgram,
    issuer,
    key,
    advance,
    /** Every line of the log so far, of the connectors too. */
    logged,
    stop: async () => {
      await app.stop()
      await twin.stop()
    },
  }
}
