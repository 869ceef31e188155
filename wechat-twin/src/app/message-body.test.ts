/** How a message is written as XML and as JSON, and what of an answer is read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMembers, toXml, write } from './message-body.ts'

test('text stands in CDATA that it cannot leave, numbers stand bare, levels stand within', () => {
  const members = { A: 'x<y', B: 5, C: { D: ']]><E>1</E>' } }
  assert.equal(
    toXml(members),
    '<xml><A><![CDATA[x<y]]></A><B>5</B><C><D><![CDATA[]]]]><![CDATA[><E>1</E>]]></D></C></xml>',
  )
  assert.equal(write('json', members), JSON.stringify(members))
  assert.equal(write('xml', members), toXml(members))
})

test('an answer is read in XML with and without CDATA, and in JSON', () => {
  const expected = { MsgType: 'text', CreateTime: '12', Content: '欢迎' }
  assert.deepEqual(
    readMembers(toXml({ MsgType: 'text', CreateTime: 12, Content: '欢迎' })),
    expected,
  )
  const plain =
    '<?xml version="1.0"?>\n<xml>\n<MsgType>text</MsgType><CreateTime>12</CreateTime><Content>欢迎</Content></xml>\n'
  assert.deepEqual(readMembers(plain), expected)
  assert.deepEqual(readMembers('{"MsgType":"text","CreateTime":12,"Content":"欢迎"}'), expected)
})

test('what is neither is not read', () => {
  for (const answer of ['ok', '', '<html></html>', '{"a":', '{', '<xml>'])
    assert.equal(readMembers(answer), undefined, answer)
})
