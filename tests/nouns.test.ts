/** Issuers, keys, products and merchants over HTTP. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { bookOf, parseId } from '@lika/contract'
import { openPrograms } from '../server/src/modules/programs/index.ts'
import { type Issuer, startHttpApp } from './harness/http-app.ts'

type App = Awaited<ReturnType<typeof startHttpApp>>
let app: App
let ours: Issuer
let theirs: Issuer

before(async () => {
  app = await startHttpApp()
  ours = await app.makeIssuer()
  theirs = await app.makeIssuer()
})
after(() => app.stop())

const get = (path: string, key = ours.test) => app.call('GET', path, { key })
const post = (path: string, body: unknown, key = ours.test) => app.call('POST', path, { key, body })

const terms = {
  name: 'Tea card',
  kind: 'gift',
  registered: false,
  carrier: 'virtual',
  faces: [10_000, 50_000],
  validity_months: 36,
  reloadable: false,
}

async function makeProduct(more: object = {}, key = ours.test) {
  const { faces: _, ...rest } = terms
  const base = 'face_range' in more ? rest : terms
  const { status, body } = await post('/v1/products', { ...base, ...more }, key)
  assert.equal(status, 201, JSON.stringify(body))
  return body
}

async function makeMerchant(more: object = {}, key = ours.test) {
  const { body } = await post('/v1/merchants', { name: 'Shop', category: 'food', ...more }, key)
  return body
}

/** Without what differs in every answer. */
function stripped({ status, body }: { status: number; body: object }) {
  return { status, body: { ...body, request_id: '' } }
}

describe('issuers', () => {
  test('get a number prefix of their own each', async () => {
    const bodies = await Promise.all(
      Array.from({ length: 8 }, () =>
        post('/v1/issuers', { name: 'N', legal_name: 'N', packs: [] }, app.operator),
      ),
    )
    const prefixes = bodies.map(({ body }) => body.number_prefix)
    assert.equal(new Set(prefixes).size, 8)
    assert.ok(prefixes.every((prefix) => /^\d{4}$/.test(prefix)))
  })

  test('name packs that exist', async () => {
    const { status, body } = await post(
      '/v1/issuers',
      { name: 'N', legal_name: 'N', packs: ['atlantis'] },
      app.operator,
    )
    assert.deepEqual([status, body.code], [422, 'policy.unknown_pack'])
  })

  test('are seen by the operator and by their own keys', async () => {
    assert.equal((await get(`/v1/issuers/${ours.id}`)).body.legal_name, 'Tea House Ltd')
    assert.equal((await get(`/v1/issuers/${ours.id}`, app.operator)).status, 200)
    const foreign = await get(`/v1/issuers/${theirs.id}`)
    const unknown = await get(`/v1/issuers/iss_${'0'.repeat(32)}`)
    assert.equal(foreign.status, 404)
    assert.deepEqual(stripped(foreign), stripped(unknown))
  })
})

