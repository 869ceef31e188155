/** Gift cards that WeChat sells itself: pages, orders, refunds. Inner members of pages and orders are recalled. */
import type { Table } from '../../kernel/store.ts'
import type { App, User } from '../../kernel/users.ts'
import { done } from '../api.ts'
import { knownApp } from '../app-secret.ts'
import { Refused } from '../errcodes.ts'
import {
  type Body,
  flag,
  needFlag,
  needPart,
  needParts,
  needText,
  needWhole,
  text,
} from '../fields.ts'
import type { World } from '../world.ts'

interface GiftPage {
  readonly page_id: string
  readonly appid: string
  readonly page: Body
  readonly isInMaintenance: boolean
}

export interface GiftOrder {
  readonly order_id: string
  readonly page_id: string
  readonly appid: string
  readonly buyer: string
  readonly accepter?: string
  readonly trans_id: string
  readonly create_time: number
  readonly pay_finish_time: number
  readonly total_price: number
  readonly outer_str: string
  readonly isChatRoom: boolean
  readonly card_list: readonly { card_id: string; price: number; code: string }[]
  readonly state: 'PAID' | 'SENT' | 'ACCEPTED' | 'REFUNDED'
}

/** What users do with gift cards; the control API calls it. */
export interface Gifts {
  buy(user: User, given: Body): { readonly order_id: string }
  send(user: User, orderId: string, isChatRoom: boolean): void
  accept(user: User, orderId: string): void
}

export function registerGifts(world: World): Gifts {
  const { api, twin } = world
  const pages: Table<GiftPage> = twin.store.table('gift_pages')
  const orders: Table<GiftOrder> = twin.store.table('gift_orders')
  const ownPage = (app: App, body: Body) => {
    const found = pages.get(needText(body, 'page_id'))
    if (found === undefined || found.appid !== app.appid) throw new Refused(40097, 'page_id')
    return found
  }
  const ownOrder = (app: App, body: Body) => {
    const found = orders.get(needText(body, 'order_id'))
    if (found === undefined || found.appid !== app.appid) throw new Refused(40097, 'order_id')
    return found
  }

  api.post('/card/giftcard/page/add', 'official_account', ({ app, body }) => {
    const page = readPage(world, app, needPart(body, 'page'))
    const page_id = twin.random.letters(32)
    pages.set(page_id, { page_id, appid: app.appid, page, isInMaintenance: false })
    return { ...done, page_id }
  })
  api.post('/card/giftcard/page/get', 'official_account', ({ app, body }) => {
    const { page, page_id } = ownPage(app, body)
    return { ...done, page: { ...page, page_id } }
  })
  api.post('/card/giftcard/page/update', 'official_account', ({ app, body }) => {
    const page = needPart(body, 'page')
    const { page_id } = ownPage(app, page)
    pages.change(page_id, { page: readPage(world, app, page) })
    return done
  })
  api.post('/card/giftcard/page/batchget', 'official_account', ({ app }) => ({
    ...done,
    page_id_list: [...pages.values()]
      .filter(({ appid }) => appid === app.appid)
      .map(({ page_id }) => page_id),
  }))
  api.post('/card/giftcard/maintain/set', 'official_account', ({ app, body }) => {
    const isInMaintenance = needFlag(body, 'maintain')
    const isAll = flag(body, 'all') === true
    const found = isAll
      ? [...pages.values()].filter(({ appid }) => appid === app.appid)
      : [ownPage(app, body)]
    for (const { page_id } of found) pages.change(page_id, { isInMaintenance })
    return { ...done, control_info: { biz_control_type: isInMaintenance ? 'E_PAGE_CONTROL' : '' } }
  })
  registerGiftSettings(world)
  registerGiftOrders(world, orders, ownOrder)
  return giftsOf(world, pages, orders)
}

function registerGiftOrders(
  world: World,
  orders: Table<GiftOrder>,
  ownOrder: (app: App, body: Body) => GiftOrder,
): void {
  const { api } = world
  api.post('/card/giftcard/order/get', 'official_account', ({ app, body }) => ({
    ...done,
    order: shown(world, app, ownOrder(app, body)),
  }))
  api.post('/card/giftcard/order/batchget', 'official_account', ({ app, body }) => {
    const [begin, end] = [needWhole(body, 'begin_time'), needWhole(body, 'end_time')]
    const [offset, count] = [needWhole(body, 'offset'), needWhole(body, 'count')]
    if (end <= begin) throw new Refused(40100)
    if (offset < 0 || count < 1 || count > 100) throw new Refused(40097, 'count')
    const sort = text(body, 'sort_type') ?? 'ASC'
    if (sort !== 'ASC' && sort !== 'DESC') throw new Refused(40097, 'sort_type')
    const found = [...orders.values()].filter(
      ({ appid, create_time }) => appid === app.appid && create_time >= begin && create_time < end,
    )
    if (sort === 'DESC') found.reverse()
    const order_list = found.slice(offset, offset + count).map((order) => shown(world, app, order))
    return { ...done, total_count: found.length, order_list }
  })
  // Once somebody has taken it the money stays with the account.
  api.post('/card/giftcard/order/refund', 'official_account', ({ app, body }) => {
    const order = ownOrder(app, body)
    if (order.state === 'ACCEPTED') throw new Refused(40097, 'accepted')
    orders.change(order.order_id, { state: 'REFUNDED' })
    return done
  })
}

