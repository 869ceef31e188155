/** Batches over HTTP against a server process that is killed in the middle of its work. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { luhnDigit, parseId } from '@lika/contract'
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { Auditor } from '../server/src/modules/ledger/index.ts'
import { misspelt } from './harness/asking.ts'
import type { Answered } from './harness/http-app.ts'
import { findLeaks } from './harness/leaks.ts'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'

let lika: LikaProcess
let key: string
let product: string
let identity: string
let recipient: string

before(async () => {
  lika = await startLikaProcess()
  key = await lika.makeIssuer()
  product = await lika.makeProduct(key)
  identity = await generateX25519Identity()
  recipient = await identityToRecipient(identity)
})
after(() => lika.stop())

const funding = { method: 'bank_transfer', reference: 'B-1' }

function ask(body: object, idempotencyKey?: string) {
  return lika.call('POST', '/v1/cards/batches', {
    key,
    body: { product_id: product, amount: 1_000, count: 10, funding, ...body },
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  })
}

const get = (path: string, as = key) => lika.call('GET', path, { key: as })

async function issued(body: object): Promise<Answered['body']> {
  const { status, body: job } = await ask(body)
  assert.equal(status, 202)
  return lika.ended(key, job.id)
}

/** Header and rows of a print file. */
async function opened(bytes: Buffer): Promise<string[][]> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  const text = await decrypter.decrypt(bytes, 'text')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','))
}

async function totals(): Promise<{ cards: bigint; numbers: bigint; fen: string; seals: bigint }> {
  const [row] = await lika.database.owner.sql<
    { cards: bigint; numbers: bigint; fen: string; seals: bigint }[]
  >`
    select
      (select count(*) from lika.card) as cards,
      (select count(distinct number) from lika.card) as numbers,
      (select coalesce(sum(amount), 0)::text from lika.transfer) as fen,
      (select count(*) from lika.card_seal) as seals`
  assert.ok(row)
  return row
}

