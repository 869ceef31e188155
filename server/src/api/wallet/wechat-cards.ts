/** Routes of cards in WeChat itself: how one is added, that one was, and what became of them. */
import { formatId, formatInstant, refused } from '@lika/contract'
import { takeAddedCard } from '../../flows/members/app-events.ts'
import { resultOf } from '../../flows/members/login.ts'
import {
  type MemberCaller,
  type WalletCard,
  walletCardStates,
  walletCardsOf,
} from '../../modules/members/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, idOf, nullable, oneOf, Timestamp, Type } from '../http/schemas.ts'

const WechatCardId = Type.String({ pattern: '^[\\w-]{1,64}$' })

const CardBody = closed({
  app_id: idOf('wechat_app'),
  wechat_card_id: WechatCardId,
  code_last4: Type.String({ maxLength: 4 }),
  state: oneOf(walletCardStates),
  since: nullable(Timestamp),
})
const Cards = closed({ data: Type.Array(CardBody) })

export function register(app: LikaApp, { flows }: Deps): void {
  const cardsOf = async (caller: Pick<MemberCaller, 'book' | 'memberId'>) => {
    const group = await flows.members.groupOf(caller.memberId)
    const cards = await walletCardsOf(flows.database.sql, caller.book, group)
    return okay({ data: cards.map(presentCard) })
  }

  app.route(
    {
      method: 'GET',
      path: '/wallet/v1/wechat_cards',
      summary: 'Lists the cards that the member has or had in WeChat',
      access: 'member',
      responses: { 200: Cards },
      refusals: [],
    },
    ({ caller }) => cardsOf(caller),
  )

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/wechat_cards/invitations',
      summary: 'Signs what wx.addCard takes; it can be used once',
      access: 'member',
      body: closed({
        wechat_card_ids: Type.Array(WechatCardId, { minItems: 1, maxItems: 5 }),
        scene: oneOf(['page', 'mini_program', 'scan'], 'comes back in the event as its OuterStr'),
      }),
      responses: {
        200: closed({
          card_list: Type.Array(closed({ cardId: Type.String(), cardExt: Type.String() })),
        }),
      },
      refusals: ['login.code_refused'],
    },
    async ({ caller, body }) => {
      // Not bound to the OpenID: it would stand in what is signed, and go out to the client.
      const asked = body.wechat_card_ids.map((cardId) => ({ cardId, outerStr: body.scene }))
      const signed = resultOf(await flows.wechatApp.addCards(caller.appId, asked))
      if (!signed.ok) return signed
      return okay({ card_list: signed.value.map(({ cardId, cardExt }) => ({ cardId, cardExt })) })
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/wechat_cards',
      summary: 'Says that the member has added a card, with the code as wx.addCard gave it',
      access: 'member',
      body: closed({
        wechat_card_id: WechatCardId,
        encrypted_code: Type.String({ pattern: '^[\\x21-\\x7e]{1,512}$' }),
        card_ext: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 2_000,
            description: 'as wx.addCard gave it back; taken once',
          }),
        ),
      }),
      responses: { 200: Cards },
      refusals: [
        'login.code_refused',
        'card.not_recognised',
        'member.not_found',
        'card_parameters.refused',
      ],
    },
    async ({ caller, body }) => {
      const known = await flows.wechatApps.known(caller.appId)
      if (known === undefined) return refused(notFound('member'))
      const added = {
        wechatCardId: body.wechat_card_id,
        encryptedCode: body.encrypted_code,
        cardExt: body.card_ext,
      }
      const taken = await takeAddedCard(flows, caller, known.appid, added)
      return taken.ok ? cardsOf(caller) : taken
    },
  )
}

function presentCard(card: WalletCard) {
  return {
    app_id: formatId('wechat_app', card.appId),
    wechat_card_id: card.wechatCardId,
    code_last4: card.codeLast4,
    state: card.state,
    since: card.since === undefined ? null : formatInstant(card.since),
  }
}