/** Which merchant takes the money and which mini-program shows the page: only kept. */
function registerGiftSettings({ api, twin }: World): void {
  const settings: Table<Body> = twin.store.table('gift_settings')
  for (const [path, names] of [
    ['/card/giftcard/pay/whitelist/add', ['sub_mch_id']],
    ['/card/giftcard/pay/submch/bind', ['sub_mch_id', 'wxa_appid']],
    ['/card/giftcard/wxa/set', ['wxa_appid', 'page_id']],
  ] as const)
    api.post(path, 'official_account', ({ app, body }) => {
      for (const name of names) needText(body, name)
      settings.set(`${path}|${app.appid}`, body)
      return done
    })
}

/** Refuses 41011, what each card does, and 40071 for one that is no gift card. */
function readPage({ cards }: World, app: App, page: Body): Body {
  for (const name of ['page_title', 'banner_pic_url', 'service_phone']) needText(page, name)
  for (const theme of needParts(page, 'theme_list')) {
    needText(theme, 'theme_pic_url')
    for (const item of needParts(theme, 'item_list'))
      if (cards.ownedBy(app, item).card_type !== 'GENERAL_CARD') throw new Refused(40071)
  }
  return page
}

function shown({ people }: World, app: App, order: GiftOrder): object {
  const { buyer, accepter, isChatRoom, appid: _, state: __, ...rest } = order
  return {
    ...rest,
    open_id: people.openidOf(app, buyer),
    accepter_openid: accepter === undefined ? '' : people.openidOf(app, accepter),
    IsChatRoom: isChatRoom,
  }
}

function giftsOf(world: World, pages: Table<GiftPage>, orders: Table<GiftOrder>): Gifts {
  const { callbacks, cards, cardCodes, people, twin } = world
  const tell = (order: GiftOrder, user: string, event: string, isChatRoom?: boolean) => {
    const app = knownApp(world.twin, order.appid)
    const { page_id: PageId, order_id: OrderId } = order
    const more = isChatRoom === undefined ? {} : { IsChatRoom: isChatRoom ? 1 : 0, IsReturnBack: 0 }
    callbacks.event(app, people.openidOf(app, user), event, { PageId, OrderId, ...more })
  }
  const known = (orderId: string, states: readonly GiftOrder['state'][]) => {
    const order = orders.get(orderId)
    if (order === undefined || !states.includes(order.state)) throw new Refused(40097, 'order_id')
    return order
  }
  return {
    buy: (user, given) => {
      const page = pages.get(needText(given, 'page_id'))
      if (page === undefined || page.isInMaintenance) throw new Refused(40097, 'page_id')
      const app = knownApp(world.twin, page.appid)
      const card_list = needParts(given, 'card_list').map((one) => ({
        card_id: cards.ownedBy(app, one).card_id,
        price: needWhole(one, 'price'),
        code: cardCodes.newCode(),
      }))
      const order_id = `Z${twin.random.digits(20)}`
      const now = cards.now()
      const order = orders.set(order_id, {
        order_id,
        page_id: page.page_id,
        appid: app.appid,
        buyer: user.id,
        trans_id: twin.trades.newTransactionId(),
        create_time: now,
        pay_finish_time: now,
        total_price: card_list.reduce((sum, { price }) => sum + price, 0),
        outer_str: text(given, 'outer_str') ?? '',
        isChatRoom: false,
        card_list,
        state: 'PAID',
      })
      tell(order, user.id, 'giftcard_pay_done')
      return { order_id }
    },
    send: (user, orderId, isChatRoom) => {
      const order = known(orderId, ['PAID'])
      if (order.buyer !== user.id) throw new Refused(40097, 'order_id')
      orders.change(orderId, { state: 'SENT', isChatRoom })
      tell(order, user.id, 'giftcard_send_to_friend', isChatRoom)
    },
    accept: (user, orderId) => {
      const order = known(orderId, ['PAID', 'SENT'])
      const app = knownApp(world.twin, order.appid)
      for (const { card_id, code } of order.card_list)
        cardCodes.take(app, cards.owned(app, card_id), user.id, {
          issued: code,
          outerStr: order.outer_str,
        })
      orders.change(orderId, { state: 'ACCEPTED', accepter: user.id })
      tell(order, user.id, 'giftcard_user_accept')
    },
  }
}
