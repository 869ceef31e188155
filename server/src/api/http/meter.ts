/** Tells whoever counts of every answer: by the route's pattern, never by the path, which would be without number. */
import type { RefusalCode } from '@lika/contract'
import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyReply {
    refusalCode: RefusalCode | null
  }
}

export interface Answered {
  readonly method: string
  /** `/v1/cards/:id`; undefined: no route takes the path. */
  readonly route: string | undefined
  readonly status: number
  readonly refusal: RefusalCode | null
}

/** Before the routes are added: those added earlier are not counted. */
export function addMeter(app: FastifyInstance, count: (answered: Answered) => void): void {
  app.decorateReply('refusalCode', null)
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions, is404 } = request
    const route = is404 ? undefined : routeOptions.url
    count({ method, route, status: reply.statusCode, refusal: reply.refusalCode })
    done()
  })
}
