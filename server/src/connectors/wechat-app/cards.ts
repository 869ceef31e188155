/** The calls of cards, messages and deliveries: every one guarded by the breaker and the shared limiter before it goes out. */
import type { WechatAppId } from '@lika/contract'
import type {
  Answer,
  AppCredentials,
  CardCode,
  UserCardStatus,
  WechatApp,
} from '../../modules/wechat/index.ts'
import type { Call } from './calls.ts'
import { memberOf, textAt } from './json.ts'
import { unfitting } from './message-values.ts'

type Cards = Pick<
  WechatApp,
  | 'sendSubscribe'
  | 'reportDelivered'
  | 'createCard'
  | 'cardCode'
  | 'consumeCode'
  | 'decryptCode'
  | 'activateMember'
  | 'updateMember'
>

/** `logistics_type` */
const logistics = { virtual: 3, picked_up: 4 }
const shanghaiMs = 8 * 3_600_000

export interface CardNeeds {
  readonly credentials: (app: WechatAppId) => Promise<AppCredentials>
  readonly guarded: <T>(app: AppCredentials, call: Call<T>) => Promise<Answer<T>>
}

export function makeCards({ credentials, guarded }: CardNeeds): Cards {
  async function post<T>(
    id: WechatAppId,
    path: string,
    body: unknown,
    read: (body: unknown) => T | undefined,
    repeat: Call<T>['repeat'] = 'unsent',
  ): Promise<Answer<T>> {
    return guarded(await credentials(id), { method: 'POST', path, body, repeat, read })
  }

  return {
    sendSubscribe: async (id, { openid, templateId, page, data }) => {
      const wrong = unfitting(data)
      if (wrong !== undefined) {
        const detail = `the value of ${wrong} does not fit its kind`
        return { status: 'refused', code: '47003', detail }
      }
      const { kind } = await credentials(id)
      const name = kind === 'mini_program' ? 'send' : 'bizsend'
      const values = Object.entries(data).map(([key, value]) => [key, { value }] as const)
      const body = {
        touser: openid,
        template_id: templateId,
        page,
        data: Object.fromEntries(values),
      }
      return post(id, `/cgi-bin/message/subscribe/${name}`, body, () => 'sent' as const)
    },
    reportDelivered: (id, { mchid, outTradeNo, item, goods, openid, at }) => {
      const body = {
        order_key: { order_number_type: 1, mchid, out_trade_no: outTradeNo },
        logistics_type: logistics[goods],
        delivery_mode: 1,
        shipping_list: [{ item_desc: item }],
        upload_time: `${new Date(at + shanghaiMs).toISOString().slice(0, -1)}+08:00`,
        payer: { openid },
      }
      const path = '/wxa/sec/order/upload_shipping_info'
      return post(id, path, body, () => 'reported' as const, 'always')
    },
    createCard: (id, card) =>
      post(id, '/card/create', { card }, (body) => {
        const cardId = textAt(body, 'card_id')
        return cardId === undefined ? undefined : { cardId }
      }),
    cardCode: (id, { code, cardId }) =>
      post(id, '/card/code/get', { code, card_id: cardId, check_consume: false }, codeIn, 'always'),
    consumeCode: (id, { code, cardId }) =>
      post(id, '/card/code/consume', { code, card_id: cardId }, (body) => {
        const consumed = textAt(body, 'card', 'card_id')
        const openid = textAt(body, 'openid')
        return consumed === undefined || openid === undefined
          ? undefined
          : { cardId: consumed, openid }
      }),
    decryptCode: (id, encrypted) =>
      post(
        id,
        '/card/code/decrypt',
        { encrypt_code: encrypted },
        (body) => textAt(body, 'code'),
        'always',
      ),
    activateMember: (id, asked) => {
      const body = {
        membership_number: asked.membershipNumber,
        code: asked.code,
        card_id: asked.cardId,
        init_bonus: asked.initBonus,
        init_balance: asked.initBalance,
      }
      return post(id, '/card/membercard/activate', body, () => 'activated' as const, 'always')
    },
    updateMember: (id, asked) => {
      const body = {
        code: asked.code,
        card_id: asked.cardId,
        bonus: asked.bonus,
        record_bonus: asked.recordBonus,
        balance: asked.balance,
        record_balance: asked.recordBalance,
      }
      // Whole values, no differences: once or twice is the same.
      return post(id, '/card/membercard/updateuser', body, () => 'updated' as const, 'always')
    },
  }
}

const statuses: readonly UserCardStatus[] = [
  'NORMAL',
  'CONSUMED',
  'EXPIRE',
  'GIFTING',
  'GIFT_TIMEOUT',
  'DELETE',
  'UNAVAILABLE',
]

function codeIn(body: unknown): CardCode | undefined {
  const cardId = textAt(body, 'card', 'card_id')
  const openid = textAt(body, 'openid')
  const status = statuses.find((one) => one === memberOf(body, 'user_card_status'))
  const canConsume = memberOf(body, 'can_consume')
  return cardId === undefined || openid === undefined || status === undefined
    ? undefined
    : { cardId, openid, status, canConsume: canConsume === true }
}
