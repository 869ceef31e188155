/** Writes what WeChat posts to a callback, as XML or JSON, and reads what it is answered. */

export type Value = string | number | { readonly [name: string]: Value }
export type Members = { readonly [name: string]: Value }

/** Text in CDATA, numbers bare, objects as elements within. */
export function toXml(members: Members): string {
  return `<xml>${elements(members)}</xml>`
}

function elements(members: Members): string {
  return Object.entries(members)
    .map(([name, value]) => `<${name}>${xmlOf(value)}</${name}>`)
    .join('')
}

function xmlOf(value: Value): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'object') return elements(value)
  return `<![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
}

export function write(format: 'xml' | 'json', members: Members): string {
  return format === 'xml' ? toXml(members) : JSON.stringify(members)
}

/** The members of an answer that has no levels below; undefined where it is neither XML nor JSON. */
export function readMembers(answer: string): Readonly<Record<string, string>> | undefined {
  const body = answer.trim()
  if (body.startsWith('{')) return fromJson(body)
  const inner = /^(?:<\?xml[^>]*\?>\s*)?<xml>([\s\S]*)<\/xml>$/.exec(body)?.[1]
  if (inner === undefined) return undefined
  const members: Record<string, string> = {}
  const element = /<(\w+)>(?:<!\[CDATA\[([\s\S]*?)\]\]>|([^<]*))<\/\1>/g
  for (const [, name = '', cdata, plain] of inner.matchAll(element))
    members[name] = cdata ?? plain ?? ''
  return members
}

function fromJson(body: string): Readonly<Record<string, string>> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value !== 'object' || value === null) return undefined
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, String(one)]))
  } catch {
    return undefined
  }
}
