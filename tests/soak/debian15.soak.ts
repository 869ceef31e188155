import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { isDebian15Installed, startDebian15 } from '../harness/debian15.ts'

/**
 * What is not run there, and why: these start, kill or starve the embedded server. Single tests elsewhere that need a
 * server of their own start the embedded one beside this.
 */
const leftOut: Readonly<Record<string, string>> = {
  'postgres.test.ts': 'is about the embedded PostgreSQL itself',
  'faults.test.ts': 'kills PostgreSQL, which the app brings back only when it is its own',
  'disk-full.test.ts': 'starves the embedded server of disk',
  'start.test.ts': 'starts the embedded server',
  'bench.test.ts': 'measures the embedded server',
  'cli.test.ts': 'needs no database',
}

const root = resolve(import.meta.dirname, '../..')

test("the same tests pass on Debian's PostgreSQL 15", {
  skip: isDebian15Installed() ? false : 'postgresql-15 is not installed here',
}, async (t) => {
  const server = await startDebian15()
  try {
    const files = readdirSync(join(root, 'tests')).filter((name) => name.endsWith('.test.ts'))
    for (const [name, why] of Object.entries(leftOut)) {
      assert.ok(files.includes(name), `${name} is left out but does not exist`)
      t.diagnostic(`left out: ${name}, which ${why}`)
    }
    const run = files.filter((name) => !Object.hasOwn(leftOut, name))
    const paths = run.map((name) => join('tests', name))
    const options = [
      '--test',
      '--test-reporter=dot',
      '--test-concurrency=1',
      '--test-timeout=900000',
    ]
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env
    const child = spawn(process.execPath, [...options, ...paths], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...environment, LIKA_TEST_DATABASE_URL: server.url },
    })
    const [code] = await once(child, 'exit')
    assert.equal(code, 0, 'a test failed on PostgreSQL 15')
    t.diagnostic(`${run.length} files on PostgreSQL 15`)
  } finally {
    await server.stop()
  }
})
