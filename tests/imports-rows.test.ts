/** Imports of small files: what rows and requests are refused for, and a reversal that finds a card in its way. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { laneOfId, luhnDigit, parseId } from '@lika/contract'
import { newId } from '../server/src/platform/ids.ts'
import type { Answered } from './harness/http-app.ts'
import { type Fields, importing, inShort, type Shop } from './harness/importing.ts'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'

let lika: LikaProcess
let desk: ReturnType<typeof importing>
let shop: Shop

before(async () => {
  lika = await startLikaProcess()
  desk = importing(lika)
  shop = await desk.open()
})
after(() => lika.stop())

test('a card lost between request and job leaves the whole import as it was', async () => {
  const rows = Array.from({ length: 2_000 }, (_, index) => `KEEP${index + 1_000},1.00`)
  const { job } = await desk.imported(shop, `卡号,余额\n${rows.join('\n')}\n`)
  const importId = parseId('import', job.result.import_id) ?? ''
  const { owner } = lika.database
  const states = async () => {
    const found = await owner.sql<{ state: string; count: bigint }[]>`
      select state, count(*) as count
      from lika.card
      where import_id = ${importId}
      group by state
      order by state`
    return found.map(({ state, count }) => `${count} ${state}`)
  }
  const reverse = () =>
    lika.call('POST', `/v1/imports/${job.result.import_id}/reverse`, { key: shop.key, body: {} })
  const reversal = await owner.transaction(async (sql) => {
    // One lane stands still, so that the job gets no further than the others.
    const [lane] = await sql<{ lane: number }[]>`
      select lane
      from lika.lane
      where pool = 'test'
        and lane <> ${laneOfId(importId)}
      order by lane desc
      limit 1
      for update`
    const asked = await reverse()
    assert.equal(asked.status, 202)
    const [others] = await sql<{ count: bigint }[]>`
      select count(*) as count
      from lika.card
      where import_id = ${importId}
        and lane <> ${lane?.lane ?? 0}`
    while (!(await states()).includes(`${others?.count} frozen`)) await sleep(20)
    await sql`
      update lika.card
      set state = 'lost'
      where id = (
        select id
        from lika.card
        where lane = ${lane?.lane ?? 0}
          and import_id = ${importId}
        limit 1
      )`
    return asked
  })
  const ended = await lika.ended(shop.key, reversal.body.id)
  assert.deepEqual([ended.status, ended.error.code], ['failed', 'import.not_reversible'])
  assert.match(ended.error.detail, /: 1\.$/)
  assert.deepEqual(await states(), ['1999 active', '1 lost'])
  await owner.sql`update lika.card set state = 'active' where import_id = ${importId}`
  await statusIs('succeeded', job)
  const again = await lika.ended(shop.key, (await reverse()).body.id)
  assert.deepEqual([again.status, again.result.reversed], ['succeeded', 2_000])
  await statusIs('reversed', job)
})

/** Known a moment after the job has ended. */
async function statusIs(status: string, job: Answered['body']): Promise<void> {
  const path = `/v1/imports/${job.result.import_id}`
  while ((await lika.call('GET', path, { key: shop.key })).body.status !== status) await sleep(20)
}

test('rows that the law or our own numbers forbid are errors that name the rule', async () => {
  const ours = (
    await lika.call('POST', '/v1/cards', {
      key: shop.key,
      body: { product_id: shop.product, amount: 100, funding: { method: 'cash' } },
    })
  ).body
  const { body: own } = await lika.call('POST', `/v1/cards/${ours.id}/reveal`, { key: shop.key })
  const text = `卡号,密码,余额,赠送\n${own.number},1234,1,\nA12345,1234,50000,0.01\nA12346,1234,50000,\n`
  const { shown: report, errors } = await desk.imported(shop, text)
  assert.deepEqual([report.rows, report.accepted], [3, 1])
  assert.deepEqual(errors.map(inShort), [
    '2 卡号 import.number_reserved',
    '3 余额 policy.card_limit',
  ])
  assert.match(errors[1].message, /open: card_limit_anonymous_fen, 1/)
})

test('a registered card takes no last day where the law gives it none', async () => {
  const key = await lika.makeIssuer(['cn-national'])
  const terms = { registered: true, validity_months: null }
  const lawful = { key, product: await lika.makeProduct(key, terms) }
  const text = '卡号,余额,有效期\nLAW001,10,2030-01-01\nLAW002,10,\nLAW003,5000.01,\n'
  const { shown: report, errors } = await desk.imported(lawful, text)
  assert.equal(report.accepted, 1)
  assert.deepEqual(errors.map(inShort), [
    '2 有效期 policy.expiry_not_allowed',
    '4 余额 policy.card_limit',
  ])
  assert.match(errors[1].message, /cn-national: card_limit_registered_fen/)
})

test('a number that looks like one of ours, of another issuer, is found', async () => {
  const body = '9999960112345678' + '90'
  const number = `${body}${luhnDigit(body)}`
  await desk.imported(shop, `卡号,密码,余额\n${number},1234,10\n`)
  const found = await lika.call('GET', `/v1/cards?number=${number}`, { key: shop.key })
  assert.equal(found.body.data.length, 1)
  const looked = await lika.call('POST', '/v1/cards/lookup', {
    key: shop.key,
    body: { number, secret: '1234' },
  })
  assert.equal(looked.status, 200)
})

