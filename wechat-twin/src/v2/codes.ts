/** Payment codes on phones: shown, good for a minute and for one payment; and what a user does about a password. */

import { refuse } from '../kernel/refusal.ts'
import { flag, integer, object, oneOf, optional, text } from '../kernel/shape.ts'
import type { Trade } from '../kernel/trades.ts'
import type { Twin } from '../kernel/twin.ts'
import type { User } from '../kernel/users.ts'
import type { AuthCode } from './model.ts'

/** What a micropay leaves on its trade. */
export interface MicropayMore extends Record<string, unknown> {
  /** Reversals that are still answered with "ask again". */
  recalls: number
}

export class Codes {
  readonly table
  readonly #askedOf
  readonly #twin: Twin

  constructor(twin: Twin) {
    this.#twin = twin
    this.#askedOf = twin.trades.table.index(({ state, payer_user }) =>
      state === 'USERPAYING' ? payer_user : undefined,
    )
    this.table = twin.store.table<AuthCode>('auth_codes')
    twin.schedule.on<{ code: string }>('auth_code_over', ({ code }) => this.table.delete(code))
    twin.schedule.on<{ mchid: string; no: string; at: number }>(
      'password_over',
      ({ mchid, no, at }) => {
        const trade = twin.trades.find(mchid, no)
        // A later try under the same number has a time of its own.
        if (trade?.state === 'USERPAYING' && trade.more?.['asked_at'] === at) this.#fail(trade)
      },
    )
    this.#hang()
  }

  use(code: AuthCode): void {
    this.table.change(code.code, { used: true })
  }

  /** The user is asked for a password, for as long as settings say. */
  ask(trade: Trade, user: User, more: MicropayMore): Trade {
    const at = this.#twin.clock.now()
    const due = at + this.#twin.settings.now.passwordSeconds * 1000
    const { mchid, out_trade_no: no } = trade
    this.#twin.schedule.at(due, 'password_over', { mchid, no, at })
    const members = {
      state: 'USERPAYING',
      payer_user: user.id,
      more: { ...more, asked_at: at },
    } as const
    return this.#twin.trades.change(trade, members)
  }

  #hang(): void {
    const showing = object({
      password: optional(flag),
      stumble: optional(
        object({ code: oneOf('BANKERROR', 'SYSTEMERROR'), when: oneOf('before', 'after') }),
      ),
      recalls: optional(integer()),
    })
    this.#twin.doing('show_code', (user, given) => this.#show(user, showing.read(given, '')))
    const entering = object({ ok: flag, out_trade_no: optional(text({ max: 32 })) })
    this.#twin.doing('enter_password', (user, given) => {
      const { ok, out_trade_no } = entering.read(given, '')
      const asked = this.#askedOf.all(user.id)
      const trade =
        out_trade_no === undefined
          ? asked.at(-1)
          : asked.find((each) => each.out_trade_no === out_trade_no)
      if (trade === undefined) return refuse(404, 'NOTHING_TO_PAY', '没有待输入密码的支付')
      return { trade_state: this.#enter(trade, user, ok).state }
    })
  }

  #show(user: User, given: Pick<AuthCode, 'password' | 'stumble' | 'recalls'>) {
    const shown_at = this.#twin.clock.now()
    const code = `13${this.#twin.random.digits(16)}`
    this.table.set(code, { code, user: user.id, shown_at, used: false, ...given })
    // Long after it has run out, so that it is known as one that did.
    this.#twin.schedule.at(shown_at + 86_400_000, 'auth_code_over', { code })
    const expires_at = shown_at + this.#twin.settings.now.authCodeSeconds * 1000
    return { auth_code: code, expires_at: new Date(expires_at).toISOString() }
  }

  #enter(trade: Trade, user: User, ok: boolean): Trade {
    if (!ok || !this.#twin.users.spend(user.id, trade.total)) return this.#fail(trade)
    return this.#twin.trades.markPaid(trade, user)
  }

  #fail(trade: Trade): Trade {
    return this.#twin.trades.change(trade, { state: 'PAYERROR' })
  }
}
