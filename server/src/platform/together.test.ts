/** Many questions in one statement: who goes along with whom, and that no answer is older than its question. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sql } from './db.ts'
import { databaseFaultOf } from './db-faults.ts'
import { rowTogether, together } from './together.ts'

/** A table of words whose lengths are asked for; each question waits until it is let through. */
function asker() {
  const asked: string[][] = []
  const through: { answer(): void; fail(error: Error): void }[] = []
  const lengthOf = together<string, number | undefined>((_sql, keys) => {
    asked.push([...keys])
    return new Promise((resolve, reject) => {
      through.push({
        answer: () => resolve((key) => (key === '' ? undefined : key.length)),
        fail: reject,
      })
    })
  })
  return { asked, through, lengthOf }
}

const connection = () => (() => undefined) as unknown as Sql
const sql = connection()
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('whoever asks in one turn asks in one statement, and each is told his own', async () => {
  const { asked, through, lengthOf } = asker()
  const answers = Promise.all([lengthOf(sql, 'one'), lengthOf(sql, 'three'), lengthOf(sql, '')])
  await turn()
  assert.deepEqual(asked, [['one', 'three', '']])
  through[0]?.answer()
  assert.deepEqual(await answers, [3, 5, undefined])
})

test('whoever comes while one is under way is answered by the next, which asks for all that wait', async () => {
  const { asked, through, lengthOf } = asker()
  const first = lengthOf(sql, 'a')
  await turn()
  const later = [lengthOf(sql, 'bb'), lengthOf(sql, 'bb'), lengthOf(sql, 'ccc')]
  await turn()
  assert.deepEqual(asked, [['a']], 'it joined a question that was asked before it came')
  through[0]?.answer()
  assert.equal(await first, 1)
  await turn()
  assert.deepEqual(asked, [['a'], ['bb', 'ccc']], 'each is asked for once')
  through[1]?.answer()
  assert.deepEqual(await Promise.all(later), [2, 2, 3])
})

test('where it fails, those fail who asked with it, and the next are asked for as ever', async () => {
  const { asked, through, lengthOf } = asker()
  const failing = [lengthOf(sql, 'a'), lengthOf(sql, 'b')]
  await turn()
  const next = lengthOf(sql, 'c')
  through[0]?.fail(new Error('no connection'))
  for (const one of failing) await assert.rejects(one, /no connection/)
  await turn()
  through[1]?.answer()
  assert.equal(await next, 1)
  assert.equal(asked.length, 2)
})

test('what is asked in a transaction never goes along with what is asked outside of it', async () => {
  const { asked, through, lengthOf } = asker()
  const transaction = connection()
  const answers = [lengthOf(sql, 'a'), lengthOf(transaction, 'bb')]
  await turn()
  assert.deepEqual(asked, [['a'], ['bb']])
  for (const one of through) one.answer()
  assert.deepEqual(await Promise.all(answers), [1, 2])
})

test('of rows each is told that of his key', async () => {
  const wordOf = rowTogether(
    async (_sql, lengths: readonly number[]) =>
      ['a', 'bb'].filter((word) => lengths.includes(word.length)),
    (word) => word.length,
  )
  const answers = Promise.all([wordOf(sql, 2), wordOf(sql, 3), wordOf(sql, 1)])
  assert.deepEqual(await answers, ['bb', undefined, 'a'])
})

test('one that cannot be answered keeps nobody else from his answer', async () => {
  const knownOnly = together<string, string>(async () => (key) => {
    if (key === 'lost') throw new Error('it is gone')
    return key
  })
  const [lost, other] = await Promise.allSettled([knownOnly(sql, 'lost'), knownOnly(sql, 'other')])
  assert.equal(lost.status, 'rejected')
  assert.deepEqual(other, { status: 'fulfilled', value: 'other' })
})

test('a question that is never answered is given up as a lost connection is, and the next is asked', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const { asked, through, lengthOf } = asker()
  const silent = lengthOf(sql, 'a')
  await turn()
  const next = lengthOf(sql, 'bb')
  context.mock.timers.tick(12_000)
  await assert.rejects(silent, (error) => databaseFaultOf(error) === 'connection')
  await turn()
  assert.deepEqual(asked, [['a'], ['bb']])
  through[1]?.answer()
  assert.equal(await next, 2)
})
