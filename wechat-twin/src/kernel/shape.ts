/**
 * Strict shapes of bodies and queries: what is not described is refused, as are nulls, wrong types and lengths, and
 * characters of four bytes. The first fault found is the one that is told.
 */
import { type Detail, refuse, suffixes } from './refusal.ts'
import { parseTime } from './time.ts'

/** Throws a refusal, or returns what it read. `path` is a JSON pointer. */
export interface Shape<T> {
  readonly read: (value: unknown, path: string) => T
  readonly optional?: true
}
export type Infer<S> = S extends Shape<infer T> ? T : never
type Members = Readonly<Record<string, Shape<unknown>>>
type OptionalNames<M extends Members> = {
  [K in keyof M]: M[K] extends { optional: true } ? K : never
}[keyof M]
type Read<M extends Members> = { [K in Exclude<keyof M, OptionalNames<M>>]: Infer<M[K]> } & {
  [K in OptionalNames<M>]?: Exclude<Infer<M[K]>, undefined>
}

export function fault(path: string, value: unknown, issue: string, suffix?: number): never {
  const detail: Detail = { field: path, issue, location: 'body' }
  if (value !== undefined) detail.value = value
  const more = { detail, suffix: suffix ?? suffixes.parameter }
  return refuse(400, 'PARAM_ERROR', `参数错误: ${path} ${issue}`, more)
}

export function optional<T>(shape: Shape<T>): Shape<T | undefined> & { optional: true } {
  return { optional: true, read: (value, path) => shape.read(value, path) }
}

export function text(
  limits: { min?: number; max: number; pattern?: RegExp } = { max: 65_535 },
): Shape<string> {
  const { min = 1, max, pattern } = limits
  return {
    read: (value, path) => {
      if (typeof value !== 'string') return fault(path, value, '类型应为 string')
      if (/[\u{10000}-\u{10FFFF}]/u.test(value)) return fault(path, value, '含有 4 字节字符')
      const { length } = value
      if (length < min) return fault(path, value, `长度小于 ${min}`)
      if (length > max) return fault(path, value, `长度大于 ${max}`)
      if (pattern !== undefined && !pattern.test(value)) return fault(path, value, '格式不正确')
      return value
    },
  }
}

export function integer(limits: { min?: number; max?: number } = {}): Shape<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = limits
  return {
    read: (value, path) => {
      if (typeof value !== 'number' || !Number.isSafeInteger(value))
        return fault(path, value, '类型应为 integer')
      if (value < min) return fault(path, value, `小于最小值 ${min}`, suffixes.range)
      if (value > max) return fault(path, value, `大于最大值 ${max}`, suffixes.range)
      return value
    },
  }
}

export const flag: Shape<boolean> = {
  read: (value, path) =>
    typeof value === 'boolean' ? value : fault(path, value, '类型应为 boolean'),
}

export function oneOf<const V extends string>(...values: V[]): Shape<V> {
  return {
    read: (value, path) => {
      const found = values.find((known) => known === value)
      return found ?? fault(path, value, `应为 ${values.join('、')} 之一`)
    },
  }
}

/** An instant, as virtual milliseconds. */
export const instant: Shape<number> = {
  read: (value, path) => {
    const at = typeof value === 'string' && value.length <= 64 ? parseTime(value) : undefined
    return at ?? fault(path, value, '应为 RFC 3339 时间 yyyy-MM-DDTHH:mm:ss+08:00')
  },
}

export function list<T>(item: Shape<T>, limits: { min?: number; max: number }): Shape<T[]> {
  const { min = 1, max } = limits
  return {
    read: (value, path) => {
      if (!Array.isArray(value)) return fault(path, value, '类型应为 array')
      if (value.length < min) return fault(path, undefined, `少于 ${min} 项`)
      if (value.length > max) return fault(path, undefined, `多于 ${max} 项`)
      return value.map((each, place) => item.read(each, `${path}/${place}`))
    },
  }
}

/** An object with these members and no others. */
export function object<M extends Members>(members: M): Shape<Read<M>> {
  const shapes = Object.entries(members)
  return {
    read: (value, path) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return fault(path, value, '类型应为 object')
      refuseStrangers(members, value, path)
      const given = value as Record<string, unknown>
      const read: Record<string, unknown> = {}
      for (const [name, shape] of shapes) {
        const member = given[name]
        if (member !== undefined) read[name] = shape.read(member, `${path}/${name}`)
        else if (shape.optional !== true) fault(`${path}/${name}`, undefined, '必填，未传入')
      }
      return read as Read<M>
    },
  }
}

function refuseStrangers(members: Members, given: object, path: string): void {
  for (const [name, member] of Object.entries(given)) {
    if (!Object.hasOwn(members, name))
      fault(`${path}/${name}`, undefined, '多余的参数', suffixes.extraMember)
    if (member === null) fault(`${path}/${name}`, null, '不能为 null')
  }
}

/** A query: every value is text, given once; unknown names are refused like unknown members. */
export function readQuery<T>(shape: Shape<T>, query: URLSearchParams): T {
  const given: Record<string, string> = {}
  for (const [name, value] of query) {
    if (Object.hasOwn(given, name)) return queryFault(name, value, '重复的参数')
    given[name] = value
  }
  try {
    return shape.read(given, '')
  } catch (error) {
    const detail = (error as { detail?: Detail }).detail
    if (detail === undefined) throw error
    return queryFault(detail.field.slice(1), detail.value, detail.issue)
  }
}

function queryFault(field: string, value: unknown, issue: string): never {
  const detail: Detail = { field, value, issue, location: 'query' }
  return refuse(400, 'PARAM_ERROR', `参数错误: ${field} ${issue}`, { detail })
}
