/** The files of the bank, to the byte; and everything that is not one of them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import iconv from 'iconv-lite'
import { objectionTo, readAnswers, writeOrder, writeQuestion } from './bank-file-format.ts'

const payee = {
  accountName: '三味面馆（上海）有限公司',
  accountNumber: '6222021001012345678',
  bankName: '中国工商银行上海市分行',
  bankCode: '102290000000',
}
const order = {
  batch: 'b'.repeat(32),
  instructions: [
    { ...payee, reference: 'c'.repeat(32), amount: 150_207n },
    { ...payee, accountName: '"老",城', reference: 'd'.repeat(32), amount: 7n },
  ],
}

describe('an order', () => {
  const text = [
    '批次号,笔序号,流水号,收款户名,收款账号,开户行,联行号,金额,币种,用途',
    `${'b'.repeat(32)},1,${'c'.repeat(32)},三味面馆（上海）有限公司,6222021001012345678,中国工商银行上海市分行,102290000000,1502.07,CNY,结算款`,
    `${'b'.repeat(32)},2,${'d'.repeat(32)},"""老"",城",6222021001012345678,中国工商银行上海市分行,102290000000,0.07,CNY,结算款`,
    '合计,2,,,,,,1502.14,CNY,',
    '',
  ].join('\r\n')

  test('is CSV in UTF-8 without a mark, with the sum at its end', () =>
    assert.deepEqual(writeOrder(order, 'utf-8'), Buffer.from(text)))

  test('is the same text in GBK', () => {
    const bytes = writeOrder(order, 'gbk')
    assert.equal(iconv.decode(bytes, 'gbk'), text)
    assert.notDeepEqual(bytes, Buffer.from(text))
  })
})

test('a question names each payout under its own number', () => {
  const question = { number: 'b-Q1', batch: 'b', references: ['c', 'd'] }
  assert.equal(
    writeQuestion(question, 'utf-8').toString(),
    '查询号,批次号,流水号\r\nb-Q1,b,c\r\nb-Q1,b,d\r\n合计,2,\r\n',
  )
})

describe('a payee', () => {
  test('of ordinary characters can be named in both', () => {
    assert.equal(objectionTo(payee, 'utf-8'), undefined)
    assert.equal(objectionTo(payee, 'gbk'), undefined)
  })

  for (const accountName of ['𠮷野家', '咖啡☕', 'Café №1 ‱'])
    test(`whose name GBK cannot write is refused: ${accountName}`, () => {
      assert.equal(objectionTo({ ...payee, accountName }, 'gbk'), 'not_in_gbk')
      assert.equal(objectionTo({ ...payee, accountName }, 'utf-8'), undefined)
    })

  test('whose name breaks a line is refused', () =>
    assert.equal(
      objectionTo({ ...payee, accountName: '面馆\r\n合计' }, 'utf-8'),
      'control_character',
    ))

  test('whose name is half a character is refused', () =>
    assert.equal(objectionTo({ ...payee, bankName: '\ud842' }, 'utf-8'), 'not_in_utf8'))
})

describe('answers', () => {
  const header = '批次号,流水号,状态,金额,银行流水号,原因,查询号'
  const file = (...rows: string[]) =>
    `${[header, ...rows, `合计,${rows.length},,,,,`].join('\r\n')}\r\n`
  const row = 'b,c,SUCCESS,1502.07,B1,,'

  for (const encoding of ['utf-8', 'gbk'] as const)
    test(`are read in ${encoding}`, () => {
      const text = file(row, 'b,d,FAILED,,,"户名不符,请核对",b-Q1')
      assert.deepEqual(readAnswers(iconv.encode(text, encoding), encoding), [
        {
          batch: 'b',
          reference: 'c',
          state: 'success',
          amount: 150_207n,
          serial: 'B1',
          reason: undefined,
          question: undefined,
        },
        {
          batch: 'b',
          reference: 'd',
          state: 'failed',
          amount: undefined,
          serial: undefined,
          reason: '户名不符,请核对',
          question: 'b-Q1',
        },
      ])
    })

  test('may be none', () => assert.deepEqual(readAnswers(Buffer.from(file()), 'utf-8'), []))

  const whole = file(row)
  const broken: Record<string, string> = {
    'an empty file': '',
    'another header': whole.replace('流水号', '号'),
    'no last line': `${header}\r\n${row}\r\n`,
    'a last line that counts otherwise': whole.replace('合计,1', '合计,2'),
    'a last line without its end': whole.slice(0, -2),
    'a state that is not known': whole.replace('SUCCESS', 'PERHAPS'),
    'an amount that is none': whole.replace('1502.07', '1502.075'),
    'a cell too few': whole.replace('B1,,', 'B1,'),
    'a quotation mark in the wrong place': whole.replace('B1', 'B"1'),
    'a quotation mark without an end': whole.replace('B1', '"B1'),
  }
  for (const [what, text] of Object.entries(broken))
    test(`are not read from ${what}`, () =>
      assert.equal(readAnswers(Buffer.from(text), 'utf-8'), undefined))

  test('cut short anywhere are not read', () => {
    const bytes = Buffer.from(file(row, row.replace('c', 'd')))
    for (let length = 0; length < bytes.length; length += 1)
      assert.equal(readAnswers(bytes.subarray(0, length), 'utf-8'), undefined, String(length))
  })

  test('in the other encoding are not read', () =>
    assert.equal(readAnswers(Buffer.from(whole), 'gbk'), undefined))
})
