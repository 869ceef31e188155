/** Reads members out of JSON that came from outside, whatever it is. */

export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Reflect.get(value, name)
}

/** Undefined where it is missing, empty or no text. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = path.reduce(memberOf, value)
  return typeof found === 'string' && found !== '' ? found : undefined
}

/** Undefined where it is missing or no whole number. */
export function integerAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = path.reduce(memberOf, value)
  return typeof found === 'number' && Number.isSafeInteger(found) ? found : undefined
}
