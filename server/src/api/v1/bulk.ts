/** The route that carries out many operations in one request: one after the other, or all or none. */
import { refusal, refused } from '@lika/contract'
import { TogetherRun } from '../../flows/bulk.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { InnerAnswer, InnerCall } from '../http/dispatch.ts'
import type { LikaApp } from '../http/kernel.ts'
import { problemOf } from '../http/problems.ts'
import { closed, oneOf, type Static, Type } from '../http/schemas.ts'

const Operation = closed({
  path: Type.String({ minLength: 1, maxLength: 200, description: '/v1/cards/card_…/freeze' }),
  idempotency_key: Type.String({
    minLength: 1,
    maxLength: 255,
    pattern: '^[\\u0020-\\u007e]*$',
  }),
  body: Type.Optional(Type.Unknown({ description: 'As the route takes it.' })),
})
type Operation = Static<typeof Operation>

/** Cards and money; nothing that goes on behind the answer. */
const paths = /^\/v1\/(cards|payments|holds|loads|campaigns|presales)(\/|$)/
/** These reach beyond one transaction. */
const neverTogether = /^\/v1\/(cards\/batches|payments\/cancel)\/?$/

type Run = Omit<InnerCall, 'path' | 'idempotencyKey' | 'body' | 'execute'>

export function register(app: LikaApp, { flows, execute }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/bulk',
      summary:
        'Carries out up to 500 operations, each under its own key and as its own route would',
      access: 'key',
      bodyLimit: 4 * 1024 * 1024,
      body: closed({
        on_error: oneOf(
          ['stop', 'continue', 'atomic'],
          'stop: none after the first that is refused; continue: all of them; atomic: all or none',
        ),
        operations: Type.Array(Operation, { minItems: 1, maxItems: 500 }),
      }),
      responses: {
        200: closed({
          results: Type.Array(closed({ status: Type.Integer(), body: Type.Unknown() })),
        }),
      },
      refusals: [],
    },
    async ({ caller, body, request }) => {
      const { operations, on_error: mode } = body
      const run: Run = { caller, request }
      if (mode !== 'atomic') return present(await inOrder(app, operations, run, mode, execute))
      const alone = operations.findIndex(({ path }) => neverTogether.test(path))
      if (alone !== -1) return refused(notTogether(alone))
      const together = new TogetherRun(operations.length, (commands) =>
        flows.engine.executeTogether(commands),
      )
      return present(
        await Promise.all(operations.map((one, place) => join(app, one, run, { together, place }))),
      )
    },
  )
}

function present(answers: readonly InnerAnswer[]) {
  return okay({ results: answers.map(({ status, body }) => ({ status, body })) })
}

function notTogether(index: number) {
  const message = 'cannot be part of an atomic bulk'
  return refusal('request.invalid', `operations.${index}.path ${message}.`, {
    errors: [{ path: `operations.${index}.path`, message }],
  })
}

async function inOrder(
  app: LikaApp,
  operations: readonly Operation[],
  run: Run,
  mode: 'stop' | 'continue',
  execute: InnerCall['execute'],
): Promise<InnerAnswer[]> {
  const answers: InnerAnswer[] = []
  let isStopped = false
  for (const operation of operations) {
    const answer: InnerAnswer = isStopped
      ? notRun(run)
      : await dispatch(app, operation, run, execute)
    isStopped ||= mode === 'stop' && answer.refused !== undefined
    answers.push(answer)
  }
  return answers
}

function notRun({ request }: Run): InnerAnswer {
  const why = refusal('bulk.not_run', 'An earlier operation was refused.')
  return { ...problemOf(why, request.id), refused: why }
}

async function dispatch(
  app: LikaApp,
  { path, idempotency_key: idempotencyKey, body }: Operation,
  run: Run,
  execute: InnerCall['execute'],
): Promise<InnerAnswer> {
  const isMeant = paths.test(path)
  return app.dispatch({
    ...run,
    // A path that no route has.
    path: isMeant ? path : '/',
    idempotencyKey,
    body,
    execute,
  })
}

/** One of an atomic bulk. What is refused before it has a command leaves the others without effect as well. */
async function join(
  app: LikaApp,
  operation: Operation,
  run: Run,
  { together, place }: { readonly together: TogetherRun; readonly place: number },
): Promise<InnerAnswer> {
  let hasJoined = false
  const answer = await dispatch(app, operation, run, (command) => {
    hasJoined = true
    return together.join(place, command)
  }).catch((error: unknown) => {
    if (!hasJoined) together.leave(true)
    throw error
  })
  if (!hasJoined) together.leave(answer.refused !== undefined)
  return answer
}
