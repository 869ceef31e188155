/** Objects and lists of the API as text for people; JSON is printed elsewhere, untouched. */
import { isList, isObject, type Json, type JsonObject, memberAt } from './json.ts'
import { formatMember, heading } from './members.ts'
import type { Say } from './say.ts'
import { table } from './table.ts'

/** Lines of a list: one row for each object, one column for each dotted path. */
export function listLines(
  rows: readonly JsonObject[],
  paths: readonly string[],
  say: Say,
): string[] {
  const columns = paths.map((path) => ({
    heading: heading(path, say),
    align: isRight(rows, path) ? ('right' as const) : ('left' as const),
  }))
  return table(
    columns,
    rows.map((row) => paths.map((path) => formatMember(path, memberAt(row, path), row))),
  )
}

/** Numbers stand under each other by their last digit. */
function isRight(rows: readonly JsonObject[], path: string): boolean {
  return rows.some((row) => typeof memberAt(row, path) === 'number')
}

/** Lines of one object: its members one below the other, lists of objects as tables after them. */
export function objectLines(object: JsonObject, say: Say): string[] {
  const pairs: string[][] = []
  const tables: string[] = []
  const visit = (value: Json, path: string) => {
    if (isObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        if (member !== undefined) visit(member, path === '' ? name : `${path}.${name}`)
      }
    } else if (isList(value) && value.some(isObject)) {
      tables.push('', `${heading(path, say)}:`, ...listLines(...everyMember(value), say))
    } else {
      pairs.push([pathHeading(path, say), formatMember(path, value, object)])
    }
  }
  visit(object, '')
  const lines = table([{ heading: '' }, { heading: '' }], pairs).slice(1)
  return lines.length === 0 ? tables.slice(1) : [...lines, ...tables]
}

/** `balance.available` keeps its owner in front: `余额 balance · 可用 available`. */
function pathHeading(path: string, say: Say): string {
  return path
    .split('.')
    .map((name) => heading(name, say))
    .join(' · ')
}

/** The objects of a list with every path that one of them has, nested members included. */
function everyMember(list: readonly Json[]): [JsonObject[], string[]] {
  const rows = list.filter(isObject)
  const paths = new Set<string>()
  const visit = (value: JsonObject, prefix: string) => {
    for (const [name, member] of Object.entries(value)) {
      if (isObject(member)) visit(member, `${prefix}${name}.`)
      else paths.add(`${prefix}${name}`)
    }
  }
  for (const row of rows) visit(row, '')
  return [rows, [...paths]]
}
