/**
 * What a message callback is answered with when the user is to read something: a text in XML, in a sealed envelope where
 * the app's messages come in one.
 */
import { createCipheriv } from 'node:crypto'
import type { Instant } from '@lika/contract'
import type { AppCredentials, AppDesk, WechatApp } from '../../modules/wechat/index.ts'
import { randomBytes } from '../../platform/crypto/random.ts'
import { callbackSignature } from './signatures.ts'

const randomLength = 16
const blockLength = 32

export function makeReplies(desk: AppDesk, now: () => Instant): Pick<WechatApp, 'writeReply'> {
  return {
    writeReply: async (id, reply) => {
      const app = await desk.credentials(id)
      if (app === undefined) return undefined
      const seconds = Math.floor(now() / 1000)
      const message = `<xml>${tag('ToUserName', reply.openid)}${tag('FromUserName', reply.account)}<CreateTime>${seconds}</CreateTime>${tag('MsgType', 'text')}${tag('Content', reply.text)}</xml>`
      return app.encodingAesKey === null ? message : envelope(app, message, seconds)
    },
  }
}

function envelope(
  { token, encodingAesKey, appid }: AppCredentials,
  message: string,
  seconds: number,
): string {
  const encrypted = sealMessage(encodingAesKey ?? '', message, appid)
  const [timestamp, nonce] = [String(seconds), randomBytes(8).toString('hex')]
  const signature = callbackSignature([token ?? '', timestamp, nonce, encrypted])
  return `<xml>${tag('Encrypt', encrypted)}${tag('MsgSignature', signature)}<TimeStamp>${timestamp}</TimeStamp>${tag('Nonce', nonce)}</xml>`
}

/** As WeChat seals its own: see `openMessage`. */
function sealMessage(encodingAesKey: string, message: string, appid: string): string {
  const key = Buffer.from(`${encodingAesKey}=`, 'base64')
  const body = Buffer.from(message)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  const plain = Buffer.concat([randomBytes(randomLength), length, body, Buffer.from(appid)])
  const padding = blockLength - (plain.length % blockLength)
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([plain, Buffer.alloc(padding, padding)])
  return Buffer.concat([cipher.update(padded), cipher.final()]).toString('base64')
}

/** Nothing in the text can end its section. */
function tag(name: string, text: string): string {
  return `<${name}><![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]></${name}>`
}
