/**
 * Tells merchants what happened: encrypts once, signs each attempt anew, and climbs the ladder of fifteen retries on the
 * virtual clock until an answer of 200 or 204 comes within five seconds. Faults lose, double, delay, reorder and falsify.
 */
import { createCipheriv } from 'node:crypto'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { smSealResource } from '../sm/algorithms.ts'
import { signedHeaders } from '../v3/answers.ts'
import type { Clock, Schedule } from './clock.ts'
import { type Fault, type Faults, numberOf } from './faults.ts'
import type { Merchant, Merchants } from './merchants.ts'
import { unseeded } from './random.ts'
import type { SettingsBox } from './settings.ts'
import type { Index, Store, Table } from './store.ts'
import { formatTime } from './time.ts'

export interface Attempt {
  /** Virtual. */
  at: number
  /** Which signature it carried. */
  signature: 'good' | 'bad' | 'probe'
  serial: string
  /** Undefined: no answer in time, or no connection. */
  status?: number
  /** Real, until the answer was there. */
  took_ms?: number
}

export interface Notice {
  id: string
  mchid: string
  url: string
  event_type: string
  /** Of the order or refund that it tells of. */
  ref: string
  body: string
  state: 'pending' | 'delivered' | 'given_up' | 'dropped'
  created_at: number
  /** Real attempts, not probes. */
  tries: number
  attempts: Attempt[]
  /** An attempt is on its way: after a crash it is made again. */
  sending: boolean
  dropped_tries: number
  copies: number
}

export interface Told {
  mchid: string
  url: string
  event_type: string
  original_type: string
  summary: string
  ref: string
  /** What the resource holds when decrypted. */
  plain: Record<string, unknown>
}

export interface NotifierParts {
  store: Store
  clock: Clock
  schedule: Schedule
  settings: SettingsBox
  faults: Faults
  merchants: Merchants
}

