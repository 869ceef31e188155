/**
 * After a life of cards, imports, batches and webhooks nothing that must stay secret can be read anywhere: not in the
 * database, the log, the figures, answers about jobs and events, webhooks, or files that were left behind.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../server/src/platform/ids.ts'
import { formOf } from './harness/card-file.ts'
import { type Book, ended, makePlace, makeThings, openWorld, type World } from './harness/world.ts'

const buyer = {
  kind: 'person',
  name: '欧阳Tsunenori Quibblewick',
  id_type: 'resident_id',
  id_number: '11010519491231002X',
  phone: '13900139477',
}
const cash = { method: 'cash' }
/** As a file of another system brings them; the second cannot be taken, and says so. */
const importedSecrets = ['ZQ7PLUMBAGO31', 'ZQ8 PLUMBAGO 32', 'ZQ9PLUMBAGO33']

let world: World
let book: Book
/** What must not be found, by what it is. */
const secrets = new Map<string, string>()

before(async () => {
  world = await openWorld()
  const issuer = await world.makeIssuer()
  book = await world.openBook(issuer, 'live')
  const place = await makePlace(book)
  const things = await makeThings(book, place)
  keep("the operator's key", world.operator)
  keep('a key', book.key)
  keep('a revealed secret', things.secret)
  for (const [name, value] of Object.entries(buyer))
    if (name.length > 4 || name === 'name') keep(`the buyer's ${name}`, value)
  await live(place)
  await sleep(1_500)
})
after(() => world.stop())

function keep(what: string, value: string): void {
  if (value !== 'person' && value !== 'resident_id') secrets.set(what, value)
}

async function live({ product, merchant }: Awaited<ReturnType<typeof makePlace>>): Promise<void> {
  const { ask, send, sendForm } = book
  const key = await ask('POST', '/v1/keys', {
    name: 'till',
    owner: 'tests',
    mode: 'live',
    scopes: ['cards:read', 'payments:write'],
  })
  keep('the key of a till', key.secret)
  const endpoint = await ask('POST', '/v1/webhook_endpoints', {
    url: book.receiverUrl,
    events: ['card.*', 'payment.*', 'import.*', 'job.*', 'load.*'],
  })
  keep("a webhook's secret", endpoint.secret)
  const sold = { product_id: product, amount: 10_000, funding: cash, buyer }
  const card = await ask('POST', '/v1/cards', sold)
  const face = await ask('POST', `/v1/cards/${card.id}/reveal`)
  keep('a secret that was reset', face.secret)
  const fresh = await ask('POST', `/v1/cards/${card.id}/reset_secret`)
  keep('the secret after the reset', fresh.secret)
  const code = await ask('POST', `/v1/cards/${card.id}/pay_codes`)
  keep('a pay code', code.code)
  await ask('POST', `/v1/cards/${card.id}/loads`, { amount: 500, funding: cash, buyer })
  const plastic = await ask('POST', '/v1/cards', { ...sold, activate: false })
  await ask('POST', `/v1/cards/${plastic.id}/activate`, { funding: cash, buyer })
  const order = (source: object) => ({
    amount: 100,
    currency: 'CNY',
    merchant_id: merchant,
    reference: newId(),
    sources: [source],
  })
  await ask('POST', '/v1/payments', order({ number: fresh.number, secret: fresh.secret }))
  await ask('POST', '/v1/payments', order({ pay_code: code.code }))
  await ask('POST', '/v1/cards/lookup', { number: fresh.number, secret: fresh.secret })
  await ask('POST', '/v1/bulk', {
    on_error: 'continue',
    operations: [
      {
        path: '/v1/payments',
        idempotency_key: newId(),
        body: order({ number: fresh.number, secret: fresh.secret }),
      },
      { path: '/v1/cards', idempotency_key: newId(), body: sold },
    ],
  })
  const batch = { ...sold, count: 3, age_recipient: book.recipient }
  await ended(book, (await ask('POST', '/v1/cards/batches', batch)).id)
  const rows = importedSecrets.map((secret, row) => `81234567890${row},${secret},${row}.5${row}`)
  for (const [row, secret] of importedSecrets.entries()) keep(`imported secret ${row}`, secret)
  const file = ['number,secret,amount', ...rows, rows[0], `,${importedSecrets[2]},1`].join('\n')
  const uploaded = await sendForm('/v1/imports', formOf({ product_id: product }, file))
  await ended(book, uploaded.body.id)
  // Secrets in all the wrong places.
  const wrong = fresh.secret
  await send('POST', '/v1/cards/lookup', { number: fresh.number, secret: `${wrong}0` })
  await send('POST', '/v1/cards/lookup', { number: { secret: wrong } })
  await send('POST', '/v1/payments', {
    ...order({ secret: wrong, card_id: card.id }),
    [wrong]: wrong,
  })
  await send('GET', `/v1/cards?secret=${wrong}&number=${fresh.number}`)
  await send('GET', `/v1/cards/${wrong}`)
  await world.client.call('GET', '/v1/cards', { key: `${key.secret}x` })
  const broken = `{"secret":"${wrong}","token":"${key.secret}",`
  await world.client.send({
    method: 'POST',
    path: '/v1/cards/lookup',
    headers: { authorization: `Bearer ${book.key}`, 'content-type': 'application/json' },
    body: broken,
  })
}

