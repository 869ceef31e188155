/** Hangs accounts, mini-programs and cards into a twin. */
import type { Twin } from '../kernel/twin.ts'
import { registerAuthorizePage } from './authorize-page.ts'
import { registerCardDoings } from './cards/card-doings.ts'
import { registerCards } from './cards/card-routes.ts'
import { registerCodes } from './cards/code-routes.ts'
import { registerMembers } from './cards/member-routes.ts'
import { registerControl } from './control-apps.ts'
import { doerOf, registerDoings } from './doings.ts'
import { needText } from './fields.ts'
import { registerLogin } from './login-routes.ts'
import { registerMedia } from './media-routes.ts'
import { registerMessages } from './message-routes.ts'
import { registerOauth } from './oauth-routes.ts'
import { registerShipping } from './shipping.ts'
import { registerTickets } from './ticket-routes.ts'
import { registerTokens } from './token-routes.ts'
import { newWorld } from './world.ts'

export function register(twin: Twin): void {
  const world = newWorld(twin)
  twin.flying.push(() => world.callbacks.flying)
  registerControl(world)
  registerTokens(world)
  registerAuthorizePage(world)
  registerOauth(world)
  registerLogin(world)
  registerMessages(world)
  registerTickets(world)
  registerMedia(world)
  registerCards(world)
  registerCodes(world)
  registerMembers(world)
  registerDoings(world)
  registerCardDoings(world)
  const shipping = registerShipping(world)
  doerOf(world)('confirm_receipt', (user, given) =>
    shipping.confirm(user, needText(given, 'transaction_id')),
  )
}