export class Notifier {
  readonly table: Table<Notice>
  readonly ofMerchant: Index<Notice>
  readonly #parts: NotifierParts
  readonly #agents = {
    'http:': new HttpAgent({ keepAlive: true }),
    'https:': new HttpsAgent({ keepAlive: true }),
  }
  readonly #held: string[] = []
  #sent = 0
  #flying = 0

  constructor(parts: NotifierParts) {
    this.#parts = parts
    this.table = parts.store.table('notifications')
    this.ofMerchant = this.table.index(({ mchid }) => mchid)
    parts.schedule.on<{ id: string }>('notify', ({ id }, at) => this.#attempt(id, at))
    parts.schedule.on<{ id: string }>('release', ({ id }) => this.#release(id))
  }

  /** Takes up again what a crash interrupted. */
  start(): void {
    const { clock, schedule } = this.#parts
    for (const notice of this.table.values())
      if (notice.state === 'pending' && notice.sending)
        schedule.at(clock.now(), 'notify', { id: notice.id })
  }

  /** How many requests are out and unanswered. */
  get flying(): number {
    return this.#flying
  }

  /** Nothing is sent while the merchant has no APIv3 key, as nothing could be encrypted. */
  tell(told: Told): void {
    const { clock, faults, merchants, schedule } = this.#parts
    const merchant = merchants.find(told.mchid)
    if (merchant === undefined || merchant.api_v3_key === '') return
    const paths = [told.event_type, new URL(told.url).pathname]
    const take = (effect: Fault['effect']) => faults.take([effect], { paths, mchid: told.mchid })
    const wrong = take('wrong_amount_notification')
    const plain =
      wrong === undefined ? told.plain : withAmount(told.plain, numberOf(wrong, 'fen', 1))
    const [drop, delay] = [take('drop_notification'), take('delay_notification')]
    const [copies, reorder] = [take('duplicate_notification'), take('reorder_notifications')]
    const id = newUuid()
    const now = clock.now()
    this.table.set(id, {
      id,
      mchid: told.mchid,
      url: told.url,
      event_type: told.event_type,
      ref: told.ref,
      body: bodyOf(id, now, told, plain, merchant),
      state: 'pending',
      created_at: now,
      tries: 0,
      attempts: [],
      sending: false,
      dropped_tries: drop === undefined ? 0 : numberOf(drop, 'attempts', Number.MAX_SAFE_INTEGER),
      copies: copies === undefined ? 1 : numberOf(copies, 'count', 2),
    })
    if (reorder !== undefined) {
      this.#held.push(id)
      schedule.at(now + 60_000, 'release', { id })
    } else {
      const wait = delay === undefined ? 0 : numberOf(delay, 'seconds', 60) * 1000
      schedule.at(now + wait, 'notify', { id })
    }
  }

  /** Lets go what was held back, once something else has overtaken it, or nothing came that could. */
  #release(id: string | undefined): void {
    const { clock, schedule } = this.#parts
    const going = id === undefined ? this.#held.splice(0) : [id]
    for (const each of going) {
      const place = this.#held.indexOf(each)
      if (place !== -1) this.#held.splice(place, 1)
      const notice = this.table.get(each)
      if (notice?.state === 'pending' && notice.tries === 0 && !notice.sending)
        schedule.at(clock.now(), 'notify', { id: each })
    }
  }

  #attempt(id: string, at: number): void {
    const notice = this.table.get(id)
    const merchant = notice === undefined ? undefined : this.#parts.merchants.find(notice.mchid)
    if (notice === undefined || merchant === undefined || notice.state !== 'pending') return
    if (notice.tries < notice.dropped_tries) {
      this.#next({ ...notice, tries: notice.tries + 1 }, at, 'dropped')
      return
    }
    this.table.change(id, { sending: true })
    this.#parts.store.flush()
    this.#flying += 1
    this.#send(notice, merchant)
      .then((attempts) => this.#answered(id, at, attempts))
      .catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
      .finally(() => {
        this.#flying -= 1
        this.#parts.store.flush()
      })
  }

  #answered(id: string, at: number, attempts: Attempt[]): void {
    const notice = this.table.get(id)
    if (notice === undefined) return
    const changed: Notice = {
      ...notice,
      sending: false,
      tries: notice.tries + 1,
      attempts: [...notice.attempts, ...attempts],
    }
    const isTaken = attempts.some(
      ({ signature, status }) => signature === 'good' && (status === 200 || status === 204),
    )
    if (isTaken) this.table.set(id, { ...changed, state: 'delivered' })
    else this.#next(changed, at, 'given_up')
    if (!this.#held.includes(id)) this.#release(undefined)
  }

  /** The next step of the ladder counts from when this attempt was due, so that a jump of the clock runs through all of it. */
  #next(notice: Notice, at: number, otherwise: 'given_up' | 'dropped'): void {
    const step = this.#parts.settings.now.ladderSeconds[notice.tries - 1]
    if (step === undefined || notice.dropped_tries > 15) {
      this.table.set(notice.id, { ...notice, state: otherwise })
      return
    }
    this.table.set(notice.id, notice)
    this.#parts.schedule.at(at + step * 1000, 'notify', { id: notice.id })
  }

  /** One attempt: a probe first where one is due, then as many copies as a fault asks for. */
  async #send(notice: Notice, merchant: Merchant): Promise<Attempt[]> {
    const { faults, settings } = this.#parts
    this.#sent += 1
    const { probeEvery } = settings.now
    const paths = [notice.event_type, new URL(notice.url).pathname]
    const asked = faults.take(['bad_signature', 'probe_signature'], { paths, mchid: notice.mchid })
    const attempts: Attempt[] = []
    const isProbed = probeEvery > 0 && this.#sent % probeEvery === 0
    if (isProbed || asked?.effect === 'probe_signature')
      attempts.push(await this.#post(notice, merchant, 'probe'))
    const signature = asked?.effect === 'bad_signature' ? 'bad' : 'good'
    const copies = notice.tries === 0 ? notice.copies : 1
    const sent = Array.from({ length: copies }, () => this.#post(notice, merchant, signature))
    attempts.push(...(await Promise.all(sent)))
    return attempts
  }

  /** A kept connection may have ended just now; that is no answer of the merchant's, so it is tried on another one. */
  async #post(
    notice: Notice,
    merchant: Merchant,
    signature: Attempt['signature'],
  ): Promise<Attempt> {
    const first = await this.#postOnce(notice, merchant, signature)
    if (!first.isStale) return first.attempt
    return (await this.#postOnce(notice, merchant, signature)).attempt
  }

  #postOnce(
    notice: Notice,
    merchant: Merchant,
    signature: Attempt['signature'],
  ): Promise<{ attempt: Attempt; isStale: boolean }> {
    const { clock, merchants, settings } = this.#parts
    const key = merchants.keyForNotice(merchant, unseeded.below(1000) / 10)
    const attempt: Attempt = { at: clock.now(), signature, serial: key?.serial ?? '' }
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(notice.body)),
      'user-agent': 'Mozilla/4.0',
      accept: '*/*',
      'request-id': unseeded.hex(32),
      ...(key === undefined
        ? {}
        : signedHeaders({
            key,
            timestamp: clock.realSeconds(),
            nonce: unseeded.letters(32),
            body: notice.body,
            broken: signature === 'good' ? false : signature,
          })),
    }
    const url = new URL(notice.url)
    const isPlain = url.protocol === 'http:'
    const ask = isPlain ? httpRequest : httpsRequest
    const agent = this.#agents[isPlain ? 'http:' : 'https:']
    const sentAt = performance.now()
    return new Promise((resolve) => {
      let wasReset = false
      const request = ask(url, { method: 'POST', headers, agent }, (response) => {
        response.resume()
        response.on('end', () => done(response.statusCode))
        response.on('error', () => done(undefined))
      })
      const timer = setTimeout(() => {
        done(undefined)
        request.destroy()
      }, settings.now.notificationAnswerMs)
      const done = (status: number | undefined) => {
        clearTimeout(timer)
        const isStale = status === undefined && wasReset && request.reusedSocket
        const took_ms = Math.round((performance.now() - sentAt) * 10) / 10
        const answered = status === undefined ? attempt : { ...attempt, status, took_ms }
        resolve({ attempt: answered, isStale })
      }
      request.on('error', (error: NodeJS.ErrnoException) => {
        wasReset = error.code === 'ECONNRESET' || error.code === 'EPIPE'
        done(undefined)
      })
      request.on('close', () => done(undefined))
      request.end(notice.body)
    })
  }

  stop(): void {
    this.#agents['http:'].destroy()
    this.#agents['https:'].destroy()
  }
}

