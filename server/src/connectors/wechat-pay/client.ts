/**
 * One merchant number at work: sends a call with the key named, by the spare host where the first cannot be reached, shows
 * the answer to be WeChat's, and says what it means.
 */
import type { KeyObject } from 'node:crypto'
import type { Instant } from '@lika/contract'
import type { Answer, PayCredentials } from '../../modules/wechat/index.ts'
import { elapsedMs } from '../../platform/clock.ts'
import type { Sm } from '../../platform/crypto/sm.ts'
import type { Log } from '../../platform/log.ts'
import { answerOf, unknown } from './answers.ts'
import { parseJson } from './json.ts'
import type { PlatformKeys } from './platform-keys.ts'
import type { PaySuite, PlatformKey } from './suites.ts'
import { verify } from './verify.ts'
import type { Wire, WireAnswer, WireRequest, WireResult } from './wire.ts'

export interface PayHosts {
  /** Without a slash at the end. */
  readonly url: string
  readonly spareUrl?: string | undefined
}

/** WeChat keeps a second host beside the one of its documents. */
export function payHosts(url: string): PayHosts {
  const isWechat = url === 'https://api.mch.weixin.qq.com'
  return { url, spareUrl: isWechat ? 'https://api2.mch.weixin.qq.com' : undefined }
}

export interface Call<T> extends Omit<WireRequest, 'serial'> {
  /** False: the same again might do it twice, so it goes out again only where nobody was reached. */
  readonly isRepeatable?: boolean
  /** For fields that were encrypted: the key that it was for. */
  readonly sealedFor?: PlatformKey | undefined
  /** Undefined: not what the document promises. */
  readonly read: (body: unknown) => T | undefined
}

export interface ClientNeeds {
  readonly credentials: PayCredentials
  readonly ownKey: KeyObject
  readonly suite: PaySuite
  readonly keys: PlatformKeys
  readonly wire: Wire
  readonly hosts: PayHosts
  readonly notifyUrl: string
  readonly timeoutMs: number
  readonly now: () => Instant
  readonly sm: Sm | undefined
  readonly log: Pick<Log, 'debug' | 'info' | 'warn'>
}

export interface PayClient extends ClientNeeds {
  call<T>(call: Call<T>): Promise<Answer<T>>
  /** A file, whose answer is not signed. */
  download(path: string): Promise<Answer<Buffer>>
  /** A bare call, for those who look at everything themselves. */
  ask(request: WireRequest, isRepeatable: boolean): Promise<WireResult>
}

/** A bill of a busy day has some hundred megabytes. */
const downloadMs = 300_000

export function payClient(needs: ClientNeeds): PayClient {
  const ask = (request: WireRequest, isRepeatable: boolean) =>
    sendTo(needs.hosts, (host) => needs.wire(host, request), isRepeatable)
  return {
    ...needs,
    ask,
    call: async (call) => {
      const key = call.sealedFor ?? (await needs.keys.current())
      if (key === undefined) return unknown("WeChat's keys are not known")
      const { method, path, body, isRepeatable = true } = call
      const began = elapsedMs()
      const result = await ask({ method, path, body, serial: key.serial }, isRepeatable)
      const answer = await judged(needs, call, result)
      report(needs, call, result, answer, elapsedMs() - began)
      return answer
    },
    download: async (path) => {
      const key = await needs.keys.current()
      const asked = { method: 'GET', path, serial: key?.serial, timeoutMs: downloadMs } as const
      const result = await ask(asked, true)
      if (result.kind !== 'answer') return unknown(result.why)
      const { status, body } = result.answer
      return status === 200
        ? { status: 'done', value: body }
        : unknown(`the file is answered with ${status}`)
    },
  }
}

/** The other host where nobody was reached; where the answer was lost, again only what may be done again. */
export async function sendTo(
  { url, spareUrl }: PayHosts,
  send: (host: string) => Promise<WireResult>,
  isRepeatable: boolean,
): Promise<WireResult> {
  const first = await send(url)
  if (first.kind === 'answer') return first
  if (first.kind === 'unsent') return spareUrl === undefined ? first : send(spareUrl)
  // A connection that had been idle may have been closed just then; who was slow will be slow again.
  const again = first.kind === 'slow' ? spareUrl : (spareUrl ?? url)
  return isRepeatable && again !== undefined ? send(again) : first
}

async function judged<T>(
  needs: ClientNeeds,
  call: Call<T>,
  result: WireResult,
): Promise<Answer<T>> {
  if (result.kind !== 'answer') return unknown(result.why)
  const { answer } = result
  const { verified, why } = await verify(answer, needs.keys.find, needs.now(), needs.sm)
  if (verified === 'bad') return unknown(`the answer cannot be shown to be WeChat's: ${why}`)
  const requestId = requestIdOf(answer)
  const body = parseJson(answer.body.toString())
  return answerOf({ status: answer.status, body, requestId, verified }, call.read)
}

export function requestIdOf(answer: WireAnswer): string | undefined {
  return answer.headers['request-id']
}

/** Neither bodies nor headers: the number under which WeChat finds the call says enough. */
function report<T>(
  { log, credentials }: ClientNeeds,
  { method, path }: Call<T>,
  result: WireResult,
  answer: Answer<T>,
  ms: number,
): void {
  const said = result.kind === 'answer' ? result.answer : undefined
  const line = {
    mchid: credentials.mchid,
    call: `${method} ${path.split('?')[0]}`,
    status: said?.status,
    request_id: said && requestIdOf(said),
    ms: Math.round(ms),
  }
  if (answer.status === 'done') log.debug(line, 'WeChat Pay has done it')
  else if (answer.status === 'refused')
    log.info({ ...line, code: answer.code }, 'WeChat Pay refuses')
  else log.warn({ ...line, why: answer.why }, 'what WeChat Pay has done is not known')
}
