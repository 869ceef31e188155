/**
 * The body of a message callback, XML or JSON, as names and texts; what is nested gets a dotted name. Nothing in it is
 * expanded: documents that declare anything are not read.
 */
import { XMLParser } from 'fast-xml-parser'
import { memberOf } from './json.ts'

export type Fields = Readonly<Record<string, string>>

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  parseTagValue: false,
  trimValues: false,
})

const longestBody = 64 * 1024
const deepest = 6

/** Undefined: it is neither. */
export function readBody(body: Uint8Array): Fields | undefined {
  if (body.length === 0 || body.length > longestBody) return undefined
  const text = new TextDecoder().decode(body).trim()
  const root = text.startsWith('{') ? parsedJson(text) : parsedXml(text)
  if (typeof root !== 'object' || root === null) return undefined
  const fields: Record<string, string> = {}
  collect(root, '', fields, 0)
  return fields
}

function parsedXml(text: string): unknown {
  if (!text.startsWith('<') || /<!(?:DOCTYPE|ENTITY)/i.test(text)) return undefined
  try {
    const document: unknown = parser.parse(text)
    return memberOf(document, 'xml')
  } catch {
    return undefined
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function collect(value: object, prefix: string, into: Record<string, string>, depth: number): void {
  if (depth > deepest) return
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__') continue
    const key = `${prefix}${name}`
    if (typeof member === 'object' && member !== null) collect(member, `${key}.`, into, depth + 1)
    else if (name === '#text' && prefix !== '') continue
    else if (member !== null && member !== undefined) into[key] = String(member)
  }
}