/** The text as it is, and in the forms in which bytes are shown. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const forms = [secret, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')]
  const key = /^whsec_(.+)$/.exec(secret)?.[1]
  if (key !== undefined) forms.push(key, Buffer.from(key, 'base64').toString('hex'))
  const token = /^lika_[a-z]+_(.+)$/.exec(secret)?.[1]
  if (token !== undefined) forms.push(token)
  return forms.flatMap((form) => [form, form.toLowerCase(), form.replaceAll(/[\s-]/g, '')])
}

function assertSilent(where: string, text: string): void {
  assert.ok(text.length > 0, `${where} is empty`)
  for (const [what, secret] of secrets)
    for (const form of formsOf(secret))
      assert.ok(!text.includes(form), `${what} stands in ${where}`)
}

async function dumpOf(table: string): Promise<string> {
  const rows = await world.database.owner.sql.unsafe<{ text: string }[]>(
    `select one::text as text from ${table} as one`,
  )
  return rows.map(({ text }) => text).join('\n')
}

test('the test knows what to look for', () => {
  assert.ok(secrets.size >= 14, [...secrets.keys()].join(', '))
  for (const [what, secret] of secrets) {
    assert.ok(secret.length >= 10, what)
    assert.throws(() => assertSilent('this', `before${secret}behind`))
    assert.throws(() => assertSilent('this', Buffer.from(`x${secret}x`).toString('hex')))
  }
})

test('no table of the database holds any of it', async () => {
  const tables = await world.database.owner.sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name
    from pg_tables
    where schemaname = 'lika'`
  const dumps = await Promise.all(
    tables.map(async ({ name }) => ({ name, text: await dumpOf(name) })),
  )
  const filled = dumps.filter(({ text }) => text !== '')
  for (const table of [
    'card',
    'person',
    'journal',
    'import',
    'import_error',
    'webhook_delivery',
    'api_key',
  ])
    assert.ok(
      filled.some(({ name }) => name.startsWith(`lika.${table}`)),
      `${table} is empty`,
    )
  for (const { name, text } of filled) assertSilent(name, text)
})

test('neither does the log of the server', () => {
  assertSilent('the log', world.lika.said())
})

test('nor what it answers about jobs, imports, events, deliveries, cards and itself', async () => {
  const jobs = await world.database.owner.sql<{ id: string }[]>`select id from lika.job`
  const paths = [
    ...jobs.map(({ id }) => `/v1/jobs/job_${id.replaceAll('-', '')}`),
    '/v1/events?limit=200',
    '/v1/webhook_endpoints',
    '/v1/webhook_deliveries?limit=200',
    '/v1/keys',
    '/v1/cards?limit=200',
    '/v1/payments?limit=200',
    '/v1/exports/cards.csv',
    '/v1/ledger/entries?limit=200',
  ]
  assert.ok(jobs.length >= 4)
  for (const path of paths) {
    const answer = await book.send('GET', path)
    assert.equal(answer.status, 200, path)
    assertSilent(path, JSON.stringify(answer.body))
  }
  const imports = await world.database.owner.sql<{ id: string }[]>`select id from lika.import`
  for (const { id } of imports) {
    const { body } = await book.send('GET', `/v1/imports/imp_${id.replaceAll('-', '')}/errors`)
    assert.ok(body.data.length > 0)
    assertSilent('the errors of an import', JSON.stringify(body))
  }
  for (const path of ['/metrics', '/readyz']) {
    const { body } = await world.client.call('GET', path)
    assertSilent(path, JSON.stringify(body))
  }
})

test('nor a webhook', () => {
  assert.ok(world.received.length > 10)
  assertSilent('a webhook', world.received.join('\n'))
})

test('nor a file that is left behind, but for those that are keys', () => {
  const files = readdirSync(world.folder, { recursive: true, withFileTypes: true })
  for (const file of files) {
    if (!file.isFile() || ['master.key', 'operator.key'].includes(file.name)) continue
    const path = join(file.parentPath, file.name)
    const text = readFileSync(path).toString('latin1')
    if (text !== '') assertSilent(path, text)
  }
})