describe('keys', () => {
  const wanted = { name: 'till', owner: 'Li', scopes: ['cards:read'], mode: 'test' }

  test('show their secret once and are kept as a digest', async () => {
    const { status, body } = await post('/v1/keys', wanted)
    assert.equal(status, 201)
    assert.match(body.secret, /^lika_test_/)
    assert.equal(body.last4, body.secret.slice(-4))
    assert.equal((await get(`/v1/keys/${body.id}`)).body.secret, undefined)
    const rows = await app.database.owner.sql`select api_key::text as row from api_key`
    assert.ok(!JSON.stringify(rows).includes(body.secret.slice(10)))
  })

  test('make only keys of their own mode and scopes', async () => {
    const weak = await app.makeKey(ours.id, 'test', { scopes: ['keys:write', 'cards:read'] })
    assert.equal((await post('/v1/keys', wanted, weak.secret)).status, 201)
    for (const more of [{ scopes: ['cards:write'] }, { mode: 'live' }]) {
      const { status, body } = await post('/v1/keys', { ...wanted, ...more }, weak.secret)
      assert.deepEqual([status, body.code], [403, 'auth.scope_not_held'])
    }
  })

  test('of another issuer cannot be made, seen or revoked', async () => {
    const foreign = await post('/v1/keys', { ...wanted, issuer_id: theirs.id })
    const unknown = await post('/v1/keys', { ...wanted, issuer_id: `iss_${'0'.repeat(32)}` })
    assert.deepEqual([foreign.status, foreign.body.code], [404, 'issuer.not_found'])
    assert.deepEqual(stripped(foreign), stripped(unknown))
    const key = await app.makeKey(theirs.id, 'test')
    const revoked = await app.call('DELETE', `/v1/keys/${key.id}`, { key: ours.test })
    assert.equal(revoked.body.code, 'key.not_found')
    assert.equal((await get('/v1/merchants', key.secret)).status, 200)
  })

  test('need an issuer when the operator makes them', async () => {
    const { status, body } = await post('/v1/keys', wanted, app.operator)
    assert.deepEqual([status, body.errors[0].path], [400, 'issuer_id'])
  })

  test('open nothing from the moment of their revocation', async () => {
    const key = await app.makeKey(ours.id, 'test')
    assert.equal((await get('/v1/merchants', key.secret)).status, 200)
    const revoke = () => app.call('DELETE', `/v1/keys/${key.id}`, { key: ours.test })
    assert.equal((await revoke()).status, 204)
    assert.equal((await get('/v1/merchants', key.secret)).body.code, 'auth.not_recognised')
    assert.equal((await revoke()).status, 204)
    assert.notEqual((await get(`/v1/keys/${key.id}`)).body.revoked_at, null)
  })

  test('revoked by another process open nothing a second later', async () => {
    const key = await app.makeKey(ours.id, 'test')
    assert.equal((await get('/v1/merchants', key.secret)).status, 200)
    const uuid = parseId('key', key.id) ?? ''
    await app.database.app.sql`update api_key set revoked_at = now() where id = ${uuid}`
    const deadline = Date.now() + 1_000
    let status = 200
    while (status === 200 && Date.now() < deadline + 500)
      status = (await get('/v1/merchants', key.secret)).status
    assert.equal(status, 401)
    assert.ok(Date.now() <= deadline + 100)
  })

  test('expire', async () => {
    const soon = new Date(Date.now() + 300).toISOString()
    const key = await app.makeKey(ours.id, 'test', { expires_at: soon })
    assert.equal((await get('/v1/merchants', key.secret)).status, 200)
    let status = 200
    while (status === 200) status = (await get('/v1/merchants', key.secret)).status
    assert.ok(Date.now() >= Date.parse(soon))
    const past = await post('/v1/keys', { ...wanted, expires_at: '2020-01-01T00:00:00Z' })
    assert.deepEqual([past.status, past.body.code], [422, 'date.out_of_range'])
  })
})

