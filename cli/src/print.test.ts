import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { listLines, objectLines } from './print.ts'
import { speaker } from './say.ts'
import { displayWidth, printable, table } from './table.ts'

const zh = speaker('zh')
const en = speaker('en')

describe('tables', () => {
  test('Chinese characters take two cells, so that columns stay under each other', () => {
    assert.equal(displayWidth('礼卡 ab'), 7)
    assert.deepEqual(
      table(
        [{ heading: '名称' }, { heading: 'n', align: 'right' }],
        [
          ['a', '10'],
          ['面馆', '5'],
        ],
      ),
      ['名称   n', 'a     10', '面馆   5'],
    )
  })

  test('no control character of a name reaches the terminal', () => {
    assert.equal(printable('a\u001b[2Jb\r\n'), 'a\ufffd[2Jb\ufffd\ufffd')
    const [, row] = listLines([{ name: '\u001b]0;x\u0007' }], ['name'], en)
    assert.equal(row?.includes('\u001b'), false)
  })
})

describe('objects and lists for people', () => {
  const card = {
    id: 'card_1',
    balance: { available: 9050, held: 0, principal: 9050, bonus: 0 },
    expires_at: '2027-01-01T16:00:00.000Z',
    replaced_by: null,
    metadata: { amount: '12', at: '2027-01-01T16:00:00.000Z' },
  }

  test('amounts are shown in yuan, instants in Shanghai time, nothing as a dash', () => {
    assert.deepEqual(objectLines(card, en), [
      'id                   card_1',
      'balance · available  90.50',
      'balance · held       0.00',
      'balance · principal  90.50',
      'balance · bonus      0.00',
      'expires_at           2027-01-02 00:00:00+08:00',
      'replaced_by          —',
      'metadata · amount    12',
      'metadata · at        2027-01-01T16:00:00.000Z',
    ])
  })

  test('the total of an order or of margins is an amount; that of a job counts its rows', () => {
    const order = { id: 'ord_1', total: 20_000, refunded_amount: 500 }
    assert.deepEqual(listLines([order], ['id', 'total', 'refunded_amount'], en).slice(1), [
      'ord_1  200.00             5.00',
    ])
    assert.deepEqual(objectLines({ total: 20_000, currency: 'CNY' }, en), [
      'total     200.00',
      'currency  CNY',
    ])
    const job = { id: 'job_1', done: 4_000, total: 20_000 }
    assert.deepEqual(objectLines(job, en), ['id     job_1', 'done   4000', 'total  20000'])
    assert.match(listLines([job], ['done', 'total'], en)[1] ?? '', /4000 +20000$/)
  })

  test('headings speak Chinese, English or both', () => {
    const heading = (language: 'both' | 'zh' | 'en') =>
      listLines([card], ['balance.available'], speaker(language))[0]?.trim()
    assert.deepEqual(
      ['both', 'zh', 'en'].map((l) => heading(l as 'zh')),
      ['可用 available', '可用', 'available'],
    )
  })

  test('a list of objects inside an object is a table below it', () => {
    const payment = { id: 'pay_1', allocations: [{ card_id: 'card_1', amount: 1250 }] }
    assert.deepEqual(objectLines(payment, zh), [
      '编号  pay_1',
      '',
      '分摊:',
      '卡       金额',
      'card_1  12.50',
    ])
  })

  test('faces are amounts, counts are not', () => {
    assert.deepEqual(
      objectLines({ faces: [10000, 20000], rows: 3, face_range: { min: 100, max: 500 } }, en),
      [
        'faces             100.00, 200.00',
        'rows              3',
        'face_range · min  1.00',
        'face_range · max  5.00',
      ],
    )
  })
})
