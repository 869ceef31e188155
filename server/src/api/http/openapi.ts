/** Writes the OpenAPI 3.1 document from the specs of the routes: what is not in a spec is not in the reference. */
import { type RefusalCode, refusals } from '@lika/contract'
import type { TSchema } from 'typebox'
import { closed, idOf, oneOf, Type } from './schemas.ts'
import type { AnySpec } from './spec.ts'

/** Every refusal that a route can answer: its own and those that the kernel adds. */
export function codesOf(spec: AnySpec): RefusalCode[] {
  const codes: RefusalCode[] = ['request.invalid', 'throttled', 'busy', ...spec.refusals]
  codes.push(...accessCodes(spec.access))
  if (spec.method !== 'GET')
    codes.push('request.malformed', 'request.too_large', 'media_type.unsupported')
  if (spec.idempotent === true) codes.push('idempotency.key_missing', 'idempotency.key_reused')
  return [...new Set(codes)]
}

function accessCodes(access: AnySpec['access']): RefusalCode[] {
  switch (access) {
    case 'anyone':
      return []
    case 'member':
      return ['session.missing', 'session.not_recognised']
    case 'operator':
      return ['auth.missing', 'auth.not_recognised', 'auth.not_operator']
    default:
      return ['auth.missing', 'auth.not_recognised', 'auth.scope_missing']
  }
}

const standardMembers = ['type', 'title', 'status', 'code', 'detail', 'request_id']

/** Further members are those of single codes (`existing_id`, `allowed` …): the one shape that is left open. */
const problem = {
  type: 'object',
  required: standardMembers,
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    detail: { type: 'string' },
    request_id: { type: 'string' },
    errors: {
      type: 'array',
      items: closed({ path: Type.String(), message: Type.String() }),
    },
    policy: closed({ pack: Type.String(), rule: Type.String(), article: Type.String() }),
    existing_id: { type: 'string' },
    allowed: {
      type: 'object',
      description: 'fen, or dates and instants',
      properties: { min: { type: ['number', 'string'] }, max: { type: ['number', 'string'] } },
    },
  },
}

/** The wallet's routes, for members, have a document of their own beside the one for those who integrate. */
export type Part = 'platform' | 'wallet'

const words: Record<Part, { readonly title: string; readonly description: string }> = {
  platform: {
    title: 'Lika 礼卡',
    description:
      'Prepaid value: cards, payments, refunds, holds, books. Amounts are integers in fen. Routes marked with an Idempotency-Key run once per key; a repeat has the answer of the first.',
  },
  wallet: {
    title: 'Lika 礼卡 wallet',
    description:
      'What a member does in the wallet: log in by WeChat, buy, look. A session token stands for the member; no OpenID goes over this surface in either direction.',
  },
}

function partOf(spec: Pick<AnySpec, 'path'>): Part {
  return spec.path.startsWith('/wallet/') ? 'wallet' : 'platform'
}

export function openapiOf(
  all: readonly AnySpec[],
  version: string,
  part: Part = 'platform',
): Record<string, unknown> {
  const specs = all.filter((spec) => partOf(spec) === part)
  const paths: Record<string, Record<string, unknown>> = {}
  for (const spec of specs) {
    const operation = { [spec.method.toLowerCase()]: operationOf(spec) }
    paths[spec.path] = { ...paths[spec.path], ...operation }
  }
  return {
    openapi: '3.1.0',
    info: { version, ...words[part] },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Problem: problem },
      securitySchemes: {
        [part === 'wallet' ? 'session' : 'key']: { type: 'http', scheme: 'bearer' },
      },
    },
  }
}

function operationOf(spec: AnySpec): Record<string, unknown> {
  const [, first, second = '', third = ''] = spec.path.split('/')
  const noun = first === 'wallet' ? third : second
  const requestBody = bodyOf(spec)
  return {
    operationId: operationIdOf(spec),
    tags: [first === 'v1' || first === 'wallet' ? noun : 'server'],
    summary: spec.summary,
    ...describeAccess(spec),
    parameters: parametersOf(spec),
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { ...successesOf(spec), ...problemsOf(spec) },
  }
}

