/** Routes that only test keys have: the clock of test mode, and the end of test data. Live keys find nothing here. */
import { formatInstant, type Instant, type Result, refusal, refused } from '@lika/contract'
import { setTestClock, wipeTestData } from '../../flows/cards/test-mode.ts'
import type { Deps } from '../deps.ts'
import { noContent, okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { closed, NoContent, readInstant, Timestamp, Type } from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'

const Clock = closed({ now: Timestamp })
const secondsMax = 6_400_000_000

const Move = closed({
  advance_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: secondsMax })),
  set_at: Type.Optional(Timestamp),
})

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/test/clock',
      summary: 'Moves the clock of test mode, which runs on from there',
      access: 'test:write',
      body: Move,
      responses: { 200: Clock },
      refusals: ['route.not_found', 'date.out_of_range'],
    },
    async ({ caller, body }) => {
      if (caller.mode !== 'test') return liveFindsNothing
      const { advance_seconds: seconds, set_at: at } = body
      if ((seconds === undefined) === (at === undefined)) return oneOfThem
      const to = at === undefined ? { advanceMs: (seconds ?? 0) * 1000 } : { at: readInstant(at) }
      return answerClock(await setTestClock(flows, to))
    },
  )

  app.route(
    {
      method: 'DELETE',
      path: '/v1/test/clock',
      summary: 'Returns the clock of test mode to real time',
      access: 'test:write',
      responses: { 200: Clock },
      refusals: ['route.not_found'],
    },
    async ({ caller }) => {
      if (caller.mode !== 'test') return liveFindsNothing
      return answerClock(await setTestClock(flows, 'real'))
    },
  )

  app.route(
    {
      method: 'DELETE',
      path: '/v1/test/data',
      summary:
        "Removes the issuer's cards and payments of test mode; frees its keys and references",
      access: 'test:write',
      responses: { 204: NoContent },
      refusals: ['route.not_found'],
    },
    async ({ caller }) => {
      if (caller.mode !== 'test') return liveFindsNothing
      await wipeTestData(flows, caller)
      return noContent()
    },
  )
}

const liveFindsNothing = refused(
  refusal('route.not_found', 'The routes are listed at /docs and /openapi.json.'),
)

const oneOfThem = refused(
  shapeRefusal([{ path: 'advance_seconds', message: 'or set_at must be given, and not both' }]),
)

function answerClock(moved: Result<Instant>) {
  return moved.ok ? okay({ now: formatInstant(moved.value) }) : moved
}
