/** A place where WeChat calls back, with nothing behind it but the connector: what a server would answer, and what it read. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { asId, type WechatAppId } from '@lika/contract'
import type { AppEvent, WechatApp } from '../../server/src/modules/wechat/index.ts'

export async function startCallbacks(wechat: Pick<WechatApp, 'echo' | 'readEvent' | 'writeReply'>) {
  const events: AppEvent[] = []
  /** Texts by which events are answered, by their name. */
  const replies = new Map<string, string>()
  const server = createServer((request, response) => {
    void answer(request, response)
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://here')
    const app: WechatAppId = asId(url.pathname.slice(1))
    const query = Object.fromEntries(url.searchParams)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (request.method === 'GET') {
      const echo = await wechat.echo(app, query)
      response.writeHead(echo === undefined ? 403 : 200).end(echo)
      return
    }
    const event = await wechat.readEvent(app, query, Buffer.concat(chunks))
    if (event === undefined) {
      response.writeHead(403).end()
      return
    }
    events.push(event)
    const { openid, fields } = event
    const text = replies.get(event.event ?? 'message')
    const account = fields['ToUserName'] ?? ''
    const reply = text === undefined ? '' : await wechat.writeReply(app, { openid, account, text })
    response.writeHead(200).end(reply)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    urlOf: (app: WechatAppId) => `http://127.0.0.1:${port}/${app}`,
    events,
    replies,
    stop: () =>
      new Promise((closed) => {
        server.close(closed)
        server.closeAllConnections()
      }),
  }
}
