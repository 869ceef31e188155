/**
 * Names from outside that only one command may have: a merchant's order number belongs to the payment that carried it
 * out. A refused command loses its name to the next that asks; a name can be cancelled before anybody came for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type BookId,
  type CommandId,
  laneOfId,
  monthOfId,
  type Refusal,
  refusal,
} from '@lika/contract'
import type { Database } from '../db.ts'
import { cancelName, deleteName, findNames, insertNames, passName } from './claim-store.ts'
import type { Claimed, ClaimedName, Claims } from './claims.ts'
import { executedOutside } from './round-store.ts'
import type { Executed, NameState } from './types.ts'

export interface Names {
  tombstone(commandId: CommandId, book: BookId, why: Refusal): Promise<Executed>
}

type OutsideName = { readonly kind: number; readonly name: string }

/** How long a command under way may keep others from its name before it is refused for good. */
const patienceMs = 2_000
const lookEveryMs = 20

export class NameKeeper {
  readonly #database: Database
  readonly #claims: Claims
  readonly #commands: Names

  constructor(database: Database, claims: Claims, commands: Names) {
    this.#database = database
    this.#claims = claims
    this.#commands = commands
  }

  /** Puts right what the claim batch could not know: whether the name was taken for a key that already stood. */
  async settleClaim(claimed: Claimed, newId: CommandId): Promise<Claimed> {
    const { name, commandId, sameInput } = claimed
    if (name === undefined || name.id !== newId || commandId === newId) return claimed
    const { sql } = this.#database
    if (!sameInput) {
      await deleteName(sql, name, newId)
      return claimed
    }
    await passName(sql, name, newId, commandId)
    return { ...claimed, name: { ...name, id: commandId } }
  }

  /** Whose the name is; takes it over from a command that was refused. */
  async stateOf(claimed: Claimed): Promise<NameState> {
    let name = claimed.name
    for (let waitedMs = 0; name !== undefined; waitedMs += lookEveryMs) {
      if (name.cancelled) return 'cancelled'
      if (name.id === claimed.commandId) return 'own'
      const ran = await this.#outcome(name.id, claimed.claim.bookId, waitedMs)
      if (ran === 'done') return { takenBy: name.id }
      if (ran === 'refused') await passName(this.#database.sql, name, name.id, claimed.commandId)
      else await sleep(lookEveryMs)
      name = await this.#again(name)
    }
    return 'own'
  }

  /** The command that has the name; undefined: nobody. */
  async ownerOf(book: BookId, outside: OutsideName): Promise<ClaimedName | undefined> {
    const key = this.#claims.nameRow(book, outside, nobody)
    const [row] = await findNames(this.#database.sql, [key])
    return row && { ...key, id: row.id, cancelled: row.cancelled }
  }

  /** Takes the name out of the world if nobody has it yet; else answers who does. */
  async cancelUnlessTaken(
    book: BookId,
    outside: OutsideName,
    by: CommandId,
  ): Promise<ClaimedName | undefined> {
    const row = this.#claims.nameRow(book, outside, by, true)
    const inserted = await insertNames(this.#database.sql, [row])
    return inserted.length === 1 ? undefined : await this.ownerOf(book, outside)
  }

  /** From now on nobody gets it. False: it has passed to another command meanwhile. */
  cancel(name: ClaimedName): Promise<boolean> {
    return cancelName(this.#database.sql, name, name.id)
  }

  async #outcome(
    id: CommandId,
    book: BookId,
    waitedMs: number,
  ): Promise<'done' | 'refused' | 'open'> {
    const found = await executedOutside(this.#database.sql, laneOfId(id), monthOfId(id), id)
    if (found !== undefined) return found.refused ? 'refused' : 'done'
    if (waitedMs < patienceMs) return 'open'
    // Whoever claimed it is gone or very late: from now on it is refused, and the name is free.
    const why = refusal('reference.already_used', 'Another command took over this reference.')
    const ended = await this.#commands.tombstone(id, book, why)
    return ended.status
  }

  async #again(name: ClaimedName): Promise<ClaimedName | undefined> {
    const [row] = await findNames(this.#database.sql, [name])
    return row && { ...name, id: row.id, cancelled: row.cancelled }
  }
}

const nobody = '00000000-0000-0000-0000-000000000000' as CommandId
