/** Holds what came in against a schema, and schemas against the rule that every object is closed. */
import { type Refusal, refusal } from '@lika/contract'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

export type PathError = { path: string; message: string }

/** undefined: the value has the shape. */
export type Check = (value: unknown) => PathError[] | undefined

const mostErrors = 20

/** Compiles a schema once; paths of errors are dotted: `sources.0.amount`. */
export function compileCheck(schema: TSchema): Check {
  const validator = Compile(schema)
  return (value) => {
    if (validator.Check(value)) return undefined
    const found = validator.Errors(value).flatMap(explain)
    const seen = new Set<string>()
    return found
      .filter(({ path, message }) => !seen.has(path + message) && seen.add(path + message))
      .slice(0, mostErrors)
  }
}

export function shapeRefusal(errors: readonly PathError[]): Refusal {
  const [first] = errors
  const where = first === undefined || first.path === '' ? 'The request' : first.path
  return refusal('request.invalid', `${where} ${first?.message ?? 'is not as documented'}.`, {
    errors,
  })
}

type SchemaError = ReturnType<ReturnType<typeof Compile>['Errors']>[number]

function explain(error: SchemaError): PathError[] {
  const path = dotted(error.instancePath)
  switch (error.keyword) {
    case 'required':
      return error.params.requiredProperties.map((name) => ({
        path: joined(path, name),
        message: 'is required',
      }))
    case 'additionalProperties':
      return error.params.additionalProperties.map((name) => ({
        path: joined(path, name),
        message: 'is not a member here',
      }))
    // Says again what additionalProperties says.
    case 'boolean':
      return []
    case 'enum':
      return [{ path, message: `must be one of ${error.params.allowedValues.join(', ')}` }]
    default:
      return [{ path, message: error.message }]
  }
}

function dotted(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.')
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** @throws naming the place where a schema lets unknown members through. */
export function assertClosed(schema: unknown, place: string): void {
  if (typeof schema !== 'object' || schema === null) return
  const members = new Map<string, unknown>(Object.entries(schema))
  const type = members.get('type')
  const isObject = type === 'object' || (Array.isArray(type) && type.includes('object'))
  if (isObject && members.get('additionalProperties') !== false)
    throw new Error(`${place} lets unknown members through: use closed()`)
  for (const [name, inner] of members) {
    if (name !== 'enum' && name !== 'default') assertClosed(inner, `${place}/${name}`)
  }
}
