/** V2 signatures and XML: the vector of the fact sheet, and the same text signed by a library that is not ours. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Formatter, Hash, Transformer } from 'wechatpay-axios-plugin'
import { signedText, signV2, verifyV2 } from './sign.ts'
import { buildXml, parseXml } from './xml.ts'

const key = '192006250b4c09247ec02edce69f6a2d'
const sample = {
  appid: 'wxd930ea5d5a258f4f',
  body: 'test',
  device_info: '1000',
  mch_id: '10000100',
  nonce_str: 'ibuaiVcKdpRxkhJA',
}
const md5 = '9A0A8659F005D6984697E2CA0A9CF3B7'
const hmac = '6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6'

test('the vector of the documentation comes out by MD5 and by HMAC-SHA256', () => {
  assert.equal(signV2(Object.entries(sample), 'MD5', key), md5)
  assert.equal(signV2(Object.entries(sample), 'HMAC-SHA256', key), hmac)
})

test('a client that is not ours makes the same signatures', () => {
  const members = { ...sample, attach: '深圳分店', total_fee: '1', detail: '', zz_last: 'x&y=z' }
  const theirs = Formatter.queryStringLike(Formatter.ksort(members))
  assert.equal(signedText(Object.entries(members)), theirs)
  assert.equal(
    signV2(Object.entries(members), 'MD5', key),
    Hash.sign('MD5', members, key).toUpperCase(),
  )
  assert.equal(
    signV2(Object.entries(members), 'HMAC-SHA256', key),
    Hash.sign('HMAC-SHA256', members, key).toUpperCase(),
  )
})

test('a signature holds for its members, its kind and its key only', () => {
  const signed = new Map(Object.entries({ ...sample, sign: md5 }))
  assert.equal(verifyV2(signed, 'MD5', key), true)
  assert.equal(verifyV2(signed, 'HMAC-SHA256', key), false)
  assert.equal(verifyV2(signed, 'MD5', `${key.slice(1)}0`), false)
  assert.equal(verifyV2(new Map([...signed, ['body', 'other']]), 'MD5', key), false)
  assert.equal(verifyV2(new Map([...signed, ['sign', md5.toLowerCase()]]), 'MD5', key), false)
  assert.equal(verifyV2(new Map(Object.entries(sample)), 'MD5', key), false)
})

test('XML goes to a client that is not ours and back', () => {
  const members = {
    return_code: 'SUCCESS',
    attach: 'a<b>&"]]>c',
    body: '礼卡',
    empty: '',
    total_fee: 1250,
  }
  assert.deepEqual(Transformer.toObject(buildXml(members)), {
    ...members,
    total_fee: '1250',
  })
  assert.deepEqual(
    Object.fromEntries(parseXml(Transformer.toXml({ ...sample, attach: 'a<b>&c' })) ?? []),
    {
      ...sample,
      attach: 'a<b>&c',
    },
  )
})

for (const [why, text] of [
  [
    'a document type',
    '<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/hostname">]><xml><a>&a;</a></xml>',
  ],
  ['an entity of its own', '<xml><!ENTITY a "b"><a>&a;</a></xml>'],
  ['another root', '<json><a>1</a></json>'],
  ['two roots', '<xml><a>1</a></xml><xml><a>2</a></xml>'],
  ['a member twice', '<xml><a>1</a><a>2</a></xml>'],
  ['a member with members', '<xml><a><b>1</b></a></xml>'],
  ['a tag that stays open', '<xml><a>1</xml>'],
  ['no XML', '{"a":1}'],
  ['nothing', ''],
] as const) {
  test(`XML with ${why} is refused`, () => {
    assert.equal(parseXml(text), undefined)
  })
}
