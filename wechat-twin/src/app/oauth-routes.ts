/** `/sns/…`: a code of the authorisation page becomes an OpenID, a token of the user's own, and perhaps his profile. */
import type { Table } from '../kernel/store.ts'
import type { Twin } from '../kernel/twin.ts'
import type { App } from '../kernel/users.ts'
import { done } from './api.ts'
import type { OauthScope } from './app-record.ts'
import { knownApp, provenApp } from './app-secret.ts'
import { Refused } from './errcodes.ts'
import type { World } from './world.ts'

interface Grant {
  readonly access_token: string
  readonly refresh_token: string
  readonly openid: string
  readonly appid: string
  readonly user: string
  readonly scope: OauthScope
  readonly is_snapshot: boolean
  /** Real seconds. */
  readonly given_at: number
  readonly expires_at: number
  readonly refresh_expires_at: number
}

export function registerOauth(world: World): void {
  const { api, codes, people, twin } = world
  const grants: Table<Grant> = twin.store.table('user_grants')
  const byRefresh = grants.index(({ refresh_token }) => refresh_token)

  api.open('GET', '/sns/oauth2/access_token', ({ query }) => {
    const app = provenApp(twin, query.get('appid'), query.get('secret'))
    if (app.kind !== 'official_account') throw new Refused(48001)
    if (query.get('grant_type') !== 'authorization_code') throw new Refused(40002)
    const sent = query.get('code') ?? ''
    if (sent === '') throw new Refused(41008)
    const code = codes.use('oauth', app.appid, sent)
    if (people.marksOf(code.user).limited === true) throw new Refused(50002)
    const grant = newGrant(twin, app, code.user, code.scope ?? 'snsapi_base', code.isSnapshot)
    grants.set(grant.access_token, grant)
    return answerOf(world, app, grant)
  })

  api.open('GET', '/sns/oauth2/refresh_token', ({ query }) => {
    const app = knownApp(twin, query.get('appid'))
    if (query.get('grant_type') !== 'refresh_token') throw new Refused(40002)
    const found = byRefresh.first(query.get('refresh_token') ?? '')
    if (found === undefined || found.appid !== app.appid) throw new Refused(40030)
    checkPassword(world, found)
    const now = twin.clock.realSeconds()
    if (found.refresh_expires_at <= now) throw new Refused(42002)
    const expires_at = now + twin.settings.now.app.accessTokenSeconds
    if (found.expires_at > now)
      return answerOf(world, app, grants.change(found.access_token, { expires_at }))
    grants.delete(found.access_token)
    const access_token = newToken(twin)
    return answerOf(world, app, grants.set(access_token, { ...found, access_token, expires_at }))
  })

  api.open('GET', '/sns/userinfo', ({ query }) => {
    const grant = validGrant(world, grants, query)
    if (grant.scope !== 'snsapi_userinfo') throw new Refused(48001)
    const app = knownApp(twin, grant.appid)
    if (people.relationOf(app, grant.user).hasWithdrawn === true) throw new Refused(50001)
    const unionid = grant.is_snapshot ? undefined : people.unionidOf(app, grant.user)
    return {
      openid: grant.openid,
      nickname: grant.is_snapshot ? '微信用户' : (twin.users.table.get(grant.user)?.name ?? ''),
      // WeChat tells neither sex nor place since 2021-10-20.
      sex: 0,
      province: '',
      city: '',
      country: '',
      headimgurl: 'https://thirdwx.qlogo.cn/mmopen/vi_32/twin/132',
      privilege: [],
      ...(unionid !== undefined && { unionid }),
    }
  })

  api.open('GET', '/sns/auth', ({ query }) => {
    validGrant(world, grants, query)
    return done
  })
}

function newGrant(
  twin: Twin,
  app: App,
  user: string,
  scope: OauthScope,
  isSnapshot = false,
): Grant {
  const now = twin.clock.realSeconds()
  const { accessTokenSeconds, refreshTokenSeconds } = twin.settings.now.app
  return {
    access_token: newToken(twin),
    refresh_token: newToken(twin),
    // A snapshot is looked at by nobody: its OpenID leads to no person.
    openid: isSnapshot ? `o${twin.random.letters(27)}` : twin.users.openidOf(user, app.appid),
    appid: app.appid,
    user,
    scope,
    is_snapshot: isSnapshot,
    given_at: now,
    expires_at: now + accessTokenSeconds,
    refresh_expires_at: now + refreshTokenSeconds,
  }
}

function newToken(twin: Twin): string {
  return `88_${twin.random.letters(86)}`
}

function answerOf({ people, twin }: World, app: App, grant: Grant): object {
  const isShown = grant.scope === 'snsapi_userinfo' && !grant.is_snapshot
  const unionid = isShown ? people.unionidOf(app, grant.user) : undefined
  return {
    access_token: grant.access_token,
    expires_in: grant.expires_at - twin.clock.realSeconds(),
    refresh_token: grant.refresh_token,
    openid: grant.openid,
    scope: grant.scope,
    ...(grant.is_snapshot && { is_snapshotuser: 1 }),
    ...(unionid !== undefined && { unionid }),
  }
}

/** Refuses 41001, 40001, 42007, 42001, 41009, 40003. */
function validGrant(world: World, grants: Table<Grant>, query: URLSearchParams): Grant {
  const token = query.get('access_token') ?? ''
  if (token === '') throw new Refused(41001)
  const grant = grants.get(token)
  if (grant === undefined) throw new Refused(40001)
  checkPassword(world, grant)
  if (grant.expires_at <= world.twin.clock.realSeconds()) throw new Refused(42001)
  const openid = query.get('openid') ?? ''
  if (openid === '') throw new Refused(41009)
  if (openid !== grant.openid) throw new Refused(40003)
  return grant
}

function checkPassword({ people }: World, grant: Grant): void {
  const changed = people.marksOf(grant.user).password_changed_at
  if (changed !== undefined && changed >= grant.given_at) throw new Refused(42007)
}
