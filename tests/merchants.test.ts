/** How merchants come to take payments, are stopped from it, and where and when cards of a product are taken. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { bookOf, laneOfId, parseId } from '@lika/contract'
import { openMerchants, settlementLaneOf } from '../server/src/modules/merchants/index.ts'
import { keyringOf } from '../server/src/platform/crypto/keyring.ts'
import { assertBooks } from './harness/books.ts'
import { startTills, type TestCard, type Tills } from './harness/tills.ts'

let tills: Tills
/** A key with every scope that belongs to somebody else. */
let wu: string
before(async () => {
  tills = await startTills()
  wu = (await tills.makeKey(tills.issuer.id, 'test', { owner: 'Wu' })).secret
})
after(async () => {
  await assertBooks(tills.database.owner.sql)
  await tills.stop()
})

const call = (method: string, path: string, body?: unknown, key = tills.issuer.test) =>
  tills.call(method, path, { key, ...(body === undefined ? {} : { body }) })
const code = (answer: { status: number; body: { code?: string } }) => [
  answer.status,
  answer.body.code,
]

const licence = {
  kind: 'business_licence',
  name: 'licence.pdf',
  digest: 'a'.repeat(64),
  expires_on: '2099-12-31',
}
const application = {
  legal_name: '南门面馆有限公司',
  credit_code: '91330100799655058B',
  contact: { name: '王芳', phone: '13912345678' },
  documents: [licence],
}

async function draft(more: object = {}): Promise<string> {
  const body = { name: '南门面馆', category: 'food', onboarding: { ...application, ...more } }
  const made = await call('POST', '/v1/merchants', body)
  assert.equal(made.status, 201, JSON.stringify(made.body))
  assert.equal(made.body.status, 'draft')
  return made.body.id
}

const step = (merchant: string, name: string, body?: object, key?: string) =>
  call('POST', `/v1/merchants/${merchant}/${name}`, body, key)
const payAt = (card: TestCard, merchant: string, more: object = {}, amount = 100) =>
  tills.pay(card, amount, { merchant_id: merchant, ...more })

