import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CsvCell, csvLines } from './csv.ts'

async function write(rows: CsvCell[][], options = {}): Promise<string> {
  let text = ''
  for await (const piece of csvLines(['a', 'b'], rows, options)) text += piece
  return text
}

test('cells are quoted where they must be, null is empty, lines end with LF', async () => {
  const rows = [
    ['x,y', 'say "hi"'],
    [null, 'two\nlines'],
  ]
  assert.equal(await write(rows), 'a,b\n"x,y","say ""hi"""\n,"two\nlines"\n')
})

test('a text never starts a formula; an amount keeps its sign', async () => {
  for (const start of ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
    const [, line] = (await write([[`${start}1+1`, 1]])).split('\n')
    assert.match(line ?? '', /^"?'/, JSON.stringify(start))
  }
  assert.equal(await write([[-100, -9_007_199_254_740_991n]]), 'a,b\n-100,-9007199254740991\n')
})

test('a download for people begins with a byte order mark, once', async () => {
  const rows = Array.from({ length: 1_200 }, (_, index) => [index, '卡'])
  const text = await write(rows, { bom: true })
  assert.equal(text.lastIndexOf('\uFEFF'), 0)
  assert.equal(text.split('\n').length, 1 + 1_200 + 1)
})

test('rows are asked for as the text is read', async () => {
  let asked = 0
  async function* rows() {
    for (; ; asked += 1) yield [asked, '']
  }
  const lines = csvLines(['a', 'b'], rows())
  await lines.next()
  assert.equal(asked, 0)
  await lines.next()
  assert.ok(asked <= 500)
  await lines.return(undefined)
})
