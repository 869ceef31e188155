/**
 * The ledger in memory, as simple as can be: what each command should do to balances and holds, and with which code it
 * should be refused.
 */
import assert from 'node:assert/strict'
import { type Fen, type Instant, type Lane, laneOfId } from '@lika/contract'
import { accountId } from '../../server/src/modules/ledger/index.ts'
import { bonusOf, type Issuer, principalOf } from './ledger-book.ts'

export const kinds = [
  'load',
  'charge',
  'move',
  'hold',
  'capture',
  'capture part',
  'release',
  'refund',
] as const
export type Kind = (typeof kinds)[number]

/** What a command was asked to do: enough for the model to do it too. */
export interface Asked {
  readonly kind: Kind
  readonly card: string
  readonly other: string
  readonly merchant: string
  readonly amount: Fen
  readonly bonus: Fen
  readonly expiresInMs: number
  readonly holdId: string
  readonly isLate: boolean
}

interface Hold {
  readonly account: string
  readonly amount: Fen
  captured: Fen
  released: Fen
  readonly expiresAt: Instant
}

const leftOf = (one: Hold) => one.amount - one.captured - one.released

/** Answers what should have come out: undefined: done; else the code of the refusal. */
export class LedgerModel {
  /** Every account on its normal side: cards and merchants credit, the issuer's debit. */
  readonly balances = new Map<string, Fen>()
  readonly holds = new Map<string, Hold>()
  /** How many holds were found expired by a command that went on. */
  expiredReleases = 0
  readonly #open = new Map<string, Set<Hold>>()
  readonly #issuer: Issuer

  constructor(issuer: Issuer) {
    this.#issuer = issuer
  }

  balance(account: string): Fen {
    return this.balances.get(account) ?? 0n
  }

  held(account: string): Fen {
    return this.#holdsOn(account).reduce((sum, one) => sum + leftOf(one), 0n)
  }

  #holdsOn(account: string): Hold[] {
    return [...(this.#open.get(account) ?? [])]
  }

  #add(account: string, amount: Fen): void {
    this.balances.set(account, this.balance(account) + amount)
  }

  #releaseExpired(account: string, now: Instant): void {
    for (const one of this.#holdsOn(account)) {
      if (one.expiresAt > now) continue
      this.expiredReleases += 1
      one.released += leftOf(one)
      this.#open.get(account)?.delete(one)
    }
  }

  run(id: string, asked: Asked, now: Instant): string | undefined {
    if (asked.isLate) return 'command.too_late'
    const { card, amount } = asked
    const [lane, principal, bonus] = [laneOfId(card), principalOf(card), bonusOf(card)]
    const merchant = accountId(asked.merchant, 'merchant_unsettled', lane)
    const own = (kind: 'bank' | 'bonus_expense' | 'transit', at: Lane) =>
      accountId(this.#issuer.id, kind, at)
    switch (asked.kind) {
      case 'load':
        this.#add(own('bank', lane), amount)
        this.#add(principal, amount)
        this.#add(own('bonus_expense', lane), asked.bonus)
        this.#add(bonus, asked.bonus)
        return undefined
      case 'charge': {
        const fromBonus = this.balance(bonus) < amount ? this.balance(bonus) : amount
        if (this.balance(bonus) + this.#wouldBe(principal, now) < amount)
          return 'funds.insufficient'
        this.#releaseExpired(principal, now)
        this.#add(bonus, -fromBonus)
        this.#add(principal, fromBonus - amount)
        this.#add(merchant, amount)
        return undefined
      }
      case 'move': {
        if (this.#wouldBe(principal, now) < amount) return 'funds.insufficient'
        this.#releaseExpired(principal, now)
        const there = laneOfId(asked.other)
        this.#add(principal, -amount)
        this.#add(principalOf(asked.other), amount)
        if (there === lane) return undefined
        this.#add(own('transit', lane), -amount)
        this.#add(own('transit', there), amount)
        return undefined
      }
      case 'hold': {
        if (this.#wouldBe(principal, now) < amount) return 'funds.insufficient'
        this.#releaseExpired(principal, now)
        const expiresAt = now + asked.expiresInMs
        const one = { account: principal, amount, captured: 0n, released: 0n, expiresAt }
        this.holds.set(id, one)
        const open = this.#open.get(principal) ?? new Set()
        this.#open.set(principal, open.add(one))
        return undefined
      }
      case 'capture':
      case 'capture part':
      case 'release':
        return this.#end(asked, merchant, now)
      case 'refund':
        this.#add(merchant, -amount)
        this.#add(principal, amount)
        return undefined
      default:
        return assert.fail(asked.kind satisfies never)
    }
  }

  #end({ kind, holdId, amount }: Asked, merchant: string, now: Instant): string | undefined {
    const one = this.holds.get(holdId)
    assert.ok(one, 'holds that do not exist leave no entry')
    if (leftOf(one) === 0n) return one.released > 0n ? 'hold.released' : 'hold.captured'
    if (one.expiresAt <= now) return 'hold.expired'
    const taken = kind === 'capture part' ? amount : leftOf(one)
    if (taken > leftOf(one)) return 'hold.exceeded'
    if (kind === 'release') one.released += taken
    else {
      one.captured += taken
      this.#add(one.account, -taken)
      this.#add(merchant, taken)
    }
    if (leftOf(one) === 0n) this.#open.get(one.account)?.delete(one)
    return undefined
  }

  /** What would be available once the expired holds are released; a refusal releases none. */
  #wouldBe(account: string, now: Instant): Fen {
    const expired = this.#holdsOn(account).filter((one) => one.expiresAt <= now)
    return (
      this.balance(account) -
      this.held(account) +
      expired.reduce((sum, one) => sum + leftOf(one), 0n)
    )
  }
}
