/** Routes of payments at a till of which cards give a part and WeChat the rest: both or neither. */
import { ok, type Result, refusal, refused, subBalances } from '@lika/contract'
import { combinedCommand } from '../../flows/combined/create.ts'
import type { LegContext } from '../../flows/combined/leg.ts'
import { presentCombined } from '../../flows/combined/present.ts'
import type { RestAsked } from '../../flows/combined/rest.ts'
import { beginCombined, cancelCombined, showCombined } from '../../flows/combined/till.ts'
import { combinedScenes, combinedStates } from '../../modules/combined/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  idOf,
  Metadata,
  nullable,
  oneOf,
  Reference,
  readId,
  type Static,
  Timestamp,
  Type,
} from '../http/schemas.ts'
import { chargeMembers, chargeRefusals, readCharge, tillCaller } from './payment-shapes.ts'
import { Shipping } from './shipping-shape.ts'

const { dry_run: _, currency: __, ...charge } = chargeMembers

const Rest = closed({
  method: oneOf(['wechat']),
  scene: oneOf(combinedScenes, 'native: a code to scan; micropay: the code that the payer shows'),
  app_id: Type.Optional(idOf('wechat_app')),
  member_id: Type.Optional(idOf('member')),
  auth_code: Type.Optional(
    Type.String({ pattern: '^1[0-5][0-9]{16}$', description: 'of micropay; shown to WeChat once' }),
  ),
})

const NewCombined = closed({
  ...charge,
  currency: Type.Optional(Currency),
  rest: Rest,
  expires_in: Type.Optional(
    Type.Integer({
      minimum: 60,
      maximum: 7_200,
      description: 'seconds that the payer has, 300 unless said; micropay has half a minute',
    }),
  ),
})

const Invitation = closed({
  scene: oneOf(['native', 'jsapi', 'mini_program']),
  code_url: Type.Optional(Type.String()),
  parameters: Type.Optional(
    Type.Record(Type.String({ pattern: '^[A-Za-z]{1,40}$' }), Type.String({ maxLength: 1_000 }), {
      maxProperties: 10,
      additionalProperties: false,
      description: 'for getBrandWCPayRequest or wx.requestPayment, as they are',
    }),
  ),
})

const CombinedBody = closed({
  id: idOf('combined_payment'),
  status: oneOf(combinedStates),
  reason: nullable(Type.String({ description: 'why it failed: cancelled, expired, or WeChat’s' })),
  amount: Amount,
  currency: Currency,
  card_amount: Amount,
  wechat_amount: AmountOrZero,
  refunded_amount: AmountOrZero,
  merchant_id: idOf('merchant'),
  store_id: nullable(idOf('store')),
  terminal_id: nullable(idOf('terminal')),
  scene: oneOf(combinedScenes),
  hold_id: idOf('hold'),
  payment_id: nullable(idOf('payment')),
  shipping: Shipping,
  allocations: Type.Array(
    closed({
      card_id: idOf('card'),
      sub_balance: oneOf([...subBalances, 'voucher']),
      amount: Amount,
    }),
  ),
  invitation: Type.Optional(Invitation),
  expires_at: Timestamp,
  reference: Reference,
  metadata: Metadata,
  created_at: Timestamp,
  ended_at: nullable(Timestamp),
})

export function register(app: LikaApp, deps: Deps): void {
  registerBegin(app, deps)
  registerRead(app, deps)
  registerCancel(app, deps)
}

function legOf({ flows, log }: Deps): LegContext {
  return { ...flows, legLog: log }
}

function registerBegin(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/combined_payments',
      summary: 'Takes a part from cards and the rest by WeChat: both or neither',
      access: 'payments:write',
      idempotent: true,
      body: NewCombined,
      responses: { 201: CombinedBody },
      refusals: [
        ...chargeRefusals,
        'wechat_app.not_found',
        'wechat_account.not_found',
        'member.not_found',
        'order.payer_unknown',
        'policy.hold_too_long',
      ],
    },
    async (call) => {
      const { caller, address, body, idempotencyKey } = call
      const asked = readCharge({ ...body, currency: 'CNY' })
      if (!asked.ok) return asked
      const rest = readRest(body.rest)
      if (!rest.ok) return rest
      const leg = legOf(deps)
      const { auth_code: authCode } = body.rest
      const { expires_in: expiresIn = 300 } = body
      const input = { ...asked.value, rest: rest.value, authCode, expiresIn }
      const command = await combinedCommand(leg, tillCaller(caller, address), input, idempotencyKey)
      if (!command.ok) return command
      const merchant = await deps.merchants.findMerchant(caller.book, asked.value.merchantId)
      const asking = { authCode, clientIp: address, description: described(merchant?.name) }
      const begun = await beginCombined(leg, (one) => call.execute(one), command.value, asking)
      const { executed, shown, invitation } = begun
      const { replayed } = executed
      if (executed.status === 'refused') return { ok: false, refusal: executed.refusal, replayed }
      if (shown === undefined) throw new Error('a combined payment was made and is not there')
      return { status: 201, body: presentCombined(shown, invitation), replayed }
    },
  )
}

/** What WeChat shows the payer: at most 127 characters of the basic plane. */
function described(name = ''): string {
  const plain = name.replaceAll(/[^\u0020-\ud7ff\ue000-\uffff]/g, '').slice(0, 100)
  return plain === '' ? '收银' : plain
}

/** Refusals: `request.invalid` for members that do not go together. */
function readRest(rest: Static<typeof Rest>): Result<RestAsked> {
  const { scene, app_id, member_id, auth_code } = rest
  if ((scene === 'micropay') !== (auth_code !== undefined))
    return wrong('rest/auth_code', 'is the code that a payer shows: of micropay, and of that only')
  const isPage = scene === 'jsapi' || scene === 'mini_program'
  if (isPage && member_id === undefined)
    return wrong('rest/member_id', 'says who pays: a page in WeChat opens for one person')
  return ok({
    scene,
    appId: app_id === undefined ? undefined : readId('wechat_app', app_id),
    memberId: member_id === undefined ? undefined : readId('member', member_id),
  })
}

function wrong(path: string, message: string): Result<never> {
  const errors = [{ path, message }]
  return refused(refusal('request.invalid', `${path} ${message}.`, { errors }))
}

function registerRead(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/combined_payments/{id}',
      summary: 'Shows a combined payment and how far it is',
      access: 'payments:read',
      id: 'combined_payment',
      responses: { 200: CombinedBody },
      refusals: ['combined_payment.not_found'],
    },
    async ({ caller, id }) => {
      const shown = await showCombined(flows, caller.book, id)
      return shown === undefined
        ? refused(notFound('combined_payment'))
        : okay(presentCombined(shown))
    },
  )
}

function registerCancel(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/combined_payments/{id}/cancel',
      summary: 'Gives it up: once WeChat says that it will not be paid, the card is free',
      access: 'payments:write',
      id: 'combined_payment',
      responses: { 200: CombinedBody },
      refusals: ['combined_payment.not_found', 'combined_payment.ended'],
    },
    async ({ caller, id }) => {
      const shown = await cancelCombined(legOf(deps), caller.book, id)
      return shown.ok ? okay(presentCombined(shown.value)) : shown
    },
  )
}
