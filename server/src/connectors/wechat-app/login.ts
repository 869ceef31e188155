/**
 * Who stands at the door: the address of the login page, and the exchange of one-time codes for OpenIDs. A code that was
 * used is never sent again; the keys of a session and the user's own tokens are read and forgotten.
 */
import { modeOfBook, type WechatAppId } from '@lika/contract'
import type { AppCredentials, Login, WechatApp } from '../../modules/wechat/index.ts'
import type { AccessTokens, Call, Calls } from './calls.ts'
import { integerAt, textAt } from './json.ts'

type Logins = Pick<WechatApp, 'authorizeUrl' | 'exchangeCode' | 'loginMiniProgram' | 'phoneOf'>

export interface LoginNeeds {
  readonly calls: Calls
  readonly tokens: AccessTokens
  readonly credentials: (app: WechatAppId) => Promise<AppCredentials>
  readonly openUrlOf: (mode: 'test' | 'live') => string
}

const longestState = 128

export function makeLogins({ calls, tokens, credentials, openUrlOf }: LoginNeeds): Logins {
  return {
    authorizeUrl: async (id, { redirectUri, scope, state }) => {
      if (Buffer.byteLength(state) > longestState) throw new Error('a state has at most 128 bytes')
      const { appid, book } = await credentials(id)
      // WeChat looks at the order of the parameters.
      const query = [
        ['appid', appid],
        ['redirect_uri', redirectUri],
        ['response_type', 'code'],
        ['scope', scope],
        ['state', state],
      ]
      const text = query.map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`)
      const base = openUrlOf(modeOfBook(book))
      return `${base}/connect/oauth2/authorize?${text.join('&')}#wechat_redirect`
    },
    exchangeCode: async (id, code) => {
      const app = await credentials(id)
      return calls.open(app, codeExchange(app, code))
    },
    loginMiniProgram: async (id, jsCode) => {
      const app = await credentials(id)
      return calls.open(app, sessionExchange(app, jsCode))
    },
    phoneOf: async (id, code) =>
      calls.authorised(await credentials(id), tokens, {
        method: 'POST',
        path: '/wxa/business/getuserphonenumber',
        body: { code },
        repeat: 'always',
        read: (body) => {
          const phone = textAt(body, 'phone_info', 'phoneNumber')
          return phone === undefined ? undefined : { phone }
        },
      }),
  }
}

export function codeExchange({ appid, secret }: AppCredentials, code: string): Call<Login> {
  return {
    method: 'GET',
    path: '/sns/oauth2/access_token',
    query: { appid, secret, code, grant_type: 'authorization_code' },
    repeat: 'always',
    read: (body) => loginIn(body, appid, integerAt(body, 'is_snapshotuser') === 1),
  }
}

export function sessionExchange({ appid, secret }: AppCredentials, jsCode: string): Call<Login> {
  return {
    method: 'GET',
    path: '/sns/jscode2session',
    query: { appid, secret, js_code: jsCode, grant_type: 'authorization_code' },
    repeat: 'always',
    read: (body) => loginIn(body, appid, false),
  }
}

function loginIn(body: unknown, appid: string, isSnapshot: boolean): Login | undefined {
  const openid = textAt(body, 'openid')
  return openid === undefined
    ? undefined
    : { appid, openid, unionid: textAt(body, 'unionid'), isSnapshot }
}