describe('a merchant', () => {
  test('that is made by name and category alone takes payments at once, and the record says by whom', async () => {
    const { body } = await call('POST', '/v1/merchants', { name: 'Shop', category: 'food' })
    assert.deepEqual([body.status, body.ownership], ['approved', 'partner'])
    assert.equal((await payAt(await tills.card(500), body.id)).status, 201)
    const { history, application: none } = (
      await call('GET', `/v1/merchants/${body.id}/onboarding`)
    ).body
    assert.equal(none, undefined)
    assert.deepEqual(
      history.map((one: { action: string; by: { owner: string } }) => [one.action, one.by.owner]),
      [['created', 'tests']],
    )
  })

  test('that applies is let in by a second person, and takes payments only then', async () => {
    const card = await tills.card(500)
    const merchant = await draft()
    assert.deepEqual(code(await payAt(card, merchant)), [409, 'merchant.not_approved'])
    assert.equal((await step(merchant, 'submit')).body.status, 'submitted')
    assert.deepEqual(code(await payAt(card, merchant)), [409, 'merchant.not_approved'])

    const own = await step(merchant, 'approve')
    assert.deepEqual(code(own), [409, 'approval.same_person'])
    assert.equal(own.body.first_owner, 'tests')
    const sameOwner = await tills.makeKey(tills.issuer.id, 'test', { owner: ' Tests' })
    assert.deepEqual(code(await step(merchant, 'approve', undefined, sameOwner.secret)), [
      409,
      'approval.same_person',
    ])
    assert.equal((await step(merchant, 'approve', undefined, wu)).body.status, 'approved')
    assert.equal((await payAt(card, merchant)).status, 201)

    const { body } = await call('GET', `/v1/merchants/${merchant}/onboarding`)
    const documents = [{ ...licence, document_id: null }]
    assert.deepEqual(body.application, { ...application, documents })
    assert.deepEqual(
      body.history.map((one: { action: string; by: { owner: string } }) => [
        one.action,
        one.by.owner,
      ]),
      [
        ['drafted', 'tests'],
        ['submitted', 'tests'],
        ['approved', 'Wu'],
      ],
    )
  })

  test('that was rejected can be changed and submitted again', async () => {
    const merchant = await draft()
    await step(merchant, 'submit')
    assert.deepEqual(code(await step(merchant, 'reject', { reason: 'no' })), [
      409,
      'approval.same_person',
    ])
    const rejected = await step(merchant, 'reject', { reason: 'the licence is unreadable' }, wu)
    assert.equal(rejected.body.status, 'rejected')
    assert.deepEqual(code(await step(merchant, 'submit')), [409, 'merchant.wrong_status'])
    const onboarding = { ...application, legal_name: '南门面馆（上海）有限公司' }
    const changed = await call('PATCH', `/v1/merchants/${merchant}`, { onboarding })
    assert.equal(changed.body.status, 'draft')
    await step(merchant, 'submit')
    assert.equal((await step(merchant, 'approve', undefined, wu)).body.status, 'approved')
    const { body } = await call('GET', `/v1/merchants/${merchant}/onboarding`)
    assert.equal(body.application.legal_name, onboarding.legal_name)
    assert.equal(body.history[2].reason, 'the licence is unreadable')
  })

  test('whose application lacks something is told all of it, and stays a draft', async () => {
    const merchant = await draft({
      credit_code: '91330100799655058A',
      documents: [{ ...licence, kind: 'other', expires_on: '2020-01-01' }],
    })
    const submitted = await step(merchant, 'submit')
    assert.deepEqual(code(submitted), [422, 'merchant.application_incomplete'])
    assert.deepEqual(
      submitted.body.errors.map(({ path }: { path: string }) => path),
      ['onboarding.credit_code', 'onboarding.documents', 'onboarding.documents.0'],
    )
    assert.equal((await call('GET', `/v1/merchants/${merchant}`)).body.status, 'draft')
  })

  test('in the wrong status is told what may be done', async () => {
    const { body } = await call('POST', '/v1/merchants', { name: 'Shop', category: 'food' })
    const approved = await step(body.id, 'approve', undefined, wu)
    assert.deepEqual(code(approved), [409, 'merchant.wrong_status'])
    assert.deepEqual(approved.body.allowed_actions, ['suspend'])
    assert.equal(approved.body.merchant_status, 'approved')
  })

  test('shows its files to those who decide, each kept once and encrypted', async () => {
    const file = Buffer.from('%PDF-1.7 营业执照 王芳')
    const sent = {
      kind: 'business_licence',
      name: 'licence.pdf',
      content: file.toString('base64'),
    }
    const digest = createHash('sha256').update(file).digest('hex')
    const merchant = await draft({ documents: [licence, { ...licence, digest }] })
    const upload = (body: object) => call('POST', `/v1/merchants/${merchant}/documents`, body)
    const { status, body: kept } = await upload(sent)
    assert.equal(status, 201)
    assert.deepEqual(
      [kept.digest, kept.size, kept.media_type],
      [digest, file.length, 'application/pdf'],
    )
    assert.deepEqual((await upload({ ...sent, name: 'again.pdf' })).body, kept)

    const { body } = await call('GET', `/v1/merchants/${merchant}/onboarding`)
    assert.deepEqual(
      body.application.documents.map((one: { document_id: string }) => one.document_id),
      [null, kept.id],
    )
    const path = `/v1/merchant_documents/${kept.id}/file`
    const headers = { authorization: `Bearer ${tills.issuer.test}` }
    const shown = await fetch(tills.url + path, { headers })
    assert.equal(shown.headers.get('content-type'), 'application/pdf')
    assert.equal(shown.headers.get('content-disposition'), 'attachment')
    assert.deepEqual(Buffer.from(await shown.arrayBuffer()), file)
    const live = await call('GET', path, undefined, tills.issuer.live)
    assert.deepEqual(code(live), [404, 'document.not_found'])

    const { sql } = tills.database.owner
    const [row] = await sql<{ text: string }[]>`
      select merchant_document::text as text
      from lika.merchant_document
      where id = ${parseId('document', kept.id) ?? ''}`
    assert.ok(row?.text.includes('licence.pdf'))
    assert.equal(row?.text.includes(file.subarray(9).toString('hex')), false)
  })

  test('shows files that are what they say: PDF, PNG or JPEG', async () => {
    const merchant = await draft()
    const upload = (content: string) =>
      call('POST', `/v1/merchants/${merchant}/documents`, {
        kind: 'other',
        name: 'x.pdf',
        content,
      })
    const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
    const rows: [string, unknown][] = [
      [base64('89504e470d0a1a0a00'), [201, undefined]],
      [base64('ffd8ffe000'), [201, undefined]],
      [Buffer.from('<html>').toString('base64'), [422, 'document.bad_file']],
      [Buffer.from('%PDF').toString('base64'), [422, 'document.bad_file']],
      // Bits that are left over are no base64 of anything.
      ['JVBERi1=', [400, 'request.invalid']],
      ['JVBER', [400, 'request.invalid']],
    ]
    for (const [content, expected] of rows) assert.deepEqual(code(await upload(content)), expected)
  })

  test('is listed by its status', async () => {
    const merchant = await draft()
    const listed = await call('GET', '/v1/merchants?status=draft&limit=200')
    const found = listed.body.data as { id: string; status: string }[]
    assert.ok(found.some(({ id }) => id === merchant))
    assert.deepEqual([...new Set(found.map(({ status }) => status))], ['draft'])
  })

  test('keeps the contact encrypted, and shows it only to those who decide', async () => {
    const merchant = await draft()
    const { sql } = tills.database.owner
    const [row] = await sql<{ text: string }[]>`
      select merchant_application::text as text
      from lika.merchant_application
      where merchant_id = ${parseId('merchant', merchant) ?? ''}`
    assert.ok(row?.text.includes('南门面馆'))
    for (const said of ['王芳', '13912345678', Buffer.from('王芳').toString('hex')])
      assert.equal(row?.text.includes(said), false)
    const reader = await tills.makeKey(tills.issuer.id, 'test', { scopes: ['merchants:read'] })
    const asked = await call(
      'GET',
      `/v1/merchants/${merchant}/onboarding`,
      undefined,
      reader.secret,
    )
    assert.deepEqual(code(asked), [403, 'auth.scope_missing'])
  })

  test('is settled in a lane of its pool that follows from its id', async () => {
    const rows = await tills.database.owner.sql<{ id: string; lane: number }[]>`
      select id, settlement_lane as lane
      from lika.merchant
      where book_id = ${tills.book}`
    const lanes = tills.lanes.engine.lanesOf('test')
    assert.ok(rows.length > 5)
    for (const { id, lane } of rows) {
      const merchant = parseId('merchant', `merch_${id.replaceAll('-', '')}`) ?? assert.fail()
      assert.equal(laneOfId(id), 0)
      assert.equal(lane, settlementLaneOf(merchant, lanes))
    }
  })
})

