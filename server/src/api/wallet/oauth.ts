/**
 * Logging in on a page inside WeChat: there and back over WeChat's page of authorisation. Who refuses comes back as he
 * was and goes on without a login; the page asks again only when he does something that needs one.
 */
import { refusal, refused } from '@lika/contract'
import { logIn } from '../../flows/members/login.ts'
import { ownPath, readState, withMember, writeState } from '../../flows/members/oauth-state.ts'
import { realNow } from '../../platform/clock.ts'
import { sameBytes } from '../../platform/crypto/compare.ts'
import { randomBytes } from '../../platform/crypto/random.ts'
import { digestToken } from '../../platform/crypto/tokens.ts'
import type { Deps } from '../deps.ts'
import { redirect } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, idOf, oneOf, readId, Type } from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'

const loginForSeconds = 600
/** Long enough for the page to take it over. */
const handOverSeconds = 120
const loginCookie = 'lika_login'
/** Read and removed by the page to which the login returns. */
const sessionCookie = 'lika_session'
const callbackPath = '/wallet/v1/oauth/callback'

export function register(app: LikaApp, deps: Deps): void {
  registerStart(app, deps)
  registerCallback(app, deps)
}

function registerStart(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/wallet/v1/oauth/start',
      summary: "Sends a browser inside WeChat to WeChat's page of authorisation",
      access: 'anyone',
      query: closed({
        app_id: idOf('wechat_app'),
        scope: Type.Optional(oneOf(['snsapi_base', 'snsapi_userinfo'])),
        return_to: Type.String({ pattern: ownPath, description: 'a page of this server' }),
      }),
      responses: {},
      redirects: true,
      refusals: ['wechat_app.not_found'],
    },
    async ({ query }) => {
      const known = await flows.wechatApps.known(readId('wechat_app', query.app_id))
      if (known === undefined) return refused(notFound('wechat_app'))
      if (known.kind !== 'official_account') return refused(miniProgram)
      const cookie = `${randomBytes(16).toString('base64url')}.${Buffer.from(query.return_to).toString('base64url')}`
      const expiresAt = realNow() + loginForSeconds * 1000
      const state = writeState({ appId: known.id, expiresAt }, cookie, flows.keyring.loginMac)
      const location = await flows.wechatApp.authorizeUrl(known.id, {
        redirectUri: flows.publicUrl() + callbackPath,
        scope: query.scope ?? 'snsapi_base',
        state,
      })
      const kept = cookieOf(loginCookie, cookie, '/wallet/v1/oauth', loginForSeconds, flows)
      return redirect(location, { 'set-cookie': `${kept}; HttpOnly`, 'cache-control': 'no-store' })
    },
  )
}

function registerCallback(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: callbackPath,
      summary: 'Where WeChat sends the browser back to',
      access: 'anyone',
      query: closed({
        state: Type.String({ minLength: 1, maxLength: 128 }),
        code: Type.Optional(
          Type.String({ minLength: 1, maxLength: 128, description: 'left out by who refuses' }),
        ),
      }),
      responses: {},
      redirects: true,
      refusals: ['login.code_refused'],
    },
    async ({ query, request }) => {
      const cookie = readCookie(request.headers.cookie, loginCookie)
      const state =
        cookie && readState(query.state, cookie, flows.keyring.loginMac, realNow(), sameBytes)
      if (cookie === undefined || state === undefined || state === '') return refused(notBegun)
      const isFirst = await flows.sessions.useLogin(digestToken(query.state), state.expiresAt)
      const known = isFirst ? await flows.wechatApps.known(state.appId) : undefined
      if (known === undefined) return refused(notBegun)
      const back = Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString()
      const over = cookieOf(loginCookie, '', '/wallet/v1/oauth', 0, flows)
      const headers = { 'set-cookie': over, 'cache-control': 'no-store' }
      if (query.code === undefined) return redirect(withMember(back, 'login', 'refused'), headers)
      const session = await logIn(flows, known, query.code)
      if (!session.ok) {
        const why = session.refusal.code === 'login.not_a_user' ? 'snapshot' : 'failed'
        return redirect(withMember(back, 'login', why), headers)
      }
      const handed = cookieOf(sessionCookie, session.value.token, '/h5', handOverSeconds, flows)
      return redirect(withMember(back, 'login', 'done'), {
        ...headers,
        'set-cookie': [over, handed],
      })
    },
  )
}

const miniProgram = shapeRefusal([
  { path: 'app_id', message: 'is a mini-program, which logs in by wx.login' },
])

const notBegun = refusal(
  'login.code_refused',
  'This login was not begun in this browser, was used already, or took too long: begin it again.',
)

function cookieOf(
  name: string,
  value: string,
  path: string,
  seconds: number,
  { publicUrl }: Pick<Deps['flows'], 'publicUrl'>,
): string {
  const secure = publicUrl().startsWith('https:') ? '; Secure' : ''
  return `${name}=${value}; Path=${path}; Max-Age=${seconds}; SameSite=Lax${secure}`
}

function readCookie(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim().split('='))
  const [, value] = pairs.find(([one]) => one === name) ?? []
  return value !== undefined && /^[\w.-]{1,800}$/.test(value) ? value : undefined
}
