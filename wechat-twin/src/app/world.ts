/** Everything that the account, mini-program and card routes find when they register. */

import type { Table } from '../kernel/store.ts'
import type { Twin } from '../kernel/twin.ts'
import { Api } from './api.ts'
import { Callbacks } from './callbacks.ts'
import { CardCodes } from './cards/card-codes.ts'
import { Cards } from './cards/cards.ts'
import { Codes } from './codes.ts'
import { Consents } from './consents.ts'
import { People } from './people.ts'
import { Tickets } from './tickets.ts'
import { Tokens } from './tokens.ts'
import { Windows } from './windows.ts'

export interface World {
  readonly twin: Twin
  readonly api: Api
  readonly callbacks: Callbacks
  readonly cards: Cards
  readonly cardCodes: CardCodes
  readonly codes: Codes
  readonly consents: Consents
  readonly people: People
  /** By `client_msg_id`: what was sent already. */
  readonly sent: Table<{ msgid: number }>
  readonly tickets: Tickets
  /** By the ticket that a page gets when a user has filled in a member card's form: whose code it is. */
  readonly filledForms: Table<{ code: string; card_id: string }>
  readonly tokens: Tokens
  readonly windows: Windows
}

export function newWorld(twin: Twin): World {
  const windows = new Windows(twin.store, () => twin.clock.realSeconds())
  const tokens = new Tokens(twin)
  const callbacks = new Callbacks(twin)
  const people = new People(twin)
  const cards = new Cards(twin, callbacks)
  return {
    twin,
    api: new Api(twin, tokens, windows),
    callbacks,
    cards,
    cardCodes: new CardCodes(twin, callbacks, cards, people),
    codes: new Codes(twin),
    consents: new Consents(twin),
    people,
    sent: twin.store.table('sent_messages'),
    tickets: new Tickets(twin),
    filledForms: twin.store.table('filled_forms'),
    tokens,
    windows,
  }
}