describe('a suspended merchant', () => {
  async function suspended(work: (merchant: string, card: TestCard) => Promise<void>) {
    const merchant = await tills.merchant()
    const card = await tills.card(1_000)
    await work(merchant, card)
    const { body } = await step(merchant, 'suspend', { reason: 'complaints' })
    assert.equal(body.status, 'suspended')
    return { merchant, card }
  }

  test('takes no payment and no hold from that moment on, and does again when it is resumed', async () => {
    // The till is known before, as tills in use are.
    const { merchant, card } = await suspended(async (till, from) => {
      assert.equal((await payAt(from, till)).status, 201)
    })
    assert.deepEqual(code(await payAt(card, merchant)), [409, 'merchant.suspended'])
    const hold = tills.order([{ card_id: card.id }], 100, { merchant_id: merchant, expires_in: 60 })
    assert.deepEqual(code(await tills.request('POST', '/v1/holds', hold)), [
      409,
      'merchant.suspended',
    ])
    const preview = await payAt(card, merchant, { dry_run: true })
    assert.deepEqual(code(preview), [409, 'merchant.suspended'])
    assert.equal((await step(merchant, 'resume')).body.status, 'approved')
    assert.equal((await payAt(card, merchant)).status, 201)
  })

  test('a payment that was refused stays refused under its key, and one that was made stays made', async () => {
    let paid = { body: {} as { id?: string } }
    const { merchant, card } = await suspended(async (till, from) => {
      paid = await payAt(from, till, { reference: 'before' })
    })
    const again = { merchant_id: merchant, reference: 'key-1' }
    const order = tills.order([{ card_id: card.id }], 100, again)
    const refused = await tills.request('POST', '/v1/payments', order, 'suspended-1')
    assert.deepEqual(code(refused), [409, 'merchant.suspended'])
    await step(merchant, 'resume')
    const replayed = await tills.request('POST', '/v1/payments', order, 'suspended-1')
    assert.deepEqual(code(replayed), [409, 'merchant.suspended'])
    assert.equal(replayed.headers.get('idempotent-replayed'), 'true')
    const shown = await tills.request('GET', `/v1/payments/${paid.body.id}`)
    assert.equal(shown.body.status, 'succeeded')
  })

  test('still gives back, cancels, and gets what it had set aside', async () => {
    let refundable = ''
    let cancellable = ''
    let hold = ''
    await suspended(async (merchant, card) => {
      refundable = (await payAt(card, merchant)).body.id
      cancellable = (await payAt(card, merchant)).body.id
      const order = tills.order([{ card_id: card.id }], 100, {
        merchant_id: merchant,
        expires_in: 3_600,
      })
      hold = (await tills.request('POST', '/v1/holds', order)).body.id
    })
    const refund = { amount: 40, reference: 'r-1' }
    const refunded = await tills.request('POST', `/v1/payments/${refundable}/refunds`, refund)
    assert.equal(refunded.status, 201)
    const cancelled = await tills.request('POST', `/v1/payments/${cancellable}/cancel`)
    assert.equal(cancelled.body.status, 'cancelled')
    const captured = await tills.request('POST', `/v1/holds/${hold}/capture`, { amount: 60 })
    assert.equal(captured.body.status, 'succeeded')
  })

  test('is known on another server with its next look, whatever it kept in memory', async () => {
    const other = openMerchants({
      database: tills.database.app,
      keyring: keyringOf(Buffer.alloc(32)),
      classes: [],
      lanesOf: () => [601],
    })
    const merchant = await tills.merchant()
    const merchantId = parseId('merchant', merchant) ?? assert.fail()
    const status = async () => {
      const till = await other.tillOf(tills.book, { merchantId })
      return till.ok ? till.value.status : till.refusal.code
    }
    await other.refreshStandings()
    assert.equal(await status(), 'approved')
    await step(merchant, 'suspend', { reason: 'complaints' })
    // Not asked yet: it is what is kept that answers here.
    assert.equal(await status(), 'approved')
    await other.refreshStandings()
    assert.equal(await status(), 'suspended')
    await step(merchant, 'resume')
    await other.refreshStandings()
    assert.equal(await status(), 'approved')
  })
})

