/** What the local WeChat notes about a person beside name and money: who is limited, who follows whom, who withdrew what. */
import type { Table } from '../kernel/store.ts'
import type { Twin } from '../kernel/twin.ts'
import type { App, User } from '../kernel/users.ts'
import { Refused } from './errcodes.ts'

interface Marks {
  /** Refused at login, 40226. */
  readonly high_risk?: boolean
  /** Refused everywhere, 50002. */
  readonly limited?: boolean
  /** Real seconds; what was given before is worth nothing (42007). */
  readonly password_changed_at?: number
}

interface Relation {
  readonly isFollower?: boolean
  /** Withdrew what he had let the app know, 50001. */
  readonly hasWithdrawn?: boolean
  /** Virtual seconds: since then the app may write for a while. */
  readonly last_doing_at?: number
  readonly answers?: number
}

export class People {
  readonly #twin: Twin
  readonly #marks: Table<Marks>
  readonly #relations: Table<Relation>

  constructor(twin: Twin) {
    this.#twin = twin
    this.#marks = twin.store.table('user_marks')
    this.#relations = twin.store.table('app_relations')
  }

  marksOf(user: string): Marks {
    return this.#marks.get(user) ?? {}
  }

  mark(user: string, marks: Marks): void {
    this.#marks.set(user, { ...this.marksOf(user), ...marks })
  }

  relationOf(app: App, user: string): Relation {
    return this.#relations.get(`${app.appid}|${user}`) ?? {}
  }

  relate(app: App, user: string, relation: Relation): void {
    const key = `${app.appid}|${user}`
    this.#relations.set(key, { ...this.relationOf(app, user), ...relation })
  }

  /** Whose OpenID it is at this app. Refuses 40003. */
  byOpenid(app: App, openid: string): User {
    const found = this.#twin.users.byOpenid(openid)
    if (found === undefined || found.appid !== app.appid) throw new Refused(40003, openid)
    return found.user
  }

  openidOf(app: App, user: string): string {
    return this.#twin.users.openidOf(user, app.appid)
  }

  /** undefined: the app belongs to no open-platform account. */
  unionidOf(app: App, user: string): string | undefined {
    return app.subject === '' ? undefined : this.#twin.users.unionidOf(user, app.subject)
  }
}
