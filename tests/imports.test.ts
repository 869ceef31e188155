/** Imports over HTTP against a server process that is killed in the middle of its work. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseId } from '@lika/contract'
import { Auditor } from '../server/src/modules/ledger/index.ts'
import { legacyCards } from './fixtures/legacy-cards.ts'
import type { Answered } from './harness/http-app.ts'
import { assertCards, importing, inShort, type Shop } from './harness/importing.ts'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'

let lika: LikaProcess
let desk: ReturnType<typeof importing>

before(async () => {
  lika = await startLikaProcess()
  desk = importing(lika)
})
after(() => lika.stop())

describe('a file of 50,000 rows that other people kept', () => {
  let shop: Shop
  const file = legacyCards({ seed: 20_270_401, encoding: 'utf-8' })
  before(async () => {
    shop = await desk.open()
  })

  test('a dry run reports everything and changes nothing', async () => {
    const before = await desk.world()
    const {
      job,
      shown: report,
      errors,
    } = await desk.imported(shop, file.bytes, { dry_run: 'true' })
    assert.deepEqual(await desk.world(), before)
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
    const { body: job } = await desk.upload(shop, file.bytes)
    for (const at of [1, 15_000, 35_000])
      await desk.killAt(shop, job.id, at + Math.random() * 10_000)
    const ended = await lika.ended(shop.key, job.id)
    const { shown: report, errors } = await desk.shown(shop, ended)
    assert.deepEqual(
      [report.status, report.rows, report.accepted, report.rejected],
      ['succeeded', 50_000, file.cards.length, 50_000 - file.cards.length],
    )
    assert.deepEqual(errors.map(inShort), file.errors.map(inShort))
    assertCards(await desk.cardsOf(shop), file)
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
    const { shown: report, errors } = await desk.imported(shop, text)
    assert.deepEqual([report.accepted, report.rejected], [1, 700])
    assert.deepEqual(
      errors.map(inShort),
      again.map((_, index) => `${index + 3} 卡号 import.number_taken`),
    )
  })

  test('another issuer imports the same numbers, in GBK', async () => {
    const other = await desk.open()
    const gbk = legacyCards({ seed: 20_270_401, encoding: 'gbk', newline: '\n' })
    const { shown: report, errors } = await desk.imported(other, gbk.bytes, { encoding: 'gbk' })
    assert.deepEqual([report.rows, report.accepted], [50_000, gbk.cards.length])
    assert.deepEqual(errors.map(inShort), gbk.errors.map(inShort))
    assertCards(await desk.cardsOf(other), gbk)
  })
})

describe('two imports of one file at the same time, and taking them back', () => {
  let shop: Shop
  let jobs: Answered['body'][]
  const file = legacyCards({ seed: 7, rows: 10_000, encoding: 'utf-8', defectsOfEach: 10 })
  before(async () => {
    shop = await desk.open()
  })

  test('make each card once, although the server is killed', async () => {
    const asked = await Promise.all([desk.upload(shop, file.bytes), desk.upload(shop, file.bytes)])
    const [first] = asked
    assert.ok(first)
    await desk.killAt(shop, first.body.id, 2_000)
    jobs = []
    for (const { body } of asked) jobs.push(await lika.ended(shop.key, body.id))
    const reports = []
    for (const job of jobs) reports.push(await desk.shown(shop, job))
    const accepted = reports.reduce((sum, report) => sum + report.shown.accepted, 0)
    assert.equal(accepted, file.cards.length)
    const taken = reports.flatMap(({ errors }) =>
      errors.filter(({ code }) => code === 'import.number_taken'),
    )
    assert.equal(taken.length, file.cards.length)
    const total = reports.reduce((sum, report) => sum + report.shown.total_amount, 0)
    assert.equal(total, Number(file.totalAmount))
    assertCards(await desk.cardsOf(shop), file)
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
    const before = await desk.world()
    const refused = await reverse(job, 'reverse-1')
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body.in_the_way],
      [409, 'import.not_reversible', 1],
    )
    assert.deepEqual(await desk.world(), before)
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
      await desk.killAt(shop, asked.body.id, 1_000)
      const ended = await lika.ended(shop.key, asked.body.id)
      assert.equal(ended.status, 'succeeded')
      assert.equal(ended.result.reversed, job.result.accepted)
      assert.equal(ended.result.total_amount, job.result.total_amount)
      const again = await reverse(job, `reverse ${job.id}`)
      assert.deepEqual(again.body, asked.body)
      const second = await reverse(job)
      assert.deepEqual([second.status, second.body.code], [409, 'import.already_reversed'])
    }
    for (const row of (await desk.cardsOf(shop)).values()) {
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
    const { shown: report } = await desk.imported(shop, file.bytes)
    assert.equal(report.accepted, file.cards.length)
    const found = await desk.cardsOf(shop)
    for (const [number, { state }] of found) if (state === 'closed') found.delete(number)
    assertCards(found, file)
  })
})

test('the books are in order after all that', async () => {
  const report = await new Auditor({ database: lika.database.app }).verify({ book: undefined })
  assert.deepEqual([report.ok, report.firstWrong], [true, null])
})
