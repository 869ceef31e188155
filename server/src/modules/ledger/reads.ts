/**
 * The ledger as finance reads it: accounts with their balance at an instant, journal entries with their transfers, the
 * trial balance. An account here is an owner and a kind, summed over the lanes in which it is kept; the accounts of
 * all cards of an issuer are shown as one control account for each kind, and singly when asked for by id.
 *
 * A balance at an instant is made of the entries of each lane up to that instant. Where a test clock was set back, the
 * lane passed the instant more than once, and it is the balance at one of those times.
 */
import {
  asId,
  type BookId,
  type CardId,
  type Fen,
  type Instant,
  issuerOfBook,
  kindBitsOfId,
  type Lane,
  laneOfId,
  type MerchantId,
  type Mode,
  modeOfBook,
  withKindAndLane,
} from '@lika/contract'
import type { Database, Sql } from '../../platform/db.ts'
import { positionBefore } from '../../platform/lanes/tail-store.ts'
import { type AccountKindName, accountKindNames, accountKinds, kindOfAccount } from './chart.ts'
import { sumAccounts, sumKinds } from './closing-store.ts'
import { closedUpTo, controlAccount, stretches, totalsBefore } from './closings.ts'
import { balanceOfGuarded, readEnds } from './read-store.ts'

/** What the ledger asks about owners; answered by the modules that have them. */
export interface Owners {
  /** Whether the book has this merchant. */
  hasMerchant(book: BookId, id: MerchantId): Promise<boolean>
  /** Whether the book has this card. */
  hasCard(book: BookId, lane: Lane, id: CardId): Promise<boolean>
  /** The newest first, those older than `before`. */
  merchantsBefore(
    book: BookId,
    before: string | undefined,
    limit: number,
  ): Promise<readonly MerchantId[]>
}

export interface AccountBalance {
  /** The owner's id with the kind in its kind bits, and no lane unless the owner has one. */
  readonly id: string
  readonly kind: AccountKindName
  readonly ownerId: string
  /** True: all accounts of the kind in the book, which belong to cards or merchants. */
  readonly isControl: boolean
  /** On the normal side of the kind. */
  readonly balance: Fen
}

export interface TrialBalanceLine {
  readonly kind: AccountKindName
  /** The balance, in one of the two. */
  readonly debit: Fen
  readonly credit: Fen
}

export interface TrialBalance {
  readonly at: Instant
  readonly totalDebit: Fen
  readonly totalCredit: Fen
  /** Every kind of the chart, in its order. */
  readonly lines: readonly TrialBalanceLine[]
}

export interface LedgerClock {
  now(mode: Mode): Instant
}

/** Up to which entry each lane is read. */
type Places = ReadonlyMap<Lane, bigint>
type Sides = { debits: bigint; credits: bigint }

export class LedgerReads {
  readonly #sql: Sql
  readonly #clock: LedgerClock
  readonly #owners: Owners

  constructor(database: Database, clock: LedgerClock, owners: Owners) {
    this.#sql = database.sql
    this.#clock = clock
    this.#owners = owners
  }

  /** `at` undefined: now. */
  async trialBalance(book: BookId, at: Instant | undefined): Promise<TrialBalance> {
    const sums = await this.#kinds(book, await this.#places(book, at))
    const lines = accountKindNames().map((kind) =>
      lineOf(kind, sums.get(accountKinds[kind].number)),
    )
    return {
      at: at ?? this.#clock.now(modeOfBook(book)),
      totalDebit: lines.reduce((sum, line) => sum + line.debit, 0n),
      totalCredit: lines.reduce((sum, line) => sum + line.credit, 0n),
      lines,
    }
  }

  /** The chart with the balance of each kind; for kinds that cards or merchants own it is their sum. */
  async controlAccounts(book: BookId, at: Instant | undefined): Promise<AccountBalance[]> {
    const sums = await this.#kinds(book, await this.#places(book, at))
    const ownerId = issuerOfBook(book)
    return accountKindNames().map((kind) => ({
      id: withKindAndLane(ownerId, accountKinds[kind].number, 0),
      kind,
      ownerId,
      isControl: accountKinds[kind].owner !== 'issuer',
      balance: balanceOf(kind, sums.get(accountKinds[kind].number)),
    }))
  }

  /** What is owed to each merchant, the newest merchant first. */
  async merchantAccounts(
    book: BookId,
    at: Instant | undefined,
    before: string | undefined,
    limit: number,
  ): Promise<AccountBalance[]> {
    const merchants = await this.#owners.merchantsBefore(book, before, limit)
    return this.#ofMerchants('merchant_unsettled', merchants, await this.#places(book, at))
  }

