/** Templates of messages, and who agreed to be sent one: each consent is good for one message. */
import type { Table } from '../kernel/store.ts'
import type { Twin } from '../kernel/twin.ts'
import type { App } from '../kernel/users.ts'

export interface Template {
  readonly template_id: string
  /** Which keywords it has; undefined: nobody said, any are taken. */
  readonly keys?: readonly string[]
}

export class Consents {
  readonly #templates: Table<Template>
  readonly #counts: Table<{ count: number }>

  constructor(twin: Twin) {
    this.#templates = twin.store.table('message_templates')
    this.#counts = twin.store.table('message_consents')
  }

  addTemplate(app: App, template: Template): void {
    this.#templates.set(`${app.appid}|${template.template_id}`, template)
  }

  template(app: App, id: string): Template | undefined {
    return this.#templates.get(`${app.appid}|${id}`)
  }

  count(app: App, user: string, template: string): number {
    return this.#counts.get(`${app.appid}|${user}|${template}`)?.count ?? 0
  }

  agree(app: App, user: string, template: string): void {
    this.#add(app, user, template, 1)
  }

  /** Of those that `count` tells. */
  use(app: App, user: string, template: string): void {
    this.#add(app, user, template, -1)
  }

  #add(app: App, user: string, template: string, more: number): void {
    const count = this.count(app, user, template) + more
    this.#counts.set(`${app.appid}|${user}|${template}`, { count })
  }
}
