/** Imports over HTTP against a server process that is killed in the middle of its work. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { laneOfId, luhnDigit, parseId } from '@lika/contract'
import { Auditor } from '../server/src/modules/ledger/index.ts'
import { type LegacyFile, legacyCards } from './fixtures/legacy-cards.ts'
import type { Answered } from './harness/http-app.ts'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'

let lika: LikaProcess

before(async () => {
  lika = await startLikaProcess()
})
after(() => lika.stop())

interface Shop {
  key: string
  product: string
}

async function open(terms: object = {}): Promise<Shop> {
  const key = await lika.makeIssuer()
  return { key, product: await lika.makeProduct(key, terms) }
}

type Fields = { encoding?: string; dry_run?: string; reference?: string; metadata?: string }

function upload(
  { key, product }: Shop,
  bytes: Buffer | string,
  fields: Fields = {},
  idempotencyKey?: string,
) {
  const form = new FormData()
  const all = { product_id: product, encoding: 'utf-8', dry_run: 'false', ...fields }
  for (const [name, value] of Object.entries(all)) form.set(name, value)
  form.set('file', new Blob([new Uint8Array(Buffer.from(bytes))]), 'cards.csv')
  return lika.call('POST', '/v1/imports', {
    key,
    form,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  })
}

async function imported(shop: Shop, bytes: Buffer | string, fields: Fields = {}) {
  const { status, body } = await upload(shop, bytes, fields)
  assert.equal(status, 202)
  const job = await lika.ended(shop.key, body.id)
  return { job, ...(await shown(shop, job)) }
}

/** The import and all of its errors, once its end is known. */
async function shown({ key }: Shop, job: Answered['body']) {
  const path = `/v1/imports/${job.result.import_id}`
  let { body } = await lika.call('GET', path, { key })
  for (; body.status === 'running'; body = (await lika.call('GET', path, { key })).body)
    await sleep(20)
  const errors: Answered['body'][] = []
  let cursor = ''
  do {
    const page = await lika.call('GET', `${path}/errors?limit=200${cursor}`, { key })
    errors.push(...page.body.data)
    cursor = page.body.next_cursor === null ? '' : `&cursor=${page.body.next_cursor}`
  } while (cursor !== '')
  return { shown: body, errors }
}

/** A digest of every row of the database, by table, but for what tells of commands and of the import itself. */
async function world(): Promise<Record<string, string>> {
  const { sql } = lika.database.owner
  const mayChange =
    /^(claim|lane|journal.*|consumer|job|job_file|import|import_error|import_file|webhook.*)$/
  const tables = await sql<{ name: string }[]>`
    select tablename as name
    from pg_tables
    where schemaname = 'lika'
    order by tablename`
  const digests: Record<string, string> = {}
  for (const { name } of tables.filter((table) => !mayChange.test(table.name))) {
    const [row] = await sql.unsafe<{ digest: string }[]>(
      `select md5(coalesce(string_agg(row::text, ',' order by row::text), '')) as digest from lika.${name} row`,
    )
    digests[name] = row?.digest ?? ''
  }
  return digests
}

interface Stored {
  number: string
  state: string
  principal: bigint
  bonus: bigint
  expires_at: number
}

/** The cards of an issuer with their balances, by number. */
async function cardsOf({ key }: Shop): Promise<Map<string, Stored>> {
  const product = (await lika.call('GET', '/v1/products', { key })).body.data[0].id
  const { sql } = lika.database.owner
  const rows = await sql<Stored[]>`
    select
      number, state, expires_at, coalesce(p.balance, 0) as principal, coalesce(b.balance, 0) as bonus
    from lika.card
    left join lika.account as p
      on p.lane = card.lane
      and p.id = overlay(card.id::text placing lpad(to_hex(1024 + card.lane), 4, '0') from 33)::uuid
    left join lika.account as b
      on b.lane = card.lane
      and b.id = overlay(card.id::text placing lpad(to_hex(2048 + card.lane), 4, '0') from 33)::uuid
    where product_id = ${parseId('product', product) ?? ''}`
  return new Map(rows.map((row) => [row.number, row]))
}

