/**
 * What all processes that speak for one app share: its token and tickets, how fast it may call, the nonces it gave out,
 * and when WeChat last called back. The connector works on it and keeps nothing of its own that another process needs.
 */
import type { Instant, WechatAppId } from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Database } from '../../platform/db.ts'
import { type CallbackNote, selectCallbackNote, upsertCallbackNote } from './app-callback-store.ts'
import type { AppCredentials, WechatApps } from './apps.ts'
import { insertNonces, type NonceKept, type NonceUse, spendNonce } from './nonce-store.ts'
import { type Bucket, type Drawn, drawFrom, openBucket } from './rate-store.ts'
import { keepToken, leaseToken, releaseToken, selectToken, type TokenRow } from './token-store.ts'

export type TokenKind = 'access' | 'jsapi' | 'wx_card'

export interface SharedToken {
  /** Undefined: there is none, or it has run out. */
  readonly value: string | undefined
  /** Until it should be replaced; 0 where there is none. */
  readonly remainingMs: number
  /** Counts the tokens of this kind; 0: there was none yet. */
  readonly version: number
  /** How long ago one was asked for although the one before had not run out. */
  readonly forcedAgoMs: number | undefined
}

export interface NewToken {
  readonly value: string
  readonly lifetimeMs: number
  readonly forced: boolean
}

export interface AppDesk {
  /** Undefined: there is no such app. */
  credentials(app: WechatAppId): Promise<AppCredentials | undefined>
  token(app: WechatAppId, kind: TokenKind): Promise<SharedToken>
  /** True: `holder` alone fetches the successor of that version, for so long. */
  holdToken(
    app: WechatAppId,
    kind: TokenKind,
    asked: { readonly version: number; readonly holder: string; readonly leaseMs: number },
  ): Promise<boolean>
  /** Undefined: the word was somebody else's by then. */
  keepToken(
    app: WechatAppId,
    kind: TokenKind,
    holder: string,
    token: NewToken,
  ): Promise<number | undefined>
  letTokenGo(app: WechatAppId, kind: TokenKind, holder: string): Promise<void>
  /** Takes up to `wanted` permits out of a bucket that all processes share. */
  draw(app: WechatAppId, call: string, wanted: number, bucket: Bucket): Promise<Drawn>
  /** The slots that were free; the others hold nonces that may still come back. */
  keepNonces(
    app: WechatAppId,
    nonces: readonly NonceKept[],
    lifetimeMs: number,
  ): Promise<readonly number[]>
  spendNonce(app: WechatAppId, nonce: NonceKept): Promise<NonceUse>
  /** `refused`: why a call that came to the address of the callbacks was not believed; undefined: it was. */
  noteCallback(app: WechatAppId, refused: string | undefined, at: Instant): Promise<void>
  callbackNote(app: WechatAppId): Promise<CallbackNote>
}

export interface AppDeskNeeds {
  readonly database: Pick<Database, 'sql'>
  readonly keyring: Pick<Keyring, 'seal' | 'open'>
  readonly apps: Pick<WechatApps, 'credentials'>
}

export function openAppDesk({ database: { sql }, keyring, apps }: AppDeskNeeds): AppDesk {
  const contextOf = (app: WechatAppId, kind: TokenKind) => `${app}:${kind}`

  function opened(app: WechatAppId, kind: TokenKind, row: TokenRow | undefined): SharedToken {
    if (row === undefined)
      return { value: undefined, remainingMs: 0, version: 0, forcedAgoMs: undefined }
    const { sealed, remainingMs, version, forcedAgoMs } = row
    const common = { version, forcedAgoMs: forcedAgoMs ?? undefined }
    if (sealed === null || remainingMs === null || remainingMs <= 0)
      return { value: undefined, remainingMs: 0, ...common }
    const plain = keyring.open('wechat-credentials', contextOf(app, kind), sealed)
    return { value: plain.toString(), remainingMs, ...common }
  }

  return {
    credentials: (app) => apps.credentials(app),
    token: async (app, kind) => opened(app, kind, await selectToken(sql, app, kind)),
    holdToken: (app, kind, { version, holder, leaseMs }) =>
      leaseToken(sql, app, kind, { version, holder, leaseMs }),
    keepToken: (app, kind, holder, { value, lifetimeMs, forced }) => {
      const plain = Buffer.from(value)
      const sealed = keyring.seal('wechat-credentials', contextOf(app, kind), plain)
      return keepToken(sql, app, kind, { holder, sealed, lifetimeMs, forced })
    },
    letTokenGo: (app, kind, holder) => releaseToken(sql, app, kind, holder),
    draw: async (app, call, wanted, bucket) => {
      const drawn = await drawFrom(sql, app, call, wanted, bucket)
      if (drawn !== undefined) return drawn
      await openBucket(sql, app, call, bucket)
      return (await drawFrom(sql, app, call, wanted, bucket)) ?? { granted: 0, waitMs: 0 }
    },
    keepNonces: (app, nonces, lifetimeMs) => insertNonces(sql, app, nonces, lifetimeMs),
    spendNonce: (app, nonce) => spendNonce(sql, app, nonce),
    noteCallback: (app, refused, at) => upsertCallbackNote(sql, app, refused, at),
    callbackNote: (app) => selectCallbackNote(sql, app),
  }
}
