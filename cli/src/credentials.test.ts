import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Config, readConfig } from './config.ts'
import { chooseCredential } from './credentials.ts'
import { UsageError } from './failures.ts'
import { speaker } from './say.ts'

const files = {
  '/data/operator.key': 'lika_operator\n',
  '/data/demo.json': '{"api_key":"lika_test_demo","card":null}',
}

const choose = (
  right: Parameters<typeof chooseCredential>[0],
  config: Partial<Config> = {},
  there: Readonly<Record<string, string>> = files,
) =>
  chooseCredential(
    right,
    { ...readConfig({ LIKA_DATA: '/data' }), ...config },
    speaker('en'),
    (file) => there[file],
  )

describe('whose key is used', () => {
  test('LIKA_API_KEY comes before every file', () => {
    for (const right of ['issuer', 'operator', 'operator-or-issuer'] as const) {
      assert.deepEqual(choose(right, { apiKey: 'lika_test_mine' }), { token: 'lika_test_mine' })
    }
  })

  test("the operator's commands take operator.key, the others the demo issuer's key with a remark", () => {
    assert.deepEqual(choose('operator'), { token: 'lika_operator' })
    assert.deepEqual(choose('operator-or-issuer'), { token: 'lika_operator' })
    const demo = choose('issuer')
    assert.equal(demo.token, 'lika_test_demo')
    assert.match(demo.note ?? '', /demo issuer/)
  })

  test('without any key the command says how to come by one', () => {
    assert.throws(() => choose('issuer', {}, {}), UsageError)
    assert.throws(
      () => choose('operator', {}, { '/data/demo.json': files['/data/demo.json'] }),
      UsageError,
    )
    assert.throws(
      () => choose('issuer', {}, { '/data/demo.json': '{"issuer_id":"iss_1"}' }),
      UsageError,
    )
    assert.throws(() => choose('issuer', {}, { '/data/demo.json': 'not json' }), UsageError)
  })

  test('a key of the folder at hand is not sent to another machine unless LIKA_DATA names it', () => {
    const elsewhere = { url: 'https://cards.example', isDataFolderNamed: false }
    assert.throws(() => choose('operator', elsewhere), UsageError)
    assert.deepEqual(choose('operator', { ...elsewhere, isDataFolderNamed: true }), {
      token: 'lika_operator',
    })
  })
})

describe('settings', () => {
  test('LIKA_URL has a default and must be a URL, LIKA_LANG is zh or en', () => {
    assert.equal(readConfig({}).url, 'http://127.0.0.1:8080')
    assert.equal(readConfig({ LIKA_URL: 'https://a.example/lika/' }).url, 'https://a.example/lika')
    assert.equal(readConfig({}).language, 'both')
    for (const env of [{ LIKA_URL: 'a.example' }, { LIKA_URL: 'ftp://a' }, { LIKA_LANG: 'fr' }]) {
      assert.throws(() => readConfig(env), UsageError)
    }
  })
})
