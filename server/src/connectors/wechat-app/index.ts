/**
 * WeChat's official accounts and mini-programs as the port `WechatApp`. What several processes must agree on lies with the
 * desk that is handed in; signatures, tokens and rates follow real time in both modes.
 */
import type { Instant, Mode, WechatAppId } from '@lika/contract'
import type { AppDesk, WechatApp } from '../../modules/wechat/index.ts'
import { realNow } from '../../platform/clock.ts'
import { randomBytes, randomFraction } from '../../platform/crypto/random.ts'
import { makeAddCards } from './add-card.ts'
import { makeCallbacks } from './callbacks.ts'
import { type CallLog, makeCalls } from './calls.ts'
import { makeCards } from './cards.ts'
import { makeDoctor } from './doctor.ts'
import { type GuardTuning, guardTuning, makeGuard } from './guard.ts'
import { makeLogins } from './login.ts'
import { jsSdkSignature } from './signatures.ts'
import { makeTokens, type TokenTuning, tokenTuning } from './tokens.ts'

export interface WechatAppNeeds {
  readonly desk: AppDesk
  readonly urlsOf: (mode: Mode) => { readonly api: string; readonly open: string }
  readonly log: CallLog
  /** By default the real clock. */
  readonly now?: () => Instant
  readonly tuning?: Partial<WechatAppTuning>
}

export interface WechatAppTuning {
  readonly timeoutMs: number
  /** How often a call that WeChat did not answer is made. */
  readonly tries: number
  /** Before the second time; doubled before each further one, and spread by as much again. */
  readonly firstPauseMs: number
  readonly addCardLifetimeMs: number
  readonly tokens: TokenTuning
  readonly guard: GuardTuning
}

const standard: WechatAppTuning = {
  timeoutMs: 5_000,
  tries: 3,
  firstPauseMs: 100,
  addCardLifetimeMs: 600_000,
  tokens: tokenTuning,
  guard: guardTuning,
}

export function wechatApp({ desk, urlsOf, log, now = realNow, tuning }: WechatAppNeeds): WechatApp {
  const {
    timeoutMs,
    tries,
    firstPauseMs,
    addCardLifetimeMs,
    tokens: ofTokens,
    guard,
  } = {
    ...standard,
    ...tuning,
  }
  const credentials = async (app: WechatAppId) => {
    const found = await desk.credentials(app)
    if (found === undefined) throw new Error(`there is no WeChat app ${app}`)
    return found
  }
  const pause = (tried: number) => sleep(firstPauseMs * 2 ** (tried - 1) * (1 + randomFraction()))
  const calls = makeCalls({ urlsOf, timeoutMs, tries, pause, log })
  // Whoever looks for a fault does not wait for what is not there.
  const brief = makeCalls({ urlsOf, timeoutMs, tries: Math.min(tries, 2), pause, log })
  const tokens = makeTokens(desk, calls, sleep, ofTokens)
  const guarded = makeGuard({
    desk,
    sleep,
    authorised: (app, call, turn) => calls.authorised(app, tokens, call, turn),
    tuning: guard,
  })
  const openUrlOf = (mode: Mode) => urlsOf(mode).open
  const callbacks = makeCallbacks(desk, now)
  return {
    ...makeLogins({ calls, tokens, credentials, openUrlOf }),
    ...makeAddCards({ desk, tokens, credentials, now, lifetimeMs: addCardLifetimeMs }),
    ...makeCards({ credentials, guarded }),
    ...callbacks,
    ...makeDoctor({ desk, calls: brief, tokens, credentials, now }),
    jsSdk: async (id, url) => {
      const app = await credentials(id)
      const ticket = await tokens.ticket(app, 'jsapi')
      if (ticket.status !== 'done') return ticket
      const timestamp = Math.floor(now() / 1000)
      const nonceStr = randomBytes(12).toString('hex')
      const signed = { ticket: ticket.value.value, nonceStr, timestamp, url }
      const signature = jsSdkSignature(signed)
      return { status: 'done', value: { appId: app.appid, timestamp, nonceStr, signature } }
    },
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
