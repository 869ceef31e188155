/**
 * Posts events and messages to an app's callback: signed, sealed where the app asks for it, again when no good answer
 * came within five seconds, and lost, doubled, late or out of order where a fault says so.
 */
import { type Fault, numberOf } from '../kernel/faults.ts'
import type { Table } from '../kernel/store.ts'
import type { Twin } from '../kernel/twin.ts'
import type { App } from '../kernel/users.ts'
import { particularsOf } from './app-record.ts'
import { type Members, readMembers, write } from './message-body.ts'
import { open, seal } from './message-crypto.ts'
import { isSameSignature, signatureOf } from './signatures.ts'

export interface Posted {
  readonly id: string
  readonly appid: string
  readonly openid: string
  /** The event's name, or the kind of message. */
  readonly name: string
  readonly message: Members
  /** `no_url`: the app has no callback. */
  readonly state: 'pending' | 'delivered' | 'given_up' | 'dropped' | 'no_url'
  /** Virtual milliseconds. */
  readonly created_at: number
  readonly tries: number
  /** Status of each request, or what was wrong with it. */
  readonly outcomes: readonly string[]
  readonly dropped_tries: number
  readonly copies: number
  /** A request is on its way: after a crash it is made again. */
  readonly sending: boolean
  /** A passive reply to the user, when one came. */
  readonly reply?: Readonly<Record<string, string>>
}

export class Callbacks {
  readonly table: Table<Posted>
  readonly #twin: Twin
  readonly #held: string[] = []
  #flying = 0