describe('50,000 cards, the server killed again and again', () => {
  const count = 50_000
  let job: Answered['body']
  let file: Buffer

  before(async () => {
    const asked = await ask({ count, age_recipient: recipient })
    assert.equal(asked.status, 202)
    assert.equal(asked.body.status, 'queued')
    assert.equal(asked.body.total, count)
    assert.match(asked.body.result.batch_id, /^batch_[0-9a-f]{32}$/)
    const at = async () => (await get(`/v1/jobs/${asked.body.id}`)).body
    const again = async () => {
      await lika.kill()
      await lika.start()
    }
    assert.equal((await get(`/v1/jobs/${asked.body.id}/file`)).body.code, 'job.not_ready')
    let seen = 0
    for (let kills = 0; kills < 3; kills += 1) {
      const until = seen + Math.random() * 12_000
      for (let now = await at(); now.done < until && now.status !== 'succeeded'; now = await at())
        await sleep(20)
      await again()
      seen = (await at()).done
    }
    // While the file is made, and while the seals are destroyed.
    for (let now = await at(); now.done < count; now = await at()) await sleep(20)
    await sleep(Math.random() * 500)
    await again()
    job = await lika.ended(key, asked.body.id)
    await again()
    job = await lika.ended(key, asked.body.id)
    await announced(asked.body.id)
    file = (await get(`/v1/jobs/${asked.body.id}/file`)).bytes
  })

  /** Until everybody knows of its end, which comes after everything else. */
  async function announced(id: string): Promise<void> {
    for (;;) {
      const [row] = await lika.database.owner.sql<{ announced: boolean }[]>`
        select announced
        from lika.job
        where id = ${parseId('job', id) ?? ''}`
      if (row?.announced === true) return
      await sleep(50)
    }
  }

  test('makes exactly that many cards, no number twice, and one total', async () => {
    assert.equal(job.status, 'succeeded')
    assert.deepEqual(
      { done: job.done, issued: job.result.issued, total: job.result.total_amount },
      { done: count, issued: count, total: count * 1_000 },
    )
    const all = await totals()
    assert.deepEqual(all, {
      cards: BigInt(count),
      numbers: BigInt(count),
      fen: String(count * 1_000),
      seals: 0n,
    })
    const [balances] = await lika.database.owner.sql<{ fen: string; accounts: bigint }[]>`
      select sum(balance)::text as fen, count(*) as accounts
      from lika.account`
    assert.deepEqual(balances, { fen: String(count * 1_000), accounts: BigInt(count) })
    const entries = await lika.database.owner.sql<{ kind: string; count: bigint }[]>`
      select kind, count(*) as count
      from lika.journal
      where kind like any ('{batch.requested,batch.issued,job.%}'::text[])
      group by kind
      order by kind`
    assert.deepEqual(
      entries.map((entry) => ({ ...entry })),
      [
        { kind: 'batch.issued', count: 100n },
        { kind: 'batch.requested', count: 1n },
        { kind: 'job.succeeded', count: 1n },
      ],
    )
  })

  test('keeps the books in order', async () => {
    const report = await new Auditor({ database: lika.database.app }).verify({ book: undefined })
    assert.deepEqual([report.ok, report.firstWrong], [true, null])
    assert.equal(report.checked['transfers'], count)
  })

  test('spreads them over the lanes that take new cards', async () => {
    const lanes = await lika.database.owner.sql<{ cards: bigint }[]>`
      select count(*) as cards
      from lika.card
      group by lane`
    assert.equal(lanes.length, 4)
    for (const { cards } of lanes) assert.ok(cards > 10_000n)
  })

  test('gives the printer a file that holds every card once', async () => {
    const [header, ...rows] = await opened(file)
    assert.deepEqual(header, ['number', 'secret', 'expires_on'])
    assert.equal(rows.length, count)
    const numbers = await lika.database.owner.sql<{ number: string }[]>`
      select number
      from lika.card`
    assert.deepEqual(
      new Set(rows.map(([number]) => number)),
      new Set(numbers.map(({ number }) => number)),
    )
    for (const [number = '', secret = '', expiresOn = ''] of rows) {
      assert.equal(luhnDigit(number.slice(0, -1)), number.slice(-1))
      assert.match(secret, /^[0-9A-HJKMNP-TV-Z]{16}$/)
      assert.match(expiresOn, /^\d{4}-\d{2}-\d{2}$/)
    }
    const [number, secret] = rows[12_345] ?? []
    const body = { number, secret }
    const { status, body: card } = await lika.call('POST', '/v1/cards/lookup', { key, body })
    assert.equal(status, 200)
    assert.equal(card.balance.available, 1_000)
    assert.equal(card.batch_id, job.result.batch_id)
  })

  test('gives it out once', async () => {
    const { status, body } = await get(`/v1/jobs/${job.id}/file`)
    assert.deepEqual([status, body.code], [409, 'job.file_already_fetched'])
    const [row] = await lika.database.owner.sql<{ pieces: bigint }[]>`
      select count(*) as pieces
      from lika.job_file`
    assert.equal(row?.pieces, 0n)
  })

  test('leaves no secret anywhere', async () => {
    const rows = await opened(file)
    const secrets = new Set(rows.slice(1).map(([, secret = '']) => secret))
    assert.equal(secrets.size, count)
    const { url } = lika.database
    const texts = { output: lika.said(), job: JSON.stringify(job) }
    assert.deepEqual(await findLeaks(secrets, { url, folder: lika.folder, texts }), [])
    const planted = { planted: `0${[...secrets][7]}A` }
    const found = await findLeaks(secrets, { url, folder: lika.folder, texts: planted })
    assert.deepEqual(found, ['planted'])
  })

  test('can only reset secrets that went to the printer', async () => {
    const { body } = await get(`/v1/cards?batch_id=${job.result.batch_id}&limit=1`)
    const [card] = body.data
    const revealed = await lika.call('POST', `/v1/cards/${card.id}/reveal`, { key })
    assert.equal(revealed.body.code, 'card.secret_not_available')
    const reset = await lika.call('POST', `/v1/cards/${card.id}/reset_secret`, { key })
    assert.equal(reset.status, 200)
  })
})

test('a batch of plastic is worthless until each card is sold', async () => {
  const plastic = await lika.makeProduct(key, { carrier: 'physical' })
  const before = await totals()
  const job = await issued({ product_id: plastic, count: 3, age_recipient: recipient })
  const { bytes } = await get(`/v1/jobs/${job.id}/file`)
  assert.deepEqual(
    (await opened(bytes)).slice(1).map(([, , expiresOn]) => expiresOn),
    ['', '', ''],
  )
  assert.equal((await totals()).fen, before.fen)
  const { body } = await get(`/v1/cards?batch_id=${job.result.batch_id}`)
  assert.equal(body.data.length, 3)
  for (const card of body.data) {
    assert.deepEqual([card.status, card.balance.available], ['created', 0])
  }
  const [card] = body.data
  const sold = await lika.call('POST', `/v1/cards/${card.id}/activate`, {
    key,
    body: { funding: { method: 'cash' } },
  })
  assert.deepEqual(
    [sold.status, sold.body.status, sold.body.balance.available],
    [200, 'active', 1_000],
  )
  const statement = await get(`/v1/cards/${card.id}/statement`)
  assert.deepEqual(
    statement.body.data.map((line: { kind: string; amount: number }) => [line.kind, line.amount]),
    [['card.activated', 1_000]],
  )
})

