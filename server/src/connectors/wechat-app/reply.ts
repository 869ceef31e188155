/** A text for the user as the body that answers a callback: XML, sealed in safe mode where the app has a key. */
import { createCipheriv } from 'node:crypto'
import type { Instant } from '@lika/contract'
import type { AppCredentials } from '../../modules/wechat/index.ts'
import { randomBytes } from '../../platform/crypto/random.ts'
import { callbackSignature } from './signatures.ts'

export interface TextReply {
  readonly openid: string
  readonly account: string
  readonly text: string
}

export function replyBody(app: AppCredentials, reply: TextReply, now: Instant): string {
  const seconds = String(Math.floor(now / 1000))
  const plain = xml([
    ['ToUserName', reply.openid],
    ['FromUserName', reply.account],
    ['CreateTime', seconds],
    ['MsgType', 'text'],
    ['Content', reply.text],
  ])
  const { token, encodingAesKey, appid } = app
  if (token === null || encodingAesKey === null) return plain
  const encrypted = sealMessage(encodingAesKey, plain, appid)
  const nonce = randomBytes(8).toString('hex')
  return xml([
    ['Encrypt', encrypted],
    ['MsgSignature', callbackSignature([token, seconds, nonce, encrypted])],
    ['TimeStamp', seconds],
    ['Nonce', nonce],
  ])
}

const blockLength = 32

function sealMessage(encodingAesKey: string, message: string, appid: string): string {
  const key = Buffer.from(`${encodingAesKey}=`, 'base64')
  const text = Buffer.from(message)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  const body = Buffer.concat([randomBytes(16), length, text, Buffer.from(appid)])
  const padding = blockLength - (body.length % blockLength)
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([body, Buffer.alloc(padding, padding)])
  return Buffer.concat([cipher.update(padded), cipher.final()]).toString('base64')
}

function xml(members: readonly (readonly [string, string])[]): string {
  const lines = members.map(([name, value]) => `<${name}>${cdata(value)}</${name}>`)
  return `<xml>${lines.join('')}</xml>`
}

/** A text with the end of a section in it becomes two sections. */
function cdata(text: string): string {
  return `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
}
