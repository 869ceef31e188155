/** Routes by which an issuer's own systems use an app: cards in WeChat, memberships, signed parameters, messages. */
import { type Id, type Result, refusal, refused } from '@lika/contract'
import { memberCardForWechat } from '../../flows/wechat/member-card.ts'
import { resultFrom } from '../../flows/wechat/told.ts'
import type { App } from '../../modules/wechat/index.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, idOf, oneOf, readId, Type, text } from '../http/schemas.ts'

const CardId = Type.String({ pattern: '^[0-9A-Za-z_-]{1,64}$' })
const Code = Type.String({ pattern: '^[\\x21-\\x7e]{1,64}$' })
const Url = Type.String({ pattern: '^https?://[\\x21-\\x7e]{1,1000}$' })
const OuterStr = Type.String({ pattern: '^[\\x21-\\x7e]{1,128}$' })
const Count = Type.Integer({ minimum: 0, maximum: 2_147_483_647 })
const Note = text(14)

const NewMemberCard = closed({
  title: text(9),
  brand_name: text(12),
  logo_url: Type.String({ pattern: '^https?://[\\x21-\\x7e]{1,120}$' }),
  color: Type.String({ pattern: '^Color[01]\\d\\d$' }),
  notice: text(16),
  service_phone: Type.String({ pattern: '^[0-9+() -]{3,24}$' }),
  description: text(1000),
  prerogative: text(1000),
  quantity: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
  shows_balance: Type.Boolean({ description: 'for issuers that are on file for prepaid cards' }),
  shows_bonus: Type.Boolean(),
})

const Member = {
  wechat_card_id: CardId,
  code: Code,
}

export function register(app: LikaApp, deps: Deps): void {
  registerCards(app, deps)
  registerMemberships(app, deps)
  registerSigned(app, deps)
  registerMessages(app, deps)
}

type Caller = { readonly book: App['book'] }

/** Refusals: `wechat_app.not_found`. */
async function appOf(
  { flows }: Deps,
  { book }: Caller,
  id: Id<'wechat_app'>,
): Promise<Result<App>> {
  const found = await flows.wechatApps.find(book, id)
  return found === undefined ? refused(notFound('wechat_app')) : { ok: true, value: found }
}

function registerCards(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/apps/{id}/member_cards',
      summary: 'Creates a membership card in WeChat; each call makes another one',
      access: 'wechat:write',
      id: 'wechat_app',
      body: NewMemberCard,
      responses: { 201: closed({ wechat_card_id: CardId }) },
      refusals: ['wechat_app.not_found', 'wechat.refused'],
    },
    async ({ caller, id, body }) => {
      const own = await appOf(deps, caller, id)
      if (!own.ok) return own
      const card = memberCardForWechat({
        title: body.title,
        brandName: body.brand_name,
        logoUrl: body.logo_url,
        color: body.color,
        notice: body.notice,
        servicePhone: body.service_phone,
        description: body.description,
        prerogative: body.prerogative,
        quantity: body.quantity,
        showsBalance: body.shows_balance,
        showsBonus: body.shows_bonus,
      })
      const made = resultFrom(await deps.flows.wechatApp.createCard(id, card))
      return made.ok ? created({ wechat_card_id: made.value.cardId }) : made
    },
  )
}

function registerMemberships(app: LikaApp, deps: Deps): void {
  const { flows } = deps
  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/apps/{id}/memberships/activate',
      summary: 'Activates the membership card that somebody has in WeChat',
      access: 'wechat:write',
      id: 'wechat_app',
      body: closed({
        ...Member,
        membership_number: Type.String({ pattern: '^[0-9A-Za-z-]{1,32}$' }),
        balance: Type.Optional(Count),
        bonus: Type.Optional(Count),
      }),
      responses: { 200: closed({ status: oneOf(['activated']) }) },
      refusals: ['wechat_app.not_found', 'wechat.refused'],
    },
    async ({ caller, id, body }) => {
      const own = await appOf(deps, caller, id)
      if (!own.ok) return own
      const told = await flows.wechatApp.activateMember(id, {
        cardId: body.wechat_card_id,
        code: body.code,
        membershipNumber: body.membership_number,
        initBalance: body.balance,
        initBonus: body.bonus,
      })
      const result = resultFrom(told)
      return result.ok ? okay({ status: result.value }) : result
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/apps/{id}/memberships/update',
      summary: 'Shows another balance or bonus on a membership card in WeChat; twice is no harm',
      access: 'wechat:write',
      id: 'wechat_app',
      body: closed({
        ...Member,
        balance: Type.Optional(Count),
        balance_note: Type.Optional(Note),
        bonus: Type.Optional(Count),
        bonus_note: Type.Optional(Note),
      }),
      responses: { 200: closed({ status: oneOf(['updated']) }) },
      refusals: ['wechat_app.not_found', 'wechat.refused'],
    },
    async ({ caller, id, body }) => {
      const own = await appOf(deps, caller, id)
      if (!own.ok) return own
      const told = await flows.wechatApp.updateMember(id, {
        cardId: body.wechat_card_id,
        code: body.code,
        balance: body.balance,
        recordBalance: body.balance_note,
        bonus: body.bonus,
        recordBonus: body.bonus_note,
      })
      const result = resultFrom(told)
      return result.ok ? okay({ status: result.value }) : result
    },
  )
}

