/**
 * The memory of one round: rows as loaded, what the decisions staged, and how one command's share of it is undone.
 */
import { type BookId, type CommandId, type Lane, monthOfId } from '@lika/contract'
import type { Finder, Lines, LineValue, Read, Shelf, View } from './types.ts'

interface Cell {
  readonly shelf: Shelf<unknown>
  readonly lane: Lane
  readonly key: string
  /** As the database has it. */
  readonly stored: unknown
  row: unknown
}

export interface Changes {
  readonly shelf: Shelf<unknown>
  readonly lane: Lane
  readonly inserts: unknown[]
  readonly updates: unknown[]
  readonly removals: string[]
}

/** Lines staged under the entry of one command in one lane. */
export type StagedLine = { readonly lines: Lines; readonly values: readonly LineValue[] }

export class RoundMemory {
  readonly #cells = new Map<string, Map<string, Cell>>()
  readonly #found = new Map<string, Map<string, string[]>>()
  #undo: [Cell, unknown][] = []

  /** Notes that the key was looked for, so that "there is none" is known. */
  declare({ from, lane, key }: Read): void {
    if ('find' in from) {
      const index = entryOf(this.#found, from.name)
      if (!index.has(key)) index.set(key, [])
    } else {
      const cells = entryOf(this.#cells, from.name)
      if (!cells.has(key))
        cells.set(key, { shelf: from, lane, key, stored: undefined, row: undefined })
    }
  }

  loaded(shelf: Shelf<unknown>, lane: Lane, row: unknown): string {
    const key = shelf.keyOf(row)
    entryOf(this.#cells, shelf.name).set(key, { shelf, lane, key, stored: row, row })
    return key
  }

  found(finder: Finder<unknown>, lane: Lane, key: string, row: unknown): void {
    const rowKey = this.loaded(finder.shelf, lane, row)
    const keys = entryOf(this.#found, finder.name).get(key)
    if (keys !== undefined && !keys.includes(rowKey)) keys.push(rowKey)
  }

  get(shelf: Shelf<unknown>, key: string): unknown {
    const cell = this.#cells.get(shelf.name)?.get(key)
    if (cell === undefined) throw new Error(`${shelf.name} ${key} was not declared as read`)
    return cell.row
  }

  find(finder: Finder<unknown>, key: string): unknown[] {
    const keys = this.#found.get(finder.name)?.get(key)
    if (keys === undefined) throw new Error(`${finder.name} ${key} was not declared as read`)
    return keys.map((rowKey) => this.get(finder.shelf, rowKey)).filter((row) => row !== undefined)
  }

  set(shelf: Shelf<unknown>, lane: Lane, key: string, row: unknown): void {
    const cells = entryOf(this.#cells, shelf.name)
    let cell = cells.get(key)
    if (cell === undefined) {
      cell = { shelf, lane, key, stored: undefined, row: undefined }
      cells.set(key, cell)
    }
    this.#undo.push([cell, cell.row])
    cell.row = row
  }

  /** What is staged up to here stays, whatever the commands after it do. */
  keep(): void {
    this.#undo = []
  }

  undo(): void {
    for (const [cell, row] of this.#undo.toReversed()) cell.row = row
    this.#undo = []
  }

  changes(): Changes[] {
    const all: Changes[] = []
    for (const cells of this.#cells.values()) {
      const byLane = new Map<Lane, Changes>()
      for (const cell of cells.values()) {
        if (cell.row === cell.stored) continue
        let changes = byLane.get(cell.lane)
        if (changes === undefined) {
          changes = { shelf: cell.shelf, lane: cell.lane, inserts: [], updates: [], removals: [] }
          byLane.set(cell.lane, changes)
        }
        if (cell.row === undefined) changes.removals.push(cell.key)
        else if (cell.stored === undefined) changes.inserts.push(cell.row)
        else changes.updates.push(cell.row)
      }
      all.push(...byLane.values())
    }
    return all
  }
}

/** The view of one command: the memory of the round, and the lines that it appends. */
export class CommandView implements View {
  readonly commandId: CommandId
  readonly bookId: BookId
  readonly month: number
  readonly staged = new Map<Lane, StagedLine[]>()
  readonly #memory: RoundMemory
  readonly #lanes: readonly Lane[]
  readonly #work: ReadonlyMap<Lane, { readonly nextSeq: bigint }>

  /** `work`: the lanes of the round, `of.plan.lanes` those that the command declared. */
  constructor(
    memory: RoundMemory,
    of: {
      readonly commandId: CommandId
      readonly bookId: BookId
      readonly plan: { readonly lanes: readonly Lane[] }
    },
    work: ReadonlyMap<Lane, { readonly nextSeq: bigint }>,
  ) {
    this.#memory = memory
    this.#lanes = of.plan.lanes
    this.#work = work
    this.commandId = of.commandId
    this.bookId = of.bookId
    this.month = monthOfId(of.commandId)
  }

  get<Row>(shelf: Shelf<Row>, key: string): Row | undefined {
    return this.#memory.get(shelf, key) as Row | undefined
  }

  find<Row>(finder: Finder<Row>, key: string): readonly Row[] {
    return this.#memory.find(finder, key) as Row[]
  }

  put<Row>(shelf: Shelf<Row>, lane: Lane, row: Row): void {
    this.#memory.set(shelf, lane, shelf.keyOf(row), row)
  }

  remove<Row>(shelf: Shelf<Row>, key: string): void {
    this.#memory.set(shelf, 0, key, undefined)
  }

  append(lines: Lines, lane: Lane, values: readonly LineValue[]): void {
    this.seq(lane)
    const staged = this.staged.get(lane)
    if (staged === undefined) this.staged.set(lane, [{ lines, values }])
    else staged.push({ lines, values })
  }

  seq(lane: Lane): bigint {
    const at = this.#lanes.includes(lane) ? this.#work.get(lane) : undefined
    if (at === undefined) throw new Error(`lane ${lane} was not declared by the command`)
    return at.nextSeq
  }
}

function entryOf<V>(maps: Map<string, Map<string, V>>, name: string): Map<string, V> {
  let map = maps.get(name)
  if (map === undefined) {
    map = new Map()
    maps.set(name, map)
  }
  return map
}
