/** Reads from the syntax tree of a source file what the import rules ask about: what it imports,
 * and which of the outside world's values (environment, clock, randomness) it touches. */
import { parseSync } from 'oxc-parser'

export type Mention = { what: string; line: number; typeOnly?: boolean }
export type Touch = 'process.env' | 'Date.now()' | 'new Date()' | 'Math.random()'
export type Reading = { imports: Mention[]; touches: { what: Touch; line: number }[] }

/** Throws when the file cannot be parsed: then no rule can vouch for it. */
export function readSyntax(file: string, text: string): Reading {
  const parsed = parseSync(file, text)
  const first = parsed.errors[0]
  if (first !== undefined) throw new Error(`${file} cannot be parsed: ${first.message}`)
  const reading: Reading = { imports: [], touches: [] }
  const lineOf = (node: Node) => text.slice(0, node.start).split('\n').length
  visit(parsed.program, (node) => {
    const what = importedName(node)
    if (what !== undefined) {
      reading.imports.push({ what, line: lineOf(node), typeOnly: isTypeOnly(node) })
    }
    const touch = touched(node)
    if (touch !== undefined) reading.touches.push({ what: touch, line: lineOf(node) })
  })
  return reading
}

/** A node of the tree, taken as an unknown record: the rules need four of its two hundred kinds. */
type Node = { type: string; start: number; [member: string]: unknown }

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see)
  } else if (isNode(value)) {
    see(value)
    for (const child of Object.values(value)) {
      if (typeof child === 'object') visit(child, see)
    }
  }
}

/** The text between the quotes of `import … from`, `export … from`, `import(…)` and the type
 * `import(…)`. A computed name is reported as `?`, since nobody can check it. */
function importedName(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
    case 'ImportExpression':
    case 'TSImportType': {
      const source = node['source']
      if (!isNode(source)) return undefined
      return typeof source['value'] === 'string' ? source['value'] : '?'
    }
    default:
      return undefined
  }
}

function isTypeOnly(node: Node): boolean {
  const isType = (value: unknown) => value === 'type'
  if (node.type === 'TSImportType') return true
  if (isType(node['importKind']) || isType(node['exportKind'])) return true
  const names = node['specifiers']
  if (!Array.isArray(names) || names.length === 0) return false
  return names.every(
    (name) => isNode(name) && (isType(name['importKind']) || isType(name['exportKind'])),
  )
}

const watched = new Map<string, Touch>([
  ['process.env', 'process.env'],
  ['Date.now', 'Date.now()'],
  ['Math.random', 'Math.random()'],
])

function touched(node: Node): Touch | undefined {
  switch (node.type) {
    case 'NewExpression':
      return isDate(node['callee']) && isEmptyList(node['arguments']) ? 'new Date()' : undefined
    case 'CallExpression':
      return isDate(node['callee']) ? 'new Date()' : undefined
    case 'MemberExpression':
      return watched.get(`${nameOf(node['object'])}.${nameOf(node['property'])}`)
    case 'VariableDeclarator':
      return taken(nameOf(node['init']), membersOf(node['id'], 'properties', 'key'))
    case 'ImportDeclaration':
      return taken(
        nameOf(node['source']).replace('node:', ''),
        membersOf(node, 'specifiers', 'imported'),
      )
    default:
      return undefined
  }
}

/** What `const { env } = process` and `import { env } from 'node:process'` take: the first watched
 * member. */
function taken(object: string, members: string[]): Touch | undefined {
  return members
    .map((member) => watched.get(`${object}.${member}`))
    .find((touch) => touch !== undefined)
}

/** The names in the braces of a pattern or an import: `nameMember` of each node in its `list`. */
function membersOf(pattern: unknown, list: string, nameMember: string): string[] {
  const names = isNode(pattern) ? pattern[list] : undefined
  if (!Array.isArray(names)) return []
  return names.map((name) => (isNode(name) ? nameOf(name[nameMember]) : ''))
}

function isDate(value: unknown): boolean {
  return nameOf(value) === 'Date'
}

/** `env` of the identifier env and of the literal 'env', so that `process['env']` is `process.env`.
 * */
function nameOf(value: unknown): string {
  const name = isNode(value) ? (value['name'] ?? value['value']) : undefined
  return typeof name === 'string' ? name : ''
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
