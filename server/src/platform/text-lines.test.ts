import assert from 'node:assert/strict'
import { test } from 'node:test'
import iconv from 'iconv-lite'
import { type TextEncoding, textBlocks } from './text-lines.ts'

async function lines(bytes: Buffer, encoding: TextEncoding, chunkSize = 1): Promise<string[]> {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize)
  }
  const all: string[] = []
  for await (const block of textBlocks(chunks(), encoding, () => true)) {
    if (block.kind === 'unreadable') return [block.fault]
    all.push(...block.lines)
  }
  return all
}

test('LF, CRLF and CR each end a line; an empty line is one, a line end at the end is none', async () => {
  assert.deepEqual(await lines(Buffer.from('a\r\n\r\nb\rc\n\nd'), 'utf-8'), [
    'a',
    '',
    'b',
    'c',
    '',
    'd',
  ])
  assert.deepEqual(await lines(Buffer.from('a\r\n'), 'utf-8'), ['a'])
  assert.deepEqual(await lines(Buffer.alloc(0), 'utf-8'), [])
})

for (const newline of ['\n', '\r\n', '\r']) {
  test(`lines ended by ${JSON.stringify(newline)} survive any cut of 200 kB of GBK`, async () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `${index},卡号`)
    const bytes = iconv.encode(text.join(newline), 'gbk')
    for (const size of [1, 1_000, 65_537, bytes.length]) {
      assert.deepEqual(await lines(bytes, 'gbk', size), text)
    }
  })
}

test('a byte order mark is no part of the first line', async () => {
  assert.deepEqual(await lines(Buffer.from('\uFEFF卡号\n'), 'utf-8'), ['卡号'])
})

test('half a character never takes the digits behind it along', async () => {
  const bytes = Buffer.from([0xd6, 0x31, 0x32, 0x2c, 0xd6, 0x22, 0x0a, 0x33])
  for (const size of [1, 2, 3, 8]) {
    assert.deepEqual(await lines(bytes, 'gbk', size), ['\uFFFD12,\uFFFD"', '3'])
  }
})

test('bytes that are text only in the other encoding, or none, are told', async () => {
  assert.deepEqual(await lines(iconv.encode('卡号', 'gbk'), 'utf-8'), ['other_encoding'])
  assert.deepEqual(await lines(Buffer.from('PK\0'), 'utf-8'), ['not_text'])
})