function assertCards(found: Map<string, Stored>, file: LegacyFile): void {
  assert.equal(found.size, file.cards.length)
  for (const card of file.cards) {
    const row = found.get(card.number)
    assert.ok(row, `line ${card.line}`)
    assert.deepEqual(
      [row.principal, row.bonus, row.state],
      [card.amount, card.bonusAmount, 'active'],
      `line ${card.line}`,
    )
    if (card.expiresAt !== null)
      assert.equal(new Date(row.expires_at).toISOString(), card.expiresAt, `line ${card.line}`)
  }
}

const inShort = ({ line, column, code }: { line: number; column: string | null; code: string }) =>
  `${line} ${column} ${code}`

/** Kills the server when the job has come some way, and starts it again. */
async function killAt({ key }: Shop, job: string, done: number): Promise<void> {
  for (;;) {
    const { body } = await lika.call('GET', `/v1/jobs/${job}`, { key })
    if (body.done >= done || body.finished_at !== null) break
    await sleep(10)
  }
  await lika.kill()
  await lika.start()
}

describe('a file of 50,000 rows that other people kept', () => {
  let shop: Shop
  const file = legacyCards({ seed: 20_270_401, encoding: 'utf-8' })
  before(async () => {
    shop = await open()
  })

  test('a dry run reports everything and changes nothing', async () => {
    const before = await world()
    const { job, shown: report, errors } = await imported(shop, file.bytes, { dry_run: 'true' })
    assert.deepEqual(await world(), before)
    assert.equal(job.status, 'succeeded')
    assert.deepEqual(
      [report.status, report.dry_run, report.rows, report.accepted, report.rejected],
      ['succeeded', true, 50_000, file.cards.length, 50_000 - file.cards.length],
    )
    assert.deepEqual(
      [report.total_amount, report.total_bonus],
      [Number(file.totalAmount), Number(file.totalBonus)],
    )
    assert.deepEqual(errors.map(inShort), file.errors.map(inShort))
  })

  test('becomes cards, each once, although the server is killed three times', async () => {
    const { body: job } = await upload(shop, file.bytes)
    for (const at of [1, 15_000, 35_000]) await killAt(shop, job.id, at + Math.random() * 10_000)
    const ended = await lika.ended(shop.key, job.id)
    const { shown: report, errors } = await shown(shop, ended)
    assert.deepEqual(
      [report.status, report.rows, report.accepted, report.rejected],
      ['succeeded', 50_000, file.cards.length, 50_000 - file.cards.length],
    )
    assert.deepEqual(errors.map(inShort), file.errors.map(inShort))
    assertCards(await cardsOf(shop), file)
  })

  test('leaves neither the file nor a secret of it', async () => {
    const { sql } = lika.database.owner
    const [row] = await sql<{ pieces: bigint }[]>`select count(*) as pieces from lika.import_file`
    assert.equal(row?.pieces, 0n)
    const [card] = file.cards
    assert.ok(card)
    const digests = await sql<{ digest: Uint8Array }[]>`
      select secret_digest as digest
      from lika.card
      where number = ${card.number}`
    assert.equal(digests[0]?.digest.length, 32)
    assert.ok(!lika.said().includes(card.secret))
  })

  test('its cards are found by number and secret, whatever width and case they are typed in', async () => {
    const card = file.cards.find(({ number }) => number.startsWith('VIP'))
    assert.ok(card)
    const body = { number: card.number.toLowerCase(), secret: card.secret }
    const found = await lika.call('POST', '/v1/cards/lookup', { key: shop.key, body })
    assert.equal(found.status, 200)
    assert.equal(found.body.number_last4, card.number.slice(-4))
    const statement = await lika.call('GET', `/v1/cards/${found.body.id}/statement`, {
      key: shop.key,
    })
    const [line] = statement.body.data
    if (card.amount + card.bonusAmount > 0n) assert.equal(line.counterparty, 'migration')
  })

  test('a second import finds the numbers taken', async () => {
    const again = file.cards.slice(0, 700).map(({ number }) => `${number},1`)
    const text = `金额,卡号,余额\n,NEW001,1\n${again.map((row) => `,${row}`).join('\n')}\n`
    const { shown: report, errors } = await imported(shop, text)
    assert.deepEqual([report.accepted, report.rejected], [1, 700])
    assert.deepEqual(
      errors.map(inShort),
      again.map((_, index) => `${index + 3} 卡号 import.number_taken`),
    )
  })

  test('another issuer imports the same numbers, in GBK', async () => {
    const other = await open()
    const gbk = legacyCards({ seed: 20_270_401, encoding: 'gbk', newline: '\n' })
    const { shown: report, errors } = await imported(other, gbk.bytes, { encoding: 'gbk' })
    assert.deepEqual([report.rows, report.accepted], [50_000, gbk.cards.length])
    assert.deepEqual(errors.map(inShort), gbk.errors.map(inShort))
    assertCards(await cardsOf(other), gbk)
  })
})

