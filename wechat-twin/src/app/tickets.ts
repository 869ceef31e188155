/** Tickets, with which pages (`jsapi`) and cards (`wx_card`) are signed: one of each kind for an app, two hours long. */
import type { Table } from '../kernel/store.ts'
import type { Twin } from '../kernel/twin.ts'

type TicketType = 'jsapi' | 'wx_card'

export class Tickets {
  readonly #twin: Twin
  readonly #tickets: Table<{ ticket: string; expires_at: number }>

  constructor(twin: Twin) {
    this.#twin = twin
    this.#tickets = twin.store.table('tickets')
  }

  give(appid: string, type: TicketType): { ticket: string; expires_in: number } {
    const now = this.#twin.clock.realSeconds()
    const ticket = this.valid(appid, type) ?? this.#twin.random.letters(86)
    const kept = this.#tickets.get(`${appid}|${type}`)
    const expires_at =
      kept?.ticket === ticket ? kept.expires_at : now + this.#twin.settings.now.app.ticketSeconds
    this.#tickets.set(`${appid}|${type}`, { ticket, expires_at })
    return { ticket, expires_in: expires_at - now }
  }

  /** What signatures of this app are made with now; undefined where it has no ticket, or its time is over. */
  valid(appid: string, type: TicketType): string | undefined {
    const found = this.#tickets.get(`${appid}|${type}`)
    const isOver = found === undefined || found.expires_at <= this.#twin.clock.realSeconds()
    return isOver ? undefined : found.ticket
  }

  expireAll(appid: string): void {
    for (const type of ['jsapi', 'wx_card']) this.#tickets.delete(`${appid}|${type}`)
  }
}
