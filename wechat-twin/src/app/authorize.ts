/**
 * The authorisation page `/connect/oauth2/authorize`: its parameters in WeChat's order, the host that was registered, the
 * scopes that the account has; then a user agrees, refuses, or (base scope) is sent on without being asked.
 */
import type { App } from '../kernel/users.ts'
import type { OauthScope } from './app-record.ts'
import { particularsOf } from './app-record.ts'
import type { World } from './world.ts'

/** What the page shows instead of a question. */
export interface PageFault {
  readonly code: 10002 | 10003 | 10005 | 10010 | 10011 | 10012 | 10013 | 10016
  readonly words: string
}

export interface Authorization {
  readonly app: App
  readonly redirectUri: URL
  readonly scope: OauthScope
  readonly state: string | undefined
}

const order = ['appid', 'redirect_uri', 'response_type', 'scope', 'state']
const longestState = 128

/**
 * What `query`, exactly as it was sent, asks for. Faults in this order: parameters out of order, appid, address, response
 * type, scope, state, host, right to the scope.
 */
export function readAuthorization(
  apps: { get(appid: string): App | undefined },
  query: string,
): Authorization | PageFault {
  const asked = new URLSearchParams(query)
  const names = [...asked.keys()].filter((name) => order.includes(name))
  const isInOrder = names.every((name, place) => name === order[place])
  if (!isInOrder || [...asked.keys()].slice(0, names.length).join() !== names.join())
    return { code: 10002, words: '链接的参数顺序有误' }
  const app = apps.get(asked.get('appid') ?? '')
  if (app === undefined) return { code: 10012, words: 'appid 有误' }
  if (app.kind !== 'official_account') return { code: 10016, words: '不支持小程序的 appid' }
  const redirectUri = addressOf(asked.get('redirect_uri') ?? '')
  if (redirectUri === undefined) return { code: 10011, words: 'redirect_uri 不能为空' }
  if (asked.get('response_type') !== 'code') return { code: 10002, words: 'response_type 有误' }
  const scope = asked.get('scope') ?? ''
  if (scope !== 'snsapi_base' && scope !== 'snsapi_userinfo')
    return { code: 10010, words: 'scope 有误' }
  const state = asked.get('state') ?? undefined
  if (state !== undefined && Buffer.byteLength(state) > longestState)
    return { code: 10013, words: 'state 过长' }
  const { host, hostname } = redirectUri
  if (!app.redirect_hosts.includes(host) && !app.redirect_hosts.includes(hostname))
    return { code: 10003, words: 'redirect_uri 域名与后台配置不一致' }
  if (!particularsOf(app).oauth_scopes.includes(scope))
    return { code: 10005, words: '该公众号没有这些 scope 的权限' }
  return { app, redirectUri, scope, state }
}

/** Where the browser goes on: with a code, or without one where the user refused. */
export function redirectOf(authorization: Authorization, code: string | undefined): string {
  const target = new URL(authorization.redirectUri)
  if (code !== undefined) target.searchParams.set('code', code)
  if (authorization.state !== undefined) target.searchParams.set('state', authorization.state)
  return target.href
}

export interface Decision {
  readonly user: string
  readonly agrees: boolean
  /** The page is a snapshot: nobody has logged in yet. */
  readonly isSnapshot?: boolean
}

/** Base scope is given without being asked: refusing it has no effect. */
export function decide(world: World, asked: Authorization, decision: Decision): string {
  const { app, scope } = asked
  if (!decision.agrees && scope === 'snsapi_userinfo') return redirectOf(asked, undefined)
  world.people.relate(app, decision.user, { hasWithdrawn: false })
  const code = world.codes.give({
    kind: 'oauth',
    appid: app.appid,
    user: decision.user,
    scope,
    ...(decision.isSnapshot === true && { isSnapshot: true }),
  })
  return redirectOf(asked, code)
}

export function isPageFault(asked: Authorization | PageFault): asked is PageFault {
  return 'code' in asked
}

function addressOf(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined
}
