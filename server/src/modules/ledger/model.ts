/**
 * Double entry, pure: transfers between two accounts, and holds that set value aside. Nothing here asks whether a card
 * may pay; everything here makes sure that no account goes below what is held on it.
 */
import type { AccountId, Fen, Instant, Lane } from '@lika/contract'
import { type Json, type Read, read, type View } from '../../platform/lanes/index.ts'
import { type AccountKindName, accountKinds, kindOfAccount } from './chart.ts'
import {
  type AccountRow,
  accounts,
  type HoldRow,
  holdLines,
  holds,
  openHolds,
  transfers,
  untouched,
} from './store.ts'

export interface Movement {
  readonly debit: AccountId
  readonly credit: AccountId
  /** Fen, above 0. */
  readonly amount: Fen
}

/** What a journal entry keeps of a change to a hold: operation, account, hold, line, fen, and the expiry of a new one. */
export type HoldRecord = readonly Json[]

/** What must be read to move value on these guarded accounts: their rows, and holds on them that may have expired. */
export function accountReads(lane: Lane, ids: readonly AccountId[]): Read[] {
  return ids.flatMap((id) => [read(accounts, lane, id), read(openHolds, lane, id)])
}

/** What must be read to capture or release a hold, besides its accounts. */
export function holdReads(lane: Lane, holdId: string): Read[] {
  return [read(holdLines, lane, holdId)]
}

/** The ledger as one command uses it in one lane. `records` belong into the outcome's body as `_holds`. */
export class LedgerDesk {
  readonly records: HoldRecord[] = []
  readonly #view: View
  readonly #lane: Lane

  constructor(view: View, lane: Lane) {
    this.#view = view
    this.#lane = lane
  }

  /** The row of a guarded account; one that was never used reads as empty. */
  account(id: AccountId): AccountRow {
    return this.#view.get(accounts, id) ?? this.#empty(id)
  }

  available(id: AccountId): Fen {
    const { balance, held } = this.account(id)
    return balance - held
  }

  /** For an account of an owner who is made by this very command: it cannot have been read. */
  open(id: AccountId): void {
    this.#view.put(accounts, this.#lane, { ...this.#empty(id), seq: untouched })
  }

  /**
   * Moves value. Callers check first what may be spent.
   * @throws RangeError when the amount is not above 0 or a guarded account would go below what is held.
   */
  transfer({ debit, credit, amount }: Movement): void {
    if (amount <= 0n) throw new RangeError(`a transfer of ${amount} fen`)
    const debitAfter = this.#change(debit, 'debit', amount)
    const creditAfter = this.#change(credit, 'credit', amount)
    this.#view.append(transfers, this.#lane, [debit, credit, amount, debitAfter, creditAfter])
  }

  /** Sets value aside. @throws RangeError when it is not available. */
  openHold(hold: Pick<HoldRow, 'id' | 'line' | 'accountId' | 'amount' | 'expiresAt'>): void {
    this.#hold(hold.accountId, hold.amount)
    this.#view.put(holds, this.#lane, {
      ...hold,
      bookId: this.#view.bookId,
      captured: 0n,
      released: 0n,
      seq: this.#view.seq(this.#lane),
    })
    this.#record('open', hold, hold.amount, hold.expiresAt)
  }

  /** Takes value out of a hold; a transfer of the same amount follows. @throws RangeError above what is left. */
  capture(hold: HoldRow, amount: Fen): HoldRow {
    const after = { ...hold, captured: hold.captured + amount }
    this.#changeHold('capture', after, amount)
    return after
  }

  /** Gives value back that a hold set aside. @throws RangeError above what is left. */
  release(hold: HoldRow, amount: Fen): HoldRow {
    const after = { ...hold, released: hold.released + amount }
    this.#changeHold('release', after, amount)
    return after
  }

  /** An expired hold is dead for every decision: its rest is released before anything else is looked at. */
  releaseExpired(ids: readonly AccountId[], now: Instant): void {
    for (const id of ids) {
      for (const hold of this.#view.find(openHolds, id)) {
        if (hold.expiresAt <= now && leftOf(hold) > 0n) this.release(hold, leftOf(hold))
      }
    }
  }

  /** Moves the rest of a hold to another account with the value that it sets aside, as when a card is replaced. */
  moveHold(hold: HoldRow, to: AccountId): void {
    const left = leftOf(hold)
    this.release(hold, left)
    this.transfer({ debit: hold.accountId, credit: to, amount: left })
    this.openHold({ ...hold, line: hold.line + movedLine, accountId: to, amount: left })
  }

  #changeHold(operation: 'capture' | 'release', after: HoldRow, amount: Fen): void {
    if (amount <= 0n || after.captured + after.released > after.amount) {
      throw new RangeError(`${operation} of ${amount} fen is not in the hold`)
    }
    this.#hold(after.accountId, -amount)
    this.#view.put(holds, this.#lane, after)
    this.#record(operation, after, amount)
  }

  #hold(id: AccountId, amount: Fen): void {
    const account = this.account(id)
    const held = account.held + amount
    if (held < 0n || held > account.balance) throw new RangeError(`${held} fen held on ${id}`)
    this.#put({ ...account, held })
  }

  /** The balance after it; null for an account without a row. */
  #change(id: AccountId, side: 'debit' | 'credit', amount: Fen): Fen | null {
    const kind = kindOf(id)
    if (!kind.guarded) return null
    const account = this.account(id)
    const balance = account.balance + (kind.normal === side ? amount : -amount)
    if (balance < account.held) throw new RangeError(`${id} would go below what is held on it`)
    this.#put({ ...account, balance })
    return balance
  }

  #put(account: AccountRow): void {
    this.#view.put(accounts, this.#lane, { ...account, seq: this.#view.seq(this.#lane) })
  }

  #empty(id: AccountId): AccountRow {
    const seq = this.#view.seq(this.#lane)
    return { id, bookId: this.#view.bookId, balance: 0n, held: 0n, seq }
  }

  #record(
    operation: string,
    hold: Pick<HoldRow, 'id' | 'line' | 'accountId'>,
    amount: Fen,
    expiresAt?: Instant,
  ): void {
    const record = [operation, hold.accountId, hold.id, hold.line, String(amount)]
    this.records.push(expiresAt === undefined ? record : [...record, expiresAt])
  }
}

/** Lines of a hold that moved with a replaced card are numbered behind the original ones. */
const movedLine = 1_000

/** What a hold still sets aside. */
export function leftOf(hold: Pick<HoldRow, 'amount' | 'captured' | 'released'>): Fen {
  return hold.amount - hold.captured - hold.released
}

function kindOf(id: AccountId): (typeof accountKinds)[AccountKindName] {
  const name = kindOfAccount(id)
  if (name === undefined) throw new Error(`${id} is not the id of an account`)
  return accountKinds[name]
}
