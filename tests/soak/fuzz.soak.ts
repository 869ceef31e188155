/** The fuzzer of tests/fuzz.test.ts, a million requests long. */
import { test } from 'node:test'
import { assertFuzz } from '../harness/fuzz-check.ts'

test('1,000,000 requests of every kind', async () => {
  // Hours: what it says is seen while it goes on.
  const say = (line: string) => console.log(line)
  await assertFuzz({ requests: 1_000_000, stretch: 20_000, alone: 100, say })
})