describe('a product', () => {
  test('is taken by own merchants, by partners, or by both', async () => {
    const own = await tills.merchant({ ownership: 'own' })
    const partner = await tills.merchant()
    const scope = [422, 'merchant.not_in_scope']
    const expected: [string, unknown, unknown][] = [
      ['closed', 201, scope],
      ['alliance', scope, 201],
      ['mixed', 201, 201],
    ]
    for (const [model, atOwn, atPartner] of expected) {
      const productId = await tills.makeProduct({ model })
      assert.equal((await call('GET', `/v1/products/${productId}`)).body.model, model)
      const card = await tills.card(1_000, { productId })
      for (const [merchant, answer] of [
        [own, atOwn],
        [partner, atPartner],
      ] as const) {
        const paid = await payAt(card, merchant)
        assert.deepEqual(paid.status === 201 ? 201 : code(paid), answer, model)
      }
    }
  })

  test('keeps its model for cards that were sold, when a later version has another one', async () => {
    const partner = await tills.merchant()
    const productId = await tills.makeProduct({})
    const sold = await tills.card(500, { productId })
    await call('PATCH', `/v1/products/${productId}`, { model: 'closed' })
    const later = await tills.card(500, { productId })
    assert.equal((await payAt(sold, partner)).status, 201)
    assert.deepEqual(code(await payAt(later, partner)), [422, 'merchant.not_in_scope'])
  })

  test('is taken over its channels, in its hours, from its least amount on', async () => {
    const acceptance = {
      channels: ['online', 'mini_program'],
      hours: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00' }],
      min_amount: 200,
    }
    const productId = await tills.makeProduct({ acceptance })
    const shown = await call('GET', `/v1/products/${productId}`)
    const lists = { merchants: [], stores: [], categories: [] }
    assert.deepEqual(shown.body.acceptance, { ...lists, ...acceptance })
    const card = await tills.card(5_000, { productId })
    const pay = (more: object, amount = 200) => payAt(card, tills.shop, more, amount)

    const silent = await pay({})
    assert.deepEqual(code(silent), [422, 'channel.not_in_scope'])
    assert.deepEqual(silent.body.allowed_channels, acceptance.channels)
    assert.deepEqual(code(await pay({ channel: 'in_store' })), [422, 'channel.not_in_scope'])
    const little = await pay({ channel: 'online' }, 199)
    assert.deepEqual(code(little), [422, 'amount.out_of_range'])
    assert.deepEqual(little.body.allowed, { min: 200 })
    const paid = await pay({ channel: 'online' })
    assert.equal(paid.status, 201)
    assert.equal(paid.body.channel, 'online')
    const again = await call('GET', `/v1/payments/${paid.body.id}`)
    assert.equal(again.body.channel, 'online')
  })

  test('is not taken outside its hours', async () => {
    const weekday = new Date(tills.lanes.engine.now('test') + 8 * 3_600_000).getUTCDay() || 7
    const others = [1, 2, 3, 4, 5, 6, 7].filter((day) => day !== weekday)
    const hours = [{ days: others, from: '00:00', to: '24:00' }]
    const productId = await tills.makeProduct({ acceptance: { hours } })
    const card = await tills.card(500, { productId })
    const refused = await payAt(card, tills.shop)
    assert.deepEqual(code(refused), [422, 'time.not_in_scope'])
    assert.deepEqual(refused.body.allowed_hours, hours)
  })

  test('whose hours run backwards is not made', async () => {
    const hours = [{ days: [1], from: '22:00', to: '02:00' }]
    const body = {
      name: 'Night',
      kind: 'gift',
      registered: false,
      carrier: 'virtual',
      faces: [100],
      validity_months: 36,
      reloadable: false,
      acceptance: { hours },
    }
    const made = await call('POST', '/v1/products', body)
    assert.deepEqual(code(made), [422, 'product.terms_invalid'])
    assert.equal(made.body.errors[0].path, 'acceptance.hours.0.to')
  })

  test('the channel of a hold is that of what is captured from it, and part of the key’s input', async () => {
    const card = await tills.card(500)
    const order = tills.order([{ card_id: card.id }], 100, { channel: 'mini_program' })
    const held = await tills.request('POST', '/v1/holds', { ...order, expires_in: 60 }, 'hold-ch')
    assert.equal(held.body.channel, 'mini_program')
    const other = { ...order, expires_in: 60, channel: 'online' }
    assert.deepEqual(code(await tills.request('POST', '/v1/holds', other, 'hold-ch')), [
      422,
      'idempotency.key_reused',
    ])
    const captured = await tills.request('POST', `/v1/holds/${held.body.id}/capture`, {
      amount: 60,
    })
    assert.equal(captured.body.channel, 'mini_program')
    const events = await call('GET', '/v1/events?type=hold.captured&limit=200')
    const found = events.body.data.find(
      (one: { data: { hold_id: string } }) => one.data.hold_id === held.body.id,
    )
    assert.equal(found.data.channel, 'mini_program')
  })
})

