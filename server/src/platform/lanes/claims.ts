/**
 * Claims: which command an idempotency key stands for. Many callers are claimed in one statement; a command id carries
 * its home lane, so that a repeat finds the lane that was chosen the first time whatever has changed since.
 */
import { hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { BookId, CommandId } from '@lika/contract'
import type { Database } from '../db.ts'
import {
  type ClaimRow,
  deleteClaims,
  deleteName,
  findClaims,
  findNames,
  insertClaims,
  insertNames,
  type NameRow,
  shareClaims,
} from './claim-store.ts'
import { isWorthRepeating, OutOfPatience, type Patience, pauseAfter } from './patience.ts'
import type { TicketClaim } from './round.ts'
import type { Json } from './types.ts'

/** Digest of an outside name under a key that the database does not have. */
export type NameDigest = (book: BookId, kind: number, name: string) => Uint8Array

export interface ClaimRequest {
  readonly bookId: BookId
  readonly operation: string
  readonly key: string
  readonly input: Json
  readonly name: { readonly kind: number; readonly name: string } | undefined
  /** The id to take when the key is new. */
  readonly newId: CommandId
}

export interface Claimed {
  readonly commandId: CommandId
  readonly fresh: boolean
  readonly sameInput: boolean
  readonly claim: ClaimRow
  readonly name: ClaimedName | undefined
  /** Monotonic milliseconds at which it was asked for. */
  readonly askedAt: number
}

export interface ClaimedName extends NameRow {}

interface Waiting {
  readonly row: ClaimRow
  readonly name: NameRow | undefined
  /** Makes a claim again that was its own: where it still stands there is nobody to share it with. */
  readonly isRenewal: boolean
  readonly askedAt: number
  /** Monotonic milliseconds at which its caller stops waiting. */
  readonly until: number
  resolve(claimed: Claimed): void
  reject(error: unknown): void
}

export const buckets = 1024
const mostInOneBatch = 1000

export class Claims {
  readonly #database: Database
  readonly #nameDigest: NameDigest
  readonly #patience: Patience
  #waiting: Waiting[] = []
  #running = 0

  /**
   * Its connections should commit asynchronously: the commit of the round flushes what it stands on, and a round on a
   * connection that is younger than a claim has it made again first.
   */
  constructor(database: Database, nameDigest: NameDigest, patience: Patience) {
    this.#database = database
    this.#nameDigest = nameDigest
    this.#patience = patience
  }

  /** @throws OutOfPatience when the database does not answer. The key may be claimed then: a repeat finds it. */
  claim(request: ClaimRequest): Promise<Claimed> {
    const keyDigest = digest16(`${request.operation}\0${request.key}`)
    const row: ClaimRow = {
      bucket: bucketOf(keyDigest),
      bookId: request.bookId,
      keyDigest,
      commandId: request.newId,
      fingerprint: digest16(canonical(request.input)),
    }
    const { name } = request
    return this.#ask(row, name && this.nameRow(request.bookId, name, request.newId), false)
  }

  /** What a command stands on, and on its outside name where it has one: both are made again should they be lost. */
  heldBy(claimed: Claimed, ownsName: boolean): TicketClaim {
    const { claim, commandId, name, fresh } = claimed
    const own = ownsName && name !== undefined ? { ...name, id: commandId } : undefined
    const renew = async () => {
      try {
        const renewed = await this.#ask({ ...claim, commandId }, own, fresh)
        const hasName = own === undefined || isSameName(renewed.name, own)
        const stands = renewed.commandId === commandId && hasName
        return stands ? this.heldBy({ ...renewed, fresh, name }, ownsName) : undefined
      } catch (error) {
        if (error instanceof OutOfPatience) return undefined
        throw error
      }
    }
    return { askedAt: claimed.askedAt, renew }
  }

  #ask(row: ClaimRow, name: NameRow | undefined, isRenewal: boolean): Promise<Claimed> {
    const askedAt = this.#patience.monotonic()
    const until = askedAt + this.#patience.patienceMs
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, name, isRenewal, askedAt, until, resolve, reject })
      // Two batches at a time: while one is on its way the next gathers.
      if (this.#running < 2) void this.#run()
    })
  }

  nameRow(
    bookId: BookId,
    { kind, name }: { kind: number; name: string },
    id: CommandId,
    cancelled = false,
  ): NameRow {
    const nameDigest = this.#nameDigest(bookId, kind, name)
    return { bucket: bucketOf(nameDigest), bookId, kind, nameDigest, id, cancelled }
  }

  /**
   * The owner of each name after trying to take it: itself, or who was there before. Names that vanish in between,
   * given back by their owner, are tried again.
   */
  async takeNames(names: readonly NameRow[]): Promise<NameRow[]> {
    if (names.length === 0) return []
    const { sql } = this.#database
    const ours = new Set(await insertNames(sql, names))
    if (ours.size === names.length) return [...names]
    const found = new Map((await findNames(sql, names)).map((row) => [row.position - 1, row]))
    const vanished = [...names.keys()].filter((index) => !ours.has(index) && !found.has(index))
    const again = await this.takeNames(vanished.map((index) => names[index] as NameRow))
    return names.map((name, index) => {
      if (ours.has(index)) return name
      const row = found.get(index) ?? (again[vanished.indexOf(index)] as NameRow)
      return { ...name, id: row.id, cancelled: row.cancelled }
    })
  }

  /** The key stays free for the next caller, the name as well; not where others came with the same key meanwhile. */
  async giveBack(claimed: readonly Claimed[]): Promise<void> {
    const fresh = claimed.filter((one) => one.fresh)
    if (fresh.length === 0) return
    const { sql } = this.#database
    const claims = fresh.map((one) => one.claim)
    const free = await deleteClaims(sql, claims)
    for (const { name, commandId } of fresh) {
      if (name !== undefined && free.has(commandId)) await deleteName(sql, name, commandId)
    }
  }

  async #run(): Promise<void> {
    this.#running += 1
    try {
      // Everybody who asks in this turn of the event loop goes along.
      await setImmediate()
      while (this.#waiting.length > 0) await this.#batch(this.#waiting.splice(0, mostInOneBatch))
    } finally {
      this.#running -= 1
    }
  }

  /** Everybody in it is answered when this resolves. */
  async #batch(batch: readonly Waiting[]): Promise<void> {
    let left = batch
    for (let attempt = 0; left.length > 0; attempt += 1) {
      try {
        left = await this.#claimAll(left)
      } catch (error) {
        if (!isWorthRepeating(error)) return this.#halve(left, error)
        left = this.#giveUpOverdue(left, error)
        if (left.length > 0) await pauseAfter(attempt)
      }
    }
  }

  async #halve(batch: readonly Waiting[], error: unknown): Promise<void> {
    if (batch.length === 1) return batch[0]?.reject(error)
    const middle = Math.ceil(batch.length / 2)
    await this.#batch(batch.slice(0, middle))
    await this.#batch(batch.slice(middle))
  }

  #giveUpOverdue(batch: readonly Waiting[], cause: unknown): Waiting[] {
    const now = this.#patience.monotonic()
    for (const one of batch) {
      if (one.until <= now) one.reject(new OutOfPatience('no answer to a claim', { cause }))
    }
    return batch.filter((one) => one.until > now)
  }

  /** Returns those who found neither their own claim nor another one: it was given back meanwhile. */
  async #claimAll(batch: readonly Waiting[]): Promise<Waiting[]> {
    const { sql } = this.#database
    const rows = batch.map((one) => one.row)
    const named = batch.filter((one) => one.name !== undefined)
    const names = named.flatMap((one) => (one.name ? [one.name] : []))
    const [ours, nameOwners] = await Promise.all([insertClaims(sql, rows), this.takeNames(names)])
    const owners = new Map(named.map((one, position) => [one, nameOwners[position]]))
    const fresh = new Set(ours)
    const others = batch.filter((_, position) => !fresh.has(position))
    const rowsOf = (some: readonly Waiting[]) => some.map(({ row }) => row)
    const shared = await this.#share(rowsOf(others.filter((one) => !one.isRenewal)))
    const standing = await this.#find(rowsOf(others.filter((one) => one.isRenewal)))
    return batch.filter((one, position) => {
      const found = fresh.has(position)
        ? one.row
        : (one.isRenewal ? standing : shared).get(keyOf(one.row))
      if (found !== undefined) one.resolve(claimedBy(one, found, owners.get(one)))
      return found === undefined
    })
  }

  /** By key, the claims that stand there. */
  async #find(rows: readonly ClaimRow[]): Promise<Map<string, Standing>> {
    if (rows.length === 0) return new Map()
    const found = await findClaims(this.#database.sql, rows, 'all')
    return new Map(found.map((row) => [keyOf(rows[row.position - 1] as ClaimRow), row]))
  }

  /** By key, the claims that stand there already and that nobody can give back any more. */
  async #share(rows: readonly ClaimRow[]): Promise<Map<string, Standing>> {
    const shared = new Map<string, Standing>()
    if (rows.length === 0) return shared
    const { sql } = this.#database
    const wanted = [...new Map(rows.map((row) => [keyOf(row), row])).values()]
    const note = (
      some: readonly ClaimRow[],
      found: readonly (Standing & { position: number })[],
    ) => {
      for (const row of found) shared.set(keyOf(some[row.position - 1] as ClaimRow), row)
    }
    note(wanted, await findClaims(sql, wanted, 'shared'))
    // In one order, so that two batches rarely wait for each other.
    const open = wanted.filter((row) => !shared.has(keyOf(row)))
    open.sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1))
    if (open.length > 0) note(open, await shareClaims(sql, open))
    return shared
  }
}

