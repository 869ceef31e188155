/** Which codes and applications are in order, and which status follows which. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MerchantAction, merchantActions, merchantStates } from '@lika/contract'
import { checkApplication, isCreditCode, type ShownDocument, statusAfter } from './onboarding.ts'

/** As the public register has them. */
const real = ['9144030071526726XG', '91330100799655058B', '914403001922038216']
for (const code of real) {
  test(`${code} is a credit code`, () => assert.ok(isCreditCode(code)))
}

test('a credit code with any one character changed is none', () => {
  const [code = ''] = real
  for (let place = 0; place < code.length; place += 1) {
    const other = code[place] === '2' ? '3' : '2'
    const changed = code.slice(0, place) + other + code.slice(place + 1)
    assert.equal(isCreditCode(changed), false, changed)
  }
})

for (const code of [
  '',
  '9144030071526726X',
  '9144030071526726XGG',
  '9144030071526726xg',
  '9I44030071526726XG',
]) {
  test(`"${code}" is no credit code`, () => assert.equal(isCreditCode(code), false))
}

const licence: ShownDocument = {
  kind: 'business_licence',
  name: 'licence.pdf',
  digest: '0'.repeat(64),
  expiresOn: '2026-03-09',
}
const sound = { creditCode: real[0] ?? '', documents: [licence] }

test('a document is good on its last day, and no longer on the next', () => {
  assert.equal(checkApplication(sound, '2026-03-09').ok, true)
  const late = checkApplication(sound, '2026-03-10')
  assert.deepEqual(!late.ok && late.refusal.errors, [
    { path: 'onboarding.documents.0', message: 'expired on 2026-03-09' },
  ])
})

test('everything that is missing is named at once', () => {
  const checked = checkApplication(
    { creditCode: '9144030071526726XX', documents: [] },
    '2026-03-09',
  )
  assert.equal(!checked.ok && checked.refusal.code, 'merchant.application_incomplete')
  assert.deepEqual(!checked.ok && checked.refusal.errors?.map(({ path }) => path), [
    'onboarding.credit_code',
    'onboarding.documents',
  ])
})

/** Everything else is refused. */
const steps: readonly [string, MerchantAction, string][] = [
  ['draft', 'change', 'draft'],
  ['rejected', 'change', 'draft'],
  ['draft', 'submit', 'submitted'],
  ['submitted', 'approve', 'approved'],
  ['submitted', 'reject', 'rejected'],
  ['approved', 'suspend', 'suspended'],
  ['suspended', 'resume', 'approved'],
]
for (const status of merchantStates) {
  for (const action of Object.keys(merchantActions) as MerchantAction[]) {
    const step = steps.find(([from, by]) => from === status && by === action)
    test(`${action} of one that is ${status} ${step ? `makes it ${step[2]}` : 'is refused'}`, () => {
      const after = statusAfter(action, status)
      if (step !== undefined) {
        assert.deepEqual(after, { ok: true, value: step[2] })
        return
      }
      assert.equal(!after.ok && after.refusal.code, 'merchant.wrong_status')
      assert.deepEqual(!after.ok && after.refusal.data, {
        merchant_status: status,
        allowed_actions: steps.filter(([from]) => from === status).map(([, by]) => by),
      })
    })
  }
}
