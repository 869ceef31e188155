/** Under which numbers WeChat knows a refund, when it is asked for again, and what of all that WeChat says is news. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asId } from '@lika/contract'
import {
  askedAgain,
  type CombinedRefundRow,
  idOfOutNumber,
  judgeTold,
  outNumberOf,
  outRefundNosOf,
} from './model.ts'

const id = asId<'combined_refund'>('019abcde-f012-7345-8678-9abcdef00259')
const first = outNumberOf('refund', id)

const row: CombinedRefundRow = {
  id,
  bookId: asId('019abcde-f012-7345-8678-9abcdef00400'),
  combinedId: asId('019abcde-f012-7345-8678-9abcdef00001'),
  cardAmount: 0n,
  wechatAmount: 1_750n,
  reference: 'R-1',
  reason: null,
  status: 'closed',
  attempt: 1,
  outRefundNo: first,
  refundId: '50',
  problem: null,
  refusals: 0,
  metadata: null,
  createdAt: 0,
  endedAt: null,
}

function again(from: CombinedRefundRow): CombinedRefundRow {
  const asked = askedAgain({ ...from, status: 'closed' })
  assert.ok(asked.ok)
  return asked.value
}

test('every number of a refund leads to it, and fits what WeChat takes', () => {
  assert.equal(first.length, 27)
  const third = again(again(row))
  assert.deepEqual(outRefundNosOf(third), [`${first}-3`, `${first}-2`, first])
  for (const number of outRefundNosOf(third)) {
    assert.match(number, /^[0-9A-Za-z_\-|*@]{1,64}$/)
    assert.equal(idOfOutNumber('refund', number), id)
  }
  const others = ['-1', '-0', '-02', '-100', '-', '-2-2', '-a', '2'].map((tail) => first + tail)
  for (const other of others) assert.equal(idOfOutNumber('refund', other), undefined, other)
  assert.equal(idOfOutNumber('trade', first), undefined)
  assert.equal(idOfOutNumber('trade', `${outNumberOf('trade', id)}-2`), undefined)
})

test('only what is closed is asked for again, under the next number, fifty times in all', () => {
  const next = again(row)
  assert.deepEqual(
    [next.status, next.attempt, next.outRefundNo, next.refundId],
    ['processing', 2, `${first}-2`, null],
  )
  for (const status of ['processing', 'abnormal', 'succeeded'] as const) {
    const asked = askedAgain({ ...row, status })
    assert.equal(!asked.ok && asked.refusal.code, 'combined_refund.not_closed')
  }
  assert.equal(again({ ...row, attempt: 49 }).attempt, 50)
  const tooOften = askedAgain({ ...row, attempt: 50 })
  assert.equal(!tooOften.ok && tooOften.refusal.code, 'combined_refund.asked_too_often')
})

const states = ['processing', 'succeeded', 'abnormal', 'closed'] as const

test('what WeChat refuses is asked for again under the number that it never took', () => {
  const refused = { ...row, status: 'processing', refundId: null, problem: 'NOT_ENOUGH' } as const
  assert.deepEqual(askedAgain(refused), { ok: true, value: refused })
  const underWay = askedAgain({ ...refused, problem: null })
  assert.equal(!underWay.ok && underWay.refusal.code, 'combined_refund.not_closed')
})

test('of the last number every change is news, until it is closed or has arrived', () => {
  const said = (status: (typeof states)[number]) =>
    states.map((told) =>
      judgeTold({ ...row, status }, { outRefundNo: first, status: told, isUnsent: false }),
    )
  //                                       processing, succeeded, abnormal, closed
  assert.deepEqual(said('processing'), ['known', 'news', 'news', 'news'])
  assert.deepEqual(said('abnormal'), ['news', 'news', 'known', 'news'])
  assert.deepEqual(said('closed'), ['known', 'news', 'known', 'known'])
  assert.deepEqual(said('succeeded'), ['known', 'known', 'known', 'known'])
})

test('of an earlier number only its money is news, and never where it may be paid twice', () => {
  const last = again(row)
  for (const status of states)
    for (const told of ['processing', 'abnormal', 'closed'] as const)
      for (const isUnsent of [false, true])
        assert.equal(
          judgeTold({ ...last, status }, { outRefundNo: first, status: told, isUnsent }),
          'known',
        )
  const paid = (isUnsent: boolean) =>
    states.map((status) =>
      judgeTold({ ...last, status }, { outRefundNo: first, status: 'succeeded', isUnsent }),
    )
  //                              processing, succeeded, abnormal, closed
  assert.deepEqual(paid(false), ['differs', 'differs', 'differs', 'news'])
  assert.deepEqual(paid(true), ['news', 'differs', 'news', 'news'])
})
