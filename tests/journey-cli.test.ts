/**
 * A card's life as its issuer, its holder and a till live it, typed into the command line against a server process:
 * sold, spent, given back, held, split, lost, replaced, and every fen accounted for in the end.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { routeLines } from './harness/documented-routes.ts'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'

const launcher = resolve(import.meta.dirname, '../cli/bin/lika.mjs')

// The numbers of the story, in yuan; everything below follows from them.
const sold = 500
const gift = 50
const deposit = 120
const rest = 80
const givenBack = 90
const heldForDinner = 200
const dinner = 150
const forChildren = [60, 40]

const total = (amounts: readonly number[]) => amounts.reduce((sum, amount) => sum + amount, 0)
const fen = (yuan: number) => yuan * 100
const shown = (yuan: number) => yuan.toFixed(2)

/** What is on the card by the rule: what was given is spent first, and a refund goes the way back. */
const card = { principal: sold, bonus: gift }
function spendFromCard(amount: number): { principal: number; bonus: number } {
  const bonus = Math.min(card.bonus, amount)
  card.bonus -= bonus
  card.principal -= amount - bonus
  return { principal: amount - bonus, bonus }
}

interface Run {
  code: number | null
  out: string
  err: string
}

let server: LikaProcess
let apiKey: string | undefined

before(async () => {
  server = await startLikaProcess()
})
after(() => server.stop())

/** Runs the command as a shell would, in the folder of the server's data, with what is typed on stdin. */
function lika(typed: string, input = '', env: Record<string, string> = {}): Promise<Run> {
  const words = typed.match(/"[^"]*"|\S+/g) ?? []
  const child = spawn(
    process.execPath,
    [launcher, ...words.map((word) => word.replaceAll('"', ''))],
    {
      cwd: server.folder,
      env: {
        LIKA_URL: server.url,
        LIKA_DATA: server.folder,
        LIKA_LANG: 'en',
        NODE_COMPILE_CACHE: join(server.folder, 'compiled'),
        ...(apiKey === undefined ? {} : { LIKA_API_KEY: apiKey }),
        ...env,
      },
    },
  )
  child.stdin.end(input)
  const texts = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()))
  return new Promise((settle) => child.on('close', (code) => settle({ code, ...texts })))
}

/** What a command prints for people; it must be done. */
async function done(typed: string, input?: string): Promise<string> {
  const run = await lika(typed, input)
  assert.equal(run.code, 0, `lika ${typed}: ${run.err}`)
  return run.out
}

/** The server's own answer to a command that must be done. */
async function answer(typed: string, input?: string): Promise<ReturnType<typeof JSON.parse>> {
  return JSON.parse(await done(`${typed} --json`, input))
}

/** A command that must be refused with this code. */
async function refusal(typed: string, code: string, input?: string): Promise<string> {
  const run = await lika(typed, input)
  assert.equal(run.code, 1, run.out)
  assert.ok(run.err.startsWith('Refused: '), run.err)
  assert.ok(run.err.includes(`(${code}, `), run.err)
  return run.err
}

