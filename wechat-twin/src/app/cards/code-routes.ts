/** `/card/code/…`: what an account asks and does about one code that a user holds. */
import type { App } from '../../kernel/users.ts'
import { done } from '../api.ts'
import { Refused } from '../errcodes.ts'
import { type Body, flag, needText, text } from '../fields.ts'
import type { World } from '../world.ts'
import { type CardCode, canConsume, checkConsumable, statusAt } from './card-state.ts'

export function registerCodes(world: World): void {
  const { api, cards, cardCodes, people } = world

  api.post('/card/code/get', 'official_account', ({ app, body }) => {
    const code = codeOf(world, app, body)
    const now = cards.now()
    if (flag(body, 'check_consume') !== false) checkConsumable(code, now)
    return {
      ...done,
      card: {
        card_id: code.card_id,
        begin_time: code.begin,
        ...(code.end !== undefined && { end_time: code.end }),
        ...(code.membership !== undefined && {
          membership_number: code.membership.membership_number,
        }),
      },
      openid: people.openidOf(app, code.user),
      can_consume: canConsume(code, now),
      user_card_status: statusAt(code, now),
      ...(code.outer_str !== undefined && { outer_str: code.outer_str }),
    }
  })

  api.post('/card/code/consume', 'official_account', ({ app, body }) => {
    const code = codeOf(world, app, body)
    cardCodes.consume(app, code)
    const { card_id, user } = code
    return { ...done, card: { card_id }, openid: people.openidOf(app, user) }
  })

  api.post('/card/code/decrypt', 'official_account', ({ app, body }) => ({
    ...done,
    code: cardCodes.unseal(app, needText(body, 'encrypt_code', 40116)),
  }))

  api.post('/card/code/update', 'official_account', ({ app, body }) => {
    const code = codeOf(world, app, body)
    const card = cards.owned(app, code.card_id)
    cardCodes.rename(card, code, needText(body, 'new_code', 40116))
    return done
  })

  api.post('/card/code/unavailable', 'official_account', ({ app, body }) => {
    cardCodes.withdraw(codeOf(world, app, body))
    return done
  })
}

/** Refuses 41011 (no code), what `owned` does, 40056 (no such code; an own code without its card is none). */
export function codeOf({ cardCodes }: World, app: App, body: Body): CardCode {
  const code = needText(body, 'code')
  if (code.length > 64) throw new Refused(40116)
  return cardCodes.find(app, code, text(body, 'card_id'))
}
