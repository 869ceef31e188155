/** Holds the habits of this repository that no linter knows: opening comments, names, sizes,
 * leftovers, and nothing in the tracked files that belongs to one machine. Run by `npm run check`;
 * each rule is shown failing in tidy.test.ts. */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isCode, isGenerated, isTest, projectFiles } from './source-files.ts'

export type Untidiness = { file: string; line: number; rule: string; what: string }
type Finding = { line: number; what: string }
type Habit = {
  rule: string
  on: (file: string) => boolean
  find: (lines: string[], file: string) => Finding[]
}

const longestSource = 400

const habits: Habit[] = [
  {
    rule: 'a source file opens with a comment on what it is responsible for',
    on: (file) =>
      /^(server|contract|cli|bank-simulator|wechat-twin|tools|bench)\//.test(file) &&
      isCode(file) &&
      !isTest(file),
    find: (lines) => {
      const opening = lines
        .filter((line) => !line.startsWith('#!'))
        .join('\n')
        .trimStart()
      const comment = /^\/\*\*?([\s\S]*?)\*\/|^((?:\/\/.*\n?)+)/.exec(opening)
      const words = (comment?.[0] ?? '').match(/\p{Letter}+/gu) ?? []
      return words.length >= 4 ? [] : [{ line: 1, what: lines[0] ?? '' }]
    },
  },
  {
    rule: 'a file is named after what it does; these names say nothing',
    on: (file) => /(^|[/-])(utils?|helpers?)(\/|\.[a-z.]+$)/.test(file),
    find: (_, file) => [{ line: 1, what: file }],
  },
  {
    rule: `a source file has at most ${longestSource} lines`,
    on: (file) => isCode(file) && !isTest(file),
    find: (lines) =>
      lines.length <= longestSource ? [] : [{ line: lines.length, what: `${lines.length} lines` }],
  },
  {
    rule: 'work left over is done, or an issue',
    on: (file) => isCode(file) || file.endsWith('.sql'),
    find: matching(/\b(TO[D]O|FIX[M]E)\b/),
  },
  {
    rule: 'no test is left out or run alone',
    on: isTest,
    find: matching(/\b(test|it|describe|suite|t|context)\.(only|skip|todo)\(/),
  },
  {
    rule: 'a document has one first-level heading',
    on: (file) => file.endsWith('.md'),
    find: (lines) => {
      const headings = outsideFences(lines).filter(({ what }) => what.startsWith('# '))
      if (headings.length === 1) return []
      return headings.length === 0 ? [{ line: 1, what: 'none' }] : headings.slice(1)
    },
  },
  {
    rule: 'a constraint is called ck_, uq_, fk_ or pk_ …',
    on: (file) => /^server\/db\/migrations\/.*\.sql$/.test(file),
    find: (lines) =>
      lines.flatMap((line, index) => wrongConstraints(line.replace(/--.*/, ''), index + 1)),
  },
  {
    rule: 'nothing of one machine is tracked',
    on: (file) => !isBinary(file) && !file.endsWith('package-lock.json'),
    find: matching(
      /(?<![\w.~-])\/(work|root)\/|\bregistry\.[\w-]+\.[a-z]{2,}|\bnpm_config_registry=/i,
    ),
  },
  {
    rule: 'the lock file names no registry',
    on: (file) => basename(file) === 'package-lock.json',
    find: matching(/"resolved": "\w+:\/\//),
  },
]

/** Everything untidy in the tree at `root`, by file. */
export function findUntidy(root: string): Untidiness[] {
  return projectFiles(root).flatMap((file) => {
    const broken = habits.filter((habit) => habit.on(file))
    if (broken.length === 0 || isGenerated(file)) return []
    const lines = readFileSync(join(root, file), 'utf8').replace(/\n$/, '').split('\n')
    return broken.flatMap(({ rule, find }) =>
      find(lines, file).map(({ line, what }) => ({
        file,
        line,
        rule,
        what: what.trim().slice(0, 120),
      })),
    )
  })
}

function matching(pattern: RegExp): Habit['find'] {
  return (lines) =>
    lines.flatMap((what, index) => (pattern.test(what) ? [{ line: index + 1, what }] : []))
}

/** The lines of a document that are not inside a ``` block, where # begins a comment and no
 * heading. */
function outsideFences(lines: string[]): Finding[] {
  let inside = false
  return lines.flatMap((what, index) => {
    if (/^\s*(```|~~~)/.test(what)) inside = !inside
    return inside ? [] : [{ line: index + 1, what }]
  })
}

function wrongConstraints(line: string, number: number): Finding[] {
  const named = line.matchAll(/\bconstraint\s+(?!trigger\b)(?:if\s+(?:not\s+)?exists\s+)?"?(\w+)/gi)
  return [...named].flatMap(([, name = '']) =>
    /^(ck|uq|fk|pk)_/.test(name) ? [] : [{ line: number, what: name }],
  )
}

function isBinary(file: string): boolean {
  return /\.(png|jpg|gif|ico|woff2?|gz|zip|age|xlsx|pdf|csv|ttf)$/.test(file)
}
