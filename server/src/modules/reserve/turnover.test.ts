/** The turnover of capital against a table that was worked out by hand: tests/fixtures/turnover. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseYuan } from '@lika/contract'
import { type PrincipalMove, turnoverDays, turnoverOf } from './turnover.ts'

const fixture = join(import.meta.dirname, '../../../../tests/fixtures/turnover/moves.csv')

function movesOf(csv: string): PrincipalMove[] {
  const [, ...rows] = csv.trim().split('\n')
  return rows.map((row) => {
    const [day = '', card = '', kind = '', yuan = '', to = ''] = row.split(',')
    const amount = parseYuan(yuan) ?? assert.fail(row)
    const common = { card, day, amount }
    if (kind === 'load' || kind === 'leave') return { kind, ...common }
    if (kind === 'move') return { kind, ...common, to }
    assert.ok(kind === 'spend' || kind === 'refund', row)
    return { kind, ...common, counts: true }
  })
}

const moves = movesOf(readFileSync(fixture, 'utf8'))

test('the fixture comes to what was worked out by hand', () => {
  const turnover = turnoverOf(moves)
  assert.deepEqual(turnover, { spent: 140_000n, fenDays: 2_150_000n })
  assert.equal(turnoverDays(turnover), '15.36')
})

test('what is not measured is followed all the same, and counts for nothing', () => {
  const measured = moves.map((move) =>
    'counts' in move ? { ...move, counts: move.card === 'C' } : move,
  )
  assert.deepEqual(turnoverOf(measured), { spent: 15_000n, fenDays: 300_000n })
})

test('money that was spent on the day it came lay no day, and where nothing was spent there is no figure', () => {
  const same: PrincipalMove[] = [
    { kind: 'load', card: 'A', day: '2026-03-01', amount: 5n },
    { kind: 'spend', card: 'A', day: '2026-03-01', amount: 5n, counts: true },
  ]
  assert.equal(turnoverDays(turnoverOf(same)), '0.00')
  assert.equal(turnoverDays(turnoverOf(same.slice(0, 1))), undefined)
})

test('a refund brings money back with its age: spent again, it is as old as it was', () => {
  const days = (again: string) =>
    turnoverDays(
      turnoverOf([
        { kind: 'load', card: 'A', day: '2026-03-01', amount: 100n },
        { kind: 'spend', card: 'A', day: '2026-03-11', amount: 100n, counts: true },
        { kind: 'refund', card: 'A', day: '2026-03-12', amount: 100n, counts: true },
        { kind: 'spend', card: 'A', day: again, amount: 100n, counts: true },
      ]),
    )
  assert.equal(days('2026-03-21'), '20.00')
  assert.equal(days('2026-03-31'), '30.00')
})
