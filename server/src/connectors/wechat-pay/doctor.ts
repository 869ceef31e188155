/**
 * Looks at a merchant number step by step, from what lies here to what WeChat says, and names what is wrong in words that
 * lead to the place where it is put right. The first thing that everything else rests on ends the visit.
 */
import { isIP } from 'node:net'
import type { CheckStep } from '../../modules/wechat/index.ts'
import { readPrivateKey, readPublicKey } from '../../platform/crypto/pem-keys.ts'
import { randomBytes } from '../../platform/crypto/random.ts'
import type { AtWork } from './accounts.ts'
import { currentCode } from './answers.ts'
import { requestIdOf } from './client.ts'
import { parseJson, textIn } from './json.ts'
import { pathPart, shanghaiTime } from './texts.ts'
import { verify } from './verify.ts'
import type { WireAnswer } from './wire.ts'

const good = (step: string): CheckStep => ({ step, ok: true })
const wrong = (step: string, problem: string, advice: string): CheckStep => ({
  step,
  ok: false,
  problem,
  advice,
})

/** Moves no money; makes an order of one fen for each app and closes it at once, because nothing else shows that it is bound. */
export async function checkPayAccount(client: AtWork): Promise<readonly CheckStep[]> {
  const here = [ownKey(client), publicKey(client), notifyUrl(client)]
  if (here.some(({ step, ok }) => !ok && step !== 'notify_url')) return here
  const asked = await askWechat(client)
  const steps = [...here, ...asked]
  if (asked.some(({ ok }) => !ok)) return steps
  const apps: CheckStep[] = []
  for (const appid of client.credentials.appids) apps.push(await boundApp(client, appid))
  return [...steps, ...apps, ...(await secondProtocol(client))]
}

function ownKey({ credentials }: AtWork): CheckStep {
  const kind = credentials.algorithm === 'sm' ? 'sm2' : 'rsa'
  return readPrivateKey(credentials.privateKeyPem)?.kind === kind
    ? good('private_key')
    : wrong(
        'private_key',
        'The private key is not of the kind that the account signs with.',
        'Give apiclient_key.pem of the merchant certificate.',
      )
}

function publicKey({ credentials }: AtWork): CheckStep {
  const { keyMode, publicKeyId, publicKeyPem } = credentials
  if (keyMode === 'certificate') return good('public_key')
  const advice =
    "Give WeChat's public key and its PUB_KEY_ID_ from the API security page of the console."
  if (publicKeyId === null || publicKeyPem === null)
    return wrong('public_key', "WeChat's public key is missing.", advice)
  return readPublicKey(publicKeyPem) === undefined
    ? wrong('public_key', "WeChat's public key cannot be read.", advice)
    : good('public_key')
}

function notifyUrl({ notifyUrl: text, hosts }: AtWork): CheckStep {
  const url = new URL(text)
  const isLocalWechat = isInner(new URL(hosts.url).hostname)
  const advice =
    'Set LIKA_PUBLIC_URL to the https address by which this server is reached from outside.'
  if (isLocalWechat) return good('notify_url')
  if (url.protocol !== 'https:')
    return wrong('notify_url', `WeChat calls back over https only, not at ${text}.`, advice)
  if (isInner(url.hostname))
    return wrong('notify_url', `WeChat cannot reach ${url.hostname} from outside.`, advice)
  return text.length > 255 || url.search !== ''
    ? wrong('notify_url', 'The address is longer than 255 characters or has a query.', advice)
    : good('notify_url')
}

function isInner(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  if (isIP(host) === 4) return /^(127|10|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254|0)\./.test(host)
  return host.startsWith('[')
}

/** Reach, clock, signature, WeChat's keys, WeChat's signature: each rests on the one before. */
async function askWechat(client: AtWork): Promise<CheckStep[]> {
  const { credentials } = client
  const fetched = credentials.keyMode === 'public_key' ? undefined : await client.keys.refresh()
  const key = await client.keys.current()
  const number = `likacheck${randomBytes(8).toString('hex')}`
  const path = `/v3/pay/transactions/out-trade-no/${number}?mchid=${credentials.mchid}`
  const result = await client.ask({ method: 'GET', path, serial: key?.serial }, true)
  if (result.kind !== 'answer') {
    const advice = `Let this server out to ${client.hosts.url}; it answers by name, over https.`
    return [wrong('reach', `WeChat Pay is not reached: ${result.why}.`, advice)]
  }
  const steps = [good('reach'), clock(client, result.answer), ownSignature(client, result.answer)]
  if (steps.some(({ ok }) => !ok)) return steps
  const allowed = merchant(result.answer)
  if (fetched?.ok === false && (credentials.keyMode === 'certificate' || fetched.status === 200)) {
    const isTheirKeys = fetched.status === 200 || fetched.status === 404
    return [...steps, isTheirKeys || allowed.ok ? certificatesWrong(fetched) : allowed]
  }
  steps.push(good('platform_keys'))
  const { verified, why } = await verify(result.answer, client.keys.find, client.now(), client.sm)
  if (verified !== 'good') return [...steps, theirSignatureWrong(client, why)]
  return [...steps, good('wechat_signature'), allowed]
}

/** The most that WeChat lets pass is five minutes; half a minute is a clock that nobody looks after. */
const warnSkewMs = 30_000

