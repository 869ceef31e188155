import { test } from 'node:test'
import { surviveDeaths } from '../harness/fault-rounds.ts'

test('a hundred sudden deaths of the server, of PostgreSQL, of both: what was acknowledged is in the book, once', async (t) => {
  await surviveDeaths(t, 100)
})
