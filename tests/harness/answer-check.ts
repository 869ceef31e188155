/**
 * Holds answers against the documents at /openapi.json and /wallet/openapi.json: a status that the operation documents, its content type, and a
 * body of exactly the documented shape. A client that is built on it cannot see an answer that nobody was promised.
 */
import assert from 'node:assert/strict'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
// Sets the formats that the schemas name.
import '../../server/src/api/http/schemas.ts'

export type Json = ReturnType<typeof JSON.parse>

export type Operation = {
  /** `get_cards_id` */
  id: string
  method: string
  path: string
  /** Who may call, as the document says it. */
  access: string
  parameters: { name: string; in: string; required: boolean; schema: Json }[]
  /** By media type. */
  bodies: Record<string, Json>
  responses: Record<string, { content?: Record<string, { schema: Json }> }>
}

export type RawAnswer = {
  status: number
  header(name: string): string | undefined
  text: string
}

export type AnswerCheck = {
  operations: readonly Operation[]
  /** undefined: no path of the document fits. */
  operationOf(method: string, path: string): Operation | undefined
  /** What is wrong with the answer; empty: nothing. */
  complaints(method: string, path: string, answer: RawAnswer): string[]
  /** @throws AssertionError with the request and what is wrong. */
  assertDocumented(method: string, path: string, answer: RawAnswer): void
}

export async function answerCheckOf(url: string): Promise<AnswerCheck> {
  const read = async (path: string) => (await fetch(url + path)).json()
  const platform = makeAnswerCheck(await read('/openapi.json'))
  const wallet = makeAnswerCheck(await read('/wallet/openapi.json'))
  const checkFor = (path: string) => (path.startsWith('/wallet/') ? wallet : platform)
  return {
    operations: platform.operations,
    operationOf: (method, path) => checkFor(path).operationOf(method, path),
    complaints: (method, path, answer) => checkFor(path).complaints(method, path, answer),
    assertDocumented: (method, path, answer) =>
      checkFor(path).assertDocumented(method, path, answer),
  }
}

function makeAnswerCheck(document: Json): AnswerCheck {
  const operations = operationsOf(document)
  const validators = new Map<Json, ReturnType<typeof Compile>>()

  function shapeComplaints(schema: Json, value: unknown): string[] {
    let validator = validators.get(schema)
    if (validator === undefined) {
      validator = Compile(inlined(schema, document) as TSchema)
      validators.set(schema, validator)
    }
    if (validator.Check(value)) return []
    return validator
      .Errors(value)
      .slice(0, 5)
      .map(({ instancePath, message }) => `the body at ${instancePath || '/'} ${message}`)
  }

  /** `loose`: also with nothing in place of an id, which is an id that nothing has. */
  function operationOf(method: string, path: string, loose = false): Operation | undefined {
    const segments = segmentsOf(path)
    const wanted = method === 'HEAD' ? 'GET' : method
    return operations
      .filter((one) => one.method === wanted && fits(one.path, segments, loose))
      .toSorted((left, right) => left.path.split('{').length - right.path.split('{').length)
      .at(0)
  }

  function complaints(method: string, path: string, answer: RawAnswer): string[] {
    if (!isOurs(path)) return []
    if (answer.header('request-id') === undefined) return ['there is no Request-Id']
    if (method === 'HEAD') return answer.text === '' ? [] : ['a HEAD has a body']
    const operation = operationOf(method, path)
    if (operation !== undefined) return matched(operation, answer)
    const loose = operationOf(method, path, true)
    const found = unmatched(answer)
    return found.length === 0 || loose === undefined ? found : matched(loose, answer)
  }

  /** Where the document has no such operation there are only two answers. */
  function unmatched(answer: RawAnswer): string[] {
    const problem = problemIn(answer)
    if (problem === undefined) return [`${answer.status} is not a problem`]
    const expected: Record<string, number> = { 'route.not_found': 404, 'method.not_allowed': 405 }
    const status = expected[problem.code]
    return status === answer.status ? [] : [`${answer.status} ${problem.code} without a route`]
  }

  function matched({ responses }: Operation, answer: RawAnswer): string[] {
    const { status, text } = answer
    const documented = responses[status]
    if (documented === undefined) return [`${status} is not documented: ${text.slice(0, 300)}`]
    const type = answer.header('content-type')?.split(';')[0]
    const { content } = documented
    if (content === undefined)
      return text === '' && type === undefined ? [] : [`${status} has a body`]
    const schema = content[type ?? '']?.schema
    if (schema === undefined) return [`${status} is not documented as ${type}`]
    return type?.endsWith('json') === true ? jsonComplaints(answer, schema) : []
  }

  function jsonComplaints(answer: RawAnswer, schema: Json): string[] {
    const { status, text } = answer
    const body = parsed(text)
    if (body === undefined) return [`${status} is not JSON: ${text.slice(0, 100)}`]
    const shape = shapeComplaints(schema, body)
    if (status < 400) return 'request_id' in Object(body) ? [...shape, 'a request_id'] : shape
    return [...shape, ...problemComplaints(answer, body)]
  }

  return {
    operations,
    operationOf,
    complaints,
    assertDocumented: (method, path, answer) => {
      const wrong = complaints(method, path, answer)
      assert.deepEqual(
        wrong,
        [],
        `${method} ${path} → ${answer.status} ${answer.text.slice(0, 500)}`,
      )
    },
  }
}

