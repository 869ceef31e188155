import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { asId, type BookId, type Result } from '@lika/contract'
import {
  createGuesses,
  type Guesser,
  type Guesses,
  guessLimits,
} from '../server/src/modules/cards/index.ts'
import { keyringOf } from '../server/src/platform/crypto/keyring.ts'
import { randomDigits } from '../server/src/platform/crypto/random.ts'
import type { Sql } from '../server/src/platform/db.ts'
import { newId } from '../server/src/platform/ids.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'

const keyring = keyringOf(Buffer.alloc(32, 3))
let database: TestDatabase
/** Another one on the same database is another process, or this one after a restart. */
let guesses: Guesses

before(async () => {
  database = await testDatabase()
  guesses = createGuesses(database.app.sql, keyring)
})
after(() => database.drop())

const right = () => Promise.resolve('the card')
const wrong = () => Promise.resolve(undefined)
const codeOf = (result: Result<unknown>) => (result.ok ? 'ok' : result.refusal.code)

/** Somebody new from somewhere else, presenting a new number. */
function stranger(): { presented: { number: string }; who: Guesser } {
  const book: BookId = asId(newId(0, 1))
  const presented = { number: `9${randomDigits(18)}` }
  return { presented, who: { book, keyId: newId(), address: `10.${randomDigits(12)}` } }
}

async function guess(times: number, presented: { number: string }, who: Guesser) {
  const codes: string[] = []
  for (let time = 0; time < times; time += 1) {
    codes.push(codeOf(await guesses.attempt(presented, who, wrong)))
  }
  return codes
}

const nineWrong = Array.from({ length: 9 }, () => 'card.not_recognised')

describe('one number', () => {
  test('is refused from the tenth wrong secret on, right or wrong alike', async () => {
    const { presented, who } = stranger()
    assert.deepEqual(await guess(12, presented, who), [
      ...nineWrong,
      'throttled',
      'throttled',
      'throttled',
    ])
    const answers = await Promise.all([
      guesses.attempt(presented, who, right),
      guesses.attempt(presented, who, wrong),
    ])
    assert.deepEqual(answers[0], answers[1])
    assert.ok(!answers[0].ok && (answers[0].refusal.retryAfterSeconds ?? 0) > 14 * 60)
  })

  test('is not evaluated any more once it is locked', async () => {
    const { presented, who } = stranger()
    await guess(10, presented, who)
    await guesses.attempt(presented, who, () => assert.fail('evaluated'))
  })

  test('stays open below the tenth, and right secrets are not counted', async () => {
    const { presented, who } = stranger()
    await guess(9, presented, who)
    for (let time = 0; time < 30; time += 1) {
      assert.deepEqual(await guesses.attempt(presented, who, right), {
        ok: true,
        value: 'the card',
      })
    }
    assert.equal(codeOf(await guesses.attempt(presented, who, wrong)), 'throttled')
  })

  test('is the same number however it is typed', async () => {
    const { presented, who } = stranger()
    const { number } = presented
    const typed = [
      number,
      ` ${number}`,
      number.replace(/^.{4}/, '$& '),
      number.replace(/^./, '$&-'),
    ]
    for (let time = 0; time < 10; time += 1) {
      await guesses.attempt({ number: typed[time % typed.length] ?? '' }, who, wrong)
    }
    assert.equal(codeOf(await guesses.attempt(presented, who, right)), 'throttled')
  })

  test('is locked for every key and address of the issuer, and for no other issuer', async () => {
    const { presented, who } = stranger()
    await guess(10, presented, who)
    const colleague = { ...stranger().who, book: who.book }
    assert.equal(codeOf(await guesses.attempt(presented, colleague, right)), 'throttled')
    assert.equal(codeOf(await guesses.attempt(presented, stranger().who, right)), 'ok')
  })

  test('of 100 wrong guesses at once never more than the limit are evaluated', async () => {
    const { presented, who } = stranger()
    let evaluated = 0
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        guesses.attempt(presented, who, async () => {
          evaluated += 1
          return undefined
        }),
      ),
    )
    assert.equal(evaluated, guessLimits.number)
    assert.equal(answers.filter((answer) => codeOf(answer) === 'throttled').length, 91)
  })

  test('of 100 at once on two processes at most one more', async () => {
    const { presented, who } = stranger()
    const other = createGuesses(database.app.sql, keyring)
    let evaluated = 0
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (index % 2 === 0 ? guesses : other).attempt(presented, who, async () => {
          evaluated += 1
          return undefined
        }),
      ),
    )
    assert.ok(evaluated >= guessLimits.number && evaluated <= guessLimits.number + 1)
  })

  test('stays locked over a restart', async () => {
    const { presented, who } = stranger()
    await guess(10, presented, who)
    const restarted = createGuesses(database.app.sql, keyring)
    assert.equal(codeOf(await restarted.attempt(presented, who, right)), 'throttled')
  })

  test('is open again a quarter of an hour later, and the old counts are swept', async () => {
    const { presented, who } = stranger()
    await guess(10, presented, who)
    await passMinutes(14)
    assert.equal(codeOf(await guesses.attempt(presented, who, right)), 'throttled')
    await passMinutes(16)
    assert.equal(codeOf(await guesses.attempt(presented, who, right)), 'ok')
    assert.deepEqual(await guess(10, presented, who), [...nineWrong, 'throttled'])
    const [old] = await database.owner.sql<{ rows: number }[]>`
      select count(*)::int as rows
      from lika.guess
      where minute < extract(epoch from clock_timestamp()) / 60 + 10`
    assert.equal(old?.rows, 0)
    await passMinutes(0)
  })

  test('a fault while checking is passed on and not counted as wrong', async () => {
    const { presented, who } = stranger()
    await guess(1, presented, who)
    for (let time = 0; time < 20; time += 1) {
      const fault = guesses.attempt(presented, who, () => Promise.reject(new Error('no database')))
      await assert.rejects(fault, /no database/)
    }
    assert.equal(codeOf(await guesses.attempt(presented, who, right)), 'ok')
  })
})

