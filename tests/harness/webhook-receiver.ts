/** A receiver of webhooks on this machine: verifies each with the library of the scheme and remembers what came. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

export type Received = {
  id: string
  type: string
  lane: number
  seq: number
  /** As it came. */
  body: string
  /** Of what `behave` answered. */
  status: number
  at: number
}

/** `hang up`: the connection is cut without an answer. */
export type Behaviour = number | 'hang up' | 'redirect'

export type Receiver = {
  url: string
  port: number
  /** Set once the endpoint is made; until then nothing is verified. */
  secret: string | undefined
  behave: (event: { id: string; type: string }) => Behaviour
  all: Received[]
  /** What was answered with a 2xx, in the order of arrival. */
  accepted(): Received[]
  /** What the library refused, and requests of which this receiver knows nothing. */
  wrong: string[]
  close(): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    receive(receiver, request, response).catch((error: unknown) => {
      receiver.wrong.push(String(error))
      response.writeHead(400).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    secret: undefined,
    behave: () => 204,
    all: [],
    accepted: () => receiver.all.filter(({ status }) => status >= 200 && status < 300),
    wrong: [],
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return receiver
}

async function receive(
  receiver: Receiver,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks).toString('utf8')
  if (request.method !== 'POST' || request.url !== '/hook')
    throw new Error(`${request.method} ${request.url} was not expected`)
  const headers = request.headers as Record<string, string>
  if (receiver.secret !== undefined) new Webhook(receiver.secret).verify(body, headers)
  const event = JSON.parse(body)
  if (event.id !== headers['webhook-id']) throw new Error(`${headers['webhook-id']} is not the id`)
  const behaviour = receiver.behave(event)
  const status = typeof behaviour === 'number' ? behaviour : behaviour === 'redirect' ? 307 : 0
  const { id, type, lane, seq } = event
  receiver.all.push({ id, type, lane, seq, body, status, at: Date.now() })
  if (behaviour === 'hang up') request.socket.destroy()
  else if (behaviour === 'redirect') response.writeHead(307, { location: '/elsewhere' }).end()
  else response.writeHead(behaviour).end()
}
