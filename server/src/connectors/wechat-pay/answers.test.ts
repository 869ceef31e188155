/** What each kind of answer means: done, certainly not done, or not known. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerOf, currentCode, type Said } from './answers.ts'
import { textIn } from './json.ts'

const said = (more: Partial<Said>): Said => ({
  status: 200,
  body: { id: 'x' },
  requestId: undefined,
  verified: 'good',
  ...more,
})
const read = (body: unknown) => textIn(body, 'id')
const failed = (code: string) => ({ code, message: 'why' })

test('the class of the status comes first, and nothing unsigned is believed but 401 and 429', () => {
  const table: [string, Partial<Said>, string][] = [
    ['signed', {}, 'done'],
    ['204 without a body, where none is promised', { status: 204, body: undefined }, 'unknown'],
    ['not what was promised', { body: { other: 1 } }, 'unknown'],
    ['200 unsigned', { verified: 'absent' }, 'unknown'],
    ['200 wrongly signed', { verified: 'bad' }, 'unknown'],
    ['202', { status: 202, body: failed('USERPAYING') }, 'unknown'],
    ['redirected', { status: 302 }, 'unknown'],
    ['400', { status: 400, body: failed('PARAM_ERROR') }, 'refused'],
    ['401 unsigned', { status: 401, body: failed('SIGN_ERROR'), verified: 'absent' }, 'refused'],
    ['401 wrongly signed', { status: 401, body: failed('SIGN_ERROR'), verified: 'bad' }, 'unknown'],
    ['403', { status: 403, body: failed('NO_AUTH') }, 'refused'],
    ['404', { status: 404, body: failed('ORDER_NOT_EXIST') }, 'refused'],
    ['404 of a proxy', { status: 404, body: undefined, verified: 'absent' }, 'unknown'],
    ['429 unsigned', { status: 429, body: undefined, verified: 'absent' }, 'refused'],
    ['500', { status: 500, body: failed('SYSTEM_ERROR') }, 'unknown'],
    ['500 that sounds final', { status: 500, body: failed('OPENID_MISMATCH') }, 'unknown'],
    ['503', { status: 503, body: failed('SERVICE_UNAVAILABLE') }, 'unknown'],
  ]
  for (const [name, more, status] of table) {
    assert.equal(answerOf(said(more), read).status, status, name)
  }
})

test('a code has one spelling, whatever the year of the page', () => {
  for (const [given, told] of [
    ['ORDERNOTEXIST', 'ORDER_NOT_EXIST'],
    ['ORDER_NOT_EXIST', 'ORDER_NOT_EXIST'],
    ['NOTENOUGH', 'NOT_ENOUGH'],
    ['RATELIMIT_EXCEEDED', 'FREQUENCY_LIMITED'],
    ['RATE_LIMITED', 'FREQUENCY_LIMITED'],
    ['FREQUENCY_LIMIT_EXCEED', 'FREQUENCY_LIMITED'],
    ['AUTHCODEEXPIRE', 'AUTH_CODE_EXPIRED'],
    ['NOTSUPORTCARD', 'NOT_SUPPORT_CARD'],
    ['NOAUTH', 'NO_AUTH'],
    ['USERPAYING', 'USERPAYING'],
    ['SOMETHING_NEW', 'SOMETHING_NEW'],
  ] as const) {
    assert.equal(currentCode(given), told)
  }
})

test('the number behind the Request-ID makes a vague code precise, and changes no precise one', () => {
  const code = (given: string, requestId: string) => {
    const answer = answerOf(said({ status: 400, body: failed(given), requestId }), read)
    return answer.status === 'refused' ? answer.code : answer.status
  }
  assert.equal(code('INVALID_REQUEST', '08ABC-268498688'), 'OUT_TRADE_NO_USED')
  assert.equal(code('INVALID_REQUEST', '08ABC-268449538'), 'ORDER_PAID')
  assert.equal(code('INVALID_REQUEST', '08ABC-1'), 'INVALID_REQUEST')
  assert.equal(code('NOT_ENOUGH', '08ABC-268449538'), 'NOT_ENOUGH')
})

test('a refusal names the member that is at fault', () => {
  const body = { ...failed('PARAM_ERROR'), detail: { field: '/amount/total' } }
  const answer = answerOf(said({ status: 400, body }), read)
  assert.equal(answer.status === 'refused' && answer.detail, 'why (/amount/total)')
})
