import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inTree } from './fixture-tree.ts'
import { findViolations } from './imports.ts'

/** A house in which every allowed edge occurs once. */
const sound: Record<string, string> = {
  'contract/src/index.ts': "export * from './money.ts'",
  'contract/src/money.ts': 'export type Fen = bigint',
  'contract/src/money.test.ts': "import 'node:assert'; import 'fast-check'; import './money.ts'",
  'server/src/platform/clock.ts': 'export const now = () => Date.now()',
  'server/src/platform/ids.ts': "import './clock.ts'; export const random = () => Math.random()",
  'server/src/platform/crypto/seal.ts': 'export const sealedAt = () => new Date()',
  'server/src/platform/config.ts': 'export const port = process.env.LIKA_PORT',
  'server/src/modules/ledger/index.ts': "export * from './model.ts'",
  'server/src/modules/ledger/model.ts': "import type { Fen } from '@lika/contract'",
  'server/src/modules/policy/index.ts': 'export const packs = 1',
  'server/src/modules/cards/index.ts': "export * from './model.ts'",
  'server/src/modules/cards/model.ts':
    "import '../ledger/index.ts'; import '../policy/index.ts'; new Date(0); import 'fastify'",
  'server/src/flows/pay.ts': "import '../modules/cards/index.ts'; import '../platform/ids.ts'",
  'server/src/api/v1/payments.ts': "import '../../flows/pay.ts'; import '@lika/contract'",
  'server/src/connectors/sms.ts':
    "import type { packs } from '../modules/policy/index.ts'; import '../platform/clock.ts'",
  'server/src/main.ts': "import './api/v1/payments.ts'; import './connectors/sms.ts'",
  'cli/src/main.ts':
    "import 'commander'; import 'node:fs'; import '@lika/contract'; process.env.LIKA_URL; Date.now()",
  'bank-simulator/src/main.ts': "import 'ssh2'; import 'node:fs'; import './bank.ts'",
  'bank-simulator/src/bank.ts': 'export const open = true',
  'wechat-twin/src/main.ts': "import 'node:http'; import './pay.ts'",
  'wechat-twin/src/pay.ts': 'export const open = true',
  'tests/journeys/pay.test.ts': "import '../../server/src/main.ts'; process.env.HOME",
}

/** The rules broken by the sound house with these files added or replaced. */
function broken(files: Record<string, string>): string[] {
  const violations = inTree({ ...sound, ...files }, findViolations)
  return violations.map(({ file, rule }) => `${file}: ${rule}`)
}

test('a house built by the rules breaks none', () => {
  assert.deepEqual(broken({}), [])
})

const upward: [string, string, string][] = [
  [
    'contract/src/money.ts',
    '../../server/src/platform/ids.ts',
    'contract does not import platform',
  ],
  ['server/src/platform/ids.ts', '../modules/cards/index.ts', 'platform does not import modules'],
  ['server/src/modules/cards/model.ts', '../../flows/pay.ts', 'modules does not import flows'],
  ['server/src/flows/pay.ts', '../api/v1/payments.ts', 'flows does not import api'],
  ['server/src/api/v1/payments.ts', '../../main.ts', 'api does not import main'],
  ['server/src/api/v1/payments.ts', '../../connectors/sms.ts', 'only main imports connectors'],
  ['server/src/flows/pay.ts', '../../../bench/main.ts', 'flows does not import bench'],
  ['server/src/bucket/a.ts', '../platform/ids.ts', 'bucket is none of the layers'],
  ['cli/src/main.ts', '../../server/src/platform/ids.ts', 'cli imports only the contract'],
  [
    'bank-simulator/src/main.ts',
    '../../contract/src/money.ts',
    'the bank simulator imports nothing of ours',
  ],
  ['server/src/main.ts', '../../bank-simulator/src/bank.ts', 'main does not import bank-simulator'],
  [
    'wechat-twin/src/main.ts',
    '../../contract/src/money.ts',
    'the local WeChat imports nothing of ours',
  ],
  ['server/src/main.ts', '../../wechat-twin/src/pay.ts', 'main does not import wechat-twin'],
]
for (const [file, target, rule] of upward) {
  test(`an edge against the direction is caught: ${file} → ${target}`, () => {
    const found = broken({ 'bench/main.ts': '', [file]: `import '${target}'` })
    assert.ok(
      found.some((line) => line.startsWith(`${file}: `) && line.includes(rule)),
      found.join('\n'),
    )
  })
}

