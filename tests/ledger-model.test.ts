import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareWithModel } from './harness/ledger-model-run.ts'

test('64 writers and 100,000 random commands leave every account as the model has it', async (t) => {
  const given = process.env['LIKA_MODEL_SEED']
  const seed = given === undefined ? Math.floor(Math.random() * 0x7fff_ffff) : Number(given)
  t.diagnostic(`LIKA_MODEL_SEED=${seed}`)
  const counts = await compareWithModel({ commands: 100_000, writers: 64, each: 100, seed })
  t.diagnostic([...counts].map(([name, count]) => `${name} ${count}`).join(', '))
  for (const [name, count] of counts) assert.ok(count > 0, `${name} never occurred`)
})