describe('many numbers', () => {
  test('one key has so many wrong secrets, another key from elsewhere is not touched', async () => {
    const { who } = stranger()
    const answers = await sprinkle(guessLimits.key + 20, () => who)
    assert.equal(answers.filter((code) => code === 'throttled').length, 21)
    const fresh = stranger()
    assert.equal(codeOf(await guesses.attempt(fresh.presented, who, right)), 'throttled')
    assert.equal(codeOf(await guesses.attempt(fresh.presented, fresh.who, right)), 'ok')
  })

  test('one address has so many wrong secrets, whatever keys it has', async () => {
    const { who } = stranger()
    await sprinkle(guessLimits.address, () => ({ ...stranger().who, address: who.address }))
    const neighbour = { ...stranger().who, address: who.address }
    const { presented } = stranger()
    assert.equal(codeOf(await guesses.attempt(presented, neighbour, right)), 'throttled')
  })

  test('of many guesses at once by one key no more than half as many again are evaluated', async () => {
    const { who } = stranger()
    let evaluated = 0
    await Promise.all(
      Array.from({ length: 3 * guessLimits.key }, () =>
        guesses.attempt(stranger().presented, who, async () => {
          evaluated += 1
          return undefined
        }),
      ),
    )
    assert.ok(evaluated >= guessLimits.key && evaluated <= 1.5 * guessLimits.key, `${evaluated}`)
  })

  async function sprinkle(times: number, whose: () => Guesser): Promise<string[]> {
    const codes: string[] = []
    for (let time = 0; time < times; time += 1) {
      codes.push(codeOf(await guesses.attempt(stranger().presented, whose(), wrong)))
    }
    return codes
  }
})

describe('pay codes', () => {
  const forged = (handle = randomDigits(8)) => ({
    payCode: `9001${handle}${randomDigits(12)}`,
  })

  test('have a budget of their own for each key', async () => {
    const { presented, who } = stranger()
    const codes: string[] = []
    for (let time = 0; time < guessLimits.payCodeKey + 1; time += 1) {
      codes.push(codeOf(await guesses.attempt(forged(), who, wrong)))
    }
    assert.equal(codes.indexOf('throttled'), guessLimits.payCodeKey - 1)
    assert.equal(codes[0], 'pay_code.not_recognised')
    assert.equal(codeOf(await guesses.attempt(forged(), who, right)), 'throttled')
    assert.equal(codeOf(await guesses.attempt(presented, who, right)), 'ok')
  })

  test('that name one card are refused from the tenth forged one on', async () => {
    const { who } = stranger()
    const codes: string[] = []
    for (let time = 0; time < 10; time += 1) {
      codes.push(codeOf(await guesses.attempt(forged('12345678'), who, wrong)))
    }
    assert.equal(codes.indexOf('throttled'), 9)
    assert.equal(codeOf(await guesses.attempt(forged('12345678'), who, right)), 'throttled')
    assert.equal(codeOf(await guesses.attempt(forged('12345679'), who, right)), 'ok')
  })
})

test('a right answer costs one statement', async () => {
  let statements = 0
  const counted: Sql = new Proxy(database.app.sql, {
    apply: (target, self, given) => {
      statements += 1
      return Reflect.apply(target, self, given)
    },
  })
  const { presented, who } = stranger()
  assert.equal(codeOf(await createGuesses(counted, keyring).attempt(presented, who, right)), 'ok')
  assert.equal(statements, 1)
})

test('the counters hold no number, key or address', async () => {
  const { presented, who } = stranger()
  await guess(1, presented, who)
  const rows = await database.owner.sql<{ row: string }[]>`
    select guess::text || encode(subject, 'escape') as row
    from lika.guess`
  for (const { row } of rows) {
    for (const known of [presented.number, who.keyId, who.address]) assert.ok(!row.includes(known))
  }
})

/** Sets the database's clock ahead, as against the real one. */
async function passMinutes(minutes: number): Promise<void> {
  await database.owner.sql.unsafe(`
    create or replace function lika.real_time() returns timestamptz
    language sql volatile
    set search_path = pg_catalog, pg_temp
    as $$ select clock_timestamp() + interval '${minutes} minutes' $$`)
}
