/**
 * The one-time codes by which an app learns who stands before it: of the authorisation page, of `wx.login`, and of the
 * button that gives away a phone number. Each is for one app, one purpose, one use and five minutes of real time.
 */
import type { Table } from '../kernel/store.ts'
import type { Twin } from '../kernel/twin.ts'
import type { OauthScope } from './app-record.ts'
import { Refused } from './errcodes.ts'

export type CodeKind = 'oauth' | 'login' | 'phone'

export interface Code {
  readonly code: string
  readonly kind: CodeKind
  readonly appid: string
  readonly user: string
  readonly scope?: OauthScope
  /** The page was seen as a snapshot: whoever looks is nobody yet. */
  readonly isSnapshot?: boolean
  readonly expires_at: number
  readonly isUsed: boolean
}

type Wanted = Pick<Code, 'kind' | 'appid' | 'user' | 'scope' | 'isSnapshot'>

export class Codes {
  readonly #twin: Twin
  readonly #codes: Table<Code>

  constructor(twin: Twin) {
    this.#twin = twin
    this.#codes = twin.store.table('one_time_codes')
  }

  /** `age`: how many seconds of its life are over already. */
  give(wanted: Wanted, age = 0): string {
    const code = `0${this.#twin.random.letters(31)}`
    const life = this.#twin.settings.now.app.codeSeconds - age
    const now = this.#twin.clock.realSeconds()
    this.#forget(now - 86_400)
    const expires_at = now + life
    this.#codes.set(code, { ...wanted, code, expires_at, isUsed: false })
    return code
  }

  /** Uses it up. Refuses 40029 (unknown, another app's, another purpose), 40163 used, 42003 expired. */
  use(kind: CodeKind, appid: string, code: string): Code {
    const found = this.#codes.get(code)
    if (found === undefined || found.kind !== kind || found.appid !== appid)
      throw new Refused(40029)
    if (found.isUsed) throw new Refused(40163)
    if (found.expires_at <= this.#twin.clock.realSeconds()) throw new Refused(42003)
    return this.#codes.change(code, { isUsed: true })
  }

  /** What ended before need not be told from what never was; the oldest come first. */
  #forget(before: number): void {
    for (const { code, expires_at } of this.#codes.values()) {
      if (expires_at >= before) return
      this.#codes.delete(code)
    }
  }
}
