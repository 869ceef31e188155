/**
 * Requests made from /openapi.json, good, odd and broken, against a server process: nothing but documented answers, no
 * fault, no value moved by a refusal, and books in order at the end. LIKA_FUZZ_SEED repeats a run's requests.
 */
import { test } from 'node:test'
import { assertFuzz } from './harness/fuzz-check.ts'

test('20,000 requests of every kind', async (t) => {
  await assertFuzz({ requests: 20_000, say: (line) => t.diagnostic(line) })
})
