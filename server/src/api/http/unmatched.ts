/** What no route takes: 404 for a path that is unknown, 405 with Allow for a method that the path does not have. */
import { refusal } from '@lika/contract'
import type { FastifyReply } from 'fastify'
import { sendRefusal } from './problems.ts'

export interface RoutePaths {
  add(method: string, path: string): void
  /** The methods of the routes that match a concrete path. */
  methodsOf(path: string): string[]
}

export function makeRoutePaths(): RoutePaths {
  const known: { segments: string[]; method: string }[] = []
  return {
    add: (method, path) => {
      known.push({ segments: path.split('/'), method })
    },
    methodsOf: (path) => {
      const segments = path.split('/')
      const methods = known
        .filter((route) => matches(route.segments, segments))
        .map(({ method }) => method)
      return [
        ...new Set(methods.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one]))),
      ].sort()
    },
  }
}

/** Whether a concrete path fits a route's, where `{…}` stands for anything but nothing. */
export function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) =>
      part.startsWith('{') ? segments[index] !== '' : part === segments[index],
    )
  )
}

/** Refusals: `method.not_allowed`, `route.not_found`. */
export function sendUnmatched(reply: FastifyReply, paths: RoutePaths): void {
  const [path = ''] = reply.request.url.split('?')
  const allowed = paths.methodsOf(path)
  if (allowed.length === 0) {
    sendRefusal(
      reply,
      refusal('route.not_found', 'The routes are listed at /docs and /openapi.json.'),
    )
    return
  }
  reply.header('allow', allowed.join(', '))
  sendRefusal(
    reply,
    refusal('method.not_allowed', `This path takes ${allowed.join(', ')}.`, {
      data: { allowed },
    }),
  )
}
