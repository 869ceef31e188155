/** Routes that begin and end sessions of the wallet: by a code of WeChat, or as a guest. */
import { formatId, formatInstant, refusal, refused } from '@lika/contract'
import { enterAsGuest, type LoggedIn, logIn } from '../../flows/members/login.ts'
import type { Deps } from '../deps.ts'
import { created, noContent } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, idOf, NoContent, readId, Timestamp, Type } from '../http/schemas.ts'
import { makeThrottle } from '../http/throttle.ts'

const Code = Type.String({
  pattern: '^[\\x21-\\x7e]{1,128}$',
  description: 'one-time, from wx.login or from the page of authorisation, by the kind of the app',
})

const Session = closed({
  token: Type.String({ description: 'goes into Authorization: Bearer …; shown once' }),
  expires_at: Timestamp,
  member: closed({ id: idOf('member'), is_guest: Type.Boolean() }),
})

/** Codes from one address in a minute that WeChat did not accept, before it is asked no more: its quota is the issuer's. */
const wrongCodesPerMinute = 120

export function register(app: LikaApp, { flows }: Deps): void {
  const wrongCodes = makeThrottle(wrongCodesPerMinute, 60)

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/sessions',
      summary: 'Logs in with a one-time code of WeChat',
      access: 'anyone',
      body: closed({ app_id: idOf('wechat_app'), code: Code }),
      responses: { 201: Session },
      refusals: ['wechat_app.not_found', 'login.code_refused', 'login.not_a_user'],
    },
    async ({ body, address }) => {
      const { remaining, resetSeconds } = wrongCodes.look(address)
      if (remaining <= 0) return refused(tooMany(resetSeconds))
      const known = await flows.wechatApps.known(readId('wechat_app', body.app_id))
      if (known === undefined) return refused(notFound('wechat_app'))
      const session = await logIn(flows, known, body.code)
      if (session.ok) return created(presentSession(session.value, false))
      if (session.refusal.code === 'login.code_refused') wrongCodes.count(address)
      return session
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/guests',
      summary: 'Begins a session without a login: the token is all by which the guest comes back',
      access: 'anyone',
      rate: { calls: 600, perSeconds: 60 },
      body: closed({ app_id: idOf('wechat_app') }),
      responses: { 201: Session },
      refusals: ['wechat_app.not_found'],
    },
    async ({ body }) => {
      const known = await flows.wechatApps.known(readId('wechat_app', body.app_id))
      if (known === undefined) return refused(notFound('wechat_app'))
      return created(presentSession(await enterAsGuest(flows, known), true))
    },
  )

  app.route(
    {
      method: 'DELETE',
      path: '/wallet/v1/sessions/current',
      summary: 'Ends the session at once',
      access: 'member',
      responses: { 204: NoContent },
      refusals: [],
    },
    async ({ request }) => {
      const [, token = ''] = (request.headers.authorization ?? '').split(/ +/)
      await flows.sessions.end(token)
      return noContent()
    },
  )
}

function tooMany(seconds: number) {
  return refusal('throttled', 'Too many wrong codes came from this address.', {
    retryAfterSeconds: seconds,
  })
}

function presentSession({ memberId, token, expiresAt }: LoggedIn, isGuest: boolean) {
  return {
    token,
    expires_at: formatInstant(expiresAt),
    member: { id: formatId('member', memberId), is_guest: isGuest },
  }
}
