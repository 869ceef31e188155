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
  readonly monotonic: () => number
  /** How long a command under way may keep others from its name before it is refused for good. */
  readonly graceMs: number
}

type OutsideName = { readonly kind: number; readonly name: string }

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
    return { ...claimed, name: await this.#again(name, commandId) }
  }

  /**
   * Whose the name is; takes it over from a command that was refused. `together`: commands that run in one transaction
   * with this one, which cannot be waited for.
   */
  async stateOf(
    claimed: Claimed,
    together: ReadonlySet<CommandId> = new Set(),
  ): Promise<NameState> {
    const { commandId, claim } = claimed
    let name = claimed.name
    let since = this.#commands.monotonic()
    while (name !== undefined) {
      if (name.cancelled) return 'cancelled'
      if (name.id === commandId) return 'own'
      if (together.has(name.id)) return { takenBy: name.id }
      const isOverdue = this.#commands.monotonic() - since >= this.#commands.graceMs
      const ran = await this.#outcome(name.id, claim.bookId, isOverdue)
      if (ran === 'done') return { takenBy: name.id }
      if (ran === 'refused') await passName(this.#database.sql, name, name.id, commandId)
      else await sleep(lookEveryMs)
      const before = name.id
      name = await this.#again(name, commandId)
      if (name.id !== before) since = this.#commands.monotonic()
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
    return inserted.length === 1 ? undefined : this.ownerOf(book, outside)
  }

  /** From now on nobody gets it. False: it has passed to another command meanwhile. */
  cancel(name: ClaimedName): Promise<boolean> {
    return cancelName(this.#database.sql, name, name.id)
  }

  async #outcome(
    id: CommandId,
    book: BookId,
    isOverdue: boolean,
  ): Promise<'done' | 'refused' | 'open'> {
    const found = await executedOutside(this.#database.sql, laneOfId(id), monthOfId(id), id)
    if (found !== undefined) return found.refused ? 'refused' : 'done'
    if (!isOverdue) return 'open'
    // Whoever claimed it is gone or very late: from now on it is refused, and the name is free.
    const why = refusal('reference.already_used', 'Another command took over this reference.')
    const ended = await this.#commands.tombstone(id, book, why)
    return ended.status
  }

  /** Who has the name now: that command, if its owner gave it back meanwhile. */
  async #again(name: ClaimedName, commandId: CommandId): Promise<ClaimedName> {
    const [owner] = await this.#claims.takeNames([{ ...name, id: commandId, cancelled: false }])
    if (owner === undefined) throw new Error('a name has an owner after it was taken')
    return owner
  }
}

/** Nobody else has the command's outside name, or it has none. */
export function isOwn({ name, commandId }: Claimed): boolean {
  return name === undefined || (name.id === commandId && !name.cancelled)
}

const nobody = '00000000-0000-0000-0000-000000000000' as CommandId
