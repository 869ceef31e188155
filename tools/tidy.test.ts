import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inTree } from './fixture-tree.ts'
import { findUntidy } from './tidy.ts'

const opening = '/** What this file is responsible for. */\n'
const slash = '/'

/** `file:line rule` of everything untidy in these files. */
function untidy(files: Record<string, string>): string[] {
  return inTree(files, findUntidy).map(({ file, line, rule }) => `${file}:${line} ${rule}`)
}

test('a tidy tree passes', () => {
  const files = {
    'README.md': '# Lika\n\n```sh\n# a comment\n```\n## Map\n',
    'server/src/main.ts': `${opening}export const a = 1\n`.repeat(200),
    'cli/bin/lika.mjs': '#!/usr/bin/env node\n// Starts the command line on Node 24.\n',
    'contract/src/money.test.ts':
      "import test from 'node:test'\ntest('x', { skip: true }, () => {})",
    'contract/src/generated/api.ts': 'x\n'.repeat(1000),
    'server/db/migrations/0001.sql':
      'create table a (b int constraint ck_a_b check (b > 0)); -- constraint of old\n',
    'docs/operations.md': '# Operations\n\nSee docs/work/plan and ~/root/x.\n',
  }
  assert.deepEqual(untidy(files), [])
})

const broken: [string, Record<string, string>, string][] = [
  [
    'no opening comment',
    { 'server/src/a.ts': 'export const a = 1\n' },
    'server/src/a.ts:1 a source file opens with a comment on what it is responsible for',
  ],
  [
    'an opening comment without words',
    { 'server/src/a.ts': '// biome-ignore\nexport const a = 1\n' },
    'server/src/a.ts:1 a source file opens with a comment on what it is responsible for',
  ],
  [
    'a bucket of odds and ends',
    { 'server/src/platform/string-utils.ts': opening },
    'server/src/platform/string-utils.ts:1 a file is named after what it does; these names say nothing',
  ],
  [
    'a folder of odds and ends',
    { 'tests/helpers/a.ts': opening },
    'tests/helpers/a.ts:1 a file is named after what it does; these names say nothing',
  ],
  [
    'a source file of 401 lines',
    { 'server/src/a.ts': opening + 'x\n'.repeat(400) },
    'server/src/a.ts:401 a source file has at most 400 lines',
  ],
  [
    'work left over',
    { 'server/src/a.ts': `${opening}// ${'TO'}DO: later\n` },
    'server/src/a.ts:2 work left over is done, or an issue',
  ],
  [
    'a test run alone',
    { 'tests/a.test.ts': `test${'.only'}('x', () => {})` },
    'tests/a.test.ts:1 no test is left out or run alone',
  ],
  [
    'a test left out',
    { 'tests/a.test.ts': `t${'.skip'}('x')` },
    'tests/a.test.ts:1 no test is left out or run alone',
  ],
  ['two titles', { 'a.md': '# A\n# B\n' }, 'a.md:2 a document has one first-level heading'],
  ['no title', { 'a.md': '## A\n' }, 'a.md:1 a document has one first-level heading'],
  [
    'a constraint by another name',
    { 'server/db/migrations/0001.sql': 'alter table a\n  add constraint positive check (b > 0);' },
    'server/db/migrations/0001.sql:2 a constraint is called ck_, uq_, fk_ or pk_ …',
  ],
  [
    'a path of one machine',
    { 'docs/a.md': `# A\nIn ${slash}work${slash}main.\n` },
    'docs/a.md:2 nothing of one machine is tracked',
  ],
  [
    'a registry host',
    { '.npmrc': `//${'registry'}.example.org/:a=b\n` },
    '.npmrc:1 nothing of one machine is tracked',
  ],
  [
    'a lock file bound to a registry',
    { 'package-lock.json': '{\n"resolved": "https://example.org/a.tgz"\n}' },
    'package-lock.json:2 the lock file names no registry',
  ],
]
for (const [what, files, expected] of broken) {
  test(`caught: ${what}`, () => {
    assert.deepEqual(untidy(files), [expected])
  })
}
