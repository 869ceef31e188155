import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareWithModel } from '../harness/ledger-model-run.ts'

const runs = 10

for (let run = 1; run <= runs; run += 1) {
  test(`run ${run} of ${runs}: 256 writers and a million random commands leave every account as the model has it`, async (t) => {
    const seed = Math.floor(Math.random() * 0x7fff_ffff)
    t.diagnostic(`seed ${seed}`)
    const counts = await compareWithModel({ commands: 1_000_000, writers: 256, each: 40, seed })
    t.diagnostic([...counts].map(([name, count]) => `${name} ${count}`).join(', '))
    for (const [name, count] of counts) assert.ok(count > 0, `${name} never occurred`)
  })
}
