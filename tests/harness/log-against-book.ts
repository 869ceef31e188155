/** Holds what clients were told against the book, over HTTP: nothing lost, nothing doubled, every balance the sum of the log. */
import assert from 'node:assert/strict'
import type { AppProcess } from './app-process.ts'
import type { Shop } from './shop.ts'
import { judged, type Logged } from './till-clients.ts'

type Json = ReturnType<typeof JSON.parse>

/** How often each thing happened, by `type id`. */
type Happened = Map<string, number>

const repeatsAtOnce = 48

export async function holdAgainstBook(
  app: AppProcess,
  shop: Shop,
  log: readonly Logged[],
): Promise<void> {
  const before = await readBook(app, shop)
  assertLogIsBook(shop, log, before)
  await assertRepeatsAnswerTheSame(app, shop, log)
  const after = await readBook(app, shop)
  assert.deepEqual(after.cards, before.cards, 'repeats moved money')
  assert.deepEqual(after.happened, before.happened, 'repeats happened again')
  const { body } = await app.call('POST', '/v1/ledger/verify', {
    key: shop.key,
    signal: AbortSignal.timeout(600_000),
  })
  assert.deepEqual(body.first_wrong, null)
  assert.equal(body.ok, true)
}

type Book = {
  happened: Happened
  cards: Map<string, { total: number; held: number }>
  owed: number
}

function assertLogIsBook(shop: Shop, log: readonly Logged[], book: Book): void {
  const told = fromLog(shop, log)
  const twice = [...book.happened].filter(([, times]) => times !== 1)
  assert.deepEqual(twice, [], 'happened more than once')
  assert.deepEqual(missing(told.happened, book.happened), [], 'acknowledged and lost')
  assert.deepEqual(missing(book.happened, told.happened), [], 'happened and acknowledged to nobody')
  const wrong = [...told.cards].flatMap(([id, expected]) => {
    const found = book.cards.get(id)
    return found?.total === expected.total && found.held === expected.held
      ? []
      : [{ id, expected, found }]
  })
  assert.deepEqual(wrong, [], 'balances are not the sum of what was acknowledged')
  assert.equal(book.cards.size, told.cards.size)
  assert.equal(book.owed, told.owed, 'the merchant is owed something else')
}

function missing(from: Happened, others: Happened): string[] {
  return [...from.keys()].filter((what) => !others.has(what))
}

/** What the book must be, by nothing but what clients were told. */
function fromLog(shop: Shop, log: readonly Logged[]): Book {
  const told = new Told(shop)
  // Of a client's own things the log has the order; sums do not mind the rest.
  for (const one of log) if (one.status < 300) told.add(one)
  return told
}

class Told implements Book {
  readonly happened: Happened = new Map()
  readonly cards: Book['cards']
  owed = 0
  readonly #holds = new Map<string, { card: string; left: number }>()

  constructor({ cards }: Shop) {
    this.cards = new Map(cards.map(({ id, amount }) => [id, { total: amount, held: 0 }]))
    for (const { id } of cards) this.#note(`card.issued ${id}`)
  }

  add({ path, body, answer }: Logged): void {
    const [, version, noun, of = '', action] = path.split('/')
    switch (action === undefined ? path : `/${version}/${noun}/{id}/${action}`) {
      case '/v1/payments':
        this.#paid(answer)
        break
      case '/v1/payments/{id}/refunds':
        this.#note(`refund.created ${answer.id}`)
        this.#move(answer, 1)
        break
      case '/v1/holds':
        this.#note(`hold.created ${answer.id}`)
        this.#holds.set(answer.id, { card: answer.allocations[0].card_id, left: answer.amount })
        this.#hold(answer.id, answer.amount)
        break
      case '/v1/holds/{id}/capture': {
        this.#note(`hold.captured ${answer.id}`)
        this.#paid(answer)
        const isFinal = body !== undefined && 'final' in body && body.final === true
        this.#free(of, isFinal ? this.#left(of).left : answer.amount)
        break
      }
      case '/v1/holds/{id}/release':
        this.#note(`hold.released ${answer.id}`)
        this.#free(of, this.#left(of).left)
        break
      case '/v1/cards/{id}/loads':
        this.#note(`load.created ${answer.id}`)
        this.#card(of).total += answer.amount + answer.bonus_amount
        break
      case '/v1/cards/{id}/split':
        this.#split(of, answer.cards)
        break
      default:
        assert.fail(`unknown in the log: ${path}`)
    }
  }

