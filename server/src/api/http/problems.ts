/** Problem bodies (RFC 9457): how a refusal, or a fault, looks on the wire. */
import { type Refusal, refusals } from '@lika/contract'
import type { FastifyReply } from 'fastify'

export const problemType = 'application/problem+json; charset=utf-8'

/** `status` and the members of the body; members of the refusal's data never hide the standard ones. */
export function problemOf(refusal: Refusal, requestId: string): { status: number; body: object } {
  const { status, title } = refusals[refusal.code]
  const standard = {
    type: `urn:lika:problem:${refusal.code}`,
    title,
    status,
    code: refusal.code,
    detail: refusal.detail,
    request_id: requestId,
    ...(refusal.errors === undefined ? {} : { errors: refusal.errors }),
    ...(refusal.policy === undefined ? {} : { policy: refusal.policy }),
  }
  return { status, body: { ...standard, ...refusal.data, ...standard } }
}

export function sendRefusal(reply: FastifyReply, refusal: Refusal): void {
  const { status, body } = problemOf(refusal, reply.request.id)
  reply.refusalCode = refusal.code
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="lika"')
  if (refusal.retryAfterSeconds !== undefined)
    reply.header('retry-after', String(Math.max(1, Math.ceil(refusal.retryAfterSeconds))))
  sendProblem(reply, status, body)
}

/** A fault: nothing of what happened inside. */
export function sendFault(reply: FastifyReply): void {
  sendProblem(reply, 500, {
    type: 'urn:lika:problem:fault',
    title: 'Something went wrong on our side',
    status: 500,
    code: 'fault',
    detail: 'The fault was logged under this request_id.',
    request_id: reply.request.id,
  })
}

function sendProblem(reply: FastifyReply, status: number, body: object): void {
  reply
    .code(status)
    .header('request-id', reply.request.id)
    .header('content-type', problemType)
    .send(Buffer.from(JSON.stringify(body)))
}