describe('merchants', () => {
  test('have stores, which have terminals', async () => {
    const merchant = await makeMerchant({ reference: 'M-1', metadata: { city: '上海' } })
    const store = await post(`/v1/merchants/${merchant.id}/stores`, {
      name: 'S',
      district: 'Xuhui',
    })
    const terminal = await post(`/v1/stores/${store.body.id}/terminals`, { name: 'T' })
    assert.deepEqual((await get(`/v1/merchants/${merchant.id}`)).body, merchant)
    assert.deepEqual(merchant.metadata, { city: '上海' })
    assert.deepEqual((await get(`/v1/stores/${store.body.id}`)).body, store.body)
    assert.deepEqual((await get(`/v1/terminals/${terminal.body.id}`)).body, terminal.body)
    assert.equal(terminal.body.merchant_id, merchant.id)
    const stores = await get(`/v1/merchants/${merchant.id}/stores`)
    assert.deepEqual(stores.body, { data: [store.body], next_cursor: null })
  })

  test('have references that are their own within the book', async () => {
    const first = await makeMerchant({ reference: 'R-1' })
    const again = await post('/v1/merchants', { name: 'x', category: 'y', reference: 'R-1' })
    assert.deepEqual([again.status, again.body.code], [409, 'reference.already_used'])
    assert.equal(again.body.existing_id, first.id)
    assert.ok((await makeMerchant({ reference: 'R-1' }, ours.live)).id)
    assert.ok((await makeMerchant({ reference: 'R-1' }, theirs.test)).id)
    const found = await get('/v1/merchants?reference=R-1')
    assert.deepEqual(found.body.data, [first])
  })

  test('are nobody else’s: foreign, other-mode and unknown ids are answered alike', async () => {
    const [foreign, otherMode] = [
      await makeMerchant({}, theirs.test),
      await makeMerchant({}, ours.live),
    ]
    const ids = [foreign.id, otherMode.id, `merch_${'0'.repeat(32)}`, 'merch_x']
    const reads = await Promise.all(ids.map((id) => get(`/v1/merchants/${id}`)))
    const writes = await Promise.all(
      ids.map((id) => post(`/v1/merchants/${id}/stores`, { name: 'S', district: 'D' })),
    )
    for (const answer of [...reads, ...writes]) {
      assert.equal(answer.status, 404)
      assert.deepEqual(stripped(answer), stripped(reads[0] ?? answer))
    }
  })

  test('are listed in pages, the newest first, undisturbed by new ones', async () => {
    const issuer = await app.makeIssuer()
    const made: string[] = []
    for (let index = 0; index < 5; index += 1)
      made.unshift((await makeMerchant({}, issuer.test)).id)
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const { body } = await get(
        `/v1/merchants?limit=2${cursor && `&cursor=${cursor}`}`,
        issuer.test,
      )
      seen.push(...body.data.map((one: { id: string }) => one.id))
      cursor = body.next_cursor
      await makeMerchant({}, issuer.test)
    }
    assert.deepEqual(seen, made)
    for (const bad of ['x', 'W10', Buffer.from('["products","x"]').toString('base64url')]) {
      const { status, body } = await get(`/v1/merchants?cursor=${bad}`)
      assert.deepEqual([status, body.code], [400, 'cursor.invalid'])
    }
  })

  test('tell tills by their ids', async () => {
    const { merchants } = app
    const book = bookOf(parseId('issuer', ours.id) ?? assert.fail(), 'test')
    const [one, other] = [await makeMerchant(), await makeMerchant()]
    const merchantId = parseId('merchant', one.id) ?? assert.fail()
    const otherId = parseId('merchant', other.id) ?? assert.fail()
    const store = await post(`/v1/merchants/${one.id}/stores`, { name: 'S', district: 'Xuhui' })
    const storeId = parseId('store', store.body.id) ?? assert.fail()
    const terminal = await post(`/v1/stores/${store.body.id}/terminals`, { name: 'T' })
    const terminalId = parseId('terminal', terminal.body.id) ?? assert.fail()
    const standing = { ownership: 'partner', status: 'approved', statusVersion: 1 }
    const place = { storeId, district: 'Xuhui', terminalId }
    const till = { merchantId, category: 'food', ...standing, ...place }
    const tell = (named: Parameters<typeof merchants.tillOf>[1]) => merchants.tillOf(book, named)
    assert.deepEqual(await tell({ merchantId, terminalId }), { ok: true, value: till })
    assert.deepEqual(await tell({ merchantId, storeId, terminalId }), { ok: true, value: till })
    const code = async (named: Parameters<typeof merchants.tillOf>[1], of = book) => {
      const told = await merchants.tillOf(of, named)
      return told.ok ? 'ok' : told.refusal.code
    }
    assert.equal(await code({ merchantId: otherId, storeId }), 'store.not_found')
    assert.equal(await code({ merchantId: otherId, terminalId }), 'terminal.not_found')
    const live = bookOf(parseId('issuer', ours.id) ?? assert.fail(), 'live')
    assert.equal(await code({ merchantId }, live), 'merchant.not_found')
  })
})

