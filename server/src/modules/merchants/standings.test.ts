/** Which status of a merchant holds, whatever order the news come in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asId, type MerchantId } from '@lika/contract'
import { makeStandings, type StandingChange } from './standings.ts'

const merchantId: MerchantId = asId('0192f0c1-0000-7000-8000-000000010000')
const till = { merchantId, status: 'approved', statusVersion: 1, name: 'till' } as const
const suspended: StandingChange = { merchantId, status: 'suspended', statusVersion: 2 }
const resumed: StandingChange = { merchantId, status: 'approved', statusVersion: 3 }
const silent = () => Promise.resolve({ changes: [], at: 0 })

test('what nobody changed is as it was read, the same object', () => {
  assert.equal(makeStandings(silent).latest(till), till)
})

test('a change holds at once, and leaves the rest of the till as it is', () => {
  const standings = makeStandings(silent)
  standings.note(suspended)
  assert.deepEqual(standings.latest(till), { ...till, status: 'suspended', statusVersion: 2 })
})

test('news of an earlier change do not undo a later one', () => {
  const standings = makeStandings(silent)
  standings.note(resumed)
  standings.note(suspended)
  assert.equal(standings.latest(till).status, 'approved')
})

test('a till that was read after the change is believed', () => {
  const standings = makeStandings(silent)
  standings.note(suspended)
  const fresh = { ...till, statusVersion: 3 }
  assert.equal(standings.latest(fresh), fresh)
})

test('what others changed is asked for since the last answer, not since the last question', async () => {
  const asked: (number | undefined)[] = []
  let fails = false
  const standings = makeStandings(async (since) => {
    asked.push(since)
    if (fails) throw new Error('the database is away')
    return { changes: [suspended], at: 100 }
  })
  await standings.refresh()
  assert.equal(standings.latest(till).status, 'suspended')
  fails = true
  await assert.rejects(standings.refresh())
  await assert.rejects(standings.refresh())
  assert.deepEqual(asked, [undefined, 100, 100])
})
