/**
 * Where WeChat Pay tells of payments and refunds. No key of ours stands on it: what WeChat signed is believed, and
 * acknowledged once it is in the book. What could not be recorded is told again, and asked for besides.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { parseId, type WechatAccountId } from '@lika/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type NoticeTaken, takeNotice } from '../../flows/wechat-notices.ts'
import type { Deps } from '../deps.ts'

const path = '/wechat/pay/:id/notifications'
/** WeChat waits for five: what takes longer comes again, and finds itself recorded. */
const patienceMs = 4_000
const longestBody = 65_536

/** In a context of its own, whose bodies come as they are. */
export async function registerPayNotifications(
  fastify: FastifyInstance,
  { flows, log }: Deps,
): Promise<void> {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )

  fastify.post(path, { bodyLimit: longestBody }, async (request, reply) => {
    const late = wait(patienceMs, 'later' as const, { ref: false })
    const taken = await Promise.race([take(request), late]).catch((error: unknown) => {
      log.error({ err: error, request_id: request.id }, 'a notice of WeChat Pay was not recorded')
      return 'later' as const
    })
    return answer(reply, taken)
  })

  async function take(request: FastifyRequest): Promise<NoticeTaken | 'doubted'> {
    const account = accountIdOf(request)
    const { body, headers } = request
    if (account === undefined || !(body instanceof Uint8Array)) return 'doubted'
    const book = await flows.payAccounts.bookOf(account)
    if (book === undefined) return 'doubted'
    const single = Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : undefined,
    ])
    const notice = await flows.wechatPay.readNotice(account, {
      headers: Object.fromEntries(single),
      body,
    })
    if (notice === undefined) return 'doubted'
    const taken = await takeNotice(flows, log, { book, accountId: account }, notice)
    if (taken !== 'in_book')
      log.warn(
        { notice: notice.id, kind: notice.kind, taken },
        'a notice of WeChat Pay did not fit',
      )
    return taken
  }
}

function accountIdOf({ params }: FastifyRequest): WechatAccountId | undefined {
  const [, text] = Object.entries(Object(params)).find(([name]) => name === 'id') ?? []
  return parseId('wechat_account', String(text))
}

/** Nothing that would tell a merchant number that is there from one that is not. */
function answer(reply: FastifyReply, taken: NoticeTaken | 'doubted'): FastifyReply {
  switch (taken) {
    case 'in_book':
      return reply.code(204).send()
    case 'doubted':
      return fail(reply, 401, 'not from WeChat Pay')
    case 'differs':
      return fail(reply, 409, 'not what was asked for')
    case 'foreign':
      return fail(reply, 404, 'no such order')
    case 'later':
      return fail(reply, 503, 'not recorded yet')
  }
}

function fail(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify({ code: 'FAIL', message }))
}