const house: [string, Record<string, string>, string][] = [
  [
    'a connector that runs code of a module',
    { 'server/src/connectors/sms.ts': "import { packs } from '../modules/policy/index.ts'" },
    'server/src/connectors/sms.ts: connectors import platform, contract and port types only',
  ],
  [
    'a module that imports a sibling',
    {
      'server/src/modules/risk/index.ts': '',
      'server/src/modules/cards/store.ts': "import '../risk/index.ts'",
    },
    'server/src/modules/cards/store.ts: modules import no sibling but ledger and policy',
  ],
  [
    'a module entered past its index',
    { 'server/src/flows/pay.ts': "import '../modules/cards/model.ts'" },
    'server/src/flows/pay.ts: a module is entered by its index.ts only',
  ],
  [
    'the ledger entered past its index by a sibling',
    { 'server/src/modules/cards/model.ts': "import '../ledger/model.ts'" },
    'server/src/modules/cards/model.ts: a module is entered by its index.ts only',
  ],
  [
    'a contract that needs Node',
    { 'contract/src/money.ts': "import 'node:crypto'" },
    'contract/src/money.ts: contract imports nothing from outside and no Node builtin',
  ],
  [
    'a contract that needs a package',
    { 'contract/src/money.ts': "import 'typebox'" },
    'contract/src/money.ts: contract imports nothing from outside and no Node builtin',
  ],
  [
    'a command line that needs another package',
    { 'cli/src/main.ts': "import 'postgres'" },
    'cli/src/main.ts: cli imports only the contract, commander and Node builtins',
  ],
  [
    'code that imports a test',
    { 'server/src/flows/pay.ts': "import '../../../contract/src/money.test.ts'" },
    'server/src/flows/pay.ts: no file imports a test',
  ],
  [
    'an import of a file that is not there',
    { 'server/src/flows/pay.ts': "import './refund.ts'" },
    'server/src/flows/pay.ts: a relative import names an existing file',
  ],
  [
    'an import by a computed name',
    { 'server/src/flows/pay.ts': 'await import(String(1))' },
    'server/src/flows/pay.ts: names of imports are written out',
  ],
  [
    'the environment read outside the configuration',
    { 'server/src/flows/pay.ts': "process['env']" },
    'server/src/flows/pay.ts: the environment is read in platform/config only',
  ],
  [
    'a destructured environment',
    { 'server/src/flows/pay.ts': 'const { env } = process; env.HOME' },
    'server/src/flows/pay.ts: the environment is read in platform/config only',
  ],
  [
    'an imported environment',
    { 'server/src/flows/pay.ts': "import { env } from 'node:process'" },
    'server/src/flows/pay.ts: the environment is read in platform/config only',
  ],
  [
    'a cycle of types',
    {
      'contract/src/a.ts': "import type { B } from './b.ts'; export type A = B",
      'contract/src/b.ts': "export type B = import('./a.ts').A",
    },
    'contract/src/a.ts: no cycles, type-only ones included',
  ],
]
for (const [what, files, expected] of house) {
  test(`caught: ${what}`, () => {
    assert.deepEqual(broken(files), [expected])
  })
}

for (const reading of ['Date.now()', 'new Date()', 'Date()', 'Math.random()', "Date['now']()"]) {
  test(`caught: ${reading} outside the clock`, () => {
    assert.deepEqual(broken({ 'server/src/flows/pay.ts': reading }), [
      'server/src/flows/pay.ts: clock and randomness are touched in platform/clock, ids and crypto only',
    ])
  })
}

test('words in comments and strings are not code', () => {
  const text = "// import '../api/v1/payments.ts'; Date.now()\nexport const a = 'process.env.HOME'"
  assert.deepEqual(broken({ 'server/src/flows/pay.ts': text }), [])
})

test('a file that cannot be parsed stops the check by name', () => {
  assert.throws(
    () => broken({ 'server/src/flows/pay.ts': 'const = 1' }),
    /pay\.ts cannot be parsed/,
  )
})