/** `POST /v1/cards/{id}/freeze` → `post_cards_id_freeze` */
function operationIdOf({ method, path }: AnySpec): string {
  const words = path.replace('/v1', '').split(/[^a-z_]+/i)
  return [method.toLowerCase(), ...words.filter((word) => word !== '')].join('_')
}

function describeAccess({ access }: AnySpec): Record<string, unknown> {
  if (access === 'anyone') return { security: [] }
  if (access === 'member')
    return { security: [{ session: [] }], description: 'A member with a session.' }
  const who =
    access === 'operator'
      ? 'The operator key.'
      : access === 'key'
        ? "Any issuer's key."
        : typeof access === 'string'
          ? `A key with the scope \`${access}\`.`
          : `The operator key, or a key with the scope \`${access.operatorOr}\`.`
  return { security: [{ key: [] }], description: who }
}

function parametersOf(spec: AnySpec): unknown[] {
  const parameters: unknown[] = []
  if (spec.id !== undefined)
    parameters.push({ name: 'id', in: 'path', required: true, schema: idOf(spec.id) })
  if (spec.idempotent === true) {
    parameters.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: true,
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    })
  }
  const query = new Map<string, unknown>(Object.entries(spec.query ?? {}))
  const required = query.get('required')
  for (const [name, schema] of Object.entries(query.get('properties') ?? {})) {
    const isRequired = Array.isArray(required) && required.includes(name)
    parameters.push({ name, in: 'query', required: isRequired, schema })
  }
  return parameters
}

function bodyOf(spec: AnySpec): unknown {
  if (spec.body !== undefined)
    return { required: true, content: { 'application/json': { schema: spec.body } } }
  if (spec.upload === undefined) return undefined
  return { required: true, content: { 'multipart/form-data': { schema: formOf(spec.upload) } } }
}

/** The fields, and the file, which the kernel hands to the route as it comes in. */
function formOf(fields: NonNullable<AnySpec['upload']>): unknown {
  const form = new Map<string, unknown>(Object.entries(fields))
  const file = { type: 'string', contentMediaType: 'application/octet-stream' }
  const required = form.get('required')
  form.set('properties', { file, ...Object(form.get('properties')) })
  form.set('required', ['file', ...(Array.isArray(required) ? required : [])])
  return Object.fromEntries(form)
}

const successNames: Record<string, string> = {
  200: 'Done',
  201: 'Created',
  202: 'Accepted: a job does it',
  204: 'Gone',
}

function successesOf(spec: AnySpec): Record<string, unknown> {
  const headers = {
    'Request-Id': { schema: { type: 'string' } },
    ...(spec.idempotent === true
      ? { 'Idempotent-Replayed': { schema: { type: 'string', enum: ['true'] } } }
      : {}),
  }
  const answers: Record<string, unknown> = {}
  for (const status of new Set([...Object.keys(spec.responses), ...(spec.files ? ['200'] : [])])) {
    const content = contentOf(spec, status)
    answers[status] = {
      description: successNames[status],
      headers,
      ...(Object.keys(content).length === 0 ? {} : { content }),
    }
  }
  if (spec.redirects === true) {
    const location = { Location: { schema: { type: 'string' } } }
    answers['302'] = { description: 'Elsewhere', headers: { ...headers, ...location } }
  }
  return answers
}

function contentOf(spec: AnySpec, status: string): Record<string, unknown> {
  if (status === '204') return {}
  const schema: TSchema | undefined = spec.responses[Number(status)]
  const content: Record<string, unknown> = schema ? { 'application/json': { schema } } : {}
  if (status !== '200') return content
  for (const mediaType of spec.files ?? []) content[mediaType] = { schema: { type: 'string' } }
  return content
}

function problemsOf(spec: AnySpec): Record<string, unknown> {
  const byStatus = new Map<number, RefusalCode[]>()
  for (const code of codesOf(spec)) {
    const { status } = refusals[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const answers: Record<string, unknown> = {}
  for (const [status, codes] of byStatus) {
    const schema = {
      allOf: [{ $ref: '#/components/schemas/Problem' }],
      properties: { status: { const: status }, code: oneOf(codes) },
    }
    answers[status] = {
      description: codes.map((code) => `\`${code}\`: ${refusals[code].title}`).join('; '),
      content: { 'application/problem+json': { schema } },
    }
  }
  return answers
}
