/** Everything that hangs routes, doings and scheduled work into a twin: one line for each file that has some. */
import { register as merchants } from './control/merchants.ts'
import { register as people } from './control/people.ts'
import { register as workings } from './control/workings.ts'
import type { Register } from './kernel/twin.ts'

export const registers: readonly Register[] = [merchants, people, workings]
