/** `npm start`, as a stranger sees it: what it says, what it leaves behind, and that what it says to try works. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { testDatabase } from './harness/database.ts'
import { temporaryFolder } from './harness/server.ts'
import { root, type Started, startLika } from './harness/start.ts'

const run = promisify(execFile)
const folders: string[] = []
function newFolder(): string {
  const folder = temporaryFolder('lika-start-')
  folders.push(folder)
  return folder
}
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Pasted into a shell, with no more than the standard settings around it. */
async function paste(command: string): Promise<string> {
  const environment = { PATH: process.env['PATH'], HOME: process.env['HOME'] }
  const { stdout } = await run('sh', ['-c', command], { cwd: root, env: environment })
  return stdout
}

const commandsOf = (lika: Started) =>
  lika
    .said()
    .split('\n')
    .filter((line) => line.startsWith('  '))

async function get(url: string) {
  const response = await fetch(url)
  return { status: response.status, body: await response.text(), headers: response.headers }
}

test('a start on an empty folder, and the one after it', async (t) => {
  const folder = newFolder()
  const demoFile = join(folder, 'demo.json')
  let lika = await startLika(folder, { LIKA_LANES: '2' })
  t.after(() => lika.stop())
  const demo = JSON.parse(readFileSync(demoFile, 'utf8'))

  await t.test('the demo issuer is in a file for its owner alone', () => {
    assert.equal(statSync(demoFile).mode & 0o777, 0o600)
    assert.deepEqual(Object.keys(demo), [
      'issuer_id',
      'api_key',
      'merchant_id',
      'store_id',
      'terminal_id',
      'product_id',
      'card',
    ])
    assert.match(demo.api_key, /^lika_test_/)
    assert.match(demo.card.number, /^9\d{18}$/)
  })

  await t.test('what it says at its end is where things are', async () => {
    assert.ok(lika.said().endsWith('\nLika is ready\n'))
    for (const path of ['/docs', '/readyz', '/v1'])
      assert.ok(lika.said().includes(`${lika.url}${path}`), path)
    const ready = await get(`${lika.url}/readyz`)
    assert.equal(ready.status, 200, ready.body)
    assert.deepEqual(JSON.parse(ready.body).checks, [
      'database',
      'lanes',
      'transactions',
      'consumers',
      'jobs',
    ])
  })

  await t.test('its key is not among what it says', () => {
    assert.ok(!lika.said().includes(demo.api_key))
    assert.ok(!lika.said().includes(demo.card.secret))
  })

  await t.test('the three commands work when they are pasted', async () => {
    const commands = commandsOf(lika)
    assert.equal(commands.length, 3)
    const [show = '', pay = '', statement = ''] = commands
    const card = JSON.parse(await paste(show))
    assert.equal(card.id, demo.card.id)
    assert.equal(card.status, 'active')
    const payment = JSON.parse(await paste(pay))
    assert.equal(payment.status, 'succeeded', JSON.stringify(payment))
    assert.equal(JSON.parse(await paste(pay)).id, payment.id)
    assert.match(await paste(statement), /payment\.created/)
  })

  await t.test(
    'what happened is counted, by routes and codes and never by what callers made up',
    async () => {
      const answers = await Promise.all(
        ['/v1/cards/x', '/v1/made-up', '/v1/cards'].map((path) => get(`${lika.url}${path}`)),
      )
      assert.deepEqual(
        answers.map(({ status }) => status),
        [401, 404, 401],
      )
      const { body } = await get(`${lika.url}/metrics`)
      const counted = (name: string) =>
        Number(
          body
            .split('\n')
            .find((line) => line.startsWith(`${name} `))
            ?.split(' ')
            .at(-1),
        )
      assert.ok(
        counted('lika_http_requests_total{method="POST",route="/v1/payments",status="201"}') >= 1,
      )
      assert.equal(counted('lika_http_requests_total{method="any",route="none",status="404"}'), 1)
      assert.equal(counted('lika_refusals_total{code="auth.missing"}'), 2)
      assert.ok(counted('lika_round_commands_count') >= 2)
      assert.ok(counted('lika_claim_seconds_count') >= 2)
      assert.equal(counted('lika_webhook_backlog'), 0)
      assert.match(body, /^lika_lane_queue\{lane="60\d"\} 0$/m)
      assert.doesNotMatch(body, /made-up|card_/)
    },
  )

  await t.test('number and secret are those of the card', async () => {
    const response = await fetch(`${lika.url}/v1/cards/lookup`, {
      method: 'POST',
      headers: { authorization: `Bearer ${demo.api_key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ number: demo.card.number, secret: demo.card.secret }),
    })
    assert.equal(JSON.parse(await response.text()).id, demo.card.id)
  })

  await t.test('the reference page needs nothing from elsewhere', async () => {
    const page = await get(`${lika.url}/docs`)
    assert.equal(page.status, 200)
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link)
    assert.ok(links.length > 3)
    for (const link of links) {
      const url = new URL(link, `${lika.url}/docs/`)
      assert.equal(url.origin, lika.url, link)
      assert.equal((await get(url.href)).status, 200, link)
    }
  })

  await t.test('the second start shows the same book and the same demo', async () => {
    assert.equal(await lika.stop(), 0)
    lika = await startLika(folder, { LIKA_LANES: '2' })
    assert.deepEqual(JSON.parse(readFileSync(demoFile, 'utf8')), demo)
    const [show = ''] = commandsOf(lika)
    assert.equal(JSON.parse(await paste(show)).balance.available, 20_000 - 1_280)
  })

  await t.test('without the file a start finds the demo again and writes it down', async () => {
    await lika.stop()
    rmSync(demoFile)
    lika = await startLika(folder, { LIKA_LANES: '2' })
    const found = JSON.parse(readFileSync(demoFile, 'utf8'))
    const { api_key: key, card, ...rest } = found
    const { api_key: formerKey, card: formerCard, ...former } = demo
    assert.deepEqual(rest, former)
    assert.deepEqual([card.id, card.number], [formerCard.id, formerCard.number])
    assert.notEqual(key, formerKey)
  })

  await t.test('after its data was thrown away a start makes a card again', async () => {
    const { api_key: key } = JSON.parse(readFileSync(demoFile, 'utf8'))
    const wiped = await fetch(`${lika.url}/v1/test/data`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${key}` },
    })
    assert.equal(wiped.status, 204)
    await lika.stop()
    lika = await startLika(folder, { LIKA_LANES: '2' })
    const again = JSON.parse(readFileSync(demoFile, 'utf8'))
    assert.equal(again.api_key, key)
    assert.notEqual(again.card.id, demo.card.id)
  })
})

