import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { CsvReader, recordMaxLength, recordMaxLines } from './csv-reader.ts'

function read(text: string) {
  const reader = new CsvReader()
  const items = text.split('\n').flatMap((line) => reader.take(line))
  return [...items, ...reader.end()]
}

const cell = fc.string({ unit: fc.constantFrom('a', '1', ',', '"', '\n', ' ', '卡'), maxLength: 8 })
const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1 })

function quote(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

test('what is written well is read back, each record on the line where it starts', () => {
  fc.assert(
    fc.property(table, (rows) => {
      const texts = rows.map((row) => row.map(quote).join(','))
      let line = 1
      const expected = rows.map((cells, index) => {
        const item = { kind: 'record', line, cells }
        line += (texts[index] ?? '').split('\n').length
        return item
      })
      assert.deepEqual(read(texts.join('\n')), expected)
    }),
  )
})

test('any text at all: records agree with csv-parse wherever that one reads the whole text', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', ',', '"', '\n'),
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(text, (raw) => {
      const ours = read(raw.replace(/\n$/, ''))
      let theirs: string[][] | undefined
      try {
        theirs = parse(raw, { relax_column_count: true, record_delimiter: '\n' })
      } catch {
        theirs = undefined
      }
      const isWhole = ours.every((item) => item.kind === 'record')
      assert.equal(isWhole, theirs !== undefined, JSON.stringify(raw))
      if (theirs) {
        assert.deepEqual(
          ours.flatMap((item) => (item.kind === 'record' ? [item.cells] : [])),
          theirs,
        )
      }
    }),
    { numRuns: 5_000 },
  )
})

test('a badly closed quote costs one line, wherever it was opened', () => {
  assert.deepEqual(read('"a\nb,1\nc,"2"\n"d" e,\nf,3'), [
    { kind: 'broken_quote', line: 1 },
    { kind: 'record', line: 2, cells: ['b', '1'] },
    { kind: 'record', line: 3, cells: ['c', '2'] },
    { kind: 'broken_quote', line: 4 },
    { kind: 'record', line: 5, cells: ['f', '3'] },
  ])
})

test('text with more line breaks or letters than a record may have stops the reading', () => {
  const within = `"${'\n'.repeat(recordMaxLines - 1)}",x`
  assert.equal(read(`${within}\ny`).length, 2)
  const beyond = `a\n"${'\n'.repeat(recordMaxLines + 1)}",x\ny`
  assert.deepEqual(read(beyond).at(-1), { kind: 'stopped', line: 2, fault: 'quote_unclosed' })
  const long = `a\n${'x'.repeat(recordMaxLength + 1)}\ny`
  assert.deepEqual(read(long).at(-1), { kind: 'stopped', line: 2, fault: 'record_too_long' })
})

test('a text full of quotes takes time in proportion to its length', () => {
  const started = performance.now()
  read('"a""\n'.repeat(50_000))
  read('x,""\n"\n'.repeat(50_000))
  assert.ok(performance.now() - started < 5_000)
})
