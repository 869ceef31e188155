/**
 * Clients as careful as they should be: each asks under a key of its own, asks again under the same key until it is
 * answered, and writes down what it was told. What they wrote down is what the book is held against.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../../server/src/platform/ids.ts'
import type { AppAnswer, AppProcess } from './app-process.ts'
import type { Shop } from './shop.ts'

export type Asked = { readonly path: string; readonly body?: object; readonly key: string }

/** A request with its one, final answer. */
export type Logged = Asked & { readonly status: number; readonly answer: AppAnswer['body'] }

type Hold = { id: string; left: number }
type Payment = { id: string; left: number }

/** One client's own payments, holds and cards. */
type Drawer = { payments: Payment[]; holds: Hold[]; cards: string[] }

type Options = {
  /** An attempt that takes longer is given up and made again, at the next server. */
  attemptMs?: number
}

const expectedRefusals = [
  'funds.insufficient',
  'refund.exceeds_payment',
  'policy.card_limit',
  'policy.split_depth',
]
const answerWithinMs = 120_000
const moreThanAnyCardHas = 4_999_999

export class TillClients {
  readonly log: Logged[] = []
  /** Answers of 503. */
  busy = 0
  /** Attempts that got no answer. */
  unanswered = 0
  readonly #servers: readonly AppProcess[]
  readonly #shop: Shop
  readonly #attemptMs: number
  readonly #waiting = new Map<number, () => void>()
  readonly #running: Promise<void>[] = []
  /** By client. */
  readonly #answers: number[] = []
  #inFlight = 0
  #closing = false

  constructor(servers: readonly AppProcess[], shop: Shop, options: Options = {}) {
    this.#servers = servers
    this.#shop = shop
    this.#attemptMs = options.attemptMs ?? 45_000
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#inFlight
  }

  start(count: number): void {
    for (let client = 0; client < count; client += 1) {
      const running = this.#serve(client)
      // Whoever waits for answers, or for the end, is told.
      running.catch(() => undefined)
      this.#running.push(running)
    }
  }