test('a start on a PostgreSQL that is there already, without a demo', async (t) => {
  const database = await testDatabase({ migrated: false })
  const folder = newFolder()
  t.after(() => database.drop())
  const lika = await startLika(folder, { DATABASE_URL: database.url })
  t.after(() => lika.stop())
  assert.equal((await get(`${lika.url}/readyz`)).status, 200)
  assert.deepEqual(commandsOf(lika), [])
  const [journal] = await database.owner.sql<{ owner: string }[]>`
    select tableowner as owner from pg_tables where schemaname = 'lika' and tablename = 'journal'`
  assert.notEqual(journal?.owner, 'lika_app')
  assert.equal(await lika.stop(), 0)
})

test('a start with a certificate of its own', { skip: withoutOpenssl() }, async (t) => {
  const database = await testDatabase()
  const folder = newFolder()
  t.after(() => database.drop())
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  execFileSync(
    'openssl',
    [
      'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost'.split(' '),
      ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert],
    ].flat(),
    { stdio: 'ignore' },
  )
  const lika = await startLika(folder, {
    DATABASE_URL: database.url,
    LIKA_TLS_CERT: cert,
    LIKA_TLS_KEY: key,
    LIKA_HOST: '0.0.0.0',
    LIKA_DEMO: '1',
  })
  t.after(() => lika.stop())
  const url = new URL(lika.url)
  assert.equal(url.protocol, 'https:')
  const status = await new Promise((resolve, reject) => {
    request(
      { host: '127.0.0.1', port: url.port, path: '/readyz', ca: readFileSync(cert) },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    )
      .on('error', reject)
      .end()
  })
  assert.equal(status, 200)
})

function withoutOpenssl(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'there is no openssl here to make a certificate with'
  }
}
