/**
 * A holder with cards in memory: what loads, payments, refunds, splits, redemptions and rebates make of his money, by the
 * very rules that the flows decide with. The property tests run it alone, and beside the engine.
 */
import { asId, type CardId, type Fen, type Result } from '@lika/contract'
import type { Law } from '../../server/src/flows/cards/law.ts'
import { settle } from '../../server/src/flows/cards/redemption-sums.ts'
import { partsOf } from '../../server/src/flows/cards/split.ts'
import { entitlement, excessOf, type Rule } from '../../server/src/modules/loyalty/index.ts'
import { type Allocation, giveBack, takeFrom } from '../../server/src/modules/payments/index.ts'
import type { Tables } from '../../server/src/modules/policy/index.ts'

export interface ModelCard {
  readonly id: CardId
  principal: Fen
  bonus: Fen
  readonly spent: { principal: Fen; bonus: Fen }
  owed: Fen
  closed: boolean
}

interface Grant {
  readonly rule: Rule
  readonly card: ModelCard
  readonly voucher: ModelVoucher | undefined
  base: Fen
  readonly amount: Fen
  reversed: Fen
}

export interface ModelVoucher {
  readonly card: ModelCard
  readonly face: Fen
  left: Fen
  isOpen: boolean
}

export interface ModelLoad {
  readonly card: ModelCard
  readonly amount: Fen
  refunded: Fen
  isClaimed: boolean
  readonly grants: Grant[]
}

export interface ModelPayment {
  readonly card: ModelCard
  readonly amount: Fen
  refunded: Fen
  allocations: Allocation[]
  readonly voucher: ModelVoucher | undefined
  isPosted: boolean
  readonly grants: Grant[]
}

/** The campaigns of the run; what a payment earns at once, and what it earns later. */
export interface ModelRules {
  readonly load: readonly Rule[]
  readonly payment: readonly Rule[]
  readonly window: readonly Rule[]
  readonly claim: Extract<Rule, { kind: 'random' }>
}

export interface RedemptionWorld {
  readonly law: Law
  readonly tables: Tables
  readonly now: number
}

const smaller = (...amounts: Fen[]) => amounts.reduce((one, other) => (one < other ? one : other))

export class HolderModel {
  readonly cards: ModelCard[] = []
  readonly loads: ModelLoad[] = []
  readonly payments: ModelPayment[] = []
  readonly vouchers: ModelVoucher[] = []
  /** What the holder paid in, was paid out, and what merchants kept, by where it came from. */
  readonly total = {
    paidIn: 0n,
    paidOut: 0n,
    spent: { principal: 0n, bonus: 0n, voucher: 0n },
    given: 0n,
    takenBack: 0n,
    lost: 0n,
  }
  readonly #rules: ModelRules
  readonly #world: RedemptionWorld

  constructor(rules: ModelRules, world: RedemptionWorld) {
    this.#rules = rules
    this.#world = world
  }

  newCard(principal: Fen, id: CardId = asId(`card ${this.cards.length}`)): ModelCard {
    const card = {
      id,
      principal,
      bonus: 0n,
      spent: { principal: 0n, bonus: 0n },
      owed: 0n,
      closed: false,
    }
    this.cards.push(card)
    this.total.paidIn += principal
    return card
  }

