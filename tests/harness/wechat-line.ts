/** A line to the local WeChat on which a test sits: it hears every call, and may answer it or break it off itself. */
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

/** True: the call was dealt with, and does not go on. `answer_lost`: it goes on, and nobody hears what came of it. */
export type Failure = boolean | 'answer_lost'

export type Intervene = (
  url: string,
  answer: (body: object, status?: number) => void,
  close: () => void,
) => Failure

export async function lineTo(url: string, intervene: Intervene) {
  const to = new URL(url)
  const server = createServer((incoming, outgoing) => {
    const answer = (body: object, status = 200) => {
      incoming.resume()
      outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const close = () => incoming.socket.destroy()
    const failure = intervene(incoming.url ?? '', answer, close)
    if (failure === true) return
    const { method, headers, url: path } = incoming
    const options = { host: to.hostname, port: to.port, method, headers, path, agent: false }
    const onward = httpRequest(options, (response) => {
      if (failure === 'answer_lost') {
        response.resume().once('end', close)
        return
      }
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
