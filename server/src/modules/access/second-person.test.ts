/** Who counts as another person. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Person, secondPerson } from './second-person.ts'

const lin: Person = { keyId: 'key-of-lin', owner: 'Lin Mei' }

test('another owner with another key is a second person', () => {
  assert.deepEqual(secondPerson(lin, { keyId: 'key-of-wu', owner: 'Wu Jun' }), {
    ok: true,
    value: undefined,
  })
})

const notAnother: readonly [string, Person][] = [
  ['the same key', lin],
  ['another key of the same owner', { keyId: 'other', owner: 'Lin Mei' }],
  ['the owner in other case', { keyId: 'other', owner: 'LIN mei' }],
  ['the owner with other spaces', { keyId: 'other', owner: ' Lin  Mei\u3000' }],
  ['the owner in full width', { keyId: 'other', owner: 'Ｌｉｎ Ｍｅｉ' }],
  ['the owner with an invisible character', { keyId: 'other', owner: 'Lin\u200b Mei' }],
  ['the same key whose owner reads otherwise', { keyId: 'key-of-lin', owner: 'Wu Jun' }],
]

for (const [what, second] of notAnother) {
  test(`${what} is not a second person, and the answer says who the first was`, () => {
    const result = secondPerson(lin, second)
    assert.equal(result.ok, false)
    if (result.ok) return
    assert.equal(result.refusal.code, 'approval.same_person')
    assert.deepEqual(result.refusal.data, { first_owner: 'Lin Mei' })
  })
}
