/**
 * The buyers of a sale, as a process of their own: takes a rush as a line of JSON on stdin, says as one line on stdout what
 * came of it. Whoever gets an order asks to pay and pays at WeChat, but for those who leave.
 */
import { Agent, request } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../../server/src/platform/ids.ts'

export interface Rush {
  readonly lika: string
  readonly key: string
  readonly wechat: string
  /** In WeChat, with enough money for everybody. */
  readonly payer: string
  readonly product: string
  /** One attempt each, in this order. */
  readonly members: readonly string[]
  readonly atOnce: number
  /** Of those who get an order, every so manieth never pays; 0: everybody does. */
  readonly leavesEvery: number
}

export interface RushEnd {
  /** By the code of the refusal; `ordered`. */
  readonly ends: Readonly<Record<string, number>>
  readonly winners: readonly string[]
  readonly paid: number
  /** Requests on their way, at the fewest, from when all had begun until nobody was left to begin. */
  readonly leastAtOnce: number
  /** Until the last got an order, and until everybody was answered or had paid. */
  readonly orderedMs: number
  readonly tookMs: number
}

interface Answer {
  readonly status: number
  readonly body: ReturnType<typeof JSON.parse>
}

const mostTries = 2_000
const agent = new Agent({ keepAlive: true, maxSockets: 700 })
/** Of the rush: requests on their way now, and at the fewest while there are more buyers than may be at once. */
let onTheirWay = 0
let leastAtOnce = 0
let isRush = false

async function rush(given: Rush): Promise<RushEnd> {
  const ends: Record<string, number> = {}
  const winners: string[] = []
  const waiting = given.members.values()
  let [paid, orderedMs, left] = [0, 0, given.members.length]
  leastAtOnce = given.atOnce
  const began = performance.now()

  async function buy(member: string): Promise<void> {
    const made = await ordered(given, member)
    const end = made.status === 201 ? 'ordered' : String(made.body.code)
    ends[end] = (ends[end] ?? 0) + 1
    if (made.status !== 201) return
    winners.push(member)
    orderedMs = performance.now() - began
    if (given.leavesEvery > 0 && winners.length % given.leavesEvery === 0) return
    await pay(given, made.body.id)
    paid += 1
  }

  await Promise.all(
    Array.from({ length: given.atOnce }, async () => {
      for (const member of waiting) {
        left -= 1
        isRush = left > 0 && left < given.members.length - given.atOnce
        await buy(member)
      }
    }),
  )
  return { ends, winners, paid, leastAtOnce, orderedMs, tookMs: performance.now() - began }
}

function ordered({ lika, key, product }: Rush, member: string): Promise<Answer> {
  const body = {
    kind: 'purchase',
    product_id: product,
    amount: 10_000,
    channel: 'h5',
    member_id: member,
  }
  return insist(`${lika}/v1/orders`, body, { ...keyed(key) })
}

async function pay({ lika, key, wechat, payer }: Rush, id: string): Promise<void> {
  const asked = await insist(`${lika}/v1/orders/${id}/pay`, { scene: 'native' }, keyed(key))
  if (asked.status !== 200) throw new Error(`no invitation: ${JSON.stringify(asked.body)}`)
  const paying = { action: 'pay', code_url: asked.body.code_url }
  // Whoever is not answered looks whether it went through: what is paid cannot be paid again.
  await insist(`${wechat}/_twin/users/${payer}/do`, paying, {})
}

function keyed(key: string) {
  return { authorization: `Bearer ${key}`, 'idempotency-key': newId() }
}

/** Asked again under the same key where the server has too much to do, or its answer was lost on the way. */
async function insist(url: string, body: object, headers: Record<string, string>): Promise<Answer> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    if (isRush) leastAtOnce = Math.min(leastAtOnce, onTheirWay + 1)
    const answer = await post(url, JSON.stringify(body), headers).catch(() => undefined)
    if (answer !== undefined && answer.status !== 503) return answer
    await sleep(50)
  }
  throw new Error(`nobody answers ${url}`)
}

function post(url: string, body: string, headers: Record<string, string>): Promise<Answer> {
  onTheirWay += 1
  const answered = new Promise<Answer>((resolve, reject) => {
    const length = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const asked = request(
      url,
      { method: 'POST', agent, headers: { ...headers, ...length } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const { statusCode: status = 0 } = response
          resolve({ status, body: text === '' ? undefined : JSON.parse(text) })
        })
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
  return answered.finally(() => {
    onTheirWay -= 1
  })
}

for await (const line of createInterface(process.stdin))
  process.stdout.write(`${JSON.stringify(await rush(JSON.parse(line)))}\n`)
