/**
 * Where WeChat calls back about an app: its check of the address, and events and messages. No key of ours stands on it;
 * what WeChat signed is believed, and answered within the five seconds after which WeChat comes again.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { parseId } from '@lika/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { takeAppEvent } from '../../flows/members/app-events.ts'
import type { Deps } from '../deps.ts'

const path = '/wechat/apps/:id/callbacks'
/** WeChat waits for five: what takes longer comes again, and finds itself recorded. */
const patienceMs = 4_000
const longestBody = 65_536

/** In a context of its own, whose bodies come as they are. */
export async function registerAppCallbacks(
  fastify: FastifyInstance,
  { flows, log }: Deps,
): Promise<void> {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )

  fastify.get(path, { exposeHeadRoute: false }, async (request, reply) => {
    const app = await appOf(request)
    const echo = app && (await flows.wechatApp.echo(app.id, queryOf(request)))
    return echo === undefined ? doubted(reply) : plain(reply, 200, echo)
  })

  fastify.post(path, { bodyLimit: longestBody }, async (request, reply) => {
    const late = wait(patienceMs, 'late' as const, { ref: false })
    const answer = await Promise.race([take(request), late]).catch((error: unknown) => {
      log.error({ err: error, request_id: request.id }, 'an event of WeChat was not recorded')
      return 'late' as const
    })
    if (answer === 'doubted') return doubted(reply)
    // WeChat comes again with what was not recorded.
    if (answer === 'late') return plain(reply, 503, '')
    return answer.body === undefined
      ? plain(reply, 200, 'success')
      : reply.code(200).header('content-type', 'application/xml; charset=utf-8').send(answer.body)
  })

  async function appOf({ params }: FastifyRequest) {
    const [, text] = Object.entries(Object(params)).find(([name]) => name === 'id') ?? []
    const id = parseId('wechat_app', String(text))
    return id === undefined ? undefined : flows.wechatApps.known(id)
  }

  async function take(request: FastifyRequest): Promise<'doubted' | { body: string | undefined }> {
    const { body } = request
    const app = await appOf(request)
    if (app === undefined || !(body instanceof Uint8Array)) return 'doubted'
    const event = await flows.wechatApp.readEvent(app.id, queryOf(request), body)
    if (event === undefined) return 'doubted'
    const text = await takeAppEvent(flows, app, event)
    const account = event.fields['ToUserName']
    // A mini-program's users are not answered by the answer of a callback.
    if (text === undefined || account === undefined || app.kind !== 'official_account')
      return { body: undefined }
    const reply = { openid: event.openid, account, text }
    return { body: await flows.wechatApp.writeReply(app.id, reply) }
  }
}

/** Of members that stand there twice the last counts. */
function queryOf({ query }: FastifyRequest): Record<string, string | undefined> {
  const pairs = Object.entries(Object(query)).map(([name, value]) => [name, String(value)] as const)
  return Object.fromEntries(pairs)
}

/** Nothing that would tell an app that is there from one that is not. */
function doubted(reply: FastifyReply): FastifyReply {
  return plain(reply, 403, 'not from WeChat')
}

function plain(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).header('content-type', 'text/plain; charset=utf-8').send(text)
}
