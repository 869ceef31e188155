/**
 * The shapes that many routes share. Objects are closed: what is not named is refused in requests and left out of
 * responses. Lengths are counted in characters, amounts are integers in fen.
 */
import {
  cardStatuses,
  currency,
  fenMax,
  type Id,
  type IdKind,
  type Instant,
  idPrefixes,
  parseBusinessDate,
  parseId,
  parseInstant,
  subBalances,
} from '@lika/contract'
import { type Static, type TProperties, type TSchema, type TUnsafe, Type } from 'typebox'
import Format from 'typebox/format'

export { type Static, Type } from 'typebox'

/** What PostgreSQL and RFC 3339 both can write: 1970 to 9999. */
const lastInstant = 253_402_300_799_999

Format.Set('date-time', (text) => {
  const at = parseInstant(text)
  return at !== undefined && at >= 0 && at <= lastInstant
})
Format.Set('date', (text) => parseBusinessDate(text) !== undefined && text >= '1970')

/** An object with these members and no others. */
export function closed<P extends TProperties>(
  properties: P,
  options: { description?: string } = {},
) {
  return Type.Object(properties, { ...options, additionalProperties: false })
}

/** Also null, said in the form (`type: [x, "null"]`) for which serialisers need no trial and error. */
export function nullable<S extends TSchema>(schema: S): TUnsafe<Static<S> | null> {
  if (!('type' in schema) || typeof schema.type !== 'string')
    throw new Error('only a schema of one type can be made nullable')
  const choices =
    'enum' in schema && Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {}
  return Type.Unsafe<Static<S> | null>({ ...schema, type: [schema.type, 'null'], ...choices })
}

export function oneOf<const T extends string>(
  values: readonly T[],
  description?: string,
): TUnsafe<T> {
  return Type.Unsafe<T>({
    type: 'string',
    enum: [...values],
    ...(description === undefined ? {} : { description }),
  })
}

/** `card_` and 32 hex digits. */
export function idOf(kind: IdKind) {
  return Type.String({ pattern: `^${idPrefixes[kind]}_[0-9a-f]{32}$` })
}

/** The id in a text that `idOf(kind)` has let through. @throws for any other text. */
export function readId<K extends IdKind>(kind: K, text: string): Id<K> {
  const id = parseId(kind, text)
  if (id === undefined) throw new Error(`${kind} id was not checked by its schema`)
  return id
}

/** The instant in a text that `Timestamp` has let through. @throws for any other text. */
export function readInstant(text: string): Instant {
  const at = parseInstant(text)
  if (at === undefined) throw new Error('an instant was not checked by its schema')
  return at
}

/** One line of text that people read. */
export function text(maxLength: number, minLength = 1) {
  return Type.String({ minLength, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })
}

const amountMax = Number(fenMax)

export const Amount = Type.Integer({ minimum: 1, maximum: amountMax, description: 'fen' })
export const AmountOrZero = Type.Integer({ minimum: 0, maximum: amountMax, description: 'fen' })
export const SignedAmount = Type.Integer({
  minimum: -amountMax,
  maximum: amountMax,
  description: 'fen',
})
export const Currency = oneOf([currency])
export const Timestamp = Type.String({ format: 'date-time', maxLength: 40 })
export const DateText = Type.String({ format: 'date', maxLength: 10 })
export const ModeName = oneOf(['test', 'live'])
export const SubBalanceName = oneOf(subBalances)
export const CardStatusName = oneOf(cardStatuses)

export const Reference = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[^\\s\\u0000-\\u001f\\u007f-\\u009f]*$',
  description: "The caller's own number: 1–64 visible characters.",
})

const metadataKey = '^(?!__proto__$)[^\\s\\u0000-\\u001f\\u007f-\\u009f]{1,40}$'

export const Metadata = Type.Record(
  Type.String({ pattern: metadataKey }),
  Type.String({ maxLength: 500 }),
  {
    maxProperties: 20,
    additionalProperties: false,
    description:
      'At most 20 strings of up to 500 characters under keys of 1–40 visible characters.',
  },
)

/** What every object that can be created takes. */
export const given = {
  reference: Type.Optional(Reference),
  metadata: Type.Optional(Metadata),
}

/** How every created object answers it. */
export const shown = {
  reference: nullable(Reference),
  metadata: Metadata,
}

/** Of a list's query. */
export const paging = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
}
export const defaultLimit = 50

/** A list's response. */
export function pageOf<S extends TSchema>(item: S) {
  return closed({ data: Type.Array(item), next_cursor: nullable(Type.String()) })
}

/** The body of a 204. */
export const NoContent = Type.Null()
