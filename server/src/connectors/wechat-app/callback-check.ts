/**
 * Whether the address of an app's callbacks leads to us: called as WeChat calls it when the address is set, under the app's
 * own token.
 */
import { isIP } from 'node:net'
import type { Instant, Mode } from '@lika/contract'
import type { AppCredentials, CheckStep } from '../../modules/wechat/index.ts'
import { randomBytes } from '../../platform/crypto/random.ts'
import { callbackSignature } from './signatures.ts'
import { good, wrong } from './steps.ts'

/** What our own looking begins with, so that it is not taken for WeChat's. */
export const ownEcho = 'lika-doctor-'

const answerWithinMs = 5_000
const step = 'callback_url'
const setPublicUrl = 'Set LIKA_PUBLIC_URL to the https address by which WeChat reaches this server.'

export async function checkCallbackUrl(
  { token }: AppCredentials,
  callbackUrl: string,
  now: Instant,
  mode: Mode,
): Promise<CheckStep> {
  // Nothing is called back: nothing has to be reached.
  if (token === null) return good(step)
  const url = URL.parse(callbackUrl)
  if (url === null) return wrong(step, `${callbackUrl} is no address.`, setPublicUrl)
  if (mode === 'live' && url.protocol !== 'https:')
    return wrong(step, `WeChat has to call back over https, not at ${callbackUrl}.`, setPublicUrl)
  if (mode === 'live' && isInner(url.hostname))
    return wrong(step, `WeChat cannot reach ${url.hostname} from outside.`, setPublicUrl)
  const timestamp = String(Math.floor(now / 1000))
  const nonce = randomBytes(8).toString('hex')
  const echostr = `${ownEcho}${randomBytes(8).toString('hex')}`
  const signature = callbackSignature([token, timestamp, nonce])
  url.search = new URLSearchParams({ signature, timestamp, nonce, echostr }).toString()
  const problem = await whatAnswers(url, echostr)
  return problem === undefined
    ? good(step)
    : wrong(
        step,
        `${callbackUrl} ${problem}.`,
        'See that the address leads to this server: DNS, certificate, reverse proxy, LIKA_PUBLIC_URL.',
      )
}

/** Undefined: we do. */
async function whatAnswers(url: URL, echostr: string): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(answerWithinMs)
    const response = await fetch(url, { redirect: 'manual', signal })
    const text = await response.text()
    if (response.status !== 200) return `answers HTTP ${response.status}`
    return text === echostr ? undefined : 'is answered by something that is not this server'
  } catch {
    return 'is not reached from here'
  }
}

function isInner(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  if (isIP(host) === 4) return /^(127|10|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254|0)\./.test(host)
  return host.startsWith('[')
}
