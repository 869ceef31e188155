/** Everything that hangs routes, doings and scheduled work into a twin: one line for each file that has some. */
import { register as apps } from './app/register.ts'
import { register as bills } from './bills/register.ts'
import { register as combined } from './combine/orders.ts'
import { register as merchants } from './control/merchants.ts'
import { register as paying } from './control/paying.ts'
import { register as people } from './control/people.ts'
import { register as workings } from './control/workings.ts'
import type { Register } from './kernel/twin.ts'
import { register as phone } from './phone/pages.ts'
import { register as sharing } from './sharing/register.ts'
import { register as transfers } from './transfers/transfers.ts'
import { register as micropay } from './v2/register.ts'
import { register as certificates } from './v3/certificates.ts'
import { register as orders } from './v3/orders.ts'
import { register as refunds } from './v3/refunds.ts'

export const registers: readonly Register[] = [
  merchants,
  people,
  apps,
  paying,
  workings,
  phone,
  orders,
  refunds,
  certificates,
  combined,
  sharing,
  bills,
  transfers,
  micropay,
]
