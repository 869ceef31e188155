/**
 * Reads the members of a body one by one: absent, empty or of the right type. A member of another type is 47001, a
 * missing one 41011 unless the caller says otherwise; unknown members are passed over, as these old APIs do.
 */
import { type Errcode, Refused } from './errcodes.ts'

export type Body = Readonly<Record<string, unknown>>

export function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The empty string counts as left out. */
export function text(body: Body, name: string): string | undefined {
  const value = present(body, name)
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string') throw new Refused(47001, `${name} is no string`)
  return value
}

export function needText(body: Body, name: string, missing: Errcode = 41011): string {
  return needed(text(body, name), name, missing)
}

/** A string of at most `bytes` bytes of UTF-8: a Chinese character takes three. */
export function shortText(body: Body, name: string, bytes: number): string | undefined {
  const value = text(body, name)
  if (value !== undefined && Buffer.byteLength(value) > bytes) throw new Refused(45021, name)
  return value
}

export function needShortText(body: Body, name: string, bytes: number): string {
  return needed(shortText(body, name, bytes), name)
}

/** A whole number that is exact. */
export function whole(body: Body, name: string): number | undefined {
  const value = present(body, name)
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new Refused(47001, `${name} is no whole number`)
  return value
}

export function needWhole(body: Body, name: string, missing: Errcode = 41011): number {
  return needed(whole(body, name), name, missing)
}

export function flag(body: Body, name: string): boolean | undefined {
  const value = present(body, name)
  if (value === undefined) return undefined
  if (typeof value !== 'boolean') throw new Refused(47001, `${name} is no boolean`)
  return value
}

export function needFlag(body: Body, name: string): boolean {
  return needed(flag(body, name), name)
}

export function part(body: Body, name: string): Body | undefined {
  const value = present(body, name)
  if (value === undefined) return undefined
  if (!isBody(value)) throw new Refused(47001, `${name} is no object`)
  return value
}

export function needPart(body: Body, name: string, missing: Errcode = 41011): Body {
  return needed(part(body, name), name, missing)
}

export function list(body: Body, name: string): readonly unknown[] | undefined {
  const value = present(body, name)
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw new Refused(47001, `${name} is no list`)
  return value
}

/** A list of objects with at least one. */
export function needParts(body: Body, name: string, missing: Errcode = 41011): readonly Body[] {
  const values = needed(list(body, name), name, missing)
  if (values.length === 0) throw new Refused(missing, name)
  if (!values.every(isBody)) throw new Refused(47001, `${name} holds what is no object`)
  return values
}

export function needTexts(body: Body, name: string): readonly string[] {
  const values = needed(list(body, name), name)
  if (!values.every((value) => typeof value === 'string'))
    throw new Refused(47001, `${name} holds what is no string`)
  return values
}

function present(body: Body, name: string): unknown {
  const value = Object.hasOwn(body, name) ? body[name] : undefined
  return value === null ? undefined : value
}

function needed<T>(value: T | undefined, name: string, missing: Errcode = 41011): T {
  if (value === undefined) throw new Refused(missing, name)
  return value
}
