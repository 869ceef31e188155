/** What a hostile or careless caller tries over HTTP: answers that the interface does not promise, and money that goes astray. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertBooks } from './harness/books.ts'
import { startTills, type Tills } from './harness/tills.ts'

let tills: Tills
before(async () => {
  tills = await startTills()
})
after(async () => {
  await assertBooks(tills.database.owner.sql)
  await tills.stop()
})

const cursor = (...parts: (string | number)[]) =>
  Buffer.from(JSON.stringify(parts)).toString('base64url')

describe('lists', () => {
  test('refuse cursors that they did not give out', async () => {
    const card = await tills.card(1_000)
    const statement = `/v1/cards/${card.id}/statement`
    for (const path of [
      `${statement}?cursor=${cursor('statement', '1', 999_999_999_999)}`,
      `/v1/ledger/accounts?cursor=${cursor('ledger_accounts', '-'.repeat(36))}`,
      `/v1/ledger/entries?cursor=${cursor('ledger_entries', '9'.repeat(18), 1, 1)}`,
      `/v1/ledger/entries?cursor=${cursor('ledger_entries', 1, '9'.repeat(12), 1)}`,
    ]) {
      const { status, body } = await tills.request('GET', path)
      assert.deepEqual([status, body.code], [400, 'cursor.invalid'], path)
    }
  })

  test('a statement may begin with the epoch', async () => {
    const card = await tills.card(1_000)
    const { status, body } = await tills.request(
      'GET',
      `/v1/cards/${card.id}/statement?from=1970-01-01`,
    )
    assert.deepEqual([status, body.data.length], [200, 1])
  })
})
