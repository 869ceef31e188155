/** A statement as a file over HTTP: the same figures as the interface shows, in each format. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { formatYuan, laneOfId, parseId } from '@lika/contract'
import readXlsx from 'read-excel-file/node'
import { extractText, getDocumentProxy } from 'unpdf'
import { statementFile } from '../server/src/flows/settle/statement-file.ts'
import { type ClearingApp, startClearingApp } from './harness/clearing-app.ts'
import type { Answered } from './harness/http-app.ts'

let app: ClearingApp
let merchant: string
let statement: Answered['body']
/** Cards in two lanes, so that one payment has lines in both. */
let cards: string[]

before(async () => {
  app = await startClearingApp({ at: '2026-11-02 10:00:00', lanes: 2 })
  merchant = await app.merchant({ name: '“云集”优选', reference: 'M-1' })
  const other = await app.merchant({ name: '合伙人', reference: 'M-2' })
  await app.contract(merchant, {
    commission: { kind: 'flat', rate_bp: 1_000 },
    margin: { rate_bp: 1_000, release_after_days: 30 },
    split: [
      { merchant_id: merchant, share_bp: 6_000 },
      { merchant_id: other, share_bp: 4_000 },
    ],
  })
  cards = await cardsInTwoLanes()
  const [one = '', two = ''] = cards
  await app.pay(one, 10_001, merchant, 'ORDER-ONE')
  const both = await app.made('/v1/payments', {
    amount: 3_000,
    currency: 'CNY',
    merchant_id: merchant,
    reference: 'ORDER-BOTH',
    sources: [
      { card_id: one, amount: 1_000 },
      { card_id: two, amount: 2_000 },
    ],
  })
  await app.refund(both.id, 2_500, 'BACK')
  const gone = await app.pay(two, 700, merchant, 'ORDER-GONE')
  await app.made(`/v1/payments/${gone.id}/cancel`)
  await app.clock('2026-11-03 00:00:05')
  await app.settle()
  statement = (await app.statements(merchant))[0]
})
after(() => app.stop())

async function cardsInTwoLanes(): Promise<string[]> {
  const found = new Map<number, string>()
  while (found.size < 2) {
    const id = await app.card(50_000)
    found.set(laneOfId(parseId('card', id) ?? ''), id)
  }
  return [...found.values()]
}

const fileOf = (format: string) =>
  app.bytes(`/v1/settlements/${statement.id}/file?format=${format}`)

/** What every format has to say under the lines. */
function totals(): [string, string, string][] {
  const yuan = (amount: number) => formatYuan(BigInt(amount))
  return [
    ['消费', '3', yuan(statement.taken)],
    ['退款', '1', yuan(-statement.refunded)],
    ['撤销', '1', yuan(-statement.cancelled)],
    ['净额', '', yuan(statement.net)],
    ['佣金', '', yuan(-statement.commission)],
    ['应结金额', '', yuan(statement.due)],
    ['留存保证金', '', yuan(-statement.margin_withheld)],
    ['应付金额', '', yuan(statement.payable)],
  ]
}

describe('the file of a statement', () => {
  test('counts payments and not transfers, also where they lie in two lanes', async () => {
    assert.deepEqual(
      [statement.taken, statement.refunded, statement.cancelled],
      [13_701, 2_500, 700],
    )
    const rows = (await fileOf('csv')).toString().split('\n')
    for (const row of totals())
      assert.ok(
        rows.some((text) => text.startsWith(`${row.join()},`)),
        `${row.join()} in ${rows.join('\n')}`,
      )
    assert.equal(rows.filter((text) => text.includes(',ORDER-BOTH,')).length, 2)
  })

  test('is a workbook', async () => {
    const [sheet] = await readXlsx(await fileOf('xlsx'))
    assert.equal(sheet?.sheet, '结算单')
    const rows = sheet.data.map(([name, count, amount]) => [name, count, amount])
    for (const [name, count, yuan] of totals())
      assert.ok(
        rows.some(
          (row) =>
            row[0] === name &&
            row[1] === (count === '' ? null : Number(count)) &&
            row[2] === Number(yuan),
        ),
        `${name} ${yuan} in ${JSON.stringify(rows)}`,
      )
  })

  test('is a PDF, whose text can be read back', async () => {
    const document = await getDocumentProxy(new Uint8Array(await fileOf('pdf')))
    const { text } = await extractText(document, { mergePages: true })
    const shown = text.replaceAll(/\s+/g, ' ')
    for (const [name, count, yuan] of totals())
      assert.ok(shown.includes([name, count, yuan].filter((one) => one !== '').join(' ')), shown)
    assert.ok(shown.includes('结算单 “云集”优选 2026-11-02 — 2026-11-02'), shown)
  })

  test('names every payment and its entry, as the lines of the interface do', async () => {
    const { data } = await app.got(`/v1/settlements/${statement.id}/lines?limit=200`)
    const csv = (await fileOf('csv')).toString()
    assert.ok(data.length >= 7)
    for (const line of data) {
      const id = line.refund_id ?? line.payment_id
      const entry = `${line.lane}-${line.seq}-${line.line}`
      assert.match(csv, new RegExp(`,${id},本金,${formatYuan(BigInt(line.amount))},${entry}\n`))
    }
  })

  for (const [format, mediaType] of [
    ['csv', 'text/csv; charset=utf-8'],
    ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
    ['pdf', 'application/pdf'],
  ])
    test(`comes under a name and a type of its own: ${format}`, async () => {
      const path = `/v1/settlements/${statement.id}/file?format=${format}`
      const headers = { authorization: `Bearer ${app.issuer.test}` }
      const response = await fetch(app.url + path, { headers })
      await response.arrayBuffer()
      assert.equal(response.headers.get('content-type'), mediaType)
      const name = `settlement-${statement.id}-2026-11-02-2026-11-02.${format}`
      assert.equal(response.headers.get('content-disposition'), `attachment; filename="${name}"`)
    })

  test('is refused where the format does not take so many lines', async () => {
    const id = parseId('settlement', statement.id)
    assert.ok(id)
    const { data } = await app.got(`/v1/settlements/${statement.id}/lines?limit=200`)
    const made = (most: number) => statementFile(app.flows, app.book, id, 'pdf', most)
    const [whole, short] = [await made(data.length), await made(data.length - 1)]
    assert.equal(whole.ok, true)
    assert.equal(!short.ok && short.refusal.code, 'settlement.too_long')
  })

  test('is not there for a statement of nobody, nor in a format that there is not', async () => {
    const unknown = await app.call('GET', `/v1/settlements/stl_${'0'.repeat(32)}/file?format=csv`)
    assert.deepEqual([unknown.status, unknown.body.code], [404, 'settlement.not_found'])
    const odd = await app.call('GET', `/v1/settlements/${statement.id}/file?format=docx`)
    assert.deepEqual([odd.status, odd.body.code], [400, 'request.invalid'])
  })
})