function clock({ now }: AtWork, answer: WireAnswer): CheckStep {
  const seconds = Number(answer.headers['wechatpay-timestamp'] ?? Number.NaN)
  const theirs = Number.isNaN(seconds) ? Date.parse(answer.headers['date'] ?? '') : seconds * 1000
  const skew = Math.abs(now() - theirs)
  return skew > warnSkewMs
    ? wrong(
        'clock',
        `The clock of this server is ${Math.round(skew / 1000)} seconds away from WeChat's.`,
        'Set it by NTP: from five minutes on WeChat refuses every call.',
      )
    : good('clock')
}

function ownSignature({ credentials }: AtWork, answer: WireAnswer): CheckStep {
  if (answer.status !== 401) return good('own_signature')
  const said = textIn(parseJson(answer.body.toString()), 'message') ?? ''
  return wrong(
    'own_signature',
    `WeChat does not take our signature for merchant ${credentials.mchid} and serial ${credentials.certificateSerial}: ${said}`,
    'Private key, certificate serial and merchant number must be of one certificate; compare the serial with the API security page of the console.',
  )
}

function certificatesWrong({ status, why }: { status?: number; why: string }): CheckStep {
  if (status === 404)
    return wrong(
      'platform_keys',
      'This merchant number has no platform certificates.',
      'It is a newer one: change key_mode to public_key and give the public key of the console.',
    )
  if (status === 200)
    return wrong(
      'platform_keys',
      `WeChat's certificates cannot be used: ${why}.`,
      'Give the API v3 key that is set in the console; it decrypts certificates and callbacks.',
    )
  return wrong(
    'platform_keys',
    `WeChat's certificates cannot be fetched: ${why}.`,
    'Try again; where it stays, show the Request-ID in the log to WeChat Pay.',
  )
}

function theirSignatureWrong({ credentials }: AtWork, why: string): CheckStep {
  return wrong(
    'wechat_signature',
    `What WeChat answers cannot be verified: ${why}.`,
    credentials.keyMode === 'certificate'
      ? 'Where the merchant number has moved to a public key, change key_mode to both or public_key and give that key.'
      : "Public key and PUB_KEY_ID_ must be WeChat's own of the console, not the merchant's; while it moves over key_mode has to be both.",
  )
}

function merchant(answer: WireAnswer): CheckStep {
  const code = currentCode(textIn(parseJson(answer.body.toString()), 'code') ?? '')
  const isThere = answer.status === 404 && code === 'ORDER_NOT_EXIST'
  if (isThere || answer.status === 200) return good('merchant')
  return wrong(
    'merchant',
    `WeChat refuses the merchant number: ${answer.status} ${code} (${requestIdOf(answer) ?? 'no Request-ID'}).`,
    'See in the console whether it is open, and whether the API right of this product is.',
  )
}

async function boundApp(client: AtWork, appid: string): Promise<CheckStep> {
  const step = `app ${appid}`
  const number = `likacheck${randomBytes(8).toString('hex')}`
  const { mchid } = client.credentials
  const order = await client.call<'made'>({
    method: 'POST',
    path: '/v3/pay/transactions/native',
    body: {
      appid,
      mchid,
      description: 'Lika',
      out_trade_no: number,
      time_expire: shanghaiTime(client.now() + 300_000),
      notify_url: client.notifyUrl,
      amount: { total: 1, currency: 'CNY' },
    },
    read: () => 'made',
  })
  if (order.status === 'unknown')
    return wrong(step, `An order for the app has no outcome: ${order.why}.`, 'Try again.')
  if (order.status === 'refused')
    return wrong(
      step,
      `WeChat takes no order for the app: ${order.code} ${order.detail}`,
      order.code === 'APPID_MCHID_NOT_MATCH'
        ? 'Bind the app to the merchant number in the console, on both sides.'
        : 'See whether the product Native is open for the merchant number.',
    )
  await client.call({
    method: 'POST',
    path: `/v3/pay/transactions/out-trade-no/${pathPart(number)}/close`,
    body: { mchid },
    read: () => 'closed',
  })
  return good(step)
}

async function secondProtocol(client: AtWork): Promise<CheckStep[]> {
  const { credentials } = client
  if (credentials.apiV2Key === null) return []
  const number = `likacheck${randomBytes(8).toString('hex')}`
  const answer = await client.callV2({
    path: '/pay/orderquery',
    isRepeatable: true,
    fields: { appid: credentials.appids[0] ?? '', out_trade_no: number },
  })
  const key =
    answer.status === 'done' && currentCode(answer.value.get('err_code') ?? '') !== 'SIGN_ERROR'
      ? good('api_v2_key')
      : wrong(
          'api_v2_key',
          `The second protocol does not understand us: ${answer.status === 'unknown' ? answer.why : 'SIGN_ERROR'}.`,
          'Give the API key (v2) that is set in the console.',
        )
  return [key, clientCertificate(credentials.clientCertificatePem, client.hosts.url)]
}

/** Shown within TLS, so that a local WeChat without it asks for none. */
export function clientCertificate(pem: string | null, url: string): CheckStep {
  return pem === null && url.startsWith('https:')
    ? wrong(
        'v2_client_certificate',
        'Payment codes cannot be reversed without the client certificate.',
        'Give apiclient_cert.pem as v2_client_certificate_pem.',
      )
    : good('v2_client_certificate')
}