function registerSigned(app: LikaApp, deps: Deps): void {
  const { flows } = deps
  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/apps/{id}/page_signatures',
      summary: 'Signs a page for wx.config',
      access: 'wechat:write',
      id: 'wechat_app',
      body: closed({ url: Url }),
      responses: {
        200: closed({
          appId: Type.String(),
          timestamp: Type.Integer(),
          nonceStr: Type.String(),
          signature: Type.String(),
        }),
      },
      refusals: ['wechat_app.not_found', 'wechat.refused'],
    },
    async ({ caller, id, body }) => {
      const own = await appOf(deps, caller, id)
      if (!own.ok) return own
      const signed = resultFrom(await flows.wechatApp.jsSdk(id, body.url))
      return signed.ok ? okay(signed.value) : signed
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/apps/{id}/card_parameters',
      summary: 'Signs what wx.addCard takes; each can be used once, within ten minutes',
      access: 'wechat:write',
      id: 'wechat_app',
      body: closed({
        cards: Type.Array(
          closed({
            wechat_card_id: CardId,
            code: Type.Optional(Code),
            outer_str: Type.Optional(OuterStr),
          }),
          { minItems: 1, maxItems: 5 },
        ),
      }),
      responses: {
        200: closed({
          card_list: Type.Array(closed({ cardId: Type.String(), cardExt: Type.String() })),
        }),
      },
      refusals: ['wechat_app.not_found', 'wechat.refused'],
    },
    async ({ caller, id, body }) => {
      const own = await appOf(deps, caller, id)
      if (!own.ok) return own
      const asked = body.cards.map(({ wechat_card_id: cardId, code, outer_str: outerStr }) => ({
        cardId,
        code,
        outerStr,
      }))
      const signed = resultFrom(await flows.wechatApp.addCards(id, asked))
      if (!signed.ok) return signed
      return okay({ card_list: signed.value.map(({ cardId, cardExt }) => ({ cardId, cardExt })) })
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/apps/{id}/card_parameters/accept',
      summary: 'Takes signed parameters that came back: once, in time and unchanged to the letter',
      access: 'wechat:write',
      id: 'wechat_app',
      body: closed({ cardId: CardId, cardExt: Type.String({ minLength: 1, maxLength: 2_000 }) }),
      responses: { 200: closed({ status: oneOf(['accepted']) }) },
      refusals: ['wechat_app.not_found', 'card_parameters.refused'],
    },
    async ({ caller, id, body }) => {
      const own = await appOf(deps, caller, id)
      if (!own.ok) return own
      const status = await flows.wechatApp.takeAddCard(id, body)
      if (status === 'accepted') return okay({ status })
      return refused(
        refusal('card_parameters.refused', `The parameters are ${status}.`, {
          data: { reason: status },
        }),
      )
    },
  )
}

const Values = Type.Record(
  Type.String({ pattern: '^[a-z_]{1,20}\\d{1,3}$' }),
  Type.String({ minLength: 1, maxLength: 100 }),
  { minProperties: 1, maxProperties: 10, additionalProperties: false },
)

function registerMessages(app: LikaApp, deps: Deps): void {
  const { flows } = deps
  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/apps/{id}/messages',
      summary: 'Sends a subscribe message to a member: one for each time that he agreed',
      access: 'wechat:write',
      id: 'wechat_app',
      body: closed({
        member_id: idOf('member'),
        template_id: Type.String({ pattern: '^[0-9A-Za-z_-]{1,64}$' }),
        page: Type.Optional(Type.String({ pattern: '^[\\x21-\\x7e]{1,255}$' })),
        data: Values,
      }),
      responses: { 200: closed({ status: oneOf(['sent']) }) },
      refusals: ['wechat_app.not_found', 'member.not_found', 'wechat.refused'],
    },
    async ({ caller, id, body }) => {
      const own = await appOf(deps, caller, id)
      if (!own.ok) return own
      const memberId = readId('member', body.member_id)
      const { appid } = own.value
      // Never from a client: by what WeChat itself said when the member logged in.
      const openid = await flows.members.openidOf(caller.book, memberId, appid)
      if (openid === undefined) return refused(notFound('member'))
      const { template_id: templateId, page, data } = body
      const told = await flows.wechatApp.sendSubscribe(id, { openid, templateId, page, data })
      const result = resultFrom(told)
      return result.ok ? okay({ status: result.value }) : result
    },
  )
}
