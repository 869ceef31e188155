/** What users do with cards: take, give, accept, delete, look, fill in a form, buy as a gift. */

import type { User } from '../../kernel/users.ts'
import { doerOf, meant } from '../doings.ts'
import { Refused } from '../errcodes.ts'
import { type Body, flag, needText, part, text } from '../fields.ts'
import type { World } from '../world.ts'
import { newAddCard } from './add-card.ts'
import { statusAt } from './card-state.ts'
import { codeOf } from './code-routes.ts'
import { registerGifts } from './gift-routes.ts'
import { submitForm } from './member-routes.ts'
import { registerInvitations } from './qr-routes.ts'

export function registerCardDoings(world: World): void {
  const { cardCodes, twin } = world
  const does = doerOf(world)
  const addCard = newAddCard(world, registerInvitations(world))
  const gifts = registerGifts(world)

  does('add_card', (user, given) => {
    if (text(given, 'appid') !== undefined) meant(world, user, given)
    return addCard(user, given)
  })
  does('give_card', (user, given) => {
    const [app, code] = own(world, user, given)
    const friend = text(given, 'to')
    if (friend !== undefined && !twin.users.table.has(friend)) throw new Refused(40003, friend)
    cardCodes.give(app, code, friend, flag(given, 'chat_room') === true)
  })
  does('accept_card', (user, given) => {
    const app = meant(world, user, given)
    const code = codeOf(world, app, given)
    if (code.user === user.id) throw new Refused(40127, 'his own')
    const taken = cardCodes.accept(app, code, user.id)
    return { card_id: taken.card_id, code: taken.code }
  })
  does('delete_card', (user, given) => {
    const [app, code] = own(world, user, given)
    cardCodes.remove(app, code)
  })
  does('view_card', (user, given) => {
    const [app, code] = own(world, user, given)
    cardCodes.notice(app, code, 'user_view_card', { OuterStr: code.outer_str ?? '' })
  })
  does('enter_session', (user, given) => {
    const [app, code] = own(world, user, given)
    cardCodes.notice(app, code, 'user_enter_session_from_card', {})
  })
  does('submit_member_info', (user, given) => {
    const [app, code] = own(world, user, given)
    const fields = Object.entries(part(given, 'fields') ?? {})
    const filled = Object.fromEntries(fields.map(([name, value]) => [name, String(value)]))
    return { activate_ticket: submitForm(world, app, code, filled) }
  })
  does('pay_from_card', (user, given) => {
    const [app, code] = own(world, user, given)
    const [Fee, OriginalFee] = [Number(given['fee'] ?? 0), Number(given['original_fee'] ?? 0)]
    const TransId = twin.trades.newTransactionId()
    cardCodes.notice(app, code, 'user_pay_from_pay_cell', {
      TransId,
      LocationId: 0,
      Fee,
      OriginalFee,
    })
  })
  does('cards', (user) => ({ data: wallet(world, user) }))

  does('buy_gift_card', (user, given) => gifts.buy(user, given))
  does('send_gift_card', (user, given) =>
    gifts.send(user, needText(given, 'order_id'), flag(given, 'chat_room') === true),
  )
  does('accept_gift_card', (user, given) => gifts.accept(user, needText(given, 'order_id')))
}

/** A code that the user holds at the app that is meant. */
function own(world: World, user: User, given: Body) {
  const app = meant(world, user, given)
  const code = codeOf(world, app, given)
  if (code.user !== user.id) throw new Refused(40127, 'not his')
  return [app, code] as const
}

/** As the phone shows them; figures in fen. */
function wallet({ cards, cardCodes }: World, user: User): object[] {
  return cardCodes.heldByUser(user.id).map((held) => {
    const card = cards.get(held.card_id)
    return {
      appid: held.appid,
      card_id: held.card_id,
      code: held.code,
      title: card === undefined ? '' : cards.titleOf(card),
      status: statusAt(held, cards.now()),
      ...(held.membership !== undefined && { balance: held.membership.balance }),
    }
  })
}
