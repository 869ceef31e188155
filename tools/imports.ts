/**
 * Holds the directions of import that docs/ARCHITECTURE.md draws:
 *
 *   main → api → flows → modules → platform → contract
 *          connectors → platform, contract, and the types of the port they fill
 *          cli → contract only
 *          bank-simulator, wechat-twin → nothing of ours: what is on the other side of a wire shares no code
 *
 * and the rules beside them: a module is entered by its index.ts only, and a sibling module only
 * where it is the ledger or the policy; no cycles, type-only ones included; the contract imports
 * nothing and no Node; environment, clock and randomness are touched in one place each. Run by
 * `npm run check`; each rule is shown failing in imports.test.ts.
 */
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { findCycles } from './cycles.ts'
import { isCode, isTest, projectFiles } from './source-files.ts'
import { type Mention, readSyntax, type Touch } from './syntax.ts'

export type Violation = { file: string; line: number; rule: string; what: string }

/** The layers of the server from the top down. A file may import its own layer and every one below.
 * */
const layers = ['main', 'api', 'flows', 'modules', 'platform', 'contract']
const openModules = ['ledger', 'policy']
const unbound = ['tests', 'bench', 'tools', 'docs']

/** Every broken rule in the tree at `root`, in the order of files and lines. */
export function findViolations(root: string): Violation[] {
  const edges = new Map<string, string[]>()
  const violations: Violation[] = []
  for (const file of projectFiles(root).filter(isCode)) {
    const reading = readSyntax(file, readFileSync(join(root, file), 'utf8'))
    const add = (line: number, rule: string, what: string) =>
      violations.push({ file, line, rule, what })
    for (const touch of reading.touches) {
      if (!mayTouch(file, touch.what)) add(touch.line, ruleOfTouch(touch.what), touch.what)
    }
    for (const mention of reading.imports) {
      const target = resolveImport(root, file, mention.what)
      const broken = brokenRule(file, target, mention)
      if (broken !== undefined) add(mention.line, broken, mention.what)
      if (target.kind === 'file') edges.set(file, [...(edges.get(file) ?? []), target.path])
    }
  }
  const cycles = findCycles(edges).map((cycle) => ({
    file: cycle[0] ?? '',
    line: 1,
    rule: 'no cycles, type-only ones included',
    what: [...cycle, cycle[0]].join(' → '),
  }))
  return [...violations, ...cycles]
}

type Target =
  | { kind: 'file'; path: string }
  | { kind: 'builtin' | 'package'; name: string }
  | { kind: 'missing'; why: string }

function resolveImport(root: string, from: string, name: string): Target {
  if (name === '?') return { kind: 'missing', why: 'names of imports are written out' }
  if (isBuiltin(name)) return { kind: 'builtin', name }
  if (name.startsWith('@lika/')) return { kind: 'file', path: `${name.slice(6)}/src/index.ts` }
  if (!name.startsWith('.')) return { kind: 'package', name }
  const path = posix.normalize(posix.join(posix.dirname(from), name))
  if (existsSync(join(root, path))) return { kind: 'file', path }
  return { kind: 'missing', why: 'a relative import names an existing file' }
}

/** The rule that this import breaks, as the sentence to print. */
function brokenRule(file: string, target: Target, mention: Mention): string | undefined {
  if (target.kind === 'missing') return target.why
  if (target.kind !== 'file') return brokenByPackage(file, target)
  if (isTest(target.path)) return 'no file imports a test'
  return (
    brokenByLayer(file, target.path, mention.typeOnly === true) ?? brokenByDoor(file, target.path)
  )
}

function brokenByPackage(file: string, target: Exclude<Target, { kind: 'file' | 'missing' }>) {
  if (isTest(file)) return undefined
  if (layerOf(file) === 'contract')
    return 'contract imports nothing from outside and no Node builtin'
  if (layerOf(file) !== 'cli' || target.kind === 'builtin' || target.name === 'commander')
    return undefined
  return 'cli imports only the contract, commander and Node builtins'
}

/** Programs beside the server: what of the repository each may import. */
const apart = new Map([
  ['cli', { may: ['cli', 'contract'], rule: 'cli imports only the contract' }],
  [
    'bank-simulator',
    { may: ['bank-simulator'], rule: 'the bank simulator imports nothing of ours' },
  ],
  ['wechat-twin', { may: ['wechat-twin'], rule: 'the local WeChat imports nothing of ours' }],
])

function brokenByLayer(file: string, target: string, typeOnly: boolean): string | undefined {
  const from = layerOf(file)
  const to = layerOf(target)
  if (unbound.includes(from) || (isTest(file) && to === 'tests')) return undefined
  if (unbound.includes(to)) return `${from} does not import ${to}`
  const own = apart.get(from)
  if (own !== undefined) return own.may.includes(to) ? undefined : own.rule
  if (from === 'connectors') {
    const portType = (to === 'modules' || to === 'flows') && typeOnly
    if (portType || ['connectors', 'platform', 'contract'].includes(to)) return undefined
    return 'connectors import platform, contract and port types only'
  }
  if (to === 'connectors') return from === 'main' ? undefined : 'only main imports connectors'
  const [above, below] = [layers.indexOf(from), layers.indexOf(to)]
  if (above === -1) return `${from} is none of the layers ${layers.join(', ')}, connectors, cli`
  return above <= below ? undefined : `${from} does not import ${to}`
}

function brokenByDoor(file: string, target: string): string | undefined {
  const [from, to] = [moduleOf(file), moduleOf(target)]
  if (to === undefined || from === to) return undefined
  if (target !== `server/src/modules/${to}/index.ts`)
    return 'a module is entered by its index.ts only'
  if (from === undefined || openModules.includes(to)) return undefined
  return `modules import no sibling but ${openModules.join(' and ')}`
}

/** `server/src/api/v1/cards.ts` → api; files beside main.ts belong to main; elsewhere the first
 * folder. */
function layerOf(file: string): string {
  const [first = '', second, third = ''] = file.split('/')
  if (first !== 'server') return first
  if (second !== 'src') return 'tools'
  return third.endsWith('.ts') ? 'main' : third
}

function moduleOf(file: string): string | undefined {
  return /^server\/src\/modules\/([^/]+)\//.exec(file)?.[1]
}

const clockPlaces = /^server\/src\/platform\/(clock|ids|crypto)[^/]*(\/|$)/
const environmentPlaces = /^server\/src\/platform\/config[^/]*(\/|$)/

function mayTouch(file: string, what: Touch): boolean {
  if (isTest(file) || [...unbound, 'cli', 'bank-simulator', 'wechat-twin'].includes(layerOf(file)))
    return true
  return (what === 'process.env' ? environmentPlaces : clockPlaces).test(file)
}

function ruleOfTouch(what: Touch): string {
  return what === 'process.env'
    ? 'the environment is read in platform/config only'
    : 'clock and randomness are touched in platform/clock, ids and crypto only'
}