  /** undefined: not an account of this book. */
  async account(
    book: BookId,
    id: string,
    at: Instant | undefined,
  ): Promise<AccountBalance | undefined> {
    const kind = kindOfAccount(id)
    if (kind === undefined) return undefined
    const ownerId = withKindAndLane(id, 0, laneOfId(id))
    if (ownerId === issuerOfBook(book)) {
      const all = await this.controlAccounts(book, at)
      return all.find((account) => account.kind === kind)
    }
    const { owner } = accountKinds[kind]
    if (owner === 'card') return this.#ofCard(book, kind, ownerId, at)
    if (owner !== 'merchant' || laneOfId(id) !== 0) return undefined
    const merchant = asId<'merchant'>(ownerId)
    if (!(await this.#owners.hasMerchant(book, merchant))) return undefined
    const [found] = await this.#ofMerchants(kind, [merchant], await this.#places(book, at))
    return found
  }

  async #ofCard(
    book: BookId,
    kind: AccountKindName,
    ownerId: string,
    at: Instant | undefined,
  ): Promise<AccountBalance | undefined> {
    const lane = laneOfId(ownerId)
    const place = (await this.#places(book, at)).get(lane)
    if (place === undefined || !(await this.#owners.hasCard(book, lane, asId<'card'>(ownerId))))
      return undefined
    const id = withKindAndLane(ownerId, accountKinds[kind].number, lane)
    const balance = await balanceOfGuarded(this.#sql, lane, id, place)
    return { id, kind, ownerId, isControl: false, balance }
  }

  async #ofMerchants(
    kind: AccountKindName,
    merchants: readonly MerchantId[],
    places: Places,
  ): Promise<AccountBalance[]> {
    const bits = accountKinds[kind].number
    const idIn = (merchant: MerchantId, lane: Lane) => withKindAndLane(merchant, bits, lane)
    const sums = await Promise.all(
      [...places].map(([lane, place]) => {
        const ids = merchants.map((merchant) => idIn(merchant, lane))
        return accountKinds[kind].guarded
          ? this.#guardedIn(kind, lane, ids, place)
          : this.#accountsIn(lane, ids, place)
      }),
    )
    const all = new Map(sums.flatMap((sum) => [...sum]))
    return merchants.map((merchant) => ({
      id: idIn(merchant, 0),
      kind,
      ownerId: merchant,
      isControl: false,
      balance: [...places.keys()]
        .map((lane) => balanceOf(kind, all.get(idIn(merchant, lane))))
        .reduce((sum, balance) => sum + balance, 0n),
    }))
  }

  /** Guarded accounts say their balance themselves; told as the one side or the other. */
  async #guardedIn(
    kind: AccountKindName,
    lane: Lane,
    ids: readonly string[],
    place: bigint,
  ): Promise<Map<string, Sides>> {
    const isDebit = accountKinds[kind].normal === 'debit'
    const balances = await Promise.all(
      ids.map(async (id) => {
        const balance = await balanceOfGuarded(this.#sql, lane, id, place)
        const sides = isDebit ? { debits: balance, credits: 0n } : { debits: 0n, credits: balance }
        return [id, sides] as const
      }),
    )
    return new Map(balances)
  }

  /** Sums of a lane's summed accounts: their last closing and what came after it. */
  async #accountsIn(
    lane: Lane,
    ids: readonly string[],
    place: bigint,
  ): Promise<Map<string, Sides>> {
    if (ids.length === 0) return new Map()
    const { sums, after } = await this.#closed(lane, ids, place)
    for (const [from, until] of stretches(after, place)) {
      for (const row of await sumAccounts(this.#sql, lane, ids, from, until))
        add(sums, row.accountId, row)
    }
    return sums
  }

  /** By the number of the kind, over all lanes. */
  async #kinds(book: BookId, places: Places): Promise<Map<number, Sides>> {
    const numbers = accountKindNames().map((kind) => accountKinds[kind].number)
    const all = new Map<number, Sides>()
    for (const [lane, place] of places) {
      const ids = numbers.map((number) => controlAccount(book, number, lane))
      const { sums, after } = await this.#closed(lane, ids, place)
      for (const [id, sides] of sums) add(all, kindBitsOfId(id), sides)
      for (const [from, until] of stretches(after, place)) {
        for (const row of await sumKinds(this.#sql, lane, book, from, until))
          add(all, row.kindBits, row)
      }
    }
    return all
  }

  async #closed(lane: Lane, ids: readonly string[], place: bigint) {
    const cut = await closedUpTo(this.#sql, lane, place)
    const sums = new Map<string, Sides>()
    if (cut === undefined) return { sums, after: 0n }
    for (const [id, sides] of await totalsBefore(this.#sql, lane, dayAfter(cut.day), ids))
      add(sums, id, sides)
    return { sums, after: cut.seq }
  }

  /**
   * The last entry of each lane up to that instant. For now they are read in one statement: commands over several lanes
   * are in all of them or in none.
   */
  async #places(book: BookId, at: Instant | undefined): Promise<Places> {
    const mode = modeOfBook(book)
    const ends = await readEnds(this.#sql, mode)
    if (at === undefined || at >= this.#clock.now(mode)) return ends
    const places = await Promise.all(
      [...ends.keys()].map(async (lane) => {
        const { seq } = await positionBefore(this.#sql, lane, at + 1)
        return [lane, seq] as const
      }),
    )
    return new Map(places)
  }
}

function add<K>(sums: Map<K, Sides>, key: K, { debits, credits }: Sides): void {
  const sum = sums.get(key)
  if (sum === undefined) sums.set(key, { debits, credits })
  else {
    sum.debits += debits
    sum.credits += credits
  }
}

function balanceOf(kind: AccountKindName, sides: Sides | undefined): Fen {
  if (sides === undefined) return 0n
  const { debits, credits } = sides
  return accountKinds[kind].normal === 'debit' ? debits - credits : credits - debits
}

function lineOf(kind: AccountKindName, sides: Sides | undefined): TrialBalanceLine {
  const net = (sides?.debits ?? 0n) - (sides?.credits ?? 0n)
  return { kind, debit: net > 0n ? net : 0n, credit: net < 0n ? -net : 0n }
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00.000Z`) + 86_400_000).toISOString().slice(0, 10)
}
