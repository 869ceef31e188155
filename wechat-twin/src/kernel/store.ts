/**
 * What the twin remembers: tables in memory, every change of which is a line in `log.jsonl` that is read again at start.
 * Lines reach the operating system by `flush`, before an answer leaves, so that a killed process loses nothing it said.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

/** One change: table, key, and the new value; without a value the key is gone. */
type Line = [table: string, key: string, value?: unknown]

/** Finds the rows of a table by something else than their key. */
export interface Index<T> {
  all(value: string): T[]
  first(value: string): T | undefined
}

/** Rows are values: to change one, `set` another or `change` some members. */
export class Table<T extends object> {
  readonly #rows = new Map<string, T>()
  readonly #indexes: { of: (row: T) => string | undefined; keys: Map<string, Set<string>> }[] = []
  readonly #write: (key: string, row: T | undefined) => void

  constructor(rows: ReadonlyMap<string, T>, write: (key: string, row: T | undefined) => void) {
    for (const [key, row] of rows) this.#rows.set(key, row)
    this.#write = write
  }

  get size(): number {
    return this.#rows.size
  }

  get(key: string): T | undefined {
    return this.#rows.get(key)
  }

  has(key: string): boolean {
    return this.#rows.has(key)
  }

  /** In the order in which the keys first came. */
  values(): IterableIterator<T> {
    return this.#rows.values()
  }

  entries(): IterableIterator<[string, T]> {
    return this.#rows.entries()
  }

  set(key: string, row: T): T {
    const before = this.#rows.get(key)
    if (before !== undefined) this.#forget(key, before)
    this.#rows.set(key, row)
    this.#remember(key, row)
    this.#write(key, row)
    return row
  }

  /** Throws where there is no such row. */
  change(key: string, members: Partial<T>): T {
    const before = this.#rows.get(key)
    if (before === undefined) throw new Error(`no row ${key}`)
    return this.set(key, { ...before, ...members })
  }

  delete(key: string): void {
    const before = this.#rows.get(key)
    if (before === undefined) return
    this.#forget(key, before)
    this.#rows.delete(key)
    this.#write(key, undefined)
  }

  /** `of` must be a pure function of the row; undefined leaves the row out. */
  index(of: (row: T) => string | undefined): Index<T> {
    const keys = new Map<string, Set<string>>()
    this.#indexes.push({ of, keys })
    for (const [key, row] of this.#rows) addTo(keys, of(row), key)
    const all = (value: string): T[] =>
      [...(keys.get(value) ?? [])].flatMap((key) => this.#rows.get(key) ?? [])
    const first = (value: string): T | undefined => {
      for (const key of keys.get(value) ?? []) return this.#rows.get(key)
      return undefined
    }
    return { all, first }
  }

  #remember(key: string, row: T): void {
    for (const { of, keys } of this.#indexes) addTo(keys, of(row), key)
  }

  #forget(key: string, row: T): void {
    for (const { of, keys } of this.#indexes) {
      const value = of(row)
      const found = value === undefined ? undefined : keys.get(value)
      found?.delete(key)
      if (value !== undefined && found?.size === 0) keys.delete(value)
    }
  }
}

function addTo(keys: Map<string, Set<string>>, value: string | undefined, key: string): void {
  if (value === undefined) return
  const found = keys.get(value)
  if (found === undefined) keys.set(value, new Set([key]))
  else found.add(key)
}

export class Store {
  readonly #read: Map<string, Map<string, unknown>>
  readonly #tables = new Map<string, Table<object>>()
  readonly #file: number
  #lines: string[] = []
  #isClosed = false

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    const path = join(folder, 'log.jsonl')
    this.#read = replay(path)
    compact(path, this.#read)
    this.#file = openSync(path, 'a')
  }

  /** Each table is asked for once, by the file whose rows it holds. */
  table<T extends object>(name: string): Table<T> {
    if (this.#tables.has(name)) throw new Error(`the table ${name} was asked for twice`)
    const rows = (this.#read.get(name) ?? new Map()) as Map<string, T>
    const table = new Table<T>(rows, (key, row) => {
      const line: Line = row === undefined ? [name, key] : [name, key, row]
      this.#lines.push(JSON.stringify(line))
    })
    this.#tables.set(name, table as unknown as Table<object>)
    return table
  }

  /** Hands every change so far to the operating system. */
  flush(): void {
    if (this.#isClosed || this.#lines.length === 0) return
    const text = `${this.#lines.join('\n')}\n`
    this.#lines = []
    writeSync(this.#file, text)
  }

  /** What is changed afterwards (a notification that was out has come back) is nobody's any more. */
  close(): void {
    this.flush()
    this.#isClosed = true
    closeSync(this.#file)
  }
}

/** The last line may be half written: whoever was waiting for it has had no answer, so it is dropped. */
function replay(path: string): Map<string, Map<string, unknown>> {
  const tables = new Map<string, Map<string, unknown>>()
  if (!existsSync(path)) return tables
  const bytes = readFileSync(path)
  const end = bytes.lastIndexOf(10) + 1
  if (end < bytes.length) truncateSync(path, end)
  let from = 0
  while (from < end) {
    const to = bytes.indexOf(10, from)
    const [table, key, value] = JSON.parse(bytes.toString('utf8', from, to)) as Line
    const rows = tables.get(table) ?? new Map<string, unknown>()
    tables.set(table, rows)
    if (value === undefined) rows.delete(key)
    else rows.set(key, value)
    from = to + 1
  }
  return tables
}

/** Leaves one line for each row that is still there; a crash on the way leaves the old log whole. */
function compact(path: string, tables: Map<string, Map<string, unknown>>): void {
  const fresh = `${path}.new`
  const file = openSync(fresh, 'w')
  for (const [table, rows] of tables) {
    for (const [key, value] of rows) writeSync(file, `${JSON.stringify([table, key, value])}\n`)
  }
  closeSync(file)
  renameSync(fresh, path)
}