/** A member of an object as it is printed: `balance · available  420.00`. */
function printed(text: string, name: string): string | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `))
  return line?.slice(name.length).trim()
}

async function assertOnCard(
  id: string,
  { principal, bonus }: typeof card,
  held = 0,
): Promise<void> {
  const text = await done(`cards show ${id}`)
  assert.deepEqual(
    ['available', 'held', 'principal', 'bonus'].map((name) => printed(text, `balance · ${name}`)),
    [principal + bonus - held, held, principal, bonus].map(shown),
  )
}

test('the interface that the tests of the command line know is the one that is served', async () => {
  const { paths } = JSON.parse(await done('openapi'))
  const served = Object.entries<Record<string, Operation>>(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) =>
      inOrder(
        `${method.toUpperCase()} ${path}`.replaceAll(/\{\w+\}/g, ':id'),
        wordsOf(method, operation),
      ),
    ),
  )
  const known = routeLines.map((line) => {
    const [method, path, ...words] = line.replace('¤', '').split(/\s+/)
    return inOrder(`${method} ${path}`, line.includes('¤') ? ['¤', ...words] : words)
  })
  // Figures for Prometheus have no command: nobody reads them by hand.
  assert.deepEqual(served.filter((line) => line !== 'GET /metrics').toSorted(), known.toSorted())
})

describe('the life of a card', () => {
  let product: string
  let till: string
  let merchant: string
  let id: string
  let number: string
  let secret: string
  let paid: string
  let successor: string

  test('the operator makes an issuer and its first key', async () => {
    const issuer = await answer(
      'issuers create --name 星河 --legal-name 星河商贸有限公司 --pack open',
    )
    const made = await lika(
      `keys create --issuer ${issuer.id} --name till --owner "Wang Fang" --all-scopes --save till.key`,
    )
    assert.equal(made.code, 0, made.err)
    const file = join(server.folder, 'till.key')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const saved = readFileSync(file, 'utf8').trim()
    assert.equal(`${made.out}${made.err}`.includes(saved), false)
    apiKey = saved
    assert.match(await done('keys list'), /Wang Fang/)
  })

  test('a product is published, a merchant opens a shop with a till', async () => {
    const range = `--face-range ${shown(10)}..1,000`
    product = (
      await answer(
        `products create --name 星河卡 --kind stored_value ${range} --validity-months 36`,
      )
    ).id
    assert.equal(printed(await done(`products show ${product}`), 'status'), 'draft')
    const early = `cards issue --product ${product} --amount ${sold} --funding cash`
    await refusal(early, 'product.not_published')
    assert.equal(printed(await done(`products publish ${product}`), 'status'), 'published')
    merchant = (await answer('merchants create --name 南门面馆 --category restaurant')).id
    const store = (
      await answer(`stores create --merchant ${merchant} --name 一号店 --district 徐汇区`)
    ).id
    const terminal = (await answer(`terminals create --store ${store} --name 收银台`)).id
    till = `--merchant ${merchant} --store ${store} --terminal ${terminal}`
  })

  test('a card is sold with a gift on top, and its number and secret are shown', async () => {
    const sale = `--amount ${sold} --bonus ${gift} --funding wechat --funding-reference 4200-1`
    id = (await answer(`cards issue --product ${product} ${sale} --reference C-1`)).id
    const revealed = await done(`cards reveal ${id}`)
    number = printed(revealed, 'number') ?? ''
    secret = printed(revealed, 'secret') ?? ''
    const found = await done(`cards lookup --number ${number}`, `${secret}\n`)
    assert.equal(printed(found, 'id'), id)
    await refusal(`cards lookup --number ${number}`, 'card.not_recognised', 'WRONGWRONGWRONGW\n')
    await assertOnCard(id, card)
  })

  test('a bill is paid in two parts: by number and secret, and by pay code', async () => {
    const first = await answer(
      `payments create --amount ${deposit} ${till} --number ${number} --reference A-1`,
      `${secret}\n`,
    )
    paid = first.id
    const taken = spendFromCard(deposit)
    assert.deepEqual(
      first.allocations.map((part: Allocation) => [part.sub_balance, part.amount]),
      [
        ['bonus', fen(taken.bonus)],
        ['principal', fen(taken.principal)],
      ],
    )
    const { code } = await answer(`cards pay-code ${id}`)
    const second = `payments create --amount ${rest} ${till} --pay-code - --reference`
    assert.equal(printed(await done(`${second} A-2`, `${code}\n`), 'amount'), shown(rest))
    spendFromCard(rest)
    await refusal(`${second} A-3`, 'pay_code.already_used', `${code}\n`)
    await assertOnCard(id, card)
    assert.match(
      await refusal(
        `payments create --amount 1 ${till} --card ${id} --reference A-1`,
        'reference.already_used',
      ),
      new RegExp(`existing ${paid}`),
    )
  })

  test('a part is given back, first what was paid for', async () => {
    const refund = `payments refund ${paid} --amount ${givenBack} --reference R-1 --reason 退菜 --key refund-1`
    const text = await done(refund)
    const again = await lika(refund)
    assert.deepEqual([again.code, again.out], [0, text])
    assert.match(again.err, /This key was used before/)
    const toPrincipal = Math.min(givenBack, deposit - gift)
    card.principal += toPrincipal
    card.bonus += givenBack - toPrincipal
    await assertOnCard(id, card)
    assert.equal(printed(await done(`payments show ${paid}`), 'refunded_amount'), shown(givenBack))
    const left = deposit - givenBack
    assert.match(
      await refusal(
        `payments refund ${paid} --amount ${left + 0.01} --reference R-2`,
        'refund.exceeds_payment',
      ),
      new RegExp(`allowed 0\\.01–${shown(left)} yuan`),
    )
  })

  test('an amount is held for dinner, and what dinner costs is captured', async () => {
    const hold = await answer(
      `holds create --amount ${heldForDinner} ${till} --card ${id} --reference H-1 --expires-in 2h`,
    )
    await assertOnCard(id, card, heldForDinner)
    const available = card.principal + card.bonus - heldForDinner
    await refusal(
      `payments create --amount ${available + 0.01} ${till} --card ${id} --reference A-4`,
      'funds.insufficient',
    )
    const captured = await done(`holds capture ${hold.id} --amount ${dinner} --final`)
    assert.equal(printed(captured, 'amount'), shown(dinner))
    spendFromCard(dinner)
    const after = await done(`holds show ${hold.id}`)
    assert.deepEqual(
      ['status', 'captured_amount', 'released_amount'].map((name) => printed(after, name)),
      ['captured', shown(dinner), shown(heldForDinner - dinner)],
    )
    await assertOnCard(id, card)
  })

  test('a part of it becomes cards for the children', async () => {
    const amounts = forChildren.map((amount) => `--amount ${amount}`).join(' ')
    const { cards } = await answer(`cards split ${id} ${amounts}`)
    assert.deepEqual(
      cards.map((child: Card) => [child.parent_id, child.balance.available]),
      forChildren.map((amount) => [id, fen(amount)]),
    )
    card.principal -= total(forChildren)
    await assertOnCard(id, card)
  })

  test('it is lost: nothing is taken from it any more, and a new card carries on', async () => {
    assert.equal(printed(await done(`cards report-lost ${id}`), 'status'), 'lost')
    const pay = (from: string, reference: string) =>
      `payments create --amount 1 ${till} --card ${from} --reference ${reference}`
    await refusal(pay(id, 'A-5'), 'card.lost')
    successor = (await answer(`cards replace ${id} --reference C-2`)).id
    await assertOnCard(successor, card)
    await assertOnCard(id, { principal: 0, bonus: 0 })
    assert.equal(printed(await done(`cards show ${id}`), 'replaced_by'), successor)
    await refusal(pay(id, 'A-6'), 'card.replaced')
    assert.match(
      await done(`${pay(successor, 'A-7')} --dry-run`),
      new RegExp(`principal +1\\.00 +${shown(card.principal - 1)}`),
    )
    assert.match(await done(`cards list --number ${number}`), new RegExp(`^${id} .*replaced`, 'm'))
  })

  test('its statement as CSV follows it from the sale to the new card', async () => {
    const csv = await done(`cards statement ${id} --csv`)
    const [header = '', ...lines] = csv.replace('\ufeff', '').trim().split(/\r?\n/)
    const names = header.split(',')
    const rows = lines.map((line) => {
      const cells = line.split(',')
      return (name: string) => cells[names.indexOf(name)] ?? ''
    })
    const moved = (kind: string) =>
      total(rows.filter((row) => row('kind') === kind).map((row) => Number(row('amount'))))
    assert.deepEqual(
      Object.fromEntries(
        [...new Set(rows.map((row) => row('kind')))].map((kind) => [kind, moved(kind)]),
      ),
      {
        'card.issued': fen(sold + gift),
        'payment.created': -fen(deposit + rest),
        'refund.created': fen(givenBack),
        'hold.captured': -fen(dinner),
        'card.split': -fen(total(forChildren)),
        'card.replaced': -fen(card.principal + card.bonus),
      },
    )
    const running: Record<string, number> = { principal: 0, bonus: 0 }
    for (const row of rows) {
      const part = row('sub_balance')
      assert.equal(Number(row('balance_before')), running[part])
      running[part] = Number(row('balance_after'))
      assert.equal(running[part], Number(row('balance_before')) + Number(row('amount')))
    }
    assert.deepEqual(running, { principal: 0, bonus: 0 })
  })

  test('the books know what the merchant is owed, and are in order', async () => {
    const balance = await answer('ledger trial-balance')
    assert.equal(balance.total_debit, balance.total_credit)
    const credits = Object.fromEntries(
      balance.data.map((line: TrialLine) => [line.kind, line.credit - line.debit]),
    )
    assert.deepEqual(
      ['merchant_unsettled', 'wechat', 'bonus_expense', 'card_principal', 'card_bonus'].map(
        (kind) => credits[kind],
      ),
      [
        deposit + rest - givenBack + dinner,
        -sold,
        -gift,
        card.principal + total(forChildren),
        card.bonus,
      ].map(fen),
    )
    const own = await lika('books verify')
    assert.deepEqual([own.code, own.err], [0, ''])
    assert.match(own.out, /The books are in order\.\n$/)
    // With the operator's key: the books of every issuer.
    const all = await lika('books verify --json', '', { LIKA_API_KEY: '' })
    assert.equal(all.code, 0, all.err)
    assert.equal(JSON.parse(all.out).ok, true)
  })
})

describe('exit codes', () => {
  test('wrongly typed: 2, and nothing is sent', async () => {
    for (const typed of ['cards melt', 'payments create --amount 12.345', 'cards show ../keys']) {
      const run = await lika(typed)
      assert.deepEqual([run.code, run.out], [2, ''], typed)
      assert.ok(run.err.startsWith('Usage error: '), run.err)
    }
  })

  test('another issuer, or a key that is none: 1', async () => {
    await refusal(`cards show card_${'0'.repeat(32)}`, 'card.not_found')
    const run = await lika('cards list', '', { LIKA_API_KEY: 'lika_test_none' })
    assert.equal(run.code, 1)
    assert.match(run.err, /auth\.not_recognised/)
  })

  test('nobody there: 3; there again: 0', async () => {
    assert.equal((await lika('status')).code, 0)
    await server.kill()
    const away = await lika('status')
    assert.equal(away.code, 3)
    assert.match(away.err, /^Unreachable: /)
    await server.start()
    assert.equal((await lika('books verify')).code, 0)
  })
})

interface Allocation {
  sub_balance: string
  amount: number
}
interface Card {
  parent_id: string
  balance: { available: number }
}
interface TrialLine {
  kind: string
  debit: number
  credit: number
}

interface Schema {
  required?: string[]
  properties?: object
}
interface Operation {
  parameters?: { in: string; name: string }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

const inOrder = (route: string, words: string[]) => [route, ...words.toSorted()].join(' ')

/** A route of OpenAPI in the words of the list. */
function wordsOf(method: string, { parameters = [], requestBody }: Operation): string[] {
  const isKeyed = parameters.some(({ name }) => name.toLowerCase() === 'idempotency-key')
  const query = parameters.flatMap((parameter) =>
    parameter.in === 'query' ? [parameter.name] : [],
  )
  const { 'application/json': json, 'multipart/form-data': form } = requestBody?.content ?? {}
  const members = Object.keys(json?.schema.properties ?? {}).map((name) =>
    json?.schema.required?.includes(name) ? `${name}!` : name,
  )
  return [
    ...(isKeyed ? ['¤'] : []),
    ...(form === undefined ? members : ['multipart']),
    ...query.map((name) => (method === 'get' ? name : `?${name}`)),
  ]
}