test('without a recipient the secrets stay to be revealed one by one', async () => {
  const job = await issued({ count: 2 })
  const none = await get(`/v1/jobs/${job.id}/file`)
  assert.deepEqual([none.status, none.body.code], [404, 'job.file_not_found'])
  const { body } = await get(`/v1/cards?batch_id=${job.result.batch_id}`)
  const [card] = body.data
  const { body: shown } = await lika.call('POST', `/v1/cards/${card.id}/reveal`, { key })
  const found = await lika.call('POST', '/v1/cards/lookup', {
    key,
    body: { number: shown.number, secret: shown.secret },
  })
  assert.equal(found.body.id, card.id)
  const { body: statement } = await get(`/v1/cards/${card.id}/statement`)
  assert.equal(statement.data[0].source_id, job.result.batch_id)
})

test('the same key gives the same answer, also when the job has long ended', async () => {
  const first = await ask({ count: 2 }, 'batch-key')
  await lika.ended(key, first.body.id)
  const second = await ask({ count: 2 }, 'batch-key')
  assert.deepEqual(second.body, first.body)
  assert.equal(second.status, 202)
  assert.equal(second.headers.get('idempotent-replayed'), 'true')
  const other = await ask({ count: 3 }, 'batch-key')
  assert.deepEqual([other.status, other.body.code], [422, 'idempotency.key_reused'])
})

test('what is wrong is refused before anything is made', async () => {
  const before = await totals()
  const draft = await lika.call('POST', '/v1/products', {
    key,
    body: {
      name: 'Draft',
      kind: 'gift',
      registered: false,
      carrier: 'virtual',
      faces: [100],
      validity_months: 36,
      reloadable: false,
    },
  })
  const missing = `prod_${'0'.repeat(32)}`
  const cases: [object, number, string][] = [
    [{ product_id: missing }, 404, 'product.not_found'],
    [{ product_id: draft.body.id, amount: 100 }, 409, 'product.not_published'],
    [{ age_recipient: 'age1nobody' }, 422, 'job.bad_recipient'],
    [{ age_recipient: misspelt(recipient) }, 422, 'job.bad_recipient'],
    [{ amount: 5_000_001 }, 422, 'amount.out_of_range'],
    [{ funding: { method: 'card' } }, 422, 'funding.reference_missing'],
    [{ count: 1_000_001 }, 422, 'policy.batch_too_large'],
    [{ count: 0 }, 400, 'request.invalid'],
    [{ count: 1.5 }, 400, 'request.invalid'],
    [{ funding: undefined }, 400, 'request.invalid'],
  ]
  for (const [body, status, code] of cases) {
    const answered = await ask(body)
    assert.deepEqual([answered.status, answered.body.code], [status, code], code)
  }
  assert.deepEqual(await totals(), before)
})

test('a reference names one batch', async () => {
  const first = await ask({ count: 1, reference: 'batch-2027-01' })
  const second = await ask({ count: 1, reference: 'batch-2027-01' })
  assert.deepEqual([second.status, second.body.code], [409, 'reference.already_used'])
  assert.equal(second.body.existing_id, first.body.result.batch_id)
})

test('jobs and files belong to their issuer and mode', async () => {
  const job = await issued({ count: 1, age_recipient: recipient })
  const stranger = await lika.makeIssuer()
  for (const path of [`/v1/jobs/${job.id}`, `/v1/jobs/${job.id}/file`]) {
    const foreign = await get(path, stranger)
    const random = await get(path.replace(job.id, `job_${'1'.repeat(32)}`), stranger)
    assert.equal(foreign.status, 404)
    const { request_id: _, ...told } = foreign.body
    const { request_id: __, ...unknown } = random.body
    assert.deepEqual(told, unknown)
  }
  const asked = { headers: { authorization: `Bearer ${key}` } }
  const head = await fetch(`${lika.url}/v1/jobs/${job.id}/file`, { method: 'HEAD', ...asked })
  assert.equal(head.status, 405)
  assert.equal((await get(`/v1/jobs/${job.id}/file`)).status, 200, 'a HEAD takes nothing')
})

test('a batch whose server died before it asked for the job is issued all the same', async () => {
  const { body: asked } = await ask({ count: 5 })
  await lika.ended(key, asked.id)
  await lika.kill()
  const { sql } = lika.database.owner
  // As if it had died right behind the command.
  await sql`update lika.batch set outcome = null, issued = 0 where id = ${parseId('job', asked.id) ?? ''}`
  await sql`delete from lika.job where id = ${parseId('job', asked.id) ?? ''}`
  const before = await totals()
  await lika.start()
  for (;;) {
    const { status } = await get(`/v1/jobs/${asked.id}`)
    if (status === 200) break
    await sleep(50)
  }
  assert.equal((await lika.ended(key, asked.id)).status, 'succeeded')
  assert.deepEqual(await totals(), before, 'every chunk was found to have run')
})
