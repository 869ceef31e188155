/** Whether the process lives, whether it can serve, and what it counts. */
import { refusal, refused } from '@lika/contract'
import type { Deps, ReadinessCheck } from '../deps.ts'
import { file, okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { closed, oneOf, Type } from '../http/schemas.ts'

export function register(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/healthz',
      summary: 'Answers as long as the process lives',
      access: 'anyone',
      responses: { 200: closed({ status: oneOf(['ok']) }) },
      refusals: [],
    },
    () => okay({ status: 'ok' as const }),
  )

  app.route(
    {
      method: 'GET',
      path: '/readyz',
      summary: 'Whether requests can be served; otherwise 503 with `checks` that say what is wrong',
      access: 'anyone',
      responses: {
        200: closed({ status: oneOf(['ready']), checks: Type.Array(Type.String()) }),
      },
      refusals: ['busy'],
    },
    async () => {
      const results = await Promise.all(deps.readiness.map(runCheck))
      const wrong = results.filter(({ detail }) => detail !== undefined)
      if (wrong.length === 0)
        return okay({ status: 'ready' as const, checks: results.map(({ name }) => name) })
      const said = wrong.map(({ name, detail }) => `${name}: ${detail}`).join(' ')
      return refused(refusal('busy', said, { data: { checks: wrong }, retryAfterSeconds: 1 }))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/metrics',
      summary: 'Figures for Prometheus',
      access: 'anyone',
      responses: {},
      files: ['text/plain'],
      refusals: [],
    },
    async () => {
      const { contentType, text } = await deps.metrics()
      return file(contentType, text)
    },
  )
}

const patienceMs = 2_000

/** A check that does not come to an end is not in order either. */
async function runCheck({ name, check }: ReadinessCheck) {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('It does not answer.'), patienceMs)
  })
  try {
    return { name, detail: await Promise.race([Promise.resolve(check()), late]) }
  } catch (error) {
    return { name, detail: error instanceof Error ? error.message : 'It failed.' }
  } finally {
    clearTimeout(timer)
  }
}
