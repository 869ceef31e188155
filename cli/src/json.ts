/** JSON as it comes over the wire, and safe ways to read a member of it. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [member: string]: Json | undefined
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** The value parsed; undefined when the text is not JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

/** What lies at a dotted path (`balance.available`); undefined when nothing does. */
export function memberAt(value: Json | undefined, path: string): Json | undefined {
  return path
    .split('.')
    .reduce<Json | undefined>((at, member) => (isObject(at) ? at[member] : undefined), value)
}

/** The text at a dotted path; undefined when there is none or it is no text. */
export function textAt(value: Json | undefined, path: string): string | undefined {
  const found = memberAt(value, path)
  return typeof found === 'string' ? found : undefined
}

/** The objects in the list at a dotted path; none when there is no list. */
export function objectsAt(value: Json | undefined, path: string): readonly JsonObject[] {
  const found = memberAt(value, path)
  return isList(found) ? found.filter(isObject) : []
}
