/** Routes of codes of WeChat cards that are consumed at a till or by a shop: each once. */
import { formatId, formatInstant, refused } from '@lika/contract'
import { consumeCode } from '../../flows/wechat/consume-code.ts'
import { type Consume, consumeById } from '../../modules/wechat/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  closed,
  given,
  idOf,
  nullable,
  oneOf,
  readId,
  shown,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const CardId = Type.String({
  pattern: '^[0-9A-Za-z_-]{1,64}$',
  description: 'of WeChat, as /card/create answered it',
})
const Code = Type.String({ pattern: '^[\\x21-\\x7e]{1,64}$' })

const NewConsume = closed({
  app_id: idOf('wechat_app'),
  code: Code,
  card_id: Type.Optional(CardId),
  ...given,
})
const ConsumeBody = closed({
  id: idOf('card_consume'),
  app_id: idOf('wechat_app'),
  status: oneOf(
    ['begun', 'done', 'refused'],
    '`begun`: WeChat’s answer was lost, and it is being found out',
  ),
  card_id: nullable(CardId),
  wechat_code: nullable(Type.String({ description: 'the errcode by which WeChat refused' })),
  ...shown,
  created_at: Timestamp,
})

export function register(app: LikaApp, { flows, bookNow }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/card_codes/consume',
      summary: 'Consumes the code of a WeChat card, once whoever asks and however often',
      access: 'wechat:write',
      idempotent: true,
      body: NewConsume,
      responses: { 201: ConsumeBody },
      refusals: [
        'wechat_app.not_found',
        'card_code.already_consumed',
        'reference.already_used',
        'wechat.refused',
      ],
    },
    async ({ caller, body, idempotencyKey }) => {
      const asked = {
        app: readId('wechat_app', body.app_id),
        code: body.code,
        cardId: body.card_id,
        reference: body.reference ?? null,
        metadata: body.metadata ?? {},
      }
      const now = bookNow(caller.mode)
      const result = await consumeCode(flows, caller.book, asked, idempotencyKey, now)
      if (!result.ok) return result
      const { consume, replayed } = result
      return { status: 201, body: presentConsume(consume), replayed }
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/wechat/card_codes/{id}',
      summary: 'Shows a consumption of a code',
      access: 'wechat:read',
      id: 'card_consume',
      responses: { 200: ConsumeBody },
      refusals: ['card_consume.not_found'],
    },
    async ({ caller, id }) => {
      const consume = await consumeById(flows.database.sql, caller.book, id)
      return consume === undefined
        ? refused(notFound('card_consume'))
        : okay(presentConsume(consume))
    },
  )
}

function presentConsume(consume: Consume) {
  return {
    id: formatId('card_consume', consume.id),
    app_id: formatId('wechat_app', consume.app),
    status: consume.status,
    card_id: consume.cardId,
    wechat_code: consume.refusedCode,
    reference: consume.reference,
    metadata: { ...consume.metadata },
    created_at: formatInstant(consume.createdAt),
  }
}
