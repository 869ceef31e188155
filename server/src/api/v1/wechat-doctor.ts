/** The route that looks at what an issuer has at WeChat and says, step by step, what is wrong and what to do about it. */
import { type Examined, examine } from '../../flows/wechat/doctor.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { closed, idOf, nullable, oneOf, readId, Type } from '../http/schemas.ts'

const Step = closed({
  step: Type.String({ description: 'a word that stays the same, such as `app_secret`' }),
  ok: Type.Boolean(),
  problem: nullable(Type.String({ description: 'what is wrong, in a sentence' })),
  advice: nullable(Type.String({ description: 'what to do about it' })),
})
const DoctorBody = closed({
  ok: Type.Boolean({ description: 'whether nothing is wrong' }),
  data: Type.Array(
    closed({
      kind: oneOf(['pay_account', 'app']),
      id: Type.String(),
      name: Type.String({ description: 'the merchant number, or the appid' }),
      ok: Type.Boolean(),
      steps: Type.Array(Step),
    }),
  ),
})

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/doctor',
      summary: 'Looks whether what is connected to WeChat serves; no money moves',
      access: 'wechat:write',
      body: closed({
        pay_account_id: Type.Optional(idOf('wechat_account')),
        app_id: Type.Optional(idOf('wechat_app')),
      }),
      responses: { 200: DoctorBody },
      refusals: ['wechat_account.not_found', 'wechat_app.not_found'],
      // It calls WeChat several times for each.
      rate: { calls: 30, perSeconds: 60 },
    },
    async ({ caller, body }) => {
      const { pay_account_id: account, app_id: appId } = body
      const examined = await examine(flows, caller.book, {
        account: account === undefined ? undefined : readId('wechat_account', account),
        app: appId === undefined ? undefined : readId('wechat_app', appId),
      })
      if (!examined.ok) return examined
      const data = examined.value.map(present)
      return okay({ ok: data.every((one) => one.ok), data })
    },
  )
}

function present({ kind, id, name, steps }: Examined) {
  return {
    kind,
    id,
    name,
    ok: steps.every((step) => step.ok),
    steps: steps.map(({ step, ok, problem, advice }) => ({
      step,
      ok,
      problem: problem ?? null,
      advice: advice ?? null,
    })),
  }
}