type Standing = Pick<ClaimRow, 'commandId' | 'fingerprint'>

function keyOf(row: ClaimRow): string {
  return `${row.bookId} ${Buffer.from(row.keyDigest).toString('latin1')}`
}

function claimedBy(one: Waiting, found: Standing, name: NameRow | undefined): Claimed {
  return {
    commandId: found.commandId,
    fresh: found.commandId === one.row.commandId,
    sameInput: Buffer.compare(found.fingerprint, one.row.fingerprint) === 0,
    claim: one.row,
    name,
    askedAt: one.askedAt,
  }
}

function isSameName(found: NameRow | undefined, own: NameRow): boolean {
  return found?.id === own.id && !found.cancelled
}

function digest16(text: string): Buffer {
  // In one call, and by way of hex: a third of what a Hash object costs, several times in every payment.
  return Buffer.from(hash('sha256', text, 'hex').slice(0, 32), 'hex')
}

/** A fixed hash, 0–1023, that never depends on the number of lanes. */
export function bucketOf(digest: Uint8Array): number {
  return (((digest[0] ?? 0) << 8) | (digest[1] ?? 0)) % buckets
}

/** JSON with the members of every object in alphabetical order and what is undefined left out. */
export function canonical(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value !== null && typeof value === 'object') {
    let text = ''
    for (const [name, member] of Object.entries(value).sort(byName)) {
      if (member === undefined) continue
      text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonical(member)}`
    }
    return `{${text}}`
  }
  return JSON.stringify(value ?? null)
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1
}
