/** Rows as one JSON text, for statements that take a whole set of rows as one parameter: for tables that see few of them. */
import type { Instant } from '@lika/contract'

/** bigint as decimal text, members that end in `At` (or are `at`) as RFC 3339. */
export function rowsJson(rows: readonly object[]): string {
  return JSON.stringify(rows, (name, value: unknown) => {
    if (typeof value === 'bigint') return String(value)
    if (typeof value === 'number' && isInstantName(name)) return instantText(value)
    return value
  })
}

function isInstantName(name: string): boolean {
  return name === 'at' || /[a-z]At$/.test(name)
}

function instantText(at: Instant): string {
  return new Date(at).toISOString()
}