  constructor(twin: Twin) {
    this.#twin = twin
    this.table = twin.store.table('app_callbacks')
    twin.schedule.on<{ id: string }>('app callback', ({ id }, at) => this.#attempt(id, at))
    twin.schedule.on<{ id: string }>('app callback release', ({ id }) => this.#release(id))
    for (const { id, sending } of this.table.values())
      if (sending) twin.schedule.at(twin.clock.now(), 'app callback', { id })
  }

  /** How many are out and unanswered. */
  get flying(): number {
    return this.#flying
  }

  /** Oldest first. */
  ofApp(appid: string): Posted[] {
    return [...this.table.values()].filter((posted) => posted.appid === appid)
  }

  /** An event of the user's; `ToUserName`, `FromUserName`, `CreateTime`, `MsgType` and `Event` are put before it. */
  event(app: App, openid: string, name: string, fields: Members): Posted {
    return this.post(app, openid, name, { MsgType: 'event', Event: name, ...fields })
  }

  post(app: App, openid: string, name: string, fields: Members): Posted {
    const { clock, faults, random, schedule } = this.#twin
    const url = app.callback_url
    const now = clock.now()
    const id = `callback_${random.letters(16)}`
    const paths = url === undefined ? [name] : [name, new URL(url).pathname]
    const take = (effect: Fault['effect']) => faults.take([effect], { paths })
    const [drop, delay] = [take('drop_notification'), take('delay_notification')]
    const [copies, reorder] = [take('duplicate_notification'), take('reorder_notifications')]
    const posted: Posted = {
      id,
      appid: app.appid,
      openid,
      name,
      message: {
        ToUserName: particularsOf(app).account_id,
        FromUserName: openid,
        CreateTime: Math.floor(now / 1000),
        ...fields,
      },
      state: url === undefined ? 'no_url' : 'pending',
      created_at: now,
      tries: 0,
      outcomes: [],
      sending: false,
      dropped_tries: drop === undefined ? 0 : numberOf(drop, 'attempts', Number.MAX_SAFE_INTEGER),
      copies: copies === undefined ? 1 : numberOf(copies, 'count', 2),
    }
    this.table.set(id, posted)
    if (url === undefined) return posted
    if (reorder !== undefined) {
      this.#held.push(id)
      schedule.at(now + 60_000, 'app callback release', { id })
    } else {
      const wait = delay === undefined ? 0 : numberOf(delay, 'seconds', 60) * 1000
      schedule.at(now + wait, 'app callback', { id })
    }
    return posted
  }

  /** Asks the address to prove that it knows the token: what it answers must be what it was sent. */
  async proves(app: App, url: string): Promise<boolean> {
    const echostr = this.#twin.random.digits(19)
    const query = this.#signedQuery(app)
    query.set('echostr', echostr)
    const answer = await this.#ask(url, query, { method: 'GET' })
    return typeof answer !== 'string' && answer.status === 200 && answer.body === echostr
  }

  /** Lets go what was held back, once something else has overtaken it, or nothing came that could. */
  #release(id: string | undefined): void {
    const going = id === undefined ? this.#held.splice(0) : [id]
    for (const each of going) {
      const place = this.#held.indexOf(each)
      if (place !== -1) this.#held.splice(place, 1)
      const posted = this.table.get(each)
      if (posted?.state === 'pending' && posted.tries === 0 && !posted.sending)
        this.#twin.schedule.at(this.#twin.clock.now(), 'app callback', { id: each })
    }
  }

  #attempt(id: string, at: number): void {
    const posted = this.table.get(id)
    const app = this.#twin.users.apps.get(posted?.appid ?? '')
    const url = app?.callback_url
    if (posted?.state !== 'pending' || app === undefined || url === undefined) return
    if (posted.tries < posted.dropped_tries) {
      this.#again(posted, at, 'lost', 'dropped')
      return
    }
    this.table.change(id, { sending: true })
    this.#flying += 1
    this.#send(posted, app, url)
      .then((outcome) => {
        if (!this.#twin.ending.signal.aborted) this.#answered(id, at, outcome)
      })
      .catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
      .finally(() => {
        this.#flying -= 1
        if (!this.#twin.ending.signal.aborted) this.#twin.store.flush()
      })
  }

  #answered(id: string, at: number, outcome: Outcome): void {
    const posted = this.table.get(id)
    if (posted?.state !== 'pending') return
    if (outcome.isTaken) {
      this.table.set(id, {
        ...posted,
        state: 'delivered',
        sending: false,
        tries: posted.tries + 1,
        outcomes: [...posted.outcomes, outcome.words],
        ...(outcome.reply !== undefined && { reply: outcome.reply }),
      })
      if (outcome.reply !== undefined) this.#tell(posted, outcome.reply)
    } else this.#again(posted, at, outcome.words, 'given_up')
    if (!this.#held.includes(id)) this.#release(undefined)
  }

  #again(posted: Posted, at: number, words: string, otherwise: 'given_up' | 'dropped'): void {
    const { callbackRepeats, callbackRetrySeconds } = this.#twin.settings.now.app
    const tries = posted.tries + 1
    const isLast = tries > callbackRepeats
    const state = isLast ? otherwise : 'pending'
    const outcomes = [...posted.outcomes, words]
    this.table.set(posted.id, { ...posted, tries, state, outcomes, sending: false })
    if (!isLast)
      this.#twin.schedule.at(at + callbackRetrySeconds * 1000, 'app callback', { id: posted.id })
  }

  /** A reply comes to the user's chat with the app, as long as it goes to whoever did something. */
  #tell(posted: Posted, reply: Readonly<Record<string, string>>): void {
    const found = this.#twin.users.byOpenid(posted.openid)
    if (found === undefined || reply['ToUserName'] !== posted.openid) return
    this.#twin.users.tell(found.user.id, {
      from: posted.appid,
      title: reply['MsgType'] ?? '',
      text: reply['Content'] ?? '',
      kind: 'reply',
    })
  }

  /** As many copies at once as a fault asks for, on the first attempt; taken when one of them was. */
  async #send(posted: Posted, app: App, url: string): Promise<Outcome> {
    const copies = posted.tries === 0 ? posted.copies : 1
    const sent = Array.from({ length: copies }, () => this.#postOnce(posted, app, url))
    const outcomes = await Promise.all(sent)
    const taken = outcomes.find(({ isTaken }) => isTaken)
    const words = outcomes.map((one) => one.words).join(' ')
    return taken === undefined ? { isTaken: false, words } : { ...taken, words }
  }

  async #postOnce(posted: Posted, app: App, url: string): Promise<Outcome> {
    const { message_format: format, message_mode: mode } = particularsOf(app)
    const query = this.#signedQuery(app)
    query.set('openid', posted.openid)
    const members = mode === 'plain' ? posted.message : this.#sealed(app, posted, query)
    const type = format === 'xml' ? 'text/xml' : 'application/json'
    const answer = await this.#ask(url, query, {
      method: 'POST',
      headers: { 'content-type': type, 'user-agent': 'Mozilla/4.0' },
      body: write(format, members),
    })
    if (typeof answer === 'string') return { isTaken: false, words: answer }
    if (answer.status !== 200) return { isTaken: false, words: String(answer.status) }
    if (answer.body === '' || answer.body === 'success') return { isTaken: true, words: '200' }
    const reply = readReply(app, mode === 'safe', answer.body)
    return reply === undefined
      ? { isTaken: false, words: 'neither success nor a reply' }
      : { isTaken: true, words: '200', reply }
  }

  /** Puts its own signature into the query; in compatible mode the message stands beside what is sealed. */
  #sealed(app: App, posted: Posted, query: URLSearchParams): Members {
    const { message_format: format, message_mode: mode } = particularsOf(app)
    const text = write(format, posted.message)
    const random = this.#twin.random.bytes(16)
    const sealed = seal(app.encoding_aes_key ?? '', app.appid, text, random)
    const signed = [app.token ?? '', query.get('timestamp') ?? '', query.get('nonce') ?? '', sealed]
    query.set('encrypt_type', 'aes')
    query.set('msg_signature', signatureOf(signed))
    const to = posted.message['ToUserName'] ?? ''
    return mode === 'safe'
      ? { ToUserName: to, Encrypt: sealed }
      : { ...posted.message, Encrypt: sealed }
  }

  #signedQuery(app: App): URLSearchParams {
    const timestamp = String(this.#twin.clock.realSeconds())
    const nonce = this.#twin.random.digits(9)
    const signature = signatureOf([app.token ?? '', timestamp, nonce])
    return new URLSearchParams({ signature, timestamp, nonce })
  }

  /** The answer, or why there is none. */
  async #ask(
    url: string,
    query: URLSearchParams,
    request: RequestInit,
  ): Promise<{ status: number; body: string } | string> {
    const target = new URL(url)
    for (const [name, value] of query) target.searchParams.set(name, value)
    const wait = this.#twin.settings.now.app.callbackSeconds * 1000
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(wait), this.#twin.ending.signal])
      const response = await fetch(target, { ...request, signal, redirect: 'manual' })
      return { status: response.status, body: await response.text() }
    } catch (error) {
      return error instanceof Error && error.name === 'TimeoutError' ? 'no answer' : 'no connection'
    }
  }
}

interface Outcome {
  readonly isTaken: boolean
  readonly words: string
  readonly reply?: Readonly<Record<string, string>>
}

/** undefined: not a reply, or in safe mode not one that this app sealed. */
function readReply(
  app: App,
  isSealed: boolean,
  answer: string,
): Readonly<Record<string, string>> | undefined {
  const outer = readMembers(answer)
  if (outer === undefined) return undefined
  if (!isSealed) return outer['MsgType'] === undefined ? undefined : outer
  const { Encrypt = '', MsgSignature = '', TimeStamp = '', Nonce = '' } = outer
  const signature = signatureOf([app.token ?? '', TimeStamp, Nonce, Encrypt])
  if (!isSameSignature(signature, MsgSignature)) return undefined
  const opened = open(app.encoding_aes_key ?? '', Encrypt)
  if (opened === undefined || opened.appid !== app.appid) return undefined
  const inner = readMembers(opened.message)
  return inner?.['MsgType'] === undefined ? undefined : inner
}
