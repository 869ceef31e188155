/** Looks into JSON of which nothing is known yet: whatever is not there, or is of another type, is undefined. */
import type { Fen, Instant } from '@lika/contract'
import { parseInstant } from '@lika/contract'

function member(value: unknown, ...path: readonly string[]): unknown {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = Reflect.get(at, name)
  }
  return at
}

export function textIn(value: unknown, ...path: readonly string[]): string | undefined {
  const found = member(value, ...path)
  return typeof found === 'string' ? found : undefined
}

/** An amount of whole fen, also zero. */
export function fenIn(value: unknown, ...path: readonly string[]): Fen | undefined {
  const found = member(value, ...path)
  return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0
    ? BigInt(found)
    : undefined
}

export function instantIn(value: unknown, ...path: readonly string[]): Instant | undefined {
  const text = textIn(value, ...path)
  return text === undefined ? undefined : parseInstant(text)
}

export function listIn(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = member(value, ...path)
  return Array.isArray(found) ? found : []
}

/** Undefined: no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What each element is read as; undefined: one of them could not be. */
export function all<T>(
  items: readonly unknown[],
  read: (item: unknown) => T | undefined,
): readonly T[] | undefined {
  const done: T[] = []
  for (const item of items) {
    const value = read(item)
    if (value === undefined) return undefined
    done.push(value)
  }
  return done
}
