/**
 * Sends webhooks over HTTP. A host is resolved once, every address of it is checked, and the connection goes to exactly
 * what was checked; redirects are not followed, and of the answer only the status is kept.
 */
import { type LookupAddress, lookup } from 'node:dns'
import { request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Posted, WebhookSender } from '../modules/webhooks/index.ts'
import { type Reach, reachOf } from './webhook-sender-addresses.ts'

export type SenderOptions = {
  /** Also plain http and addresses of inner networks: LIKA_WEBHOOK_ALLOW_PRIVATE. */
  readonly allowPrivate: boolean
  /** From the first step to the status of the answer. */
  readonly timeoutMs?: number
  /** All addresses of a host; the system's resolver where absent. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>
}

type Target = { readonly url: URL; readonly addresses: readonly LookupAddress[] }
type Checked = { readonly target: Target } | { readonly objection: string }

/** As much of an answer is read so that its sender can finish; the rest is cut off. */
const mostOfAnswer = 64 * 1024

export function webhookSender(options: SenderOptions): WebhookSender {
  const { timeoutMs = 10_000 } = options
  return {
    objection: async (url) => {
      const checked = await checkUrl(url, options)
      return 'objection' in checked ? checked.objection : undefined
    },
    post: async (url, headers, body) => {
      const signal = AbortSignal.timeout(timeoutMs)
      const timedOut = new Promise<Posted>((resolve) => {
        signal.addEventListener('abort', () => resolve({ error: `no answer in ${timeoutMs} ms` }))
      })
      return Promise.race([timedOut, checkAndSend(url, headers, body, options, signal)])
    },
  }
}

async function checkAndSend(
  text: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  options: SenderOptions,
  signal: AbortSignal,
): Promise<Posted> {
  try {
    const checked = await checkUrl(text, options)
    if ('objection' in checked) return { error: `not allowed: ${checked.objection}` }
    return await send(checked.target, headers, body, signal)
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

/** In this order: form, scheme, port, credentials, then every address of the host. */
async function checkUrl(text: string, options: SenderOptions): Promise<Checked> {
  const url = URL.parse(text)
  if (url === null) return { objection: 'it is not a URL' }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && options.allowPrivate))
    return { objection: 'only https is allowed' }
  if (url.port === '0') return { objection: 'port 0 does not exist' }
  if (url.username !== '' || url.password !== '')
    return { objection: 'credentials in the URL are not allowed' }
  if (url.hash !== '') return { objection: 'a fragment is not allowed' }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const addresses = await addressesOf(host, options)
  const allowed: readonly Reach[] = options.allowPrivate ? ['public', 'inside'] : ['public']
  const isAllowed = addresses.every(({ address }) => allowed.includes(reachOf(address)))
  // One sentence for names that do not exist and names that lead inside: which is which is not theirs to know.
  if (addresses.length === 0 || !isAllowed)
    return { objection: `${host} does not lead to addresses that may be reached` }
  return { target: { url, addresses } }
}

async function addressesOf(
  host: string,
  { resolve = systemAddresses }: SenderOptions,
): Promise<readonly LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  return resolve(host).catch(() => [])
}

function systemAddresses(host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true, order: 'ipv4first' }, (error, addresses) => {
      if (error === null) resolve(addresses)
      else reject(error)
    })
  })
}

function send(
  { url, addresses }: Target,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<Posted> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  const options: RequestOptions = {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    lookup: lookupOf(addresses),
    // A connection of its own each time, to an address checked just now; none that waits to be used again.
    agent: false,
    signal,
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, (answer) => {
      resolve({ status: answer.statusCode ?? 0 })
      let length = 0
      answer.on('error', () => {})
      answer.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > mostOfAnswer) answer.destroy()
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Answers what was checked, whatever the name resolves to by now. */
function lookupOf(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses
    if (all === true) callback(null, [...addresses])
    else if (first === undefined) callback(new Error('no address'), '')
    else callback(null, first.address, first.family)
  }
}

/** The code of a failed connection: what its message adds (addresses, paths) is of no use to the receiver. */
function reasonOf(error: unknown): string {
  const nested = error instanceof AggregateError ? error.errors[0] : error
  const code =
    typeof nested === 'object' && nested !== null && 'code' in nested ? nested.code : undefined
  return typeof code === 'string' ? `no connection: ${code}` : 'no connection'
}
