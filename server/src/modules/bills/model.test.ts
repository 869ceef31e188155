/** Rows of WeChat's bills, as WeChat writes them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  cameBack,
  feesOf,
  fundGap,
  movedRows,
  readFundRow,
  readTradeRow,
  returnedOf,
} from './model.ts'

const paid = {
  交易时间: '2026-11-25 08:00:01',
  公众账号ID: 'wx1',
  商户号: '1900000001',
  微信订单号: '42',
  商户订单号: 'lo1',
  用户标识: 'o1',
  交易状态: 'SUCCESS',
  订单金额: '100.00',
  手续费: '0.60000',
}
const back = {
  ...paid,
  交易状态: 'REFUND',
  微信退款单号: '50',
  商户退款单号: 'lr1',
  申请退款金额: '33.33',
  退款状态: 'SUCCESS',
  手续费: '-0.20000',
}

test('a payment and a refund are read in fen, their time in Shanghai', () => {
  const row = readTradeRow(paid)
  assert.ok(row?.kind === 'payment')
  assert.equal(row.amount, 10_000n)
  assert.equal(row.paidAt, Date.parse('2026-11-25T00:00:01Z'))
  const refund = readTradeRow(back)
  assert.ok(refund?.kind === 'refund')
  assert.deepEqual([refund.amount, refund.outRefundNo, refund.status], [3_333n, 'lr1', 'SUCCESS'])
  assert.equal(readTradeRow({ ...paid, 交易状态: 'REVOKED' }), undefined)
  assert.equal(readTradeRow({ ...paid, 订单金额: 'many' }), undefined)
})

test('fees are summed with five decimals before they become fen', () => {
  const rows = [paid, back].flatMap((row) => readTradeRow(row) ?? [])
  assert.equal(feesOf(rows), 40n)
  const third = { ...paid, 手续费: '0.00333' }
  assert.equal(feesOf([third, third].flatMap((row) => readTradeRow(row) ?? [])), 1n)
})

test('the bill of funds agrees with the bill of trades, or says by how much it does not', () => {
  const rows = [paid, back].flatMap((row) => readTradeRow(row) ?? [])
  const move = (type: string, direction: string, amount: string) =>
    readFundRow({ 资金流水单号: '1', 业务类型: type, 收支类型: direction, '收支金额(元)': amount })
  const moves = [
    move('交易', '收入', '100.00'),
    move('扣除交易手续费', '支出', '0.60'),
    move('退款', '支出', '33.13'),
    move('分账', '支出', '10.00'),
  ].flatMap((one) => one ?? [])
  assert.equal(moves.length, 4)
  assert.equal(fundGap(rows, moves), 0n)
  assert.equal(fundGap(rows, moves.slice(1)), -10_000n)
  assert.equal(move('交易', '不明', '1.00'), undefined)
})

/** A movement of 33.13: the refund of 33.33 less the fee that comes back with it. */
const refundMoves = (...directions: readonly string[]) =>
  directions.flatMap((direction, place) => {
    const row = { 资金流水单号: String(place), 业务类型: '退款', 微信支付业务单号: '50' }
    return readFundRow({ ...row, 收支类型: direction, '收支金额(元)': '33.13' }) ?? []
  })

for (const { status, moves, counts, fees } of [
  { status: 'SUCCESS', moves: ['支出'], counts: true, fees: -20n },
  { status: 'PROCESSING', moves: ['支出'], counts: true, fees: -20n },
  { status: 'CHANGE', moves: ['支出'], counts: true, fees: -20n },
  // Nothing left the account yet.
  { status: 'PROCESSING', moves: [], counts: false, fees: 0n },
  { status: 'FAIL', moves: ['支出', '收入'], counts: false, fees: 0n },
  { status: 'FAIL', moves: [], counts: false, fees: 0n },
  // It was closed after midnight: its money comes back in the funds of the next day.
  { status: 'FAIL', moves: ['支出'], counts: true, fees: -20n },
])
  test(`a refund that is ${status} with ${moves.length} movements ${counts ? 'counts' : 'does not count'}`, () => {
    const rows = [{ ...back, 退款状态: status }].flatMap((row) => readTradeRow(row) ?? [])
    const movements = refundMoves(...moves)
    const moved = movedRows(rows, movements)
    assert.equal(moved.length, counts ? 1 : 0)
    assert.equal(feesOf(moved), fees)
    assert.equal(fundGap(moved, movements), 0n)
    assert.deepEqual(cameBack(movements), [])
  })

test('a refund that was closed on a later day comes back with the fee that WeChat keeps then', () => {
  const movements = refundMoves('收入')
  assert.deepEqual(cameBack(movements), movements)
  assert.equal(fundGap([], movements), 3_313n)
  const returned = returnedOf(3_333n, 3_313n)
  assert.ok(returned)
  assert.equal(feesOf([], [returned]), 20n)
  assert.equal(fundGap([], movements, [returned]), 0n)
  // Half of it came back, or more than it was: that is no fee.
  assert.equal(returnedOf(3_333n, 1_700n), undefined)
  assert.equal(returnedOf(3_333n, 3_334n), undefined)
})
