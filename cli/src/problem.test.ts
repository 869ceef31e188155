import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { refusals } from '@lika/contract'
import { RefusedByServer } from './failures.ts'
import type { JsonObject } from './json.ts'
import { problemLines } from './problem.ts'
import { refusalWords } from './refusal-words.ts'
import { speaker } from './say.ts'

const lines = (
  problem: JsonObject,
  language: 'both' | 'zh' | 'en' = 'en',
  retryAfterSeconds?: number,
) =>
  problemLines(
    new RefusedByServer({ status: 422, problem, bodyText: '', retryAfterSeconds }),
    speaker(language),
  )

const capped = {
  code: 'policy.card_limit',
  title: 'The balance would exceed what the policy allows on a card',
  detail: 'The card would hold 6000.00 yuan; the limit is 5000.00.',
  allowed: { min: 1, max: 400_000 },
  policy: { pack: 'cn-national', rule: 'card_limit_registered_fen', article: '18' },
  request_id: 'req_1',
}

describe('a refusal is one sentence', () => {
  test('with code, detail, allowed range in yuan, policy article and request id', () => {
    assert.deepEqual(lines(capped), [
      'Refused: The balance would exceed what the policy allows on a card (policy.card_limit, 422) ' +
        'The card would hold 6000.00 yuan; the limit is 5000.00.; allowed 0.01–4000.00 yuan; ' +
        'policy cn-national/card_limit_registered_fen, article 18; request req_1',
    ])
  })

  test('Chinese first, English second', () => {
    const [line = ''] = lines(capped, 'both')
    assert.match(line, /^被拒绝 Refused: 余额将超过规则允许的单卡限额 The balance would exceed/)
    const [chinese = ''] = lines(capped, 'zh')
    assert.match(chinese, /^被拒绝: 余额将超过规则允许的单卡限额 \(policy\.card_limit, 422\)/)
  })

  test('what counts months is not taken for money', () => {
    const [line = ''] = lines({
      ...capped,
      code: 'policy.validity_too_short',
      allowed: { min: 36 },
    })
    assert.match(line, /allowed ≥ 36;/)
  })

  test('what is left to refund or to capture is money', () => {
    for (const code of ['refund.exceeds_payment', 'hold.exceeded']) {
      const [line = ''] = lines({ code, allowed: { min: 1, max: 3500 } })
      assert.match(line, /; allowed 0\.01–35\.00 yuan$/)
    }
  })

  test('what the detail says already is not said again', () => {
    const errors = [
      { path: 'reference', message: 'is required' },
      { path: 'amount', message: 'must be >= 1' },
    ]
    assert.deepEqual(
      lines({ code: 'x.y', title: 'Wrong', detail: 'reference is required.', errors }),
      ['Refused: Wrong (x.y, 422) reference is required.', '  amount: must be >= 1'],
    )
  })

  test('names what stands in the way, when to repeat, and each wrong member', () => {
    const problem = {
      code: 'reference.already_used',
      existing_id: 'pay_9',
      errors: [{ path: 'amount', message: 'must be >= 1' }],
    }
    assert.deepEqual(lines(problem, 'en', 7), [
      'Refused: The reference is already used (reference.already_used, 422); existing pay_9; may be repeated after 7 s',
      '  amount: must be >= 1',
    ])
  })

  test('a code that this version does not know keeps the title of the server', () => {
    const [line = ''] = lines({ code: 'card.melted', title: 'The card melted' })
    assert.equal(line, 'Refused: The card melted (card.melted, 422)')
  })

  test('every refusal of the contract has Chinese words of its own', () => {
    assert.deepEqual(Object.keys(refusalWords).sort(), Object.keys(refusals).sort())
    assert.equal(new Set(Object.values(refusalWords)).size, Object.keys(refusals).length)
  })
})