describe('two imports of one file at the same time, and taking them back', () => {
  let shop: Shop
  let jobs: Answered['body'][]
  const file = legacyCards({ seed: 7, rows: 10_000, encoding: 'utf-8', defectsOfEach: 10 })
  before(async () => {
    shop = await open()
  })

  test('make each card once, although the server is killed', async () => {
    const asked = await Promise.all([upload(shop, file.bytes), upload(shop, file.bytes)])
    const [first] = asked
    assert.ok(first)
    await killAt(shop, first.body.id, 2_000)
    jobs = []
    for (const { body } of asked) jobs.push(await lika.ended(shop.key, body.id))
    const reports = []
    for (const job of jobs) reports.push(await shown(shop, job))
    const accepted = reports.reduce((sum, report) => sum + report.shown.accepted, 0)
    assert.equal(accepted, file.cards.length)
    const taken = reports.flatMap(({ errors }) =>
      errors.filter(({ code }) => code === 'import.number_taken'),
    )
    assert.equal(taken.length, file.cards.length)
    const total = reports.reduce((sum, report) => sum + report.shown.total_amount, 0)
    assert.equal(total, Number(file.totalAmount))
    assertCards(await cardsOf(shop), file)
  })

  const reverse = (job: Answered['body'], idempotencyKey?: string) =>
    lika.call('POST', `/v1/imports/${job.result.import_id}/reverse`, {
      key: shop.key,
      body: {},
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    })

  test('one fen that was spent stands in the way, until it is back', async () => {
    const { key } = shop
    const [job] = jobs.filter(({ result }) => result.accepted > 0)
    const importId = parseId('import', job.result.import_id) ?? ''
    const [row] = await lika.database.owner.sql<{ id: string }[]>`
      select id
      from lika.card
      where import_id = ${importId}
        and expires_at > now() + interval '1 day'
      limit 1`
    assert.ok(row)
    const card = `card_${row.id.replaceAll('-', '')}`
    const merchant = await lika.call('POST', '/v1/merchants', {
      key,
      body: { name: 'Tea', category: 'food' },
    })
    const paid = await lika.call('POST', '/v1/payments', {
      key,
      body: {
        amount: 1,
        currency: 'CNY',
        merchant_id: merchant.body.id,
        reference: 'one-fen',
        sources: [{ card_id: card }],
      },
    })
    assert.equal(paid.status, 201)
    const before = await world()
    const refused = await reverse(job, 'reverse-1')
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body.in_the_way],
      [409, 'import.not_reversible', 1],
    )
    assert.deepEqual(await world(), before)
    const back = await lika.call('POST', `/v1/payments/${paid.body.id}/refunds`, {
      key,
      body: { amount: 1, reference: 'back', reason: 'a test' },
    })
    assert.equal(back.status, 201)
    assert.equal((await reverse(job, 'reverse-1')).status, 409, 'a refusal is final for its key')
  })

  test('reversed, killed in the middle, every card is closed and empty and every number free', async () => {
    for (const job of jobs) {
      const asked = await reverse(job, `reverse ${job.id}`)
      assert.equal(asked.status, 202)
      assert.equal(asked.body.result.import_id, job.result.import_id)
      await killAt(shop, asked.body.id, 1_000)
      const ended = await lika.ended(shop.key, asked.body.id)
      assert.equal(ended.status, 'succeeded')
      assert.equal(ended.result.reversed, job.result.accepted)
      assert.equal(ended.result.total_amount, job.result.total_amount)
      const again = await reverse(job, `reverse ${job.id}`)
      assert.deepEqual(again.body, asked.body)
      const second = await reverse(job)
      assert.deepEqual([second.status, second.body.code], [409, 'import.already_reversed'])
    }
    for (const row of (await cardsOf(shop)).values()) {
      assert.deepEqual([row.state, row.principal, row.bonus], ['closed', 0n, 0n])
    }
    const { sql } = lika.database.owner
    const [transfers] = await sql<{ net: string }[]>`
      select (
        coalesce(sum(amount) filter (where debit_balance is null and credit_balance is not null), 0)
        - coalesce(sum(amount) filter (where debit_balance is not null and credit_balance is null), 0)
      )::text as net
      from lika.transfer
      join lika.card on card.id = overlay(
        coalesce(
          case when credit_balance is not null then credit_account end, debit_account
        )::text placing lpad(to_hex(transfer.lane), 4, '0') from 33)::uuid
      where import_id = any(${`{${jobs.map(({ result }) => parseId('import', result.import_id)).join()}}`}::uuid[])`
    assert.equal(transfers?.net, '0', 'what came is what went')
  })

  test('the file can be imported again', async () => {
    const { shown: report } = await imported(shop, file.bytes)
    assert.equal(report.accepted, file.cards.length)
    const found = await cardsOf(shop)
    for (const [number, { state }] of found) if (state === 'closed') found.delete(number)
    assertCards(found, file)
  })
})

