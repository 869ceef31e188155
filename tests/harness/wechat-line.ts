/** A line to the local WeChat on which a test sits: it hears every call, and may answer it or break it off itself. */
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

/** True: the call was dealt with, and does not go on. */
export type Intervene = (
  url: string,
  answer: (body: object, status?: number) => void,
  close: () => void,
) => boolean

export async function lineTo(url: string, intervene: Intervene) {
  const to = new URL(url)
  const server = createServer((incoming, outgoing) => {
    const answer = (body: object, status = 200) => {
      incoming.resume()
      outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const close = () => incoming.socket.destroy()
    if (intervene(incoming.url ?? '', answer, close)) return
    const { method, headers, url: path } = incoming
    const options = { host: to.hostname, port: to.port, method, headers, path, agent: false }
    const onward = httpRequest(options, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((closed) => {
        server.close(closed)
        server.closeAllConnections()
      }),
  }
}
