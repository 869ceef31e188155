/** Bodies of callbacks as names and texts, and what is not read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBody } from './message-body.ts'

const read = (text: string) => readBody(Buffer.from(text))

test('XML and JSON with the same members say the same', () => {
  const fields = { ToUserName: 'gh_1', CreateTime: '1348831860', Event: 'subscribe' }
  const xml =
    '<xml><ToUserName><![CDATA[gh_1]]></ToUserName><CreateTime>1348831860</CreateTime><Event><![CDATA[subscribe]]></Event></xml>'
  assert.deepEqual(read(xml), fields)
  assert.deepEqual(
    read('{"ToUserName":"gh_1","CreateTime":1348831860,"Event":"subscribe"}'),
    fields,
  )
})

test('digits stay as they came, however long', () => {
  const code = '00123456789012345678901234567890'
  assert.equal(read(`<xml><UserCardCode>${code}</UserCardCode></xml>`)?.['UserCardCode'], code)
})

test('what is nested gets a dotted name', () => {
  assert.deepEqual(read('<xml><A><B>1</B><B>2</B></A></xml>'), { 'A.B.0': '1', 'A.B.1': '2' })
  assert.deepEqual(read('{"a":{"b":[{"c":true}]}}'), { 'a.b.0.c': 'true' })
})

for (const [what, text] of [
  ['a document that declares entities', '<!DOCTYPE x [<!ENTITY e "boom">]><xml><A>&e;</A></xml>'],
  ['another root', '<html><A>1</A></html>'],
  ['broken JSON', '{"a":'],
  ['text', 'hello'],
  ['nothing', ''],
  ['more than 64 KiB', `<xml><A>${'x'.repeat(70_000)}</A></xml>`],
] as const) {
  test(`${what} is not read`, () => assert.equal(read(text), undefined))
}
