/**
 * The load generator of the stretches over HTTP, a process of its own: keep-alive connections with one request each at
 * a time, every answer checked. Takes its orders as a line of JSON each on stdin and answers with one on stdout.
 */
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatId } from '../contract/src/index.ts'
import { type Stretch, stretch } from './figures.ts'
import { type Payment, type PaymentOptions, paymentsOf } from './payments.ts'
import type { Population } from './population.ts'

export interface Order {
  readonly port: number
  readonly token: string
  readonly population: Population
  readonly options: PaymentOptions
  readonly connections: number
  readonly seconds: number
  /** Arrivals at this rate; absent: each connection asks again as soon as it is answered. */
  readonly perSecond?: number
}

const endOfHead = Buffer.from('\r\n\r\n')
const lengthName = Buffer.from('content-length: ')
const created = Buffer.from('HTTP/1.1 201 ')

/** One connection, one request at a time. */
class Connection {
  readonly #socket: Socket
  #buffered: Buffer = Buffer.alloc(0)
  #answered: ((isDone: boolean) => void) | undefined
  #failed: ((error: Error) => void) | undefined
  #asked: Payment | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('close', () => this.#failed?.(new Error('the server closed a connection')))
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1')
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new Connection(socket)
  }

  /** False: refused. @throws for an answer that is not the right one. */
  pay(payment: Payment, head: string): Promise<boolean> {
    const { amount, merchantId, cardId, key } = payment
    const merchant = formatId('merchant', merchantId)
    const sources = `[{"card_id":"${formatId('card', cardId)}"}]`
    const body = `{"amount":${amount},"currency":"CNY","merchant_id":"${merchant}","reference":"${key}","sources":${sources}}`
    this.#asked = payment
    return new Promise((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
      this.#socket.write(`${head}${key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    })
  }

  close(): void {
    this.#failed = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk])
    const bytes = this.#buffered
    const headEnd = bytes.indexOf(endOfHead)
    if (headEnd === -1) return
    const lengthAt = bytes.indexOf(lengthName)
    const length = Number(
      bytes.toString('latin1', lengthAt + lengthName.length, bytes.indexOf('\r\n', lengthAt)),
    )
    if (lengthAt === -1 || bytes.length < headEnd + 4 + length) return
    this.#buffered = Buffer.alloc(0)
    const isDone = created.equals(bytes.subarray(0, created.length))
    const body = bytes.toString('latin1', headEnd + 4)
    try {
      if (isDone) check(body, this.#asked)
      else if (!/^HTTP\/1.1 4/.test(bytes.toString('latin1', 0, 12)))
        throw new Error(bytes.toString('latin1'))
      this.#answered?.(isDone)
    } catch (error) {
      this.#failed?.(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

function check(body: string, asked: Payment | undefined): void {
  const { status, amount, reference, allocations } = JSON.parse(body)
  const isRight =
    status === 'succeeded' &&
    amount === asked?.amount &&
    reference === asked?.key &&
    allocations[0]?.card_id === formatId('card', asked?.cardId ?? '')
  if (!isRight) throw new Error(`this is no answer to ${JSON.stringify(asked)}: ${body}`)
}

function headOf({ port, token }: Order): string {
  return [
    'POST /v1/payments HTTP/1.1',
    `host: 127.0.0.1:${port}`,
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    'idempotency-key: ',
  ].join('\r\n')
}

async function closed(order: Order, connections: Connection[]): Promise<Stretch> {
  const head = headOf(order)
  const next = paymentsOf(order.population, order.options)
  const latencies: number[] = []
  const started = performance.now()
  const end = started + order.seconds * 1000
  let refused = 0
  await Promise.all(
    connections.map(async (connection) => {
      for (let at = performance.now(); at < end; at = performance.now()) {
        if (!(await connection.pay(next(), head))) refused += 1
        latencies.push(performance.now() - at)
      }
    }),
  )
  const took = (performance.now() - started) / 1000
  return stretch(latencies.length - refused, refused, took, latencies)
}

/** Who finds no free connection waits; that counts. */
async function open(order: Order, perSecond: number, free: Connection[]): Promise<Stretch> {
  const head = headOf(order)
  const next = paymentsOf(order.population, order.options)
  const latencies: number[] = []
  const count = Math.floor(perSecond * order.seconds)
  const waiting: number[] = []
  const started = performance.now()
  let refused = 0
  let failure: unknown
  const send = async (dueAt: number, connection: Connection): Promise<void> => {
    if (!(await connection.pay(next(), head))) refused += 1
    latencies.push(performance.now() - dueAt)
    const other = waiting.shift()
    if (other === undefined) free.push(connection)
    else await send(other, connection)
  }
  for (let sent = 0; latencies.length < count && failure === undefined; ) {
    const due = Math.min(count, Math.ceil(((performance.now() - started) / 1000) * perSecond))
    for (; sent < due; sent += 1) {
      const dueAt = started + (sent / perSecond) * 1000
      const connection = free.pop()
      if (connection === undefined) waiting.push(dueAt)
      else
        send(dueAt, connection).catch((error: unknown) => {
          failure = error
        })
    }
    await sleep(1)
  }
  if (failure !== undefined) throw failure
  const took = (performance.now() - started) / 1000
  return stretch(count - refused, refused, took, latencies)
}

for await (const line of createInterface({ input: process.stdin })) {
  const order: Order = JSON.parse(line)
  const opened = Array.from({ length: order.connections }, () => Connection.open(order.port))
  const connections = await Promise.all(opened)
  const { perSecond } = order
  const result =
    perSecond === undefined
      ? await closed(order, connections)
      : await open(order, perSecond, [...connections])
  for (const connection of connections) connection.close()
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
