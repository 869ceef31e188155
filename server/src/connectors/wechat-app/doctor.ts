/**
 * Looks at an official account or mini-program step by step, from what WeChat says of it to what came back from WeChat, and
 * names what is wrong in words that lead to the place where it is put right. Nothing is changed and nobody is written to.
 */
import { type Instant, modeOfBook, type WechatAppId } from '@lika/contract'
import type { AppCredentials, AppDesk, CheckStep, WechatApp } from '../../modules/wechat/index.ts'
import { randomBytes } from '../../platform/crypto/random.ts'
import { checkCallbackUrl } from './callback-check.ts'
import { answerOf, type Calls } from './calls.ts'
import { wordsOf } from './errcodes.ts'
import type { Reply } from './http.ts'
import { textAt } from './json.ts'
import { lastCallback } from './last-callback.ts'
import { codeExchange, sessionExchange } from './login.ts'
import { good, wrong } from './steps.ts'
import type { Tokens } from './tokens.ts'

export interface DoctorNeeds {
  readonly desk: AppDesk
  readonly calls: Calls
  readonly tokens: Tokens
  readonly credentials: (app: WechatAppId) => Promise<AppCredentials>
  readonly now: () => Instant
}

type Answered = Extract<Reply, { kind: 'answered' }>

export function makeDoctor(needs: DoctorNeeds): Pick<WechatApp, 'check'> {
  const { desk, calls, tokens, credentials, now } = needs
  return {
    check: async (id, { callbackUrl }) => {
      const app = await credentials(id)
      const note = await desk.callbackNote(id)
      const asked = await askWechat(calls, app, now)
      const isServed = asked.every(({ ok }) => ok)
      const served = isServed
        ? [await loginOpen(calls, app), ...(await ticketGiven(tokens, app))]
        : []
      return [
        ...asked,
        ...served,
        await checkCallbackUrl(app, callbackUrl, now(), modeOfBook(app.book)),
        lastCallback(app, note),
      ]
    },
  }
}

/** Reach, clock, appid, secret, allow list: each rests on the one before. */
async function askWechat(
  calls: Calls,
  app: AppCredentials,
  now: () => Instant,
): Promise<CheckStep[]> {
  const reply = await calls.ask(app, {
    method: 'POST',
    path: '/cgi-bin/stable_token',
    body: { grant_type: 'client_credential', appid: app.appid, secret: app.secret },
    repeat: 'always',
  })
  if (reply.kind !== 'answered') {
    const why = 'why' in reply ? reply.why : 'status' in reply ? `HTTP ${reply.status}` : ''
    const advice =
      'Let this server out to api.weixin.qq.com by name, over https; see DNS, proxy and firewall.'
    return [wrong('reach', `WeChat is not reached: ${why}.`, advice)]
  }
  const before = [good('reach'), clock(reply, now())]
  const trouble = tokenTrouble(app, reply)
  if (trouble !== undefined) return [...before, ...trouble]
  if (textAt(reply.body, 'access_token') === undefined) {
    const problem = 'What answers gives no token: it is not WeChat.'
    return [...before, wrong('appid', problem, 'Look at LIKA_WECHAT_API_URL and at proxies.')]
  }
  return [...before, good('appid'), good('app_secret'), good('ip_allow_list')]
}

const mostSkewMs = 30_000

function clock({ date }: Answered, now: Instant): CheckStep {
  const skew = date === undefined ? 0 : Math.abs(now - date)
  return skew > mostSkewMs
    ? wrong(
        'clock',
        `The clock of this server is ${Math.round(skew / 1000)} seconds away from WeChat's.`,
        'Set it by NTP: signatures of pages and cards with a wrong time are refused.',
      )
    : good('clock')
}

/** Undefined: WeChat gave a token. */
function tokenTrouble(app: AppCredentials, { errcode, errmsg }: Answered): CheckStep[] | undefined {
  switch (errcode) {
    case 0:
      return undefined
    case 40013:
    case 41002:
      return [
        wrong(
          'appid',
          `WeChat knows no app ${app.appid}.`,
          'Compare the appid with the settings of the app; it begins with wx. Connect the right one anew.',
        ),
      ]
    case 40001:
    case 40125:
    case 41004:
      return [
        good('appid'),
        wrong(
          'app_secret',
          `WeChat does not take the secret that ends in ${app.secret.slice(-4)}.`,
          'Give the AppSecret of this very app; where it was reset in the console, the old one is void.',
        ),
      ]
    case 40164: {
      const address = /\d{1,3}(?:\.\d{1,3}){3}/.exec(errmsg)?.[0]
      const which = address === undefined ? 'this server' : `this server (${address})`
      const advice = `Add ${address ?? 'the address of this server'} to the IP allow list in the console of the app.`
      const problem = `The address of ${which} is not on the allow list of the app.`
      return [good('appid'), good('app_secret'), wrong('ip_allow_list', problem, advice)]
    }
    default:
      return [
        wrong(
          'token',
          `WeChat gives no token: ${errcode} ${wordsOf(errcode) ?? errmsg.slice(0, 100)}.`,
          errcode === 45009
            ? 'The day’s tokens are used up: see what else asks for them with this secret.'
            : 'Look the code up in the documentation of WeChat; where it stays, ask WeChat.',
        ),
      ]
  }
}

/** A made-up code is refused as a code where such logins are open, and as an interface where they are not. */
async function loginOpen(calls: Calls, app: AppCredentials): Promise<CheckStep> {
  const code = `lika${randomBytes(14).toString('hex')}`
  const call = app.kind === 'mini_program' ? sessionExchange(app, code) : codeExchange(app, code)
  const answer = answerOf(await calls.ask(app, call), call.read, [app.secret])
  if (answer.status === 'refused' && ['40029', '40163', '42003'].includes(answer.code))
    return good('login')
  const why = answer.status === 'refused' ? `${answer.code} ${answer.detail}` : 'no clear answer'
  return wrong(
    'login',
    `Users cannot log in by this app: ${why}.`,
    app.kind === 'mini_program'
      ? 'See whether it is a mini-program, and connected as one, and not an official account.'
      : 'See whether it is a service account with web authorisation, and not a mini-program.',
  )
}

async function ticketGiven(tokens: Tokens, app: AppCredentials): Promise<CheckStep[]> {
  if (app.kind === 'mini_program') return []
  const ticket = await tokens.ticket(app, 'jsapi')
  if (ticket.status === 'done') return [good('jsapi_ticket')]
  const why = ticket.status === 'refused' ? `${ticket.code} ${ticket.detail}` : ticket.why
  const advice = 'See in the console whether the account may use the JS-SDK.'
  return [wrong('jsapi_ticket', `WeChat gives no ticket for pages: ${why}.`, advice)]
}
