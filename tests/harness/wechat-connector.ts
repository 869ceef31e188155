/** The connector of official accounts and mini-programs on a test database, with a local WeChat that knows both apps. */
import { bookOf, type Mode, type WechatAppId } from '@lika/contract'
import {
  type WechatAppNeeds,
  type WechatAppTuning,
  wechatApp,
} from '../../server/src/connectors/wechat-app/index.ts'
import { type AppKind, openAppDesk, openWechatApps } from '../../server/src/modules/wechat/index.ts'
import { keyringOf } from '../../server/src/platform/crypto/keyring.ts'
import type { Database } from '../../server/src/platform/db.ts'
import { newId } from '../../server/src/platform/ids.ts'
import { testDatabase } from './database.ts'
import { startTwin } from './twin.ts'

const masterKey = Buffer.alloc(32, 7)
export const token = 'tokenOfTests'
export const encodingAesKey = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'

export type Connector = Awaited<ReturnType<typeof startConnector>>

/** What speaks to WeChat, as one process of several would have it. */
export function connectorOn(
  database: Pick<Database, 'sql'>,
  url: string,
  more: Partial<Pick<WechatAppNeeds, 'now'>> & { tuning?: Partial<WechatAppTuning> } = {},
) {
  const keyring = keyringOf(masterKey)
  const apps = openWechatApps({ database, keyring })
  const desk = openAppDesk({ database, keyring, apps })
  const { tuning, ...others } = more
  return {
    apps,
    desk,
    wechat: wechatApp({
      desk,
      urlsOf: () => ({ api: url, open: url }),
      log: { debug: () => {}, warn: () => {} },
      tuning: { firstPauseMs: 5, ...tuning },
      ...others,
    }),
  }
}

export async function startConnector() {
  const [database, twin] = await Promise.all([testDatabase(), startTwin({ profile: 'strict' })])
  const { apps, desk, wechat } = connectorOn(database.app, twin.url)
  const issuer = newId()
  let made = 0

  /** An app that both sides know; `atTwin`: what WeChat has otherwise than we, `here`: what we have otherwise. */
  async function app(
    kind: AppKind,
    {
      atTwin = {},
      here = {},
      mode = 'test',
    }: { atTwin?: object; here?: Record<string, unknown>; mode?: Mode } = {},
  ): Promise<{ id: WechatAppId; appid: string; secret: string }> {
    made += 1
    const appid = `wx${kind === 'mini_program' ? 'mini' : 'offi'}${String(made).padStart(10, '0')}`
    const secret = `5ecre7${String(made).padStart(26, '0')}`
    const common = { appid, kind, secret, token, encoding_aes_key: encodingAesKey }
    const ours = { ...common, ...here }
    if (!('unknown' in atTwin))
      await twin.control.app({
        ...common,
        subject: 'lika',
        redirect_hosts: ['shop.test'],
        ...atTwin,
      })
    const result = await apps.create({
      book: bookOf(issuer as never, mode),
      appid: ours.appid,
      kind,
      secret: ours.secret,
      token: ours.token as string | null,
      encodingAesKey: ours.encoding_aes_key as string | null,
      reference: null,
      metadata: {},
      at: Date.now(),
    })
    if (!result.ok || !('made' in result.value)) throw new Error(JSON.stringify(result))
    return { id: result.value.made.id, appid, secret }
  }

  /** The last call to that path as WeChat got it. */
  async function lastCall(path: string) {
    const [last] = await twin.control.requests(path, 1)
    if (last === undefined) throw new Error(`nothing was sent to ${path}`)
    return {
      method: last.method as string,
      query: Object.fromEntries(new URLSearchParams(last.query as string)),
      body: last.body === '' ? undefined : JSON.parse(last.body as string),
    }
  }

  return {
    database,
    twin,
    apps,
    desk,
    wechat,
    app,
    lastCall,
    stop: async () => {
      await twin.stop()
      await database.drop()
    },
  }
}

/** A member card as `/card/create` takes it. */
export const memberCard = {
  card_type: 'MEMBER_CARD',
  member_card: {
    base_info: {
      logo_url: 'https://mmbiz.qpic.cn/logo.png',
      code_type: 'CODE_TYPE_BARCODE',
      brand_name: '礼卡',
      title: '会员卡',
      color: 'Color010',
      notice: '使用时出示',
      service_phone: '020-88888888',
      description: '储值卡',
      date_info: { type: 'DATE_TYPE_PERMANENT' },
      sku: { quantity: 10_000 },
      get_limit: 50,
    },
    supply_bonus: true,
    supply_balance: true,
    prerogative: '会员价',
    auto_activate: false,
  },
}