test('the books are in order after all that', async () => {
  const report = await new Auditor({ database: lika.database.app }).verify({ book: undefined })
  assert.deepEqual([report.ok, report.firstWrong], [true, null])
})

describe('small files', () => {
  let shop: Shop
  before(async () => {
    shop = await open()
  })

  test('a card lost between request and job leaves the whole import as it was', async () => {
    const rows = Array.from({ length: 2_000 }, (_, index) => `KEEP${index + 1_000},1.00`)
    const { job } = await imported(shop, `卡号,余额\n${rows.join('\n')}\n`)
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
      while ((await states())[1] !== '1500 frozen') await sleep(20)
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
    const { shown: report, errors } = await imported(shop, text)
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
    const { shown: report, errors } = await imported(lawful, text)
    assert.equal(report.accepted, 1)
    assert.deepEqual(errors.map(inShort), [
      '2 有效期 policy.expiry_not_allowed',
      '4 余额 policy.card_limit',
    ])
    assert.match(errors[1].message, /cn-national: card_limit_registered_fen/)
  })

  test('a number that looks like one of ours, of another issuer, is found', async () => {
    const body = '9000160112345678' + '90'
    const number = `${body}${luhnDigit(body)}`
    await imported(shop, `卡号,密码,余额\n${number},1234,10\n`)
    const found = await lika.call('GET', `/v1/cards?number=${number}`, { key: shop.key })
    assert.equal(found.body.data.length, 1)
    const looked = await lika.call('POST', '/v1/cards/lookup', {
      key: shop.key,
      body: { number, secret: '1234' },
    })
    assert.equal(looked.status, 200)
  })

  test('a file without a header fails, and says where', async () => {
    const { job, shown: report, errors } = await imported(shop, '一,二\n1,2\n')
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
    const { job, errors } = await imported(shop, '卡号,余额\nQ10001,1\nQ10002,"1\nQ10003,1\n')
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
      const { body } = await upload(shop, text, fields)
      assert.equal(body.code, code)
    }
    const missing = { ...shop, product: `prod_${'0'.repeat(32)}` }
    assert.equal((await upload(missing, '卡号,余额\n')).body.code, 'product.not_found')
    const [row] = await lika.database.owner.sql<{ pieces: bigint }[]>`
      select count(*) as pieces
      from lika.import_file`
    assert.equal(row?.pieces, 0n)
  })

  test('the same key with the same file is one import; with another file it is refused', async () => {
    const text = '卡号,余额\nREPEAT1,1\n'
    const given = { reference: 'old-cards', metadata: '{"from":"VIP"}' }
    const first = await upload(shop, text, given, 'import-key')
    await lika.ended(shop.key, first.body.id)
    const second = await upload(shop, text, given, 'import-key')
    assert.deepEqual(second.body, first.body)
    assert.equal(second.headers.get('idempotent-replayed'), 'true')
    const other = await upload(shop, `${text} `, given, 'import-key')
    assert.equal(other.body.code, 'idempotency.key_reused')
    const { shown: report } = await shown(shop, first.body)
    assert.deepEqual([report.reference, report.metadata], ['old-cards', { from: 'VIP' }])
    const third = await upload(shop, '卡号,余额\nREPEAT2,1\n', { reference: 'old-cards' })
    assert.deepEqual(
      [third.body.code, third.body.existing_id],
      ['reference.already_used', first.body.result.import_id],
    )
  })

  test('imports belong to their issuer', async () => {
    const { job } = await imported(shop, '卡号,余额\nMINE01,1\n')
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
})
