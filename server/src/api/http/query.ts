/** Reads query strings: text becomes an integer or a boolean only where the schema says so and only as it is written there. */
import type { TSchema } from 'typebox'

/** Turns the parsed query into what its schema is then checked against. */
export type ReadQuery = (query: unknown) => Record<string, unknown>

export function queryReader(schema: TSchema): ReadQuery {
  const types = new Map<string, unknown>()
  const properties: unknown = 'properties' in schema ? schema.properties : undefined
  for (const [name, inner] of Object.entries(properties ?? {})) types.set(name, typeOf(inner))
  return (query) => {
    const read: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(query ?? {})) {
      Object.defineProperty(read, name, {
        value: typeof value === 'string' ? typed(value, types.get(name)) : value,
        enumerable: true,
      })
    }
    return read
  }
}

function typeOf(schema: unknown): unknown {
  return typeof schema === 'object' && schema !== null && 'type' in schema ? schema.type : undefined
}

function typed(text: string, type: unknown): unknown {
  if (type === 'integer' && /^-?\d{1,16}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}
