/**
 * The shop in a browser: one page for every app of an issuer, plain HTML and scripts that lie beside it. It is a client of
 * `/wallet/v1` like any other and has no way of its own; nothing comes from elsewhere.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseId } from '@lika/contract'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Deps } from '../deps.ts'

const folder = join(import.meta.dirname, '../../../assets/h5')

const types = {
  'shop.css': 'text/css',
  'shop.js': 'text/javascript',
  'cards.js': 'text/javascript',
  'view.js': 'text/javascript',
  'wallet.js': 'text/javascript',
  'words.js': 'text/javascript',
  'qr.js': 'text/javascript',
} as const

/** Scripts of this server alone, calls to this server alone, no frame around it. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const guarded = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  // WeChat asks where a browser that pays comes from; which order it was is nobody's business.
  'referrer-policy': 'strict-origin-when-cross-origin',
}

export function registerPages(fastify: FastifyInstance, { flows }: Deps): void {
  const page = readFileSync(join(folder, 'shop.html'), 'utf8')
  for (const [name, type] of Object.entries(types)) {
    const text = readFileSync(join(folder, name), 'utf8')
    fastify.get(`/h5/assets/${name}`, (_request, reply) => send(reply, 200, type, text, 'no-cache'))
  }

  fastify.get<{ Params: { id: string } }>('/h5/:id', async ({ params }, reply) => {
    const id = parseId('wechat_app', params.id)
    const app = id && (await flows.wechatApps.known(id))
    return app === undefined
      ? send(reply, 404, 'text/html', nowhere, 'no-store')
      : send(reply, 200, 'text/html', page, 'no-store')
  })
}

const nowhere = `<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>没有这家店 · No such shop</title>
<link rel="stylesheet" href="/h5/assets/shop.css">
</head>
<body>
<main>
<h1>没有这家店 <small lang="en">No such shop</small></h1>
<p>请核对链接，或向商家索取新的链接。 <small lang="en">Please check the link, or ask the shop for a new one.</small></p>
</main>
</body>
</html>
`

function send(
  reply: FastifyReply,
  status: number,
  type: string,
  text: string,
  caching: 'no-cache' | 'no-store',
): FastifyReply {
  const headers = { 'content-type': `${type}; charset=utf-8`, 'cache-control': caching }
  return reply
    .code(status)
    .headers({ ...guarded, ...headers })
    .send(text)
}
