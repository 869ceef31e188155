/** Hangs profit sharing into the twin, with the control route by which a test makes an account go wrong. */

import { registerSharingBill } from '../bills/sharing-bill.ts'
import { control } from '../control/control.ts'
import { list, object, oneOf, text } from '../kernel/shape.ts'
import type { Twin } from '../kernel/twin.ts'
import { conditions, SharingBook } from './book.ts'
import { FrozenMoney } from './frozen.ts'
import { registerShareOrders } from './orders.ts'
import { registerReceivers } from './receivers.ts'
import { registerReturns } from './returns.ts'

export function register(twin: Twin): void {
  const book = new SharingBook(twin)
  new FrozenMoney(twin, book)
  registerReceivers(twin, book)
  registerShareOrders(twin, book)
  registerReturns(twin, book)
  registerSharingBill(twin, book)

  // `account` is a merchant number or an OpenID; the list replaces what was said of it before.
  const said = object({
    account: text({ max: 64 }),
    conditions: list(oneOf(...conditions), { min: 0, max: conditions.length }),
  })
  control(twin, 'POST', '/_twin/sharing/conditions', said, ({ body }) => {
    book.setConditions(body.account, body.conditions)
  })
}
