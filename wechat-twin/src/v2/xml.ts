/**
 * The flat XML of WeChat Pay V2: one `<xml>` element whose children hold text. What is deeper, doubled, or brings a
 * document type is refused before anything is read from it.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser'

const parser = new XMLParser({
  ignoreDeclaration: true,
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: true,
  processEntities: true,
})

/** The members of a V2 request, or undefined where the text is no flat `<xml>` document. */
export function parseXml(text: string): ReadonlyMap<string, string> | undefined {
  // Entities come with a document type: an outside one reads files, a nested one fills the memory.
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) return undefined
  if (XMLValidator.validate(text) !== true) return undefined
  const parsed: unknown = parser.parse(text)
  if (!isRecord(parsed) || Object.keys(parsed).length !== 1) return undefined
  const root = parsed['xml']
  // An empty document is a document without members.
  if (root === '') return new Map()
  if (!isRecord(root)) return undefined
  const members = new Map<string, string>()
  for (const [name, value] of Object.entries(root)) {
    if (typeof value !== 'string') return undefined
    members.set(name, value)
  }
  return members
}

/** A V2 answer; members that are undefined are left out. Numbers stand bare, text in CDATA. */
export function buildXml(members: Readonly<Record<string, string | number | undefined>>): string {
  const lines = Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        `<${name}>${typeof value === 'number' ? value : cdata(`${value}`)}</${name}>`,
    )
  return `<xml>\n${lines.join('\n')}\n</xml>`
}

function cdata(text: string): string {
  return `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