  #paid(payment: Json): void {
    this.#note(`payment.created ${payment.id}`)
    this.#move(payment, -1)
  }

  /** From cards to the merchant, or back. */
  #move({ amount, allocations }: Json, sign: 1 | -1): void {
    this.owed -= sign * amount
    for (const part of allocations) this.#card(part.card_id).total += sign * part.amount
  }

  #hold(id: string, amount: number): void {
    this.#card(this.#left(id).card).held += amount
  }

  #free(id: string, amount: number): void {
    this.#hold(id, -amount)
    this.#left(id).left -= amount
  }

  #split(parent: string, children: Json[]): void {
    for (const { id, balance } of children) {
      const total = balance.principal + balance.bonus
      this.#note(`card.split ${id}`)
      this.cards.set(id, { total, held: 0 })
      this.#card(parent).total -= total
    }
  }

  #note(what: string): void {
    this.happened.set(what, (this.happened.get(what) ?? 0) + 1)
  }

  #card(id: string) {
    const found = this.cards.get(id)
    assert.ok(found, `nobody was told of ${id}`)
    return found
  }

  #left(id: string) {
    const found = this.#holds.get(id)
    assert.ok(found, `nobody was told of ${id}`)
    return found
  }
}

async function readBook(app: AppProcess, shop: Shop): Promise<Book> {
  const [happened, cards, accounts] = await Promise.all([
    readEvents(app, shop),
    readCards(app, shop),
    readAll(app, shop, '/v1/ledger/accounts'),
  ])
  const owed = accounts.find(({ owner_id: owner }) => owner === shop.merchant)?.balance ?? 0
  return { happened, cards, owed }
}

async function readEvents(app: AppProcess, shop: Shop): Promise<Happened> {
  const happened: Happened = new Map()
  for (const { type, data } of await readAll(app, shop, '/v1/events')) {
    for (const what of namesOf(type, data)) happened.set(what, (happened.get(what) ?? 0) + 1)
  }
  return happened
}

function namesOf(type: string, data: Json): string[] {
  switch (type) {
    case 'card.split':
      return data.children.map((child: { card_id: string }) => `${type} ${child.card_id}`)
    case 'hold.captured':
    case 'payment.created':
      return [`${type} ${data.payment_id}`]
    default:
      return [`${type} ${data[`${type.split('.')[0]}_id`]}`]
  }
}

async function readCards(app: AppProcess, shop: Shop): Promise<Book['cards']> {
  const cards = await readAll(app, shop, '/v1/cards')
  return new Map(
    cards.map(({ id, balance }) => [
      id,
      { total: balance.principal + balance.bonus, held: balance.held },
    ]),
  )
}

/** Every page of a list; of events until there are no more. */
async function readAll(app: AppProcess, shop: Shop, path: string): Promise<Json[]> {
  const rows: Json[] = []
  for (let cursor = ''; ; ) {
    const query = new URLSearchParams({ limit: '200', ...(cursor !== '' && { cursor }) })
    const { status, body } = await app.call('GET', `${path}?${query.toString()}`, { key: shop.key })
    assert.equal(status, 200, JSON.stringify(body))
    rows.push(...body.data)
    cursor = body.next_cursor ?? ''
    if (cursor === '' || body.data.length === 0) return rows
  }
}

async function assertRepeatsAnswerTheSame(
  app: AppProcess,
  shop: Shop,
  log: readonly Logged[],
): Promise<void> {
  const left = [...log]
  await Promise.all(
    Array.from({ length: repeatsAtOnce }, async () => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) {
        const { path, body, key: idempotencyKey, status, answer } = one
        const again = await app.call('POST', path, { key: shop.key, body, idempotencyKey })
        assert.deepEqual(judged(path, again), { status, answer })
        assert.equal(again.headers.get('idempotent-replayed'), 'true', path)
      }
    }),
  )
}
