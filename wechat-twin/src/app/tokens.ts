/**
 * The access tokens of apps: `/cgi-bin/token`, where a new one soon ends the one before, and `stable_token`, which gives
 * the same one until shortly before its end. The two know nothing of each other.
 */
import type { Table } from '../kernel/store.ts'
import type { Twin } from '../kernel/twin.ts'
import { Refused } from './errcodes.ts'

type Source = 'plain' | 'stable'

interface Token {
  readonly token: string
  readonly appid: string
  readonly source: Source
  /** Real seconds. */
  readonly expires_at: number
  /** A newer one has taken its place. */
  readonly superseded?: boolean
}

export interface Given {
  readonly access_token: string
  readonly expires_in: number
}

const shape = /^[\w-]{100,512}$/

export class Tokens {
  readonly #twin: Twin
  readonly #tokens: Table<Token>
  readonly #newest: Table<{ token: string; forced_at?: number }>
  readonly #ofApp

  constructor(twin: Twin) {
    this.#twin = twin
    this.#tokens = twin.store.table('access_tokens')
    this.#newest = twin.store.table('newest_tokens')
    this.#ofApp = this.#tokens.index(({ appid }) => appid)
  }

  /** A new one; the one before is good for a short while yet. */
  plain(appid: string): Given {
    return this.#replace('plain', appid, this.#twin.settings.now.app.overlapSeconds)
  }

  /** The same one as before, unless it is about to end. */
  stable(appid: string): Given {
    const { app: limits } = this.#twin.settings.now
    const newest = this.#tokens.get(this.#newest.get(`stable|${appid}`)?.token ?? '')
    const left = newest === undefined ? 0 : newest.expires_at - this.#now()
    if (newest !== undefined && left > limits.renewalSeconds)
      return { access_token: newest.token, expires_in: left }
    return this.#replace('stable', appid, limits.renewalSeconds)
  }

  /** Another one than before, which ends at once. Refuses 45011 too soon after the last time. */
  forced(appid: string): Given {
    const key = `stable|${appid}`
    const before = this.#newest.get(key)?.forced_at
    const apart = this.#twin.settings.now.app.forcedApartSeconds
    if (before !== undefined && this.#now() - before < apart) throw new Refused(45011)
    const given = this.#replace('stable', appid, 0)
    this.#newest.set(key, { token: given.access_token, forced_at: this.#now() })
    return given
  }

  /** Whose token it is. Refuses 41001, 40014 (no token at all), 40001 (unknown, or not the newest), 42001. */
  appidOf(token: string | null): string {
    if (token === null || token === '') throw new Refused(41001)
    if (!shape.test(token)) throw new Refused(40014)
    const found = this.#tokens.get(token)
    if (found === undefined) throw new Refused(40001)
    if (found.expires_at <= this.#now()) throw new Refused(found.superseded ? 40001 : 42001)
    return found.appid
  }

  /** As if their time had come. */
  expireAll(appid: string): void {
    for (const { token } of this.#ofApp.all(appid))
      this.#tokens.change(token, { expires_at: this.#now() })
  }

  #replace(source: Source, appid: string, overlap: number): Given {
    const now = this.#now()
    const key = `${source}|${appid}`
    const before = this.#tokens.get(this.#newest.get(key)?.token ?? '')
    if (before !== undefined) {
      const end = Math.min(before.expires_at, now + overlap)
      this.#tokens.change(before.token, { expires_at: end, superseded: end < before.expires_at })
    }
    this.#forgetOld(appid, now)
    const expires_in = this.#twin.settings.now.app.accessTokenSeconds
    const token = `88_${this.#twin.random.letters(133)}`
    this.#tokens.set(token, { token, appid, source, expires_at: now + expires_in })
    this.#newest.set(key, { ...this.#newest.get(key), token })
    return { access_token: token, expires_in }
  }

  /** What ended a day ago need not be told from what never was. */
  #forgetOld(appid: string, now: number): void {
    for (const { token, expires_at } of this.#ofApp.all(appid))
      if (expires_at < now - 86_400) this.#tokens.delete(token)
  }

  #now(): number {
    return this.#twin.clock.realSeconds()
  }
}
