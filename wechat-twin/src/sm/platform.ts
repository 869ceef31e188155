/** The platform's SM2 key and certificate for each merchant for whom WeChat Pay has opened SM (`merchant.sm`). */
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { Store, Table } from '../kernel/store.ts'
import { makeSmKeys, type SmKeys } from './algorithms.ts'
import { makeSmCertificate } from './certificate.ts'

export interface SmPlatformKey {
  serial_no: string
  keys: SmKeys
  pem: string
  effective_at: number
  expires_at: number
}

const fiveYears = 5 * 365 * 86_400_000

export class SmPlatform {
  readonly #keys: Table<SmPlatformKey>
  readonly #clock: Clock
  readonly #random: Random

  constructor(store: Store, clock: Clock, random: Random) {
    this.#keys = store.table('sm_platform')
    this.#clock = clock
    this.#random = random
  }

  /** Made when it is first asked for; undefined for merchants of RSA only. */
  keyOf(merchant: { mchid: string; sm?: unknown }): SmPlatformKey | undefined {
    if (merchant.sm === undefined) return undefined
    const known = this.#keys.get(merchant.mchid)
    if (known !== undefined) return known
    const keys = makeSmKeys(this.#random.hex(64))
    const effective_at = Math.floor(this.#clock.now() / 1000) * 1000
    const terms = {
      serial_no: `6${this.#random.hex(39).toUpperCase()}`,
      effective_at,
      expires_at: effective_at + fiveYears,
    }
    const pem = makeSmCertificate(keys, terms)
    return this.#keys.set(merchant.mchid, { ...terms, keys, pem })
  }

  /** The key that is called so, if it is this merchant's. */
  named(merchant: { mchid: string; sm?: unknown }, serial: string | undefined) {
    const key = serial === undefined ? undefined : this.keyOf(merchant)
    return key?.serial_no === serial ? key : undefined
  }
}
