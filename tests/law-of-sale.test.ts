/** What the law wants of a sale beside its numbers: a charter that was shown, people who are known, rules one can read. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { ruleKinds } from '../server/src/modules/policy/index.ts'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import type { Answered, Issuer } from './harness/http-app.ts'

let app: CardApp
let issuer: Issuer
let key: string

before(async () => {
  app = await startCardApp()
  issuer = await app.makeIssuer(['cn-national'])
  key = issuer.test
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

const bank = { method: 'bank_transfer', reference: 'T-1' }
const buyer = {
  kind: 'unit',
  name: '星河商贸有限公司',
  id_type: 'business_licence',
  id_number: '91310000MA1FL00000',
  phone: '02100000000',
}
const agent = {
  kind: 'person',
  name: '张三丰',
  id_type: 'resident_id',
  id_number: '310101198001010000',
  phone: '13911112222',
}

const publish = (body: object) => app.call('POST', '/v1/charters', { key, body })
const newest = async () => (await app.get(key, '/v1/charters')).body.data[0]

describe('the charter', () => {
  test('is published in versions that stay, by its text or by a digest of it', async () => {
    const before = await newest()
    const document = '本章程自公示之日起生效。'
    const { status, body } = await publish({ title: '章程', document, reference: 'charter-1' })
    assert.equal(status, 201)
    assert.equal(body.version, (before?.version ?? 0) + 1)
    assert.equal(body.text_digest, createHash('sha256').update(document).digest('hex'))
    assert.deepEqual((await app.get(key, `/v1/charters/${body.id}`)).body, body)
    const digest = '0'.repeat(64)
    const { body: next } = await publish({ title: '章程', text_digest: digest })
    assert.deepEqual([next.version, next.document], [body.version + 1, null])
    for (const wrong of [{}, { document, text_digest: digest }])
      assert.equal((await publish({ title: '章程', ...wrong })).body.code, 'request.invalid')
    const again = await publish({ title: '章程', document, reference: 'charter-1' })
    assert.deepEqual([again.body.code, again.body.existing_id], ['reference.already_used', body.id])
    const found = await app.get(key, '/v1/charters?reference=charter-1')
    assert.deepEqual(found.body.data, [body])
  })

  test('many at once: each has a version of its own', async () => {
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, index) => publish({ title: 'C', document: `${index}` })),
    )
    assert.equal(new Set(made.map(({ body }) => body.version)).size, 8)
  })

  test('that was shown is linked by the card, also by those that come from it', async () => {
    const product = await app.makeProduct(key)
    const plastic = await app.makeProduct(key, { carrier: 'physical' })
    const { body: first } = await publish({ title: 'First', document: 'First.' })
    const card = await app.makeCard(key, product)
    const unsold = await app.makeCard(key, plastic)
    assert.deepEqual([card.charter_id, unsold.charter_id], [first.id, null])
    const { body: second } = await publish({ title: 'Second', document: 'Second.' })
    const { body: sold } = await app.post(key, `/v1/cards/${unsold.id}/activate`, {
      funding: bank,
    })
    assert.equal(sold.charter_id, second.id)
    const split = await app.post(key, `/v1/cards/${card.id}/split`, { amounts: [100] })
    assert.equal(split.body.cards[0].charter_id, first.id)
    const { body: next } = await app.post(key, `/v1/cards/${card.id}/replace`, {})
    assert.equal(next.charter_id, first.id)
    assert.equal((await app.get(key, `/v1/cards/${card.id}`)).body.charter_id, first.id)
    await app.post(key, `/v1/cards/${next.id}/loads`, { amount: 100, funding: bank })
    const rows = await app.database.owner.sql<{ charter: string }[]>`
      select 'chtr_' || replace(charter_id::text, '-', '') as charter
      from lika.funding
      order by id desc
      limit 1`
    assert.equal(rows[0]?.charter, second.id)
  })

  test('of test mode is none of live mode, nor of another issuer', async () => {
    const { body } = await publish({ title: 'Mine', document: 'Mine.' })
    for (const other of [issuer.live, (await app.makeIssuer()).test])
      assert.equal((await app.get(other, `/v1/charters/${body.id}`)).body.code, 'charter.not_found')
  })
})

describe('people', () => {
  const registered = () => app.makeProduct(key, { registered: true, validity_months: null })
  const sell = async (more: object): Promise<Answered> =>
    app.post(key, '/v1/cards', {
      product_id: await registered(),
      amount: 10_000,
      funding: bank,
      ...more,
    })

  test('who act for a buyer are identified like the buyer', async () => {
    const { id_number: _, ...unknown } = agent
    const refused = await sell({ buyer, agent: unknown })
    assert.deepEqual(
      [refused.body.code, refused.body.missing, refused.body.policy.article],
      ['policy.identity_required', ['agent.id_number'], '15'],
    )
    assert.equal((await sell({ buyer, agent })).status, 201)
  })

  test('are both recorded beside the sale, encrypted, and part of what a key stands for', async () => {
    const product = await registered()
    const body = { product_id: product, amount: 10_000, funding: bank, buyer, agent }
    const { body: card } = await app.again(key, '/v1/cards', 'with-agent', body)
    const other = { ...body, agent: { ...agent, phone: '1' } }
    const reused = await app.again(key, '/v1/cards', 'with-agent', other)
    assert.equal(reused.body.code, 'idempotency.key_reused')
    const load = { amount: 100, funding: bank, buyer, agent }
    assert.equal((await app.post(key, `/v1/cards/${card.id}/loads`, load)).status, 201)
    const people = await app.database.owner.sql<
      { id: string; sealedKey: Uint8Array; sealed: Uint8Array; text: string }[]
    >`
      select person.id, sealed_key as "sealedKey", sealed, person::text as text
      from lika.funding
      join lika.person on person.id = agent_id
      order by person.id desc
      limit 2`
    assert.equal(people.length, 2)
    for (const person of people) {
      assert.ok(!person.text.includes('张三丰'))
      assert.match(app.flows.keyring.openPerson(person.id, person).toString(), /张三丰/)
    }
  })
})

describe('the rules that bind an issuer', () => {
  const explain = (who: string, query: string) => app.get(who, `/v1/policies/explain?${query}`)

  test('are listed with value, source and what they were preferred to, in both languages', async () => {
    const both = await app.makeIssuer(['cn-beijing', 'cn-national', 'multi-purpose'])
    const at = '2026-11-24T00:00:00Z'
    const { status, body } = await explain(both.test, `issuer_id=${both.id}&at=${at}`)
    assert.equal(status, 200)
    assert.deepEqual(
      body.packs.map(({ name }: { name: string }) => name),
      ['cn-beijing', 'cn-national', 'multi-purpose', 'open'],
    )
    const of = (id: string) => body.rules.find(({ rule }: { rule: string }) => rule === id)
    assert.deepEqual(of('cooling_off_may_need_unused_card'), {
      rule: 'cooling_off_may_need_unused_card',
      title: {
        zh: '无理由退卡须未使用',
        en: 'only an unused card is taken back without a reason',
      },
      text: of('cooling_off_may_need_unused_card').text,
      value: false,
      unit: 'switch',
      pack: 'cn-national',
      document: '最高人民法院关于审理预付式消费民事纠纷案件适用法律若干问题的解释(法释〔2025〕4号)',
      article: '14',
      status: 'confirmed',
      effective_from: '2025-05-01',
      effective_to: null,
      read_at: 'sale',
      note: of('cooling_off_may_need_unused_card').note,
      outweighs: [{ pack: 'cn-beijing', value: true }],
    })
    const wait = of('redemption_wait_months')
    assert.deepEqual([wait.status, wait.article, wait.value], ['unconfirmed', null, 3])
    assert.match(wait.text.zh, /条文待核实/)
    for (const { rule } of body.rules) assert.ok(Object.hasOwn(ruleKinds, rule), rule)
  })

  test('are those of the day that is asked for', async () => {
    const rulesAt = async (at: string) => {
      const { body } = await explain(key, `issuer_id=${issuer.id}&at=${at}`)
      return new Map<string, string>(
        body.rules.map(({ rule, pack }: { rule: string; pack: string }) => [rule, pack]),
      )
    }
    const [before, since] = [
      await rulesAt('2025-04-30T15:59:59Z'),
      await rulesAt('2025-04-30T16:00:00Z'),
    ]
    assert.deepEqual(
      [before.get('cooling_off_days'), since.get('cooling_off_days')],
      ['open', 'cn-national'],
    )
  })

  test('are shown to the operator and to the issuer, to nobody else', async () => {
    assert.equal((await explain(app.operator, `issuer_id=${issuer.id}`)).status, 200)
    const other = await app.makeIssuer()
    assert.equal(
      (await explain(other.test, `issuer_id=${issuer.id}`)).body.code,
      'issuer.not_found',
    )
  })
})