test('a file without a header fails, and says where', async () => {
  const { job, shown: report, errors } = await desk.imported(shop, '一,二\n1,2\n')
  assert.deepEqual([job.status, job.error.code], ['failed', 'import.bad_file'])
  assert.deepEqual([report.status, report.rows], ['failed', 0])
  assert.deepEqual(errors.map(inShort), ['1 null import.header_missing'])
  const again = await lika.call('POST', `/v1/imports/${job.result.import_id}/reverse`, {
    key: shop.key,
    body: {},
  })
  assert.equal(again.status, 202)
})

test('a quote that is never closed ends the file; what stood before it counts', async () => {
  const { job, errors } = await desk.imported(shop, '卡号,余额\nQ10001,1\nQ10002,"1\nQ10003,1\n')
  assert.deepEqual([job.status, job.result.accepted], ['succeeded', 1])
  assert.deepEqual(errors.map(inShort), ['3 null import.quote_unclosed'])
})

test('what is wrong with the request is refused, and nothing is kept', async () => {
  const cases: [string, Fields, string][] = [
    ['', {}, 'import.bad_file'],
    ['卡号,余额\n', { encoding: 'utf-16' }, 'request.invalid'],
    ['卡号,余额\n', { dry_run: 'maybe' }, 'request.invalid'],
    ['卡号,余额\n', { metadata: 'no JSON' }, 'request.invalid'],
  ]
  for (const [text, fields, code] of cases) {
    const { body } = await desk.upload(shop, text, fields)
    assert.equal(body.code, code)
  }
  const missing = { ...shop, product: `prod_${'0'.repeat(32)}` }
  assert.equal((await desk.upload(missing, '卡号,余额\n')).body.code, 'product.not_found')
  const [row] = await lika.database.owner.sql<{ pieces: bigint }[]>`
    select count(*) as pieces
    from lika.import_file`
  assert.equal(row?.pieces, 0n)
})

test('the same key with the same file is one import; with another file it is refused', async () => {
  const text = '卡号,余额\nREPEAT1,1\n'
  const given = { reference: 'old-cards', metadata: '{"from":"VIP"}' }
  const first = await desk.upload(shop, text, given, 'import-key')
  await lika.ended(shop.key, first.body.id)
  const second = await desk.upload(shop, text, given, 'import-key')
  assert.deepEqual(second.body, first.body)
  assert.equal(second.headers.get('idempotent-replayed'), 'true')
  const other = await desk.upload(shop, `${text} `, given, 'import-key')
  assert.equal(other.body.code, 'idempotency.key_reused')
  const { shown: report } = await desk.shown(shop, first.body)
  assert.deepEqual([report.reference, report.metadata], ['old-cards', { from: 'VIP' }])
  const third = await desk.upload(shop, '卡号,余额\nREPEAT2,1\n', { reference: 'old-cards' })
  assert.deepEqual(
    [third.body.code, third.body.existing_id],
    ['reference.already_used', first.body.result.import_id],
  )
})

test('the reference says that the form has a file, beside its fields', async () => {
  const { body } = await lika.call('GET', '/openapi.json', { key: shop.key })
  const { content } = body.paths['/v1/imports'].post.requestBody
  const { schema } = content['multipart/form-data']
  assert.deepEqual(schema.required, ['file', 'product_id'])
  assert.equal(schema.properties.file.contentMediaType, 'application/octet-stream')
  assert.ok(schema.properties.encoding)
})

test('a body that ends early, or says no boundary, is malformed and leaves nothing behind', async () => {
  const part = (name: string) => `--x\r\nContent-Disposition: form-data; name="${name}"`
  const broken = [
    ['multipart/form-data', '{}'],
    ['multipart/form-data; boundary=x', '{}'],
    [`multipart/form-data; boundary=${'x'.repeat(300)}`, '{}'],
    ['multipart/form-data; boundary=x', `${part('product_id')}\r\n\r\nprod`],
    [
      'multipart/form-data; boundary=x',
      `${part('file')}; filename="a"\r\n\r\nnumber,secret,amount`,
    ],
  ] as const
  for (const [type, body] of broken) {
    const response = await fetch(`${lika.url}/v1/imports`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${shop.key}`,
        'idempotency-key': newId(),
        'content-type': type,
      },
      body,
    })
    const { code } = JSON.parse(await response.text())
    assert.deepEqual([response.status, code], [400, 'request.malformed'], `${type} ${body}`)
  }
  const [row] = await lika.database.owner.sql`select count(*) as pieces from lika.import_file`
  assert.equal(row?.['pieces'], 0n)
})

test('imports belong to their issuer', async () => {
  const { job } = await desk.imported(shop, '卡号,余额\nMINE01,1\n')
  const stranger = await lika.makeIssuer()
  const path = `/v1/imports/${job.result.import_id}`
  for (const [method, what] of [
    ['GET', path],
    ['GET', `${path}/errors`],
    ['POST', `${path}/reverse`],
  ] as const) {
    const answered = await lika.call(method, what, {
      key: stranger,
      ...(method === 'POST' && { body: {} }),
    })
    assert.deepEqual([answered.status, answered.body.code], [404, 'import.not_found'])
  }
})