/** The body of a notification: the resource under AES-256-GCM, or SM4-GCM, by the merchant's APIv3 key. */
function bodyOf(
  id: string,
  now: number,
  told: Told,
  plain: Record<string, unknown>,
  merchant: Merchant,
): string {
  const nonce = unseeded.letters(12)
  const isSm = merchant.sm !== undefined
  const seal = isSm ? smSealResource : sealResource
  const sealed = seal(merchant.api_v3_key, nonce, told.original_type, JSON.stringify(plain))
  return JSON.stringify({
    id,
    create_time: formatTime(now),
    resource_type: 'encrypt-resource',
    event_type: told.event_type,
    summary: told.summary,
    resource: {
      original_type: told.original_type,
      algorithm: isSm ? 'AEAD_SM4_GCM' : 'AEAD_AES_256_GCM',
      ciphertext: sealed,
      associated_data: told.original_type,
      nonce,
    },
  })
}

/** Base64 of the cipher's bytes followed by the tag of sixteen. */
export function sealResource(
  apiV3Key: string,
  nonce: string,
  associated: string,
  plain: string,
): string {
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(apiV3Key), Buffer.from(nonce))
  cipher.setAAD(Buffer.from(associated))
  return Buffer.concat([
    cipher.update(plain, 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ]).toString('base64')
}

function newUuid(): string {
  const hex = unseeded.hex(32)
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5')
}

/** The same facts with another amount, of the first part where there are several. */
function withAmount(plain: Record<string, unknown>, fen: number): Record<string, unknown> {
  const parts = plain['sub_orders']
  if (Array.isArray(parts)) {
    const [first, ...rest] = parts as Record<string, unknown>[]
    return { ...plain, sub_orders: [withAmount(first ?? {}, fen), ...rest] }
  }
  const amount = plain['amount'] as Record<string, unknown> | undefined
  const changed = Object.fromEntries(
    ['total', 'payer_total', 'total_amount', 'payer_amount']
      .filter((name) => amount !== undefined && name in amount)
      .map((name) => [name, fen]),
  )
  return { ...plain, amount: { ...amount, ...changed } }
}
