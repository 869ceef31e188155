/**
 * What comes to the address of an app's callbacks: WeChat's check of the address, and events. Believed only under the
 * app's own token, and where the app has a key only when encrypted under it and meant for this app. Why the last one
 * was not believed is noted for the doctor.
 */
import { createHash } from 'node:crypto'
import type { Instant, WechatAppId } from '@lika/contract'
import type { AppCredentials, AppDesk, AppEvent, WechatApp } from '../../modules/wechat/index.ts'
import { elapsedMs } from '../../platform/clock.ts'
import { sameBytes } from '../../platform/crypto/compare.ts'
import { ownEcho } from './callback-check.ts'
import { type Fields, readBody } from './message-body.ts'
import { openMessage } from './message-crypto.ts'
import { replyBody } from './reply.ts'
import { callbackSignature } from './signatures.ts'

type Query = Readonly<Record<string, string | undefined>>

/** Why something that came was not believed; the doctor has words for each. */
export type CallbackDoubt =
  | 'no_token'
  | 'signature'
  | 'not_encrypted'
  | 'key'
  | 'appid'
  | 'stale'
  | 'unreadable'

/** A message in plain text is signed without its body: one that is older could be an old signature on a new body. */
const freshSeconds = 300
const noteEveryMs = 5_000

export function makeCallbacks(
  desk: AppDesk,
  now: () => Instant,
): Pick<WechatApp, 'echo' | 'readEvent' | 'writeReply'> {
  const lately = new Map<WechatAppId, { readonly doubt: CallbackDoubt | undefined; at: number }>()

  /** The same again within seconds is not written down again: anybody can call the address. */
  async function noted<T>(
    app: WechatAppId,
    read: { readonly value: T } | { readonly doubt: CallbackDoubt },
  ): Promise<T | undefined> {
    const doubt = 'doubt' in read ? read.doubt : undefined
    const last = lately.get(app)
    const at = elapsedMs()
    if (last === undefined || last.doubt !== doubt || at - last.at > noteEveryMs) {
      lately.set(app, { doubt, at })
      await desk.noteCallback(app, doubt, now())
    }
    return 'value' in read ? read.value : undefined
  }

  return {
    echo: async (id, query) => {
      const app = await desk.credentials(id)
      if (app === undefined) return undefined
      const read = readEcho(app, query)
      // The doctor's own looking says nothing about WeChat.
      if ('value' in read && read.value.startsWith(ownEcho)) return read.value
      return noted(id, read)
    },
    readEvent: async (id, query, body) => {
      const app = await desk.credentials(id)
      return app === undefined ? undefined : noted(id, readMessage(app, query, body, now()))
    },
    writeReply: async (id, reply) => {
      const app = await desk.credentials(id)
      return app === undefined ? undefined : replyBody(app, reply, now())
    },
  }
}

function readEcho(
  { token }: AppCredentials,
  query: Query,
): { readonly value: string } | { readonly doubt: CallbackDoubt } {
  if (token === null) return { doubt: 'no_token' }
  if (!isSigned(token, query, query['signature'])) return { doubt: 'signature' }
  return query['echostr'] === undefined ? { doubt: 'unreadable' } : { value: query['echostr'] }
}

function readMessage(
  app: AppCredentials,
  query: Query,
  body: Uint8Array,
  now: Instant,
): { readonly value: AppEvent } | { readonly doubt: CallbackDoubt } {
  const { token, encodingAesKey, appid } = app
  if (token === null) return { doubt: 'no_token' }
  const outer = readBody(body)
  if (outer === undefined) return { doubt: 'unreadable' }
  if (encodingAesKey === null) {
    if (!isSigned(token, query, query['signature'])) return { doubt: 'signature' }
    const age = Math.abs(now / 1000 - Number(query['timestamp']))
    return age <= freshSeconds ? eventIn(appid, outer) : { doubt: 'stale' }
  }
  const encrypted = outer['Encrypt']
  if (encrypted === undefined) return { doubt: 'not_encrypted' }
  if (!isSigned(token, query, query['msg_signature'], encrypted)) return { doubt: 'signature' }
  const opened = openMessage(encodingAesKey, encrypted)
  if (opened === undefined) return { doubt: 'key' }
  if (opened.appid !== appid) return { doubt: 'appid' }
  const inner = readBody(Buffer.from(opened.message))
  return inner === undefined ? { doubt: 'unreadable' } : eventIn(appid, inner)
}

function isSigned(
  token: string,
  query: Query,
  signature: string | undefined,
  encrypted?: string,
): boolean {
  const { timestamp, nonce } = query
  if (signature === undefined || timestamp === undefined || nonce === undefined) return false
  const rest = encrypted === undefined ? [] : [encrypted]
  const right = callbackSignature([token, timestamp, nonce, ...rest])
  return sameBytes(Buffer.from(right), Buffer.from(signature.toLowerCase()))
}

/** Members that say the same for every message, and are told apart from the rest. */
const common: ReadonlySet<string> = new Set(['FromUserName', 'CreateTime', 'Event'])

function eventIn(
  appid: string,
  fields: Fields,
): { readonly value: AppEvent } | { readonly doubt: CallbackDoubt } {
  const openid = fields['FromUserName']
  const created = Number(fields['CreateTime'])
  if (openid === undefined || !Number.isSafeInteger(created)) return { doubt: 'unreadable' }
  const event = fields['MsgType'] === 'event' ? fields['Event']?.toLowerCase() : undefined
  return {
    value: {
      dedupeKey: dedupeKey(appid, fields),
      openid,
      createdAt: created * 1000,
      ...(event === undefined ? {} : { event }),
      fields: Object.fromEntries(Object.entries(fields).filter(([name]) => !common.has(name))),
    },
  }
}

/**
 * By the number of a message; events have none, and are told apart by who, when and what. Several cards of one person
 * may change within a second, so what the event is about belongs to it. As a digest: it is kept, an OpenID is not.
 */
function dedupeKey(appid: string, fields: Fields): string {
  const number = fields['MsgId'] ?? fields['MsgID']
  const event = ['FromUserName', 'CreateTime', 'Event', 'CardId', 'UserCardCode', 'OldUserCardCode']
  const parts =
    fields['MsgType'] !== 'event' && number !== undefined
      ? [appid, 'message', number]
      : [appid, ...event.map((name) => fields[name] ?? ''), number ?? '']
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
