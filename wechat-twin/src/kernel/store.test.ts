import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Store } from './store.ts'

type Row = { name: string; count: number }
const folders: string[] = []
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'twin-store-'))
  folders.push(folder)
  return folder
}
const linesOf = (folder: string) =>
  readFileSync(join(folder, 'log.jsonl'), 'utf8').split('\n').length - 1
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

test('what was flushed is there again without anything having been closed', () => {
  const folder = newFolder()
  const store = new Store(folder)
  const rows = store.table<Row>('rows')
  rows.set('a', { name: 'one', count: 1 })
  rows.set('b', { name: 'two', count: 2 })
  rows.change('a', { count: 10 })
  rows.delete('b')
  store.flush()
  rows.set('c', { name: 'not flushed', count: 3 })
  const again = new Store(folder).table<Row>('rows')
  assert.deepEqual([...again.entries()], [['a', { name: 'one', count: 10 }]])
})

test('a half-written last line is dropped, and writing goes on after it', () => {
  const folder = newFolder()
  const first = new Store(folder)
  first.table<Row>('rows').set('a', { name: 'one', count: 1 })
  first.close()
  appendFileSync(join(folder, 'log.jsonl'), '["rows","b",{"name":"ha')
  const second = new Store(folder)
  second.table<Row>('rows').set('c', { name: 'three', count: 3 })
  second.close()
  const third = new Store(folder).table<Row>('rows')
  assert.deepEqual(
    [...third.entries()].map(([key]) => key),
    ['a', 'c'],
  )
})

test('a start leaves one line for each row', () => {
  const folder = newFolder()
  const store = new Store(folder)
  const rows = store.table<Row>('rows')
  for (let count = 0; count < 100; count += 1) rows.set('a', { name: 'one', count })
  store.close()
  assert.equal(linesOf(folder), 100)
  new Store(folder).close()
  assert.equal(linesOf(folder), 1)
})

test('an index follows changes and is there again after a start', () => {
  const folder = newFolder()
  const store = new Store(folder)
  const rows = store.table<Row>('rows')
  const byName = rows.index(({ name }) => name)
  rows.set('a', { name: 'one', count: 1 })
  rows.set('b', { name: 'one', count: 2 })
  rows.change('b', { name: 'two' })
  assert.deepEqual(
    byName.all('one').map(({ count }) => count),
    [1],
  )
  assert.equal(byName.first('two')?.count, 2)
  rows.delete('a')
  assert.equal(byName.first('one'), undefined)
  store.close()
  const again = new Store(folder).table<Row>('rows').index(({ name }) => name)
  assert.deepEqual(again.all('two'), [{ name: 'two', count: 2 }])
})

test('a table is asked for once, and a row that is not there cannot be changed', () => {
  const store = new Store(newFolder())
  const rows = store.table<Row>('rows')
  assert.throws(() => store.table('rows'), /twice/)
  assert.throws(() => rows.change('a', { count: 1 }), /no row a/)
})
