/**
 * `npm run check`: format, lint, types, import rules, dead code, tidiness, one after another. Each
 * says in one line whether it passed; what failed prints its findings below that line, and the
 * rest still runs.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { findViolations } from './imports.ts'
import { findUntidy } from './tidy.ts'

type Finding = { file: string; line: number; rule: string; what: string }
type Outcome = { passed: boolean; findings: string }
type Step = { name: string; run: () => Outcome }

const root = resolve(import.meta.dirname, '..')

const steps: Step[] = [
  {
    name: 'format and lint (biome)',
    run: () => tool('@biomejs/biome', ['check', '--error-on-warnings']),
  },
  {
    name: 'lint with types (oxlint)',
    run: () => tool('oxlint', ['--type-aware', '--deny-warnings']),
  },
  { name: 'types (tsc)', run: () => tool('typescript', ['-p', 'tsconfig.json'], 'tsc') },
  { name: 'import rules', run: () => listed(findViolations(root)) },
  {
    name: 'dead code and dependencies (knip)',
    run: () => tool('knip', ['--no-progress', '--no-config-hints']),
  },
  { name: 'tidiness', run: () => listed(findUntidy(root)) },
]

/** Runs the command `name` of an installed package, by default the one called like the package. */
function tool(
  packageName: string,
  options: string[],
  name = packageName.replace(/^.*\//, ''),
): Outcome {
  const folder = join(root, 'node_modules', packageName)
  const manifest: { bin: Record<string, string> } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  )
  const script = join(folder, manifest.bin[name] ?? '')
  const done = spawnSync(process.execPath, [script, ...options], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  return { passed: done.status === 0, findings: `${done.stdout ?? ''}${done.stderr ?? ''}`.trim() }
}

function listed(findings: Finding[]): Outcome {
  const lines = findings.map(({ file, line, rule, what }) => `${file}:${line}  ${rule}: ${what}`)
  return { passed: findings.length === 0, findings: lines.join('\n') }
}

/** A fault of one step (a file that cannot be parsed) counts as its failure and does not stop the
 * others. */
function attempt(step: Step): Outcome {
  try {
    return step.run()
  } catch (fault) {
    return { passed: false, findings: String(fault) }
  }
}

let failed = 0
for (const step of steps) {
  const started = performance.now()
  const { passed, findings } = attempt(step)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${passed ? '✔' : '✖'} ${step.name} (${seconds} s)`)
  if (passed) continue
  failed += 1
  console.log(findings)
}
console.log(failed === 0 ? 'check passed' : `check failed: ${failed} of ${steps.length}`)
process.exitCode = failed === 0 ? 0 : 1