function problemComplaints(answer: RawAnswer, problem: Json): string[] {
  const wrong = []
  if (problem.status !== answer.status) wrong.push('the problem has another status')
  if (problem.request_id !== answer.header('request-id')) wrong.push('another request_id')
  if (problem.type !== `urn:lika:problem:${problem.code}`) wrong.push('another type')
  if (answer.status === 401 && answer.header('www-authenticate') === undefined)
    wrong.push('no WWW-Authenticate')
  if ([429, 503].includes(answer.status) && !/^\d+$/.test(answer.header('retry-after') ?? ''))
    wrong.push('no Retry-After')
  return wrong
}

function problemIn(answer: RawAnswer): Json {
  const isProblem = answer.header('content-type')?.startsWith('application/problem+json')
  return isProblem ? parsed(answer.text) : undefined
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the documents describe; beside it there are pages, the documents themselves and what WeChat calls. */
function isOurs(path: string): boolean {
  return !/^\/(docs|openapi\.json|wallet\/openapi\.json|wechat\/|h5\/)/.test(path)
}

function segmentsOf(path: string): string[] {
  return (path.split('?')[0] ?? '').split('/')
}

function fits(pattern: string, segments: readonly string[], loose: boolean): boolean {
  const parts = pattern.split('/')
  return (
    parts.length === segments.length &&
    parts.every((part, index) =>
      part.startsWith('{') ? loose || segments[index] !== '' : part === segments[index],
    )
  )
}

function operationsOf(document: Json): Operation[] {
  return Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, operation]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      access: operation.security?.length === 0 ? 'anyone' : operation.description,
      parameters: operation.parameters ?? [],
      bodies: Object.fromEntries(
        Object.entries<Json>(operation.requestBody?.content ?? {}).map(([type, { schema }]) => [
          type,
          schema,
        ]),
      ),
      responses: operation.responses,
    })),
  )
}

/** With what `$ref` points at in its place. */
function inlined(schema: Json, document: Json): Json {
  if (Array.isArray(schema)) return schema.map((inner) => inlined(inner, document))
  if (typeof schema !== 'object' || schema === null) return schema
  if (typeof schema.$ref === 'string') {
    const steps: string[] = schema.$ref.slice(2).split('/')
    return inlined(
      steps.reduce((at, step) => at[step], document),
      document,
    )
  }
  return Object.fromEntries(
    Object.entries(schema).map(([name, inner]) => [name, inlined(inner, document)]),
  )
}
