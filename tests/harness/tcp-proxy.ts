/**
 * A TCP proxy between driver and PostgreSQL that understands the protocol well enough to note every statement, and to
 * cut a connection just before a statement reaches the server or just before its answer reaches the driver.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface Passing {
  /** Counts the connections, from 1. */
  readonly connection: number
  /** As sent, in one line. */
  readonly sql: string
}

/** Whether to cut the connection instead of passing it on. */
export type Judge = (passing: Passing) => boolean

const never: Judge = () => false

export class TcpProxy {
  readonly statements: Passing[] = []
  /** Asked for each statement before the server gets it. */
  cutBefore: Judge = never
  /** Asked for each statement that the server completed, before the driver learns it. */
  cutAfter: Judge = never
  /** A pooler's bad habit: what becomes of the start-up packet, whose length stays. */
  startUp: (packet: Buffer) => Buffer = (packet) => packet
  /** How often one of the two said yes. */
  cuts = 0
  /** Frozen: takes connections and bytes, passes nothing on. */
  #frozen = false
  readonly #target: URL
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #connections = 0
  #port = 0

  private constructor(target: URL) {
    this.#target = target
    this.#server = createServer((client) => this.#take(client))
  }

  static async start(databaseUrl: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(databaseUrl))
    await proxy.listen()
    return proxy
  }

  /** The database's URL by way of the proxy. */
  get url(): string {
    const url = new URL(this.#target)
    url.host = `127.0.0.1:${this.#port}`
    return url.href
  }

  /** From now on ECONNREFUSED; what is open is cut. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cutAll()
    await closed
  }

  /** On the port of before. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  cutAll(): void {
    for (const pair of this.#pairs) pair.cut()
  }

  freeze(): void {
    this.#frozen = true
    for (const pair of this.#pairs) pair.freeze()
  }

  /** New connections pass again; what was frozen stays dead. */
  thaw(): void {
    this.#frozen = false
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.refuse()
  }

  #take(client: Socket): void {
    this.#connections += 1
    const connection = this.#connections
    const server = connect({
      host: this.#target.hostname,
      port: Number(this.#target.port || 5432),
    })
    const pair = new Pair(client, server, {
      statement: (sql) => {
        this.statements.push({ connection, sql })
        return this.#judge(this.cutBefore, { connection, sql })
      },
      completed: (sql) => this.#judge(this.cutAfter, { connection, sql }),
      startUp: (packet) => this.startUp(packet),
      gone: () => this.#pairs.delete(pair),
    })
    this.#pairs.add(pair)
    if (this.#frozen) pair.freeze()
  }

  #judge(judge: Judge, passing: Passing): boolean {
    const cut = judge(passing)
    if (cut) this.cuts += 1
    return cut
  }
}

interface Watcher {
  statement(sql: string): boolean
  completed(sql: string): boolean
  startUp(packet: Buffer): Buffer
  gone(): void
}

/** One connection of the driver and the one to the server that belongs to it. */
class Pair {
  readonly #client: Socket
  readonly #server: Socket
  readonly #watcher: Watcher
  readonly #prepared = new Map<string, string>()
  /** Statements that the server has and did not complete yet. */
  readonly #pending: string[] = []
  #bound = ''
  #frozen = false
  #started = false
  #fromClient: Buffer = Buffer.alloc(0)
  #fromServer: Buffer = Buffer.alloc(0)

  constructor(client: Socket, server: Socket, watcher: Watcher) {
    this.#client = client
    this.#server = server
    this.#watcher = watcher
    client.setNoDelay(true)
    server.setNoDelay(true)
    client.on('data', (bytes: Buffer) => this.#takeFromClient(bytes))
    server.on('data', (bytes: Buffer) => this.#takeFromServer(bytes))
    for (const socket of [client, server]) {
      socket.on('error', () => this.cut())
      socket.on('close', () => {
        if (!this.#frozen) this.cut()
      })
    }
  }

  cut(): void {
    this.#client.destroy()
    this.#server.destroy()
    this.#watcher.gone()
  }

  freeze(): void {
    this.#frozen = true
  }

  #takeFromClient(bytes: Buffer): void {
    this.#fromClient = Buffer.concat([this.#fromClient, bytes])
    for (;;) {
      if (this.#frozen) return
      const message = this.#nextFromClient()
      if (message === undefined) return
      if (this.#isCutBefore(message)) {
        this.cut()
        return
      }
      this.#server.write(message)
    }
  }

  #nextFromClient(): Buffer | undefined {
    const head = this.#started ? 1 : 0
    const message = messageOf(this.#fromClient, head)
    if (message === undefined) return undefined
    this.#fromClient = this.#fromClient.subarray(message.length)
    if (this.#started) return message
    this.#started = true
    return this.#watcher.startUp(message)
  }

  #isCutBefore(message: Buffer): boolean {
    const [first = '', second = ''] = textsOf(message, 2)
    switch (String.fromCharCode(message[0] ?? 0)) {
      case 'P':
        this.#prepared.set(first, oneLine(second))
        return false
      case 'B':
        this.#bound = this.#prepared.get(second) ?? ''
        return false
      case 'E':
        return this.#isSent(this.#bound)
      case 'Q':
        return this.#isSent(oneLine(first))
      default:
        return false
    }
  }

  #isSent(sql: string): boolean {
    this.#pending.push(sql)
    return this.#watcher.statement(sql)
  }

  #takeFromServer(bytes: Buffer): void {
    this.#fromServer = Buffer.concat([this.#fromServer, bytes])
    for (;;) {
      if (this.#frozen) return
      const message = messageOf(this.#fromServer, 1)
      if (message === undefined) return
      this.#fromServer = this.#fromServer.subarray(message.length)
      const type = String.fromCharCode(message[0] ?? 0)
      const done = type === 'C' || type === 'E' ? this.#pending.shift() : undefined
      if (type === 'C' && done !== undefined && this.#watcher.completed(done)) {
        this.cut()
        return
      }
      this.#client.write(message)
    }
  }
}

/** The first whole message; `head`: bytes in front of its length. */
function messageOf(bytes: Buffer, head: 0 | 1): Buffer | undefined {
  if (bytes.length < head + 4) return undefined
  const length = head + bytes.readUInt32BE(head)
  return bytes.length < length ? undefined : bytes.subarray(0, length)
}

/** The first texts of a message's body, each ended by a zero. */
function textsOf(message: Buffer, count: number): string[] {
  const texts: string[] = []
  let from = 5
  while (texts.length < count && from < message.length) {
    const end = message.indexOf(0, from)
    if (end === -1) break
    texts.push(message.toString('utf8', from, end))
    from = end + 1
  }
  return texts
}

function oneLine(sql: string): string {
  return sql.replace(/\s+/g, ' ').trim()
}
