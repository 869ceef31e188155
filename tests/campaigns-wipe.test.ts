/** What campaigns gave goes with the test data of an issuer; their money stays right, and they go on giving. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { businessDateOf, dayMs } from '@lika/contract'
import { newId } from '../server/src/platform/ids.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'

let app: CardApp
before(async () => {
  app = await startCardApp()
})
after(() => app.stop())

test('a wiped book has no rebates, loads or vouchers left, and gives anew', async () => {
  const issuer = await app.makeIssuer()
  const { secret: second } = await app.makeKey(issuer.id, 'test', { owner: 'Somebody Else' })
  const key = issuer.test
  const product = await app.makeProduct(key)
  const now = app.flows.engine.now('test')
  const publish = async (rule: object): Promise<string> => {
    const terms = {
      name: 'Campaign',
      rule,
      budget: 100_000,
      starts_on: businessDateOf(now),
      ends_on: businessDateOf(now + 30 * dayMs),
    }
    const { body } = await app.call('POST', '/v1/campaigns', { key, body: terms })
    assert.equal(
      (await app.call('POST', `/v1/campaigns/${body.id}/publish`, { key: second })).status,
      200,
    )
    return body.id
  }
  const ladder = await publish({ kind: 'ladder', step: 1_000, rate_bp: 500 })
  const rows = async () => {
    const [row] = await app.database.owner.sql<{ rows: bigint }[]>`
      select
        (select count(*) from lika.rebate) + (select count(*) from lika.load_refund)
        + (select count(*) from lika.load_rest) + (select count(*) from lika.rebate_debt)
        + (select count(*) from lika.voucher) + (select count(*) from lika.presale) as rows`
    return row?.rows
  }
  const give = async () => {
    const card = await app.makeCard(key, product, 1_000)
    const load = { amount: 2_000, funding: { method: 'cash' } }
    const { body } = await app.post(key, `/v1/cards/${card.id}/loads`, load)
    assert.equal(body.rebates[0].amount, 100)
    const back = { amount: 1_001, reference: newId() }
    const refund = await app.post(key, `/v1/loads/${body.id}/refunds`, back)
    assert.equal(refund.status, 201, JSON.stringify(refund.body))
  }
  const isRight = async () => {
    const { body } = await app.call('POST', '/v1/ledger/verify', { key })
    assert.deepEqual([body.ok, body.first_wrong], [true, null])
    const budget = await app.get(key, `/v1/campaigns/${ladder}/budget`)
    return budget.body.lines[0].granted
  }
  await give()
  assert.equal(await rows(), 3n)
  assert.equal(await isRight(), 100)
  assert.equal((await app.call('DELETE', '/v1/test/data', { key })).status, 204)
  assert.equal(await rows(), 0n)
  assert.equal(await isRight(), 100)
  await give()
  assert.equal(await isRight(), 200)
})
