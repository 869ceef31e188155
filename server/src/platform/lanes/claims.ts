/**
 * Claims: which command an idempotency key stands for. Many callers are claimed in one statement; a command id carries
 * its home lane, so that a repeat finds the lane that was chosen the first time whatever has changed since.
 */
import { createHash } from 'node:crypto'
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
} from './claim-store.ts'
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
}

export interface ClaimedName extends NameRow {}

interface Waiting {
  readonly request: ClaimRequest
  readonly row: ClaimRow
  readonly name: NameRow | undefined
  resolve(claimed: Claimed): void
  reject(error: unknown): void
}

const buckets = 1024
const mostInOneBatch = 1000

export class Claims {
  readonly #database: Database
  readonly #nameDigest: NameDigest
  #waiting: Waiting[] = []
  #running = 0

  /** Its connections should commit asynchronously: the commit of the round flushes what it stands on. */
  constructor(database: Database, nameDigest: NameDigest) {
    this.#database = database
    this.#nameDigest = nameDigest
  }

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
    const nameRow = name && this.nameRow(request.bookId, name, request.newId)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, row, name: nameRow, resolve, reject })
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

  /** The key stays free for the next caller, the name as well. */
  async giveBack(claimed: readonly Claimed[]): Promise<void> {
    const fresh = claimed.filter((one) => one.fresh)
    if (fresh.length > 0) {
      await deleteClaims(
        this.#database.sql,
        fresh.map((one) => one.claim),
      )
    }
    for (const { name, commandId } of fresh) {
      if (name?.id === commandId) await deleteName(this.#database.sql, name, commandId)
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

  async #batch(batch: readonly Waiting[]): Promise<void> {
    try {
      const { sql } = this.#database
      const rows = batch.map((one) => one.row)
      const named = batch.filter((one) => one.name !== undefined)
      const names = named.flatMap((one) => (one.name ? [one.name] : []))
      const [ours, nameOwners] = await Promise.all([
        insertClaims(sql, rows),
        this.#takeNames(names),
      ])
      const owners = new Map(named.map((one, position) => [one, nameOwners[position]]))
      const fresh = new Set(ours)
      const others = rows.map((_, position) => position).filter((position) => !fresh.has(position))
      const standing = await this.#standing(others.map((position) => rows[position] as ClaimRow))
      for (const [position, one] of batch.entries()) {
        const found = fresh.has(position) ? one.row : standing[others.indexOf(position)]
        if (found === undefined) one.reject(new Error('a claim vanished while it was read'))
        else one.resolve(this.#claimed(one, found, owners.get(one)))
      }
    } catch (error) {
      for (const one of batch) one.reject(error)
    }
  }

  #claimed(
    one: Waiting,
    found: Pick<ClaimRow, 'commandId' | 'fingerprint'>,
    name: NameRow | undefined,
  ): Claimed {
    return {
      commandId: found.commandId,
      fresh: found.commandId === one.row.commandId,
      sameInput: Buffer.compare(found.fingerprint, one.row.fingerprint) === 0,
      claim: one.row,
      name,
    }
  }

  async #standing(rows: readonly ClaimRow[]) {
    if (rows.length === 0) return []
    const found = await findClaims(this.#database.sql, rows)
    const byPosition = new Map(found.map((row) => [row.position, row]))
    return rows.map((_, index) => byPosition.get(index + 1))
  }

  /** The owner of each name after trying to take it. */
  async #takeNames(names: readonly NameRow[]): Promise<NameRow[]> {
    if (names.length === 0) return []
    const { sql } = this.#database
    const ours = new Set(await insertNames(sql, names))
    if (ours.size === names.length) return [...names]
    const found = new Map((await findNames(sql, names)).map((row) => [row.position, row]))
    return names.map((name, index) => ({ ...name, ...pick(found.get(index + 1)) }))
  }
}

function pick(row: { id: CommandId; cancelled: boolean } | undefined) {
  return row === undefined ? {} : { id: row.id, cancelled: row.cancelled }
}

function digest16(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 16)
}

/** A fixed hash, 0–1023, that never depends on the number of lanes. */
export function bucketOf(digest: Uint8Array): number {
  return (((digest[0] ?? 0) << 8) | (digest[1] ?? 0)) % buckets
}

/** JSON with the members of every object in alphabetical order and what is undefined left out. */
export function canonical(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    members.sort(([left], [right]) => (left < right ? -1 : 1))
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`
  }
  return JSON.stringify(value ?? null)
}
