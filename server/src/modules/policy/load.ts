/**
 * Reads the policy packs of a folder at start and holds them to `schema.json` beside them. Whatever
 * is wrong with a pack is a fault that names the file and the place in it: a server that does not
 * know its limits does not start.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Compile } from 'typebox/schema'
import { type Pack, type Packs, type Rule, ruleKinds } from './model.ts'

const schemaFile = 'schema.json'

/**
 * All packs of `dir` by name, in alphabetical order.
 * @throws Error with file and path where a file is not a pack, the periods of a rule overlap, not
 * exactly one pack is the default and one always stands, or the latter leaves a required rule unset.
 */
export async function loadPacks(dir: string): Promise<Packs> {
  const isPack = packGuard(await readJson(join(dir, schemaFile)))
  const files = (await readdir(dir)).filter((file) => file.endsWith('.json')).sort()
  const packs: Pack[] = []
  for (const file of files) {
    if (file !== schemaFile) packs.push(await readPack(join(dir, file), file, isPack))
  }
  checkStandings(dir, packs)
  return new Map(packs.map((pack) => [pack.name, pack]))
}

type PackGuard = (file: string, content: unknown) => content is Pack

async function readPack(path: string, file: string, isPack: PackGuard): Promise<Pack> {
  const content: unknown = await readJson(path)
  if (!isPack(path, content)) throw fault(path, '/', 'is not a policy pack')
  if (`${content.name}.json` !== file) throw fault(path, '/name', 'is not the name of the file')
  checkPeriods(path, content)
  if (content.standing === 'always') checkRequired(path, content)
  return content
}

async function readJson(path: string) {
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`${path} is not JSON`, { cause })
  }
}

/** @throws with the deepest thing that the schema finds wrong: its parents only repeat it. */
function packGuard(schema: object) {
  const validator = Compile(schema)
  return (path: string, content: unknown): content is Pack => {
    if (validator.Check(content)) return true
    const [, errors] = validator.Errors(content)
    const [deepest] = errors.sort((a, b) => b.instancePath.length - a.instancePath.length)
    throw fault(path, deepest?.instancePath || '/', deepest?.message ?? 'is wrong')
  }
}

/** Within a pack one rule has one value at a time. */
function checkPeriods(path: string, pack: Pack): void {
  for (const [index, rule] of pack.rules.entries()) {
    const { effectiveFrom, effectiveTo } = rule
    if (effectiveTo !== null && effectiveTo <= effectiveFrom) {
      throw fault(path, `/rules/${index}/effectiveTo`, 'is not after effectiveFrom')
    }
    const other = pack.rules.findIndex(
      (earlier) => earlier.id === rule.id && overlap(earlier, rule),
    )
    if (other < index) {
      throw fault(path, `/rules/${index}`, `overlaps /rules/${other}: ${rule.id} twice at a time`)
    }
  }
}

/** ISO days compare as text. */
function overlap(left: Rule, right: Rule): boolean {
  const endsBefore = (first: Rule, second: Rule) =>
    first.effectiveTo !== null && first.effectiveTo <= second.effectiveFrom
  return !endsBefore(left, right) && !endsBefore(right, left)
}

/** The pack that always stands sets every required rule from 1970-01-01 on, without a gap. */
function checkRequired(path: string, pack: Pack): void {
  for (const [id, kind] of Object.entries(ruleKinds)) {
    if (!('always' in kind)) continue
    const periods = pack.rules
      .filter((rule) => rule.id === id)
      .sort((left, right) => (left.effectiveFrom < right.effectiveFrom ? -1 : 1))
    let coveredTo: string | null = '1970-01-01'
    for (const { effectiveFrom, effectiveTo } of periods) {
      if (coveredTo === null || effectiveFrom > coveredTo) break
      coveredTo = effectiveTo
    }
    if (coveredTo !== null) throw fault(path, '/rules', `leave ${id} unset from ${coveredTo}`)
  }
}

function checkStandings(dir: string, packs: readonly Pack[]): void {
  for (const standing of ['always', 'default']) {
    const count = packs.filter((pack) => pack.standing === standing).length
    if (count !== 1)
      throw new Error(`${dir}: one pack must have standing ${standing}, not ${count}`)
  }
}

function fault(path: string, place: string, message: string): Error {
  return new Error(`${path}: ${place} ${message}`)
}
