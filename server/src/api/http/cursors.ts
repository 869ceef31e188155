/**
 * Cursors of lists: opaque to callers, inside them the name of the list and the position after which the next page
 * begins. They carry no filter and no right: what a page shows is decided by the request that brings them.
 */
import { ok, type Result, refusal, refused } from '@lika/contract'
import { defaultLimit } from './schemas.ts'

export type Position = readonly (string | number)[]

/** One page, asked for with `limit + 1` rows so that it is known whether another follows. */
export interface PageAsked {
  readonly limit: number
  readonly after: Position | undefined
  /** The first part of `after`: of lists that are ordered by id alone, all of it. */
  readonly afterId: string | undefined
}

/**
 * The page that a query asks for. `shape`: a pattern for each part of the list's positions.
 * Refusals: `cursor.invalid`.
 */
export function readPage(
  list: string,
  shape: readonly RegExp[],
  query: { limit?: number; cursor?: string },
): Result<PageAsked> {
  const limit = query.limit ?? defaultLimit
  if (query.cursor === undefined) return ok({ limit, after: undefined, afterId: undefined })
  const after = decode(list, shape, query.cursor)
  if (after === undefined)
    return refused(
      refusal('cursor.invalid', 'Use next_cursor of this list as it was given, or none.'),
    )
  return ok({ limit, after, afterId: String(after[0]) })
}

/** Rows as the store gave them, at most `limit + 1`, made into the body of a list. */
export function presentPage<Row, Item>(
  list: string,
  asked: PageAsked,
  rows: readonly Row[],
  positionOf: (row: Row) => Position,
  present: (row: Row) => Item,
): { data: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, asked.limit)
  const last = shown.at(-1)
  const more = rows.length > asked.limit && last !== undefined
  return { data: shown.map(present), next_cursor: more ? encode(list, positionOf(last)) : null }
}

export const uuidPart = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** What a bigint column holds. */
export const integerPart = /^\d{1,18}$/
/** What an int column holds. */
export const smallPart = /^\d{1,9}$/
/** Epoch milliseconds that are a date in every year of four digits. */
export const instantPart = /^\d{1,14}$/

/** For lists whose `next_cursor` is never null (events). */
export function encode(list: string, position: Position): string {
  return Buffer.from(JSON.stringify([list, ...position])).toString('base64url')
}

function decode(list: string, shape: readonly RegExp[], cursor: string): Position | undefined {
  const bytes = Buffer.from(cursor, 'base64url')
  // Buffer skips what is not base64url; a cursor is only good as we wrote it.
  if (bytes.toString('base64url') !== cursor) return undefined
  const parts = parseParts(bytes.toString('utf8'))
  if (parts?.shift() !== list || parts.length !== shape.length) return undefined
  const fits = shape.every((pattern, index) => pattern.test(String(parts[index])))
  return fits ? parts : undefined
}

function parseParts(json: string): (string | number)[] | undefined {
  try {
    const parts: unknown = JSON.parse(json)
    if (!Array.isArray(parts)) return undefined
    const values: unknown[] = parts
    return values.every((part) => typeof part === 'string' || Number.isSafeInteger(part))
      ? parts
      : undefined
  } catch {
    return undefined
  }
}
