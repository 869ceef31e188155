/**
 * No ratio stands in code: each rule of the reserve is put into a pack of its own with two numbers, and over HTTP the
 * last fen that may leave the custody account moves with it.
 */
import assert from 'node:assert/strict'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import { deliveredPolicies } from './harness/http-app.ts'
import { type ReserveParty, reserveDays, reserveParty } from './harness/reserve.ts'
import { temporaryFolder } from './harness/server.ts'

const numbers = [1_234, 5_678]

/** Rule, the profile under which it holds, and whether it is measured by the end of the quarter before. */
const rules = [
  ['reserve_scale_bp', { issuer_class: 'scale' }, true],
  ['reserve_group_bp', { issuer_class: 'group' }, true],
  ['reserve_brand_bp', { issuer_class: 'brand' }, true],
  ['reserve_other_bp', { issuer_class: 'other' }, true],
  ['reserve_daily_bp', {}, false],
  ['reserve_top_up_bp', { top_up_deposit: true }, false],
] as const

let app: CardApp
let folder: string
const parties = new Map<string, ReserveParty>()
const packOf = (rule: string, number: number) => `only-${rule.replaceAll('_', '-')}-${number}`

before(async () => {
  folder = temporaryFolder('lika-reserve-')
  cpSync(deliveredPolicies, folder, { recursive: true })
  for (const [rule] of rules) {
    for (const number of numbers) writePack(packOf(rule, number), rule, number)
  }
  app = await startCardApp([], { policies: folder })
  for (const [rule, profile] of rules) {
    for (const number of numbers) {
      const pack = packOf(rule, number)
      const party = await reserveParty(app, [pack], profile)
      await party.sell(100_000)
      party.must(await party.move(100_000))
      parties.set(pack, party)
    }
  }
  await reserveDays(app).nextQuarter()
})
after(async () => {
  await app.stop()
  rmSync(folder, { recursive: true, force: true })
})

function writePack(name: string, rule: string, value: number): void {
  const source = { document: 'A law', article: '26' }
  const dated = { effectiveFrom: '2000-01-01', effectiveTo: null, source, status: 'confirmed' }
  const pack = {
    name,
    title: { zh: name, en: name },
    standing: 'by_name',
    rules: [{ id: rule, value, ...dated }],
  }
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(pack))
}

for (const [rule, , isOfQuarter] of rules) {
  describe(rule, () => {
    for (const number of numbers) {
      test(`${number} of ten thousand`, async () => {
        const party = parties.get(packOf(rule, number))
        assert.ok(party)
        // The deposit of the pack that always stands is 30 percent, and the higher ratio holds.
        const floor = rule === 'reserve_top_up_bp' ? 3_000 : 0
        const required = Math.max(number, floor) * 10
        const shown = await party.get('/v1/reserve')
        assert.equal(shown.required, required)
        assert.equal(shown.binding_rule, rule)
        if (isOfQuarter) assert.equal(shown.claims[0].base_day < shown.day, true)
        assert.equal(await party.codeOfMove(required - 100_001), 'policy.reserve_short')
        assert.equal(await party.codeOfMove(required - 100_000), 'ok')
      })
    }
  })
}

test('30 percent of a top-up is its deposit, and what is spent needs none', async () => {
  const party = await reserveParty(app, ['open'], { top_up_deposit: true, issuer_class: 'other' })
  const card = await party.sell(10_000)
  const required = async () => (await party.get('/v1/reserve')).required
  assert.equal(await required(), 3_000)
  const load = { amount: 5_000, funding: { method: 'cash' } }
  party.must(await app.post(party.key, `/v1/cards/${card}/loads`, load))
  assert.equal(await required(), 4_500)
  await party.pay(card, 15_000)
  assert.equal(await required(), 0)
})
