/** The route that computes what another commission would bring. */
import { fenMax, fenToJson, ok, type Result, refusal, refused } from '@lika/contract'
import { type WhatIfResult, whatIf } from '../../modules/merchants/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { Amount, AmountOrZero, closed, type Static, Type } from '../http/schemas.ts'

const Bp = (minimum: number, maximum: number, description = 'basis points') =>
  Type.Integer({ minimum, maximum, description })

const WhatIfAsked = closed({
  volume: Amount,
  rate_bp: Bp(0, 10_000),
  change_bp: Bp(-10_000, 10_000, 'of the commission; 100 is one point'),
  margin_bp: Type.Optional(
    Bp(-10_000, 10_000, 'what the merchant keeps of its volume; 0 unless said'),
  ),
  elasticity: Type.Optional(
    closed({
      volume_bp_per_point: Bp(-10_000, 10_000),
      margin_bp_per_point: Bp(-10_000, 10_000),
    }),
  ),
})

const Side = closed({
  volume: AmountOrZero,
  rate_bp: Bp(0, 10_000),
  commission_amount: AmountOrZero,
  margin_bp: Type.Integer(),
  margin_amount: Type.Integer({ description: 'fen' }),
})

const WhatIfBody = closed({
  before: Side,
  after: Side,
  volume_change_bp: Type.Integer(),
  margin_change_bp: Type.Integer(),
  commission_change: Type.Integer({ description: 'fen' }),
  elasticity: closed({
    volume_bp_per_point: Type.Integer(),
    margin_bp_per_point: Type.Integer(),
    source: Type.String({ description: 'where the figures come from' }),
  }),
})

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/merchants/what_if',
      summary: 'Computes what another commission would bring, and changes nothing',
      access: 'merchants:read',
      body: WhatIfAsked,
      responses: { 200: WhatIfBody },
      refusals: ['amount.out_of_range'],
    },
    ({ body }) => {
      const elasticity = elasticityIn(body, flows)
      const result = whatIf({
        volume: BigInt(body.volume),
        rateBp: body.rate_bp,
        changeBp: body.change_bp,
        marginBp: body.margin_bp ?? 0,
        elasticity,
      })
      const sound = checkResult(result)
      if (!sound.ok) return sound
      return okay({
        ...presentWhatIf(result),
        elasticity: {
          volume_bp_per_point: elasticity.volumeBpPerPoint,
          margin_bp_per_point: elasticity.marginBpPerPoint,
          source: elasticity.source,
        },
      })
    },
  )
}

/** What is given, or the figures of the platform's plan. */
function elasticityIn(
  { elasticity: given }: Static<typeof WhatIfAsked>,
  { tables }: Deps['flows'],
) {
  if (given === undefined) return tables.merchantClasses.elasticity
  return {
    source: 'given',
    volumeBpPerPoint: given.volume_bp_per_point,
    marginBpPerPoint: given.margin_bp_per_point,
  }
}

/**
 * The model is linear, and ends where its result would be none. Refusals: `amount.out_of_range` with what the result
 * may be.
 */
function checkResult({ after }: WhatIfResult): Result<void> {
  const bounds = [
    { member: 'after.rate_bp', given: after.rateBp, allowed: { min: 0, max: 10_000 } },
    { member: 'after.margin_bp', given: after.marginBp, allowed: { min: -10_000, max: 10_000 } },
    {
      member: 'after.volume',
      given: Number(after.volume),
      allowed: { min: 0, max: Number(fenMax) },
    },
  ]
  const out = bounds.find(({ given, allowed }) => given < allowed.min || given > allowed.max)
  if (out === undefined) return ok(undefined)
  const { member, given, allowed } = out
  const detail = `${member} would be ${given}; the model reaches from ${allowed.min} to ${allowed.max}.`
  return refused(refusal('amount.out_of_range', detail, { data: { member, allowed } }))
}

function presentWhatIf({ before, after, volumeChangeBp, marginChangeBp }: WhatIfResult) {
  return {
    before: presentSide(before),
    after: presentSide(after),
    volume_change_bp: volumeChangeBp,
    margin_change_bp: marginChangeBp,
    commission_change: fenToJson(after.commission - before.commission),
  }
}

function presentSide({ volume, rateBp, commission, marginBp, margin }: WhatIfResult['before']) {
  return {
    volume: fenToJson(volume),
    rate_bp: rateBp,
    commission_amount: fenToJson(commission),
    margin_bp: marginBp,
    margin_amount: fenToJson(margin),
  }
}
