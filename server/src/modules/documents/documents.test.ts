/** One statement in three formats: the same figures in each, and what a reader of that format would stumble over. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Fen, formatYuan } from '@lika/contract'
import readXlsx from 'read-excel-file/node'
import { extractText, getDocumentProxy } from 'unpdf'
import {
  type DocumentFormat,
  documentFormats,
  type StatementEnd,
  type StatementHead,
  type StatementLine,
  type StatementPart,
  type TotalName,
  totalNames,
} from './model.ts'
import { renderStatement } from './render.ts'

const fixtures = join(import.meta.dirname, '../../../../tests/fixtures/settlements')

/** As tests/fixtures/settlements/README.md works it out. */
const head: StatementHead = {
  merchantNumber: 'M-L001',
  merchantName: '老城理发店',
  fromDay: '2026-11-01',
  toDay: '2026-11-15',
  contractVersion: 1,
  payOn: '2026-11-18',
  marginReleaseOn: '2026-12-15',
}

function line(
  at: string,
  what: Pick<StatementLine, 'kind' | 'reference' | 'source'>,
  documentId: string,
  amount: Fen,
  seq: bigint,
  number = 0,
): StatementLine {
  const entry = { lane: 601, seq, line: number }
  return { at: Date.parse(`2026-11-${at}+08:00`), ...what, documentId, amount, entry }
}

const paid = (reference: string, source: 'principal' | 'bonus' = 'principal') =>
  ({ kind: 'payment', reference, source }) as const
const pay = (digits: string) => `pay_019f40000000700080000000${digits}0259`

const lines = [
  line('01T10:00:00', paid('L-3001'), pay('3001'), 10_000n, 3n),
  line('05T15:30:00', paid('L-3002'), pay('3002'), 33_333n, 5n),
  line('08T11:11:11', paid('L-3003', 'bonus'), pay('3003'), 5_000n, 7n),
  line('08T11:11:11', paid('L-3003'), pay('3003'), 1_667n, 7n, 1),
  line(
    '12T09:00:00',
    { kind: 'refund', reference: 'L-3001-R1', source: 'principal' },
    'rfnd_019f4000000070008000000039010259',
    -4_000n,
    9n,
  ),
  line('15T20:00:00', paid('L-3004'), pay('3004'), 26_005n, 11n),
]

const settledBy = (number: number) => ({ lane: 601, seq: 13n, line: number })
const nothing = Object.fromEntries(
  Object.keys(totalNames)
    .filter((name) => name !== 'ownSales')
    .map((name) => [name, { amount: 0n }]),
) as Record<Exclude<TotalName, 'ownSales'>, { amount: Fen }>
const end: StatementEnd = {
  kind: 'end',
  totals: {
    ...nothing,
    taken: { count: 4, amount: 76_005n },
    refunded: { count: 1, amount: -4_000n },
    cancelled: { count: 0, amount: 0n },
    net: { amount: 72_005n },
    commission: { amount: -11_881n, entry: settledBy(0) },
    adjusted: { count: 0, amount: 0n },
    due: { amount: 60_124n },
    marginWithheld: { amount: -6_012n, entry: settledBy(1) },
    payable: { amount: 54_112n },
  },
  payees: [{ name: '老城理发店', number: 'M-L001', amount: 54_112n, entry: settledBy(2) }],
}

async function render(
  format: DocumentFormat,
  { lines: some = lines, of = head, last = end }: Given = {},
): Promise<Buffer> {
  async function* parts(): AsyncGenerator<StatementPart> {
    for (let first = 0; first < some.length; first += 4)
      yield { kind: 'lines', lines: some.slice(first, first + 4) }
    yield last
  }
  const pieces: Uint8Array[] = []
  for await (const piece of renderStatement(format, of, parts())) pieces.push(piece)
  return Buffer.concat(pieces)
}

type Given = { lines?: StatementLine[]; of?: StatementHead; last?: StatementEnd }

/** The text of a PDF, each row of it on a line of its own. */
async function textOf(pdf: Buffer): Promise<{ pages: number; text: string }> {
  const document = await getDocumentProxy(new Uint8Array(pdf))
  const { totalPages, text } = await extractText(document, { mergePages: true })
  return { pages: totalPages, text: text.replaceAll(/\s+/g, ' ') }
}

describe('CSV', () => {
  test('is what was worked out by hand, to the byte', async () => {
    const expected = readFileSync(join(fixtures, 'local.csv'))
    assert.equal((await render('csv')).toString(), expected.toString())
  })

  test('never starts a formula, and keeps the sign of amounts', async () => {
    const of = { ...head, merchantName: '=HYPERLINK("x")' }
    const text = (await render('csv', { of })).toString()
    assert.match(text, /\nM-L001,"'=HYPERLINK\(""x""\)",/)
    assert.match(text, /本金,-40\.00,/)
  })
})

