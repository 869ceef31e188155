/** Bills as they are written, read into rows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBill } from './bills.ts'

const bill = [
  '\uFEFF交易时间,商户订单号,订单金额,商品名称',
  '`2026-11-25 12:00:00,`ORD1,`100.00,`礼卡, 大份',
  '`2026-11-25 12:00:01,`ORD2,`0.01,`',
  '总交易单数,应结订单总金额',
  '`2,`100.01',
  '',
].join('\r\n')

test('each value comes without its back-tick, under the name of its column', () => {
  assert.deepEqual(readBill(bill), {
    rows: [
      {
        交易时间: '2026-11-25 12:00:00',
        商户订单号: 'ORD1',
        订单金额: '100.00',
        商品名称: '礼卡, 大份',
      },
      { 交易时间: '2026-11-25 12:00:01', 商户订单号: 'ORD2', 订单金额: '0.01', 商品名称: '' },
    ],
    summary: { 总交易单数: '2', 应结订单总金额: '100.01' },
  })
})

test('a day without rows has a summary; what is cut off, or has a value too many, is no bill', () => {
  const lines = bill.split('\r\n')
  const without = (...numbers: number[]) =>
    lines.filter((_, at) => !numbers.includes(at)).join('\n')
  assert.deepEqual(readBill(without(1, 2))?.rows, [])
  assert.equal(readBill(without(3, 4)), undefined)
  assert.equal(readBill(without(4)), undefined)
  assert.equal(readBill(bill.replace('`ORD2', '`ORD2,`x')), undefined)
  assert.equal(readBill(''), undefined)
})