describe('products', () => {
  test('are drafts until they are published', async () => {
    const draft = await makeProduct({ reference: 'P-1' })
    assert.deepEqual([draft.version, draft.status], [1, 'draft'])
    assert.deepEqual(draft.consume_order, ['bonus', 'principal'])
    assert.deepEqual(draft.acceptance, { merchants: [], stores: [], categories: [] })
    const published = await post(`/v1/products/${draft.id}/publish`, {})
    assert.deepEqual(published.body, { ...draft, status: 'published' })
    assert.equal(
      (await app.call('POST', `/v1/products/${draft.id}/publish`, { key: ours.test })).status,
      200,
    )
    assert.deepEqual((await get(`/v1/products/${draft.id}`)).body, published.body)
  })

  test('keep the terms of every version', async () => {
    const product = await makeProduct()
    await post(`/v1/products/${product.id}/publish`, {})
    const patch = { face_range: { min: 1, max: 9 }, name: 'Coffee card' }
    const path = `/v1/products/${product.id}`
    const { body: second } = await app.call('PATCH', path, { key: ours.test, body: patch })
    assert.deepEqual([second.version, second.status, second.faces], [2, 'published', undefined])
    assert.deepEqual(second.face_range, { min: 1, max: 9 })
    const programs = openPrograms(app.database.app)
    const book = bookOf(parseId('issuer', ours.id) ?? assert.fail(), 'test')
    const id = parseId('product', product.id) ?? assert.fail()
    assert.equal(programs.knownTerms(book, id, 1), undefined)
    const first = await programs.termsOf(book, id, 1)
    assert.deepEqual([first?.name, first?.faces], ['Tea card', { values: [10_000n, 50_000n] }])
    assert.equal(programs.knownTerms(book, id, 1), first)
    const live = bookOf(parseId('issuer', ours.id) ?? assert.fail(), 'live')
    assert.equal(await programs.termsOf(live, id, 1), undefined)
    await assert.rejects(
      app.database.app.sql`update product_version set name = 'x' where product_id = ${id}`,
      /permission denied/,
    )
  })

  test('get one version from each of many changes at once', async () => {
    const product = await makeProduct()
    const path = `/v1/products/${product.id}`
    const changes = Array.from({ length: 6 }, (_, index) =>
      app.call('PATCH', path, { key: ours.test, body: { name: `N${index}` } }),
    )
    const versions = (await Promise.all(changes)).map(({ body }) => body.version)
    assert.deepEqual(
      versions.toSorted((a, b) => a - b),
      [2, 3, 4, 5, 6, 7],
    )
  })

  test('have terms that agree with each other', async () => {
    const { faces: _, ...rest } = terms
    const wrong = [
      { ...rest, face_range: { min: 2, max: 1 } },
      { ...terms, faces: [100, 100] },
      { ...terms, consume_order: ['bonus'] },
      { ...terms, consume_order: ['bonus', 'bonus'] },
      { ...terms, acceptance: { categories: ['a', 'a'] } },
    ]
    for (const body of wrong) {
      const answer = await post('/v1/products', body)
      assert.deepEqual([answer.status, answer.body.code], [422, 'product.terms_invalid'])
    }
    for (const body of [
      rest,
      { ...terms, face_range: { min: 1, max: 2 } },
      { ...terms, faces: [0] },
    ]) {
      assert.equal((await post('/v1/products', body)).body.code, 'request.invalid')
    }
  })

  test('are accepted by merchants and stores of the same issuer and mode', async () => {
    const merchant = await makeMerchant()
    const store = await post(`/v1/merchants/${merchant.id}/stores`, { name: 'S', district: 'D' })
    const acceptance = { merchants: [merchant.id], stores: [store.body.id], categories: ['food'] }
    assert.deepEqual((await makeProduct({ acceptance })).acceptance, acceptance)
    const foreign = [await makeMerchant({}, theirs.test), await makeMerchant({}, ours.live)]
    const ids = [...foreign.map(({ id }) => id), `merch_${'0'.repeat(32)}`]
    const answers = await Promise.all(
      ids.map((id) => post('/v1/products', { ...terms, acceptance: { merchants: [id] } })),
    )
    for (const answer of answers) {
      assert.deepEqual([answer.status, answer.body.code], [404, 'merchant.not_found'])
      assert.deepEqual(stripped(answer), stripped(answers[0] ?? answer))
    }
  })

  test('are published within the law that binds the issuer', async () => {
    const lawful = await app.makeIssuer(['cn-national'])
    const short = await makeProduct({ validity_months: 35 }, lawful.test)
    const answer = await post(`/v1/products/${short.id}/publish`, {}, lawful.test)
    assert.deepEqual([answer.status, answer.body.code], [422, 'policy.validity_too_short'])
    assert.equal(answer.body.policy.pack, 'cn-national')
    const path = `/v1/products/${short.id}`
    const body = { validity_months: 36 }
    assert.equal((await app.call('PATCH', path, { key: lawful.test, body })).status, 200)
    assert.equal((await post(`${path}/publish`, {}, lawful.test)).status, 200)
    const registered = { registered: true }
    const later = await app.call('PATCH', path, { key: lawful.test, body: registered })
    assert.equal(later.body.code, 'policy.expiry_not_allowed')
  })
})