  /** Resolves after that many more final answers. Rejects when a client failed, or it takes too long. */
  async answered(more: number): Promise<void> {
    const waiting = new AbortController()
    const enough = new Promise<void>((resolve) => {
      this.#waiting.set(this.log.length + more, resolve)
    })
    const late = sleep(answerWithinMs, undefined, { signal: waiting.signal }).then(
      () => Promise.reject(new Error(`no ${more} more answers in ${answerWithinMs} ms`)),
      () => undefined,
    )
    try {
      await Promise.race([enough, late, ...this.#running])
    } finally {
      waiting.abort()
    }
  }

  /** Resolves when each client was answered once more: nobody is kept waiting by what befell others. */
  async everybodyAnswered(): Promise<void> {
    const before = [...this.#answers]
    const until = Date.now() + answerWithinMs
    const late = () =>
      before.flatMap((count, client) => (this.#answers[client] === count ? [client] : []))
    while (late().length > 0) {
      assert.ok(Date.now() < until, `clients ${late().join()} wait for an answer`)
      await this.answered(1)
    }
  }

  /** Every client gets the answer that it waits for, and then asks nothing more. */
  async close(): Promise<void> {
    this.#closing = true
    await Promise.all(this.#running)
  }

  async #serve(client: number): Promise<void> {
    const drawer: Drawer = { payments: [], holds: [], cards: [] }
    this.#answers[client] = 0
    for (let step = 0; !this.#closing; step += 1) {
      const asked = this.#next(client, step, drawer)
      // Some clients are impatient and ask twice at once.
      const twice = (client + step) % 9 === 0
      const [answer, other] = await Promise.all([
        this.#insist(asked, client),
        twice ? this.#insist(asked, client + 1) : undefined,
      ])
      if (other !== undefined) assert.deepEqual(other, answer, 'one key, two answers')
      file(drawer, asked, answer)
      this.log.push({ ...asked, ...answer })
      this.#answers[client] = (this.#answers[client] ?? 0) + 1
      this.#tell()
    }
  }

  #tell(): void {
    for (const [count, resolve] of this.#waiting) {
      if (count > this.log.length) continue
      this.#waiting.delete(count)
      resolve()
    }
  }

  /** What a client does next: always the same kinds in turn, each client at another place. */
  #next(client: number, step: number, drawer: Drawer): Asked {
    const turn = (client * 5 + step) % 16
    const amount = 1 + ((client * 31 + step * 17) % 240)
    const { cards } = this.#shop
    const shared = (more: number) => cards[(client * 3 + step + more) % cards.length]?.id ?? ''
    const key = newId()
    const order = (sources: object[], whole: number) => ({
      amount: whole,
      currency: 'CNY',
      merchant_id: this.#shop.merchant,
      reference: `order-${key}`,
      sources,
    })
    const pay = (card: string, whole = amount): Asked => ({
      path: '/v1/payments',
      body: order([{ card_id: card }], whole),
      key,
    })
    const [payment] = drawer.payments
    const [hold] = drawer.holds
    switch (turn) {
      case 1:
      case 9: {
        const sources = [
          { card_id: shared(0), amount },
          { card_id: shared(1), amount: amount + 1 },
        ]
        return { path: '/v1/payments', body: order(sources, 2 * amount + 1), key }
      }
      case 2:
      case 7:
      case 13: {
        if (payment === undefined) return pay(shared(2))
        const part = step % 5 === 0 ? payment.left + 1 : Math.ceil(payment.left / 2)
        const body = { amount: part, reference: `refund-${key}` }
        return { path: `/v1/payments/${payment.id}/refunds`, body, key }
      }
      case 3:
      case 10: {
        const body = { ...order([{ card_id: shared(0) }], amount + 3), expires_in: 864_000 }
        return { path: '/v1/holds', body, key }
      }
      case 4:
      case 12: {
        if (hold === undefined) return pay(shared(3))
        const final = step % 2 === 0
        const body = { amount: Math.ceil(hold.left / 2), final }
        return { path: `/v1/holds/${hold.id}/capture`, body, key }
      }
      case 5:
        if (hold === undefined) return pay(shared(4))
        return { path: `/v1/holds/${hold.id}/release`, key }
      case 6:
      case 14: {
        const body = { amount: amount * 3, bonus_amount: step % 7, funding: { method: 'none' } }
        return { path: `/v1/cards/${shared(0)}/loads`, body, key }
      }
      case 8: {
        const body = { amounts: [40, 2] }
        return { path: `/v1/cards/${drawer.cards.pop() ?? shared(0)}/split`, body, key }
      }
      case 11:
        return pay(shared(0), moreThanAnyCardHas)
      case 15:
        return pay(drawer.cards.at(-1) ?? shared(5), 3)
      default:
        return pay(shared(0))
    }
  }

  /** Asks until there is an answer. */
  async #insist(
    asked: Asked,
    client: number,
  ): Promise<{ status: number; answer: AppAnswer['body'] }> {
    const until = Date.now() + answerWithinMs
    for (let attempt = 0; ; attempt += 1) {
      const server = this.#servers[(client + attempt) % this.#servers.length]
      assert.ok(server)
      const answer = await this.#ask(server, asked)
      if (answer !== undefined) return answer
      assert.ok(Date.now() < until, `${asked.path} got no answer in ${answerWithinMs} ms`)
    }
  }

  async #ask(server: AppProcess, { path, body, key: idempotencyKey }: Asked) {
    const { key } = this.#shop
    let answer: AppAnswer
    this.#inFlight += 1
    try {
      const signal = AbortSignal.timeout(this.#attemptMs)
      answer = await server.call('POST', path, { key, body, idempotencyKey, signal })
    } catch {
      this.unanswered += 1
      // Killed: nobody answers before it runs again. With another server at hand that one is asked.
      if (this.#servers.length === 1) await server.up
      else await sleep(10)
      return undefined
    } finally {
      this.#inFlight -= 1
    }
    if (answer.status !== 503) return judged(path, answer)
    assert.equal(answer.body.code, 'busy')
    assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    this.busy += 1
    await sleep(50)
    return undefined
  }
}

/** Without what differs from repeat to repeat. */
export function judged(path: string, { status, body }: AppAnswer) {
  const { request_id: _, ...answer } = body
  const expected = status === 200 || status === 201 || expectedRefusals.includes(answer.code)
  assert.ok(expected, `${path} answered ${status} ${JSON.stringify(body)}`)
  return { status, answer }
}

/** What the client remembers of an answer to go on with. */
function file(
  { payments, holds, cards }: Drawer,
  { path, body }: Asked,
  { status, answer }: { status: number; answer: AppAnswer['body'] },
): void {
  if (status >= 300) return
  if (path === '/v1/payments') payments.push({ id: answer.id, left: answer.amount })
  else if (path === '/v1/holds') holds.push({ id: answer.id, left: answer.amount })
  else if (path.endsWith('/split')) cards.push(answer.cards[0].id)
  else if (path.endsWith('/refunds')) take(payments, answer.amount)
  else if (path.endsWith('/capture')) {
    payments.push({ id: answer.id, left: answer.amount })
    const isFinal = body !== undefined && 'final' in body && body.final === true
    take(holds, isFinal ? Number.POSITIVE_INFINITY : answer.amount)
  } else if (path.endsWith('/release')) holds.shift()
}

/** Off the first one, which goes when nothing is left of it. */
function take(of: { left: number }[], amount: number): void {
  const [first] = of
  assert.ok(first)
  first.left -= amount
  if (first.left <= 0) of.shift()
}
