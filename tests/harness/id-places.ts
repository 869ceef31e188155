/** Where in a call an id goes: read from the document's schemas, found in calls, and replaced there. */
import { idPrefixes } from '@lika/contract'
import type { Json, Operation } from './answer-check.ts'
import type { GoodCall } from './good-calls.ts'

/** `{id}`, `query.product_id`, `body.sources.*.card_id`, `fields.product_id`. */
export type IdPlace = { place: string; prefix: string }

/** What names something of a book without being an id. */
const namingMembers = new Set(['number', 'secret', 'pay_code'])
/** The secret of a WeChat app names nothing of ours: by its schema, and by how it looks. */
const appSecretSchema = '^[0-9A-Za-z]{16,128}$'
const appSecret = /^[0-9a-f]{32}$/
const idPattern = /^\^([a-z]+)_\[0-9a-f\]\{32\}\$$/

/** Every place that takes an id, or another name of a thing. */
export function idPlacesOf(operation: Operation): IdPlace[] {
  const places: IdPlace[] = []
  for (const { name, in: where, schema } of operation.parameters) {
    if (where === 'path') places.push({ place: '{id}', prefix: prefixOf(schema) ?? '' })
    if (where === 'query') collect(schema, `query.${name}`, name, places)
  }
  for (const [type, schema] of Object.entries(operation.bodies).slice(0, 1)) {
    collect(schema, type.startsWith('multipart') ? 'fields' : 'body', '', places)
  }
  return places
}

function prefixOf(schema: Json): string | undefined {
  return idPattern.exec(schema?.pattern ?? '')?.[1]
}

function collect(schema: Json, place: string, name: string, places: IdPlace[]): void {
  const isName = namingMembers.has(name) && schema?.pattern !== appSecretSchema
  const prefix = prefixOf(schema) ?? (isName ? name : undefined)
  if (prefix !== undefined) places.push({ place, prefix })
  for (const [member, inner] of Object.entries(schema?.properties ?? {}))
    collect(inner, `${place}.${member}`, member, places)
  if (schema?.items !== undefined) collect(schema.items, `${place}.*`, '', places)
  for (const inner of schema?.anyOf ?? []) collect(inner, place, '', places)
}

/** What a call has in its places for ids; bulk's paths, which are plain text, among them. */
export function idsIn(call: GoodCall): { place: string; value: string }[] {
  const found: { place: string; value: string }[] = []
  if (call.id !== undefined) found.push({ place: '{id}', value: call.id })
  for (const part of ['query', 'body', 'fields'] as const) look(call[part], part, '')
  return found

  function look(value: unknown, place: string, name: string): void {
    if (typeof value === 'string') {
      const isName = namingMembers.has(name) && !appSecret.test(value)
      const id = isName ? value : anyId.exec(value)?.[0]
      if (id !== undefined) found.push({ place, value: id })
    } else if (Array.isArray(value)) {
      for (const item of value) look(item, `${place}.*`, '')
    } else if (typeof value === 'object' && value !== null) {
      for (const [member, inner] of Object.entries(value)) look(inner, `${place}.${member}`, member)
    }
  }
}

export const anyId = new RegExp(`\\b(?:${Object.values(idPrefixes).join('|')})_[0-9a-f]{32}\\b`)

/** The call with other ids in it, wherever the old ones stand. */
export function withIds(call: GoodCall, replacements: ReadonlyMap<string, string>): GoodCall {
  const { id, query, body, fields, ...rest } = call
  return {
    ...rest,
    ...(id !== undefined && { id: replacements.get(id) ?? id }),
    ...(query !== undefined && { query: replaced(query, replacements) }),
    ...(body !== undefined && { body: replaced(body, replacements) }),
    ...(fields !== undefined && { fields: replaced(fields, replacements) }),
  }
}

function replaced<T>(value: T, replacements: ReadonlyMap<string, string>): T {
  let text = JSON.stringify(value)
  for (const [from, to] of replacements) text = text.replaceAll(from, to)
  return JSON.parse(text)
}