describe('XLSX', () => {
  test('has the same rows, with amounts as numbers', async () => {
    const [sheet] = await readXlsx(await render('xlsx'))
    const rows = sheet?.data ?? []
    const csv = (await render('csv')).toString().replace('\uFEFF', '')
    const expected = csv.trimEnd().split('\n')
    const asText = (cell: unknown, isAmount: boolean) => {
      if (typeof cell === 'number') return cell.toFixed(isAmount ? 2 : 0)
      return typeof cell === 'string' ? cell : ''
    }
    const shown = rows.map((row) => {
      const width = row.findLastIndex((cell) => cell !== null) + 1
      return row
        .slice(0, width)
        .map((cell, index) => asText(cell, index === 6 || (index === 2 && width < 6)))
        .join(',')
    })
    assert.deepEqual(
      shown,
      expected.map((text) => text.replace(/,+$/, '')),
    )
  })

  test('takes no text for a formula', async () => {
    const of = { ...head, merchantName: '=1+1' }
    const [sheet] = await readXlsx(await render('xlsx', { of }))
    assert.equal(sheet?.data[1]?.[1], '=1+1')
  })
})

describe('PDF', () => {
  test('can be read back: head, every line, every total', async () => {
    const { text } = await textOf(await render('pdf'))
    assert.ok(text.includes('结算单 老城理发店 2026-11-01 — 2026-11-15'), text)
    for (const { reference, documentId, amount } of lines) {
      assert.ok(text.includes(reference), reference)
      assert.ok(text.includes(documentId), documentId)
      assert.ok(text.includes(formatYuan(amount)), formatYuan(amount))
    }
    for (const [name, total] of Object.entries(end.totals)) {
      const amount = formatYuan(total?.amount ?? 0n)
      const row = new RegExp(`${totalNames[name as TotalName]}( \\d+)? ${amount}`)
      assert.match(text, row)
    }
    assert.ok(text.includes('付给 老城理发店（M-L001） 541.12 601-13-2'), text)
  })

  test('numbers its pages and repeats the header of the table', async () => {
    const many = Array.from({ length: 200 }, (_, index) =>
      line('01T10:00:00', paid(`L-${index}`), pay('3001'), BigInt(index), BigInt(index)),
    )
    const { pages, text } = await textOf(await render('pdf', { lines: many }))
    assert.ok(pages >= 6, String(pages))
    for (let page = 1; page <= pages; page += 1) assert.ok(text.includes(`第 ${page} 页`))
    assert.ok(text.split('订单号').length > pages - 1)
    for (const { reference } of many) assert.ok(text.includes(` ${reference} `), reference)
  })

  test('shows what the font lacks as 〓, and what is too long with an ellipsis', async () => {
    const of = { ...head, merchantName: `𠮷野家${'长'.repeat(60)}` }
    const { text } = await textOf(await render('pdf', { of }))
    assert.match(text, /〓野家长+…/)
  })

  test('has the characters that names of people and places are made of', async () => {
    const names = '堃喆玥珺昇淼鑫镕濛邨垚犇焱鳌婧翀旻晟璟祎亳濮衢邛'
    const { text } = await textOf(await render('pdf', { of: { ...head, merchantName: names } }))
    assert.ok(text.includes(names), text)
  })
})

describe('every format', () => {
  for (const format of documentFormats)
    test(`is the same bytes for the same statement: ${format}`, async () =>
      assert.deepEqual(await render(format), await render(format)))

  for (const format of documentFormats)
    test(`says what went wrong with the lines: ${format}`, async () => {
      async function* parts(): AsyncGenerator<StatementPart> {
        yield { kind: 'lines', lines }
        throw new Error('the journal is away')
      }
      await assert.rejects(async () => {
        for await (const _ of renderStatement(format, head, parts()));
      }, /the journal is away/)
    })

  // A workbook is written when all of it is there.
  for (const format of ['csv', 'pdf'] as const)
    test(`stops reading when nobody wants the rest: ${format}`, async () => {
      let isEnded = false
      async function* parts(): AsyncGenerator<StatementPart> {
        try {
          for (;;) yield { kind: 'lines', lines }
        } finally {
          isEnded = true
        }
      }
      let pieces = 0
      for await (const _ of renderStatement(format, head, parts())) {
        pieces += 1
        if (pieces === 3) break
      }
      assert.equal(isEnded, true)
    })
})