describe('all merchants', () => {
  test('are counted by district, approved ones only, and districts without a store are named', async () => {
    const issuer = await tills.makeIssuer()
    const ask = async (method: string, path: string, body?: object) =>
      (await call(method, path, body, issuer.test)).body
    const merchant = (category: string, more: object = {}) =>
      ask('POST', '/v1/merchants', { name: category, category, ...more })
    const store = (id: string, district: string) =>
      ask('POST', `/v1/merchants/${id}/stores`, { name: 'S', district })
    const [noodles, tea, stopped, waiting] = [
      await merchant('food'),
      await merchant('tea'),
      await merchant('food'),
      await merchant('food', { onboarding: application }),
    ]
    await store(noodles.id, '徐汇区')
    await store(noodles.id, '徐汇区')
    await store(tea.id, '徐汇区')
    await store(noodles.id, '静安区')
    await store(stopped.id, '黄浦区')
    await store(waiting.id, '黄浦区')
    await ask('POST', `/v1/merchants/${stopped.id}/suspend`, { reason: 'complaints' })

    const all = await ask('GET', '/v1/merchants/coverage')
    assert.deepEqual(all, {
      merchants: 2,
      stores: 4,
      data: [
        {
          district: '徐汇区',
          merchants: 2,
          stores: 3,
          categories: [
            { category: 'food', merchants: 1, stores: 2 },
            { category: 'tea', merchants: 1, stores: 1 },
          ],
        },
        {
          district: '静安区',
          merchants: 1,
          stores: 1,
          categories: [{ category: 'food', merchants: 1, stores: 1 }],
        },
      ],
      gaps: [],
    })
    const wanted = encodeURIComponent('静安区，黄浦区,浦东新区')
    const some = await ask('GET', `/v1/merchants/coverage?districts=${wanted}`)
    assert.deepEqual(
      some.data.map(({ district }: { district: string }) => district),
      ['静安区'],
    )
    assert.deepEqual(some.gaps, ['黄浦区', '浦东新区'])
    const set = await ask('POST', '/v1/merchants/coverage', {
      districts: ['黄浦区', '静安区', '黄浦区', '长宁区'],
    })
    assert.deepEqual(set, { ...all, gaps: ['黄浦区', '长宁区'] })
    await store(tea.id, '长宁区')
    const later = await ask('GET', '/v1/merchants/coverage')
    assert.deepEqual([later.gaps, later.data.length], [['黄浦区'], 3])
    const long = `/v1/merchants/coverage?districts=A,${'x'.repeat(65)}`
    assert.deepEqual(code(await call('GET', long)), [400, 'request.invalid'])
  })

  test('are counted to the last of twenty thousand', async () => {
    const issuer = await tills.makeIssuer()
    const book = bookOf(parseId('issuer', issuer.id) ?? assert.fail(), 'test')
    const { sql } = tills.database.owner
    await sql`
      insert into lika.merchant (id, book_id, name, category, settlement_lane, metadata, created_at)
      select gen_random_uuid(), ${book}, 'S', 'c' || (number % 7), 601, '{}', now()
      from generate_series(0, 19999) as numbers (number)`
    await sql`
      insert into lika.store (id, book_id, merchant_id, name, district, metadata, created_at)
      select gen_random_uuid(), ${book}, id, 'S', 'd' || (number % 2), '{}', now()
      from lika.merchant
      cross join generate_series(0, 1) as numbers (number)
      where book_id = ${book}`
    const { body } = await call('GET', '/v1/merchants/coverage', undefined, issuer.test)
    assert.deepEqual([body.merchants, body.stores], [20_000, 40_000])
    const districts: { stores: number; merchants: number; categories: object[] }[] = body.data
    assert.deepEqual(
      districts.map(({ stores, merchants, categories }) => [stores, merchants, categories.length]),
      [
        [20_000, 20_000, 7],
        [20_000, 20_000, 7],
      ],
    )
  })

  test('have an elasticity: a point more, 4.2 % more volume, 1.8 points less margin', async () => {
    const asked = { volume: 100_000_000, rate_bp: 1_000, change_bp: 100, margin_bp: 2_200 }
    const { body } = await call('POST', '/v1/merchants/what_if', asked)
    assert.deepEqual([body.volume_change_bp, body.margin_change_bp], [420, -180])
    assert.equal(body.after.volume, 104_200_000)
    assert.equal(body.after.margin_bp, 2_020)
    assert.equal(body.commission_change, 1_462_000)
    const other = { volume_bp_per_point: 100, margin_bp_per_point: -50 }
    const given = await call('POST', '/v1/merchants/what_if', { ...asked, elasticity: other })
    assert.deepEqual([given.body.volume_change_bp, given.body.margin_change_bp], [100, -50])
    const beyond = await call('POST', '/v1/merchants/what_if', { ...asked, change_bp: -1_001 })
    assert.deepEqual(code(beyond), [422, 'amount.out_of_range'])
    assert.deepEqual(beyond.body.allowed, { min: 0, max: 10_000 })
  })
})