  load(card: ModelCard, amount: Fen): boolean {
    if (card.closed) return false
    const load: ModelLoad = { card, amount, refunded: 0n, isClaimed: false, grants: [] }
    card.principal += amount
    this.total.paidIn += amount
    for (const rule of this.#rules.load) this.#grant(rule, card, amount, load.grants)
    this.loads.push(load)
    return true
  }

  refundLoad(load: ModelLoad, amount: Fen): boolean {
    const { card } = load
    if (card.closed || amount > smaller(load.amount - load.refunded, card.principal)) return false
    load.refunded += amount
    const kept = this.#takeBack(load.grants, amount, amount)
    const paidOut = amount - kept
    card.principal -= paidOut
    this.total.paidOut += paidOut
    return true
  }

  mayClaim(load: ModelLoad): boolean {
    const left = load.amount - load.refunded
    return !load.card.closed && !load.isClaimed && left > 0n && left >= this.#rules.claim.minLoad
  }

  claim(load: ModelLoad, drawn: Fen): boolean {
    if (!this.mayClaim(load)) return false
    load.isClaimed = true
    this.#give(this.#rules.claim, load.card, load.amount - load.refunded, drawn, load.grants)
    return true
  }

  pay(card: ModelCard, amount: Fen, voucher?: ModelVoucher): boolean {
    if (card.closed) return false
    if (voucher !== undefined && (!voucher.isOpen || voucher.left === 0n || voucher.card !== card))
      return false
    const byVoucher = voucher === undefined ? 0n : smaller(voucher.left, amount)
    const pots = [
      { subBalance: 'bonus' as const, available: card.bonus },
      { subBalance: 'principal' as const, available: card.principal },
    ]
    const taken = takeFrom([{ cardId: card.id, amount: undefined, pots }], amount - byVoucher)
    if (!taken.ok) return false
    const shares = [
      ...(byVoucher > 0n
        ? [{ cardId: card.id, subBalance: 'voucher' as const, amount: byVoucher }]
        : []),
      ...taken.value,
    ]
    const allocations = shares.map((share) => ({ ...share, refunded: 0n, balanceAfter: 0n }))
    for (const { subBalance, amount: part } of shares) {
      this.total.spent[subBalance] += part
      if (subBalance === 'voucher') continue
      card[subBalance] -= part
      card.spent[subBalance] += part
    }
    if (voucher !== undefined) voucher.left -= byVoucher
    const payment = {
      card,
      amount,
      refunded: 0n,
      allocations,
      voucher,
      isPosted: false,
      grants: [],
    }
    const principal = principalOf(allocations)
    for (const rule of this.#rules.payment) this.#grant(rule, card, principal, payment.grants)
    this.payments.push(payment)
    return true
  }

  refund(payment: ModelPayment, amount: Fen): boolean {
    if (amount > payment.amount - payment.refunded) return false
    const { card, voucher } = payment
    payment.refunded += amount
    const { allocations, shares } = giveBack(payment.allocations, amount)
    payment.allocations = allocations
    let principal = 0n
    for (const { subBalance, amount: part } of shares) {
      this.total.spent[subBalance] -= part
      if (subBalance === 'voucher') this.#giveToVoucher(voucher, part)
      else {
        card[subBalance] += part
        card.spent[subBalance] -= part
        if (subBalance === 'principal') principal += part
      }
    }
    this.#takeBack(payment.grants, principal, principal)
    return true
  }

  #giveToVoucher(voucher: ModelVoucher | undefined, amount: Fen): void {
    if (voucher === undefined) throw new Error('a payment without a voucher gives one back')
    if (voucher.isOpen) {
      voucher.left += amount
      return
    }
    // It was charged to the holder when it was revoked: what the merchant gives back is his.
    const settled = smaller(voucher.card.owed, amount)
    voucher.card.owed -= settled
    voucher.card.bonus += amount - settled
  }

  split(card: ModelCard, amount: Fen, id?: CardId): ModelCard | undefined {
    if (card.closed) return undefined
    const [part] = partsOf({ principal: card.principal, bonus: card.bonus }, [amount]) ?? []
    if (part === undefined) return undefined
    const child = this.newCard(0n, id)
    child.principal = part.principal
    child.bonus = part.bonus
    card.principal -= part.principal
    card.bonus -= part.bonus
    return child
  }

  redeem(card: ModelCard): boolean {
    if (card.closed) return false
    const { law, tables, now } = this.#world
    const balance = { principal: card.principal, bonus: card.bonus, held: 0n }
    const history = { soldAt: now, spent: card.spent, fundings: [] }
    const asked = { reason: 'operator', registered: false, balance, history, now } as const
    const settled: Result<{ returned: Fen }> = settle(law, asked, tables)
    if (!settled.ok) return false
    this.total.paidOut += settled.value.returned
    this.total.lost += card.principal - settled.value.returned
    this.total.takenBack += this.#forfeit(card)
    card.principal = 0n
    card.closed = true
    return true
  }

  /** Bonus that goes with a redeemed card counts as taken back, of the newest rebates first. */
  #forfeit(card: ModelCard): Fen {
    const grants = [...this.loads, ...this.payments]
      .flatMap((one) => one.grants)
      .filter((grant) => grant.card === card && grant.voucher === undefined)
    let left = card.bonus
    for (const grant of this.#order.filter((one) => grants.includes(one)).toReversed()) {
      const part = smaller(left, grant.amount - grant.reversed)
      grant.reversed += part
      left -= part
    }
    const all = card.bonus
    card.bonus = 0n
    return all
  }

  /** Everything whose return window was open has it closed now. */
  closeWindows(): void {
    for (const payment of this.payments) {
      if (payment.isPosted) continue
      payment.isPosted = true
      const principal = principalOf(payment.allocations)
      if (payment.card.closed || principal === 0n) continue
      for (const rule of this.#rules.window)
        this.#grant(rule, payment.card, principal, payment.grants)
    }
  }

  readonly #order: Grant[] = []

  #grant(rule: Rule, card: ModelCard, base: Fen, grants: Grant[]): void {
    const amount = entitlement(rule, base)
    if (base > 0n && amount > 0n) this.#give(rule, card, base, amount, grants)
  }

  #give(rule: Rule, card: ModelCard, base: Fen, amount: Fen, grants: Grant[]): void {
    this.total.given += amount
    let voucher: ModelVoucher | undefined
    if (rule.kind === 'voucher') {
      voucher = { card, face: amount, left: amount, isOpen: true }
      this.vouchers.push(voucher)
    } else {
      const setOff = smaller(card.owed, amount)
      card.owed -= setOff
      card.bonus += amount - setOff
    }
    const grant = { rule, card, voucher, base, amount, reversed: 0n }
    grants.push(grant)
    this.#order.push(grant)
  }

  /** Answers what was kept of the money that goes back. */
  #takeBack(grants: readonly Grant[], lost: Fen, refunded: Fen): Fen {
    let open = refunded
    for (const grant of grants) {
      if (lost === 0n || grant.reversed === grant.amount) continue
      grant.base = grant.base > lost ? grant.base - lost : 0n
      const amount = excessOf(grant.rule, grant, grant.base)
      grant.reversed += amount
      if (amount === 0n) continue
      this.total.takenBack += amount
      open -= this.#recover(grant, amount, open)
    }
    return refunded - open
  }

  #recover({ card, voucher }: Grant, amount: Fen, open: Fen): Fen {
    let rest = amount
    if (voucher === undefined) {
      const part = smaller(card.bonus, rest)
      card.bonus -= part
      rest -= part
    } else {
      voucher.isOpen = false
      const part = smaller(voucher.left, rest)
      voucher.left -= part
      rest -= part
    }
    const deducted = smaller(open, rest, card.principal)
    card.principal -= deducted
    card.owed += rest - deducted
    return deducted
  }
}

function principalOf(allocations: readonly Allocation[]): Fen {
  return allocations
    .filter(({ subBalance }) => subBalance === 'principal')
    .reduce((sum, { amount, refunded }) => sum + amount - refunded, 0n)
}
