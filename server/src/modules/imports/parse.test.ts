import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatInstant } from '@lika/contract'
import iconv from 'iconv-lite'
import { legacyCards } from '../../../../tests/fixtures/legacy-cards.ts'
import type { TextEncoding } from '../../platform/text-lines.ts'
import { type CardFileOptions, type ImportItem, parseCardFile } from './parse.ts'

async function* chunked(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(
  file: string | Buffer,
  options: Partial<CardFileOptions> = {},
  chunkSize = 7,
): Promise<ImportItem[]> {
  const encoding = options.encoding ?? 'utf-8'
  const bytes = typeof file === 'string' ? iconv.encode(file, encoding) : file
  const items: ImportItem[] = []
  for await (const item of parseCardFile(chunked(bytes, chunkSize), { ...options, encoding })) {
    items.push(item)
  }
  return items
}

/** Items in short: `2 ok 600123 100`, `3 余额 import.amount_format`, `4 stopped import.…`. */
async function verdicts(file: string | Buffer, options: Partial<CardFileOptions> = {}) {
  return (await read(file, options)).flatMap(verdictsOf)
}

for (const encoding of ['utf-8', 'gbk'] as const) {
  for (const newline of ['\n', '\r\n'] as const) {
    const name = `${encoding} with ${newline === '\n' ? 'LF' : 'CRLF'}`
    test(`50,000 dirty rows in ${name}: every card and every error where it belongs`, async () => {
      const file = legacyCards({ seed: 20_270_101, encoding, newline })
      const items = await read(file.bytes, { encoding }, 10_007)
      const cards = items.flatMap((item) =>
        item.kind === 'accepted'
          ? [{ line: item.line, ...item.card, expiresAt: iso(item.card.expiresAt) }]
          : [],
      )
      const errors = items.flatMap((item) => (item.kind === 'rejected' ? item.errors : []))
      assert.deepEqual(items[0], {
        kind: 'header',
        line: 1,
        ignored: ['备注', '门店'],
        columns: { number: '卡号', amount: '余额（元）', expiresOn: '有效期' },
      })
      assert.equal(items.length, 1 + 50_000)
      assert.deepEqual(
        errors.map(({ line, column, code }) => ({ line, column, code })),
        file.errors.map(({ line, column, code }) => ({ line, column, code })),
      )
      assert.deepEqual(cards, file.cards)
      const duplicates = file.errors.filter((error) => error.firstLine !== undefined)
      assert.equal(duplicates.length, 20)
      for (const { line, firstLine } of duplicates) {
        const found = errors.find((error) => error.line === line)
        assert.match(found?.message ?? '', new RegExp(`与第 ${firstLine} 行重复`))
      }
      const total = cards.reduce((sum, card) => sum + card.amount, 0n)
      assert.equal(total, file.totalAmount)
    })
  }
}

function iso(at: number | null): string | null {
  return at === null ? null : formatInstant(at)
}

test('the verdicts do not depend on where the chunks are cut', async () => {
  const file = legacyCards({ seed: 5, rows: 2_000, encoding: 'gbk', defectsOfEach: 10 })
  const whole = await read(file.bytes, { encoding: 'gbk' }, file.bytes.length)
  for (const size of [1, 3, 4_096]) {
    assert.deepEqual(await read(file.bytes, { encoding: 'gbk' }, size), whole)
  }
})

test('the header is found by name, in any order, in Chinese or English, with its unit', async () => {
  const header = '有效期, Amount (yuan) ,"密码",number,赠送（元）'
  assert.deepEqual(await read(`${header}\n2027-12-31,10,1234,600123,0.5\n`), [
    {
      kind: 'header',
      line: 1,
      ignored: [],
      columns: { number: 'number', amount: 'Amount (yuan)', expiresOn: '有效期' },
    },
    {
      kind: 'accepted',
      line: 2,
      card: {
        number: '600123',
        secret: '1234',
        amount: 1000n,
        bonusAmount: 50n,
        expiresAt: Date.parse('2027-12-31T16:00:00Z'),
      },
    },
  ])
})

test('number and amount are enough; what has no column stays open', async () => {
  const [, row] = await read('卡号,余额\n600123,10')
  assert.ok(row?.kind === 'accepted')
  assert.deepEqual([row.card.secret, row.card.bonusAmount, row.card.expiresAt], [null, 0n, null])
})

function verdictsOf(item: ImportItem): string[] {
  switch (item.kind) {
    case 'header':
      return []
    case 'accepted':
      return [`${item.line} ok ${item.card.number} ${item.card.amount}`]
    case 'rejected':
      return item.errors.map((error) => `${error.line} ${error.column} ${error.code}`)
    case 'stopped':
      return [`${item.line} stopped ${item.error.code}`]
  }
}

const wrongFiles: [what: string, file: string | Buffer, declared: TextEncoding, code: string][] = [
  ['an empty file', '', 'utf-8', '1 stopped import.header_missing'],
  ['only blank lines', '\n\n,,\n', 'utf-8', '1 stopped import.header_missing'],
  ['no amount column', '\n卡号,密码\n', 'utf-8', '2 stopped import.header_missing'],
  ['semicolons', '卡号;余额\n600123;1\n', 'utf-8', '1 stopped import.header_missing'],
  ['a field twice', '卡号,余额,number\n', 'utf-8', '1 stopped import.header_duplicate'],
  ['a workbook', Buffer.from('PK\u0003\u0004\0\0'), 'utf-8', '1 stopped import.not_text'],
  ['UTF-16', Buffer.from('卡号,余额\n', 'utf16le'), 'gbk', '1 stopped import.not_text'],
  [
    'GBK declared as UTF-8',
    iconv.encode('卡号,余额\n600123,1\n', 'gbk'),
    'utf-8',
    '1 stopped import.encoding_mismatch',
  ],
  [
    'GBK declared as UTF-8, Chinese only in a remark',
    iconv.encode('number,amount,note\n600123,1,老客户\n', 'gbk'),
    'utf-8',
    '1 stopped import.encoding_mismatch',
  ],
  [
    'UTF-8 declared as GBK',
    Buffer.from('卡号,余额\n600123,1\n'),
    'gbk',
    '1 stopped import.encoding_mismatch',
  ],
  [
    'UTF-8 with a byte order mark declared as GBK',
    Buffer.from('\uFEFFid,number,amount\n1,600123,1\n'),
    'gbk',
    '1 stopped import.encoding_mismatch',
  ],
]

for (const [what, file, encoding, expected] of wrongFiles) {
  test(`${what} is one error for the file`, async () => {
    assert.deepEqual(await verdicts(file, { encoding }), [expected])
  })
}

test('a wrong encoding is told by both names, a missing column by both of its names', async () => {
  const [mismatch] = await read(iconv.encode('卡号,余额\n', 'gbk'), { encoding: 'utf-8' })
  assert.ok(mismatch?.kind === 'stopped')
  assert.match(mismatch.error.message, /utf-8.*gbk.* \/ .*utf-8.*gbk/)
  const [missing] = await read('密码\n')
  assert.ok(missing?.kind === 'stopped')
  assert.match(missing.error.message, /卡号\|number, 余额\|amount/)
})

test('half a character in a remark harms nobody; in a number it is refused', async () => {
  const half = Buffer.from([0xd6])
  const file = Buffer.concat([
    iconv.encode('卡号,余额,备注\n600123,1,老客', 'gbk'),
    half,
    iconv.encode('\n60012', 'gbk'),
    half,
    iconv.encode(',1,\n', 'gbk'),
  ])
  assert.deepEqual(await verdicts(file, { encoding: 'gbk' }), [
    '2 ok 600123 100',
    '3 卡号 import.encoding_invalid',
  ])
})

test('a line number is that of the physical line where the row starts', async () => {
  const rows = ['卡号,余额,备注', '600001,1,"a\r\nb\n\nc"', '', ',,', '600002,x,', '600003,3,']
  assert.deepEqual(await verdicts(rows.join('\r\n')), [
    '2 ok 600001 100',
    '8 余额 import.amount_format',
    '9 ok 600003 300',
  ])
})

test('each wrong cell of a row is told, in the order of the columns', async () => {
  const errors = await verdicts('余额,卡号,有效期,密码\n-1,?,tomorrow,\n')
  assert.deepEqual(errors, [
    '2 余额 import.amount_negative',
    '2 卡号 import.number_format',
    '2 有效期 import.date_format',
    '2 密码 import.secret_missing',
  ])
})

test('a repeated number is an error on the later row, even if the first was rejected', async () => {
  const file = '卡号,余额\nvip600,x\nVIP600,1\n６００７７７,1\n600777,2\n'
  assert.deepEqual(await verdicts(file), [
    '2 余额 import.amount_format',
    '3 卡号 import.number_duplicate',
    '4 ok 600777 100',
    '5 卡号 import.number_duplicate',
  ])
})

test('a row with a cell too few or too many is refused, empty cells at the end are not', async () => {
  const file = '卡号,余额\n600001\n600002,1,234.50\n600003,1,,\n'
  assert.deepEqual(await verdicts(file), [
    '2 null import.column_count',
    '3 null import.column_count',
    '4 ok 600003 100',
  ])
})

test('a stray quote costs its own row; the rows that it seems to swallow are read', async () => {
  const file = '卡号,余额,备注\n600001,1,"x\n600002,2,\n600003,"3",y\n600004,4,5" z\n600005,5,\n'
  assert.deepEqual(await verdicts(file), [
    '2 null import.quote_broken',
    '3 ok 600002 200',
    '4 ok 600003 300',
    '5 null import.quote_broken',
    '6 ok 600005 500',
  ])
})

test('a quote that is never closed stops the reading and says where', async () => {
  const file = '卡号,余额,备注\n600001,1,\n600002,2,"x\n600003,3,\n'
  const expected = ['2 ok 600001 100', '3 stopped import.quote_unclosed']
  assert.deepEqual(await verdicts(file), expected)
  const endless = file + '600004,4,\n'.repeat(200_000)
  assert.deepEqual(await verdicts(endless.slice(0, 100_000)), expected)
})

test('rows that two stray quotes took between them are not lost without a word', async () => {
  const within = '卡号,余额,备注\n600001,1,"x\n600002,2,\n600003,3,"\n600004,4,\n'
  const expected = ['2 null import.rows_in_quotes', '5 ok 600004 400']
  assert.deepEqual(await verdicts(within), expected)
  const acrossCells = '备注,卡号,余额\n"x,600001,1\n,600002,2\n",600003,3\ny,600004,4\n'
  assert.deepEqual(await verdicts(acrossCells), expected)
  const [, item] = await read(within)
  assert.ok(item?.kind === 'rejected')
  assert.match(item.errors[0]?.message ?? '', /至第 4 行均未读取/)
})

test('a line without an end, or a row too many, stops the reading', async () => {
  const long = `卡号,余额,备注\n600001,1,\n600002,2,${'x'.repeat(300_000)}\n600003,3,\n`
  assert.deepEqual(await verdicts(long), ['2 ok 600001 100', '3 stopped import.record_too_long'])
  assert.deepEqual(await verdicts('卡号,余额\n600001,1\n600002,2\n', { maxRows: 1 }), [
    '2 ok 600001 100',
    '3 stopped import.too_many_rows',
  ])
})

test('no message repeats what stands in a cell', async () => {
  const file = '卡号,密码,余额\nSECRET-NUMBER,SECRET WORD,SECRET\n'
  assert.doesNotMatch(JSON.stringify(await read(file)), /SECRET/)
})
