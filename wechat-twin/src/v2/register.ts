/** Hangs V2's payment by code into the twin. */
import type { Twin } from '../kernel/twin.ts'
import { Codes } from './codes.ts'
import { registerMicropay } from './micropay.ts'
import { registerSecapi } from './secapi.ts'

export function register(twin: Twin): void {
  registerMicropay(twin, new Codes(twin))
  registerSecapi(twin)
}
