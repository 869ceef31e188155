/** Messages in safe mode, opened from and sealed for an implementation that is not ours. */
import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { describe, test } from 'node:test'
import { asId } from '@lika/contract'
import { decrypt, encrypt, getSignature } from '@wecom/crypto'
import type { AppCredentials } from '../../modules/wechat/index.ts'
import { readBody } from './message-body.ts'
import { openMessage } from './message-crypto.ts'
import { replyBody } from './reply.ts'

const key = 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C'
const appid = 'wx5823bf96d3bd56c7'

describe('a message that another implementation sealed', () => {
  for (const message of ['x', '<xml><a>1</a></xml>', '礼卡'.repeat(500), 'y'.repeat(31)]) {
    test(`of ${Buffer.byteLength(message)} bytes is opened`, () => {
      assert.deepEqual(openMessage(key, encrypt(key, message, appid)), { message, appid })
    })
  }

  test('is not opened under another key, cut, or changed anywhere in its last block', () => {
    const sealed = encrypt(key, 'hello', appid)
    assert.equal(openMessage(`${key.slice(0, -2)}AC`, sealed), undefined)
    assert.equal(openMessage(key, sealed.slice(0, -8)), undefined)
    assert.equal(openMessage(key, ''), undefined)
    assert.equal(openMessage('short', sealed), undefined)
    const bytes = Buffer.from(sealed, 'base64')
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    assert.equal(openMessage(key, bytes.toString('base64')), undefined)
  })

  test('is not opened where a byte of its padding or its length is wrong', () => {
    assert.equal(openMessage(key, raw([...body('hi', 2), ...padding(24, 9)])), undefined)
    assert.equal(openMessage(key, raw([...body('hi', 200), ...padding(24)])), undefined)
  })
})

describe('an answer to a message', () => {
  const app: AppCredentials = {
    app: asId('01900000-0000-7000-8000-000000000000'),
    book: asId('01900000-0000-7000-8000-000000000400'),
    appid,
    kind: 'official_account',
    version: 1,
    secret: 's'.repeat(32),
    token: 'QDG6eK',
    encodingAesKey: key,
  }
  const reply = { openid: 'o1', account: 'gh_1', text: 'a ]]> <b> 你好' }

  test('is opened by another implementation, and its signature is the right one', () => {
    const sealed = readBody(Buffer.from(replyBody(app, reply, 1_714_037_059_000))) ?? {}
    const { Encrypt = '', MsgSignature, TimeStamp = '', Nonce = '' } = sealed
    assert.equal(MsgSignature, getSignature('QDG6eK', TimeStamp, Nonce, Encrypt))
    const { message, id } = decrypt(key, Encrypt)
    assert.equal(id, appid)
    assert.deepEqual(readBody(Buffer.from(message)), {
      ToUserName: 'o1',
      FromUserName: 'gh_1',
      CreateTime: '1714037059',
      MsgType: 'text',
      Content: 'a ]]> <b> 你好',
    })
  })

  test('is plain where messages are', () => {
    const plain = replyBody({ ...app, encodingAesKey: null }, reply, 1_714_037_059_000)
    assert.equal(readBody(Buffer.from(plain))?.['Content'], reply.text)
  })
})

/** Random bytes, a length, the text, the appid: padded so that `padding` completes a block. */
function body(text: string, length: number): number[] {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(length)
  return [...Buffer.alloc(16, 7), ...size, ...Buffer.from(text), ...Buffer.from(appid)]
}

function padding(length: number, first = length): number[] {
  return [first, ...Array.from({ length: length - 1 }, () => length)]
}

function raw(bytes: number[]): string {
  const secret = Buffer.from(`${key}=`, 'base64')
  const cipher = createCipheriv('aes-256-cbc', secret, secret.subarray(0, 16))
  cipher.setAutoPadding(false)
  const whole = Buffer.from(bytes)
  const missing = (16 - (whole.length % 16)) % 16
  const filled = Buffer.concat([Buffer.alloc(missing, 7), whole])
  return Buffer.concat([cipher.update(filled), cipher.final()]).toString('base64')
}
