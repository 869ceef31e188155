/** The calls of routes that connect WeChat and speak through it, and what they come to in a world without one. */
import type { Things } from './world.ts'
import { wechatApp } from './world-wechat-app.ts'
import { payAccount } from './world-wechat-pay.ts'

const one =
  (thing: keyof Things, more: { body?: Record<string, unknown> } = {}) =>
  (things: Things) => [{ id: things[thing], ...more }]
const nothing = () => [{}]

export const wechatCalls = {
  post_wechat_pay_accounts: () => [{ body: payAccount() }],
  get_wechat_pay_accounts: nothing,
  get_wechat_pay_accounts_id: one('wechatAccount'),
  patch_wechat_pay_accounts_id: one('wechatAccount', { body: { appids: ['wx1', 'wx2'] } }),
  post_wechat_pay_accounts_id_disable: one('wechatAccountToDisable'),
  post_wechat_apps: () => [{ body: wechatApp() }],
  get_wechat_apps: nothing,
  get_wechat_apps_id: one('wechatApp'),
  patch_wechat_apps_id: one('wechatApp', { body: { token: 'tokenOfTests' } }),
  post_wechat_apps_id_member_cards: one('wechatApp', {
    body: {
      title: '会员卡',
      brand_name: '礼卡',
      logo_url: 'https://shop.example/logo.png',
      color: 'Color010',
      notice: '使用时出示',
      service_phone: '020-88888888',
      description: '储值',
      prerogative: '会员价',
      quantity: 10,
      shows_balance: true,
      shows_bonus: false,
    },
  }),
  post_wechat_apps_id_memberships_activate: one('wechatApp', {
    body: { wechat_card_id: 'p1', code: '1', membership_number: 'M1' },
  }),
  post_wechat_apps_id_memberships_update: one('wechatApp', {
    body: { wechat_card_id: 'p1', code: '1', balance: 5 },
  }),
  post_wechat_apps_id_page_signatures: one('wechatApp', {
    body: { url: 'https://shop.example/' },
  }),
  post_wechat_apps_id_card_parameters: one('wechatApp', {
    body: { cards: [{ wechat_card_id: 'p1' }] },
  }),
  post_wechat_apps_id_card_parameters_accept: one('wechatApp', {
    body: { cardId: 'p1', cardExt: '{}' },
  }),
  post_wechat_apps_id_messages: ({ wechatApp: id, member }: Things) => [
    { id, body: { member_id: member, template_id: 't', data: { thing1: 'x' } } },
  ],
  post_wechat_card_codes_consume: ({ wechatApp: app }: Things) => [
    { body: { app_id: app, code: '1' } },
  ],
  get_wechat_card_codes_id: one('cardConsume'),
  post_wechat_doctor: ({ wechatAccount, wechatApp: app }: Things) => [
    { body: { pay_account_id: wechatAccount, app_id: app } },
  ],
}

/** Nobody answers. */
export const wechatRefusals = {
  post_wechat_card_codes_consume: 'busy',
  post_wechat_apps_id_member_cards: 'busy',
  post_wechat_apps_id_memberships_activate: 'busy',
  post_wechat_apps_id_memberships_update: 'busy',
  post_wechat_apps_id_page_signatures: 'busy',
  post_wechat_apps_id_card_parameters: 'busy',
  post_wechat_apps_id_card_parameters_accept: 'card_parameters.refused',
  // A guest is known by no OpenID.
  post_wechat_apps_id_messages: 'member.not_found',
}
