/**
 * The socket under postgres.js. The driver keeps state over a lost connection that does not belong to
 * the next one; this is the one place that sees to it that a loss is clean:
 *
 * - `error` and `close` reach the driver in the same instant. Between the two it would take new
 *   queries for a dead connection, never answer them, and after the reconnect hand the answers of
 *   one query to another.
 * - A close without an error is an error too: the driver would reconnect in a tight loop for as long as
 *   something accepts and hangs up.
 * - Bytes that the driver could not send any more are cut off in front of the next start-up packet.
 */
import { connect, type NetConnectOpts, Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

export type SocketTarget = {
  address: NetConnectOpts
  /** Absent: plain text. `required: false` goes on in plain text where the server offers none. */
  tls?: { options: ConnectionOptions; required: boolean }
}

/** A start-up packet of at least this length is sent at once, whatever the driver still held back. */
export const startupPadding = ' '.repeat(1024)

const startupMark = Buffer.from('\0\x03\0\0user\0', 'latin1')
const cancelRequest = Buffer.from([0, 0, 0, 16, 4, 210, 22, 46])
const tlsRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** Connects; a failure comes out of the returned socket as one error and one close, never as a rejection. */
export async function openSocket(target: SocketTarget): Promise<Socket> {
  const socket = connect(target.address)
  socket.setNoDelay(true)
  if (target.tls === undefined) return withCleanLoss(socket)
  return withCleanLoss(await withTls(socket, target.tls))
}

/** A socket that fails with `reason` as soon as the driver listens. */
export function deadSocket(reason: Error): Socket {
  const socket = withCleanLoss(new Socket())
  socket.destroy(reason)
  return socket
}

/** Asks the server for TLS as PostgreSQL does, before the start-up packet. */
async function withTls(
  socket: Socket,
  { options, required }: NonNullable<SocketTarget['tls']>,
): Promise<Socket> {
  try {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      socket.once('error', reject)
      socket.once('close', () => reject(lostConnection()))
      socket.once('data', resolve)
      socket.write(tlsRequest)
    })
    socket.removeAllListeners()
    if (answer.toString('latin1') === 'S') return connectTls({ ...options, socket })
    if (!required) return socket
    throw new Error('The server does not offer TLS')
  } catch (error) {
    const failed = new Socket()
    failed.destroy(error instanceof Error ? error : new Error(String(error)))
    socket.destroy()
    return failed
  }
}

function withCleanLoss(socket: Socket): Socket {
  const emit = socket.emit.bind(socket)
  const write = socket.write.bind(socket)
  let failure: Error | undefined
  let started = false
  let cancelling = false
  let corked = false

  socket.emit = (event: string | symbol, ...rest: unknown[]): boolean => {
    if (event === 'error') {
      failure ??= rest[0] instanceof Error ? rest[0] : lostConnection()
      return true
    }
    if (event !== 'close') return emit(event, ...rest)
    // After what the driver has planned for this turn of the event loop, so that its last write meets this socket.
    setImmediate(() => {
      if (!cancelling) emit('error', failure ?? lostConnection())
      emit('close', !cancelling)
    })
    return true
  }

  socket.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
    let bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    if (!started) {
      started = true
      cancelling = cancelRequest.equals(bytes.subarray(0, cancelRequest.length))
      bytes = fromStartup(bytes)
    }
    // The driver writes each statement by itself: what it says in one turn goes out in one system call.
    if (!corked) {
      corked = true
      socket.cork()
      process.nextTick(() => {
        corked = false
        socket.uncork()
      })
    }
    return Reflect.apply(write, socket, [bytes, ...rest])
  }
  return socket
}

function fromStartup(bytes: Uint8Array): Uint8Array {
  const mark = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf(startupMark)
  return mark > 4 ? bytes.subarray(mark - 4) : bytes
}

function lostConnection(): Error {
  return Object.assign(new Error('The connection to PostgreSQL was closed'), {
    code: 'CONNECTION_CLOSED',
  })
}
