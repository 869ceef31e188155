/** How a buyer is asked to pay, made of what WeChat answers to an order. */
import type { Invitation, Prepay } from '../../modules/wechat/index.ts'
import { randomBytes } from '../../platform/crypto/random.ts'
import { refusedHere } from './answers.ts'
import type { PayClient } from './client.ts'
import { textIn } from './json.ts'

type Asked = Pick<Prepay, 'scene' | 'appid' | 'openid' | 'clientIp'>

/** Undefined: nothing stands in the way. */
export function invitationPossible({ suite }: PayClient, { scene, openid, clientIp }: Asked) {
  const isInWechat = scene === 'jsapi' || scene === 'mini_program'
  if (isInWechat && openid === undefined)
    return refusedHere('PARAM_ERROR', 'Inside WeChat an order needs the OpenID of its payer.')
  // What a page signs with SM2 is documented nowhere.
  if (isInWechat && suite.scheme !== 'WECHATPAY2-SHA256-RSA2048')
    return refusedHere('NOT_SUPPORTED', 'Pages in WeChat can be asked to pay under RSA only.')
  if (scene === 'h5' && clientIp === undefined)
    return refusedHere('PARAM_ERROR', 'Outside WeChat an order needs the address of its buyer.')
  return undefined
}

/** Undefined: the answer lacks what the scene needs. */
export function invitation(
  client: PayClient,
  { scene, appid }: Asked,
  body: unknown,
): Invitation | undefined {
  switch (scene) {
    case 'jsapi':
    case 'mini_program': {
      const prepayId = textIn(body, 'prepay_id')
      if (!prepayId) return undefined
      const nonce = randomBytes(16).toString('hex')
      const seconds = Math.floor(client.now() / 1000)
      const parameters = payParameters(client, appid, prepayId, String(seconds), nonce)
      // `wx.requestPayment` does not take the appid, although it is signed.
      return { scene, parameters: scene === 'jsapi' ? { appId: appid, ...parameters } : parameters }
    }
    case 'native': {
      const codeUrl = textIn(body, 'code_url')
      return codeUrl ? { scene, codeUrl } : undefined
    }
    case 'h5': {
      const url = textIn(body, 'h5_url')
      return url ? { scene, url } : undefined
    }
  }
}

/** Signed with the merchant's key: app, time, nonce and `prepay_id=…`, a line feed behind each. */
export function payParameters(
  { suite, ownKey }: Pick<PayClient, 'suite' | 'ownKey'>,
  appid: string,
  prepayId: string,
  timeStamp: string,
  nonceStr: string,
): Record<string, string> {
  const packed = `prepay_id=${prepayId}`
  const message = `${appid}\n${timeStamp}\n${nonceStr}\n${packed}\n`
  return {
    timeStamp,
    nonceStr,
    package: packed,
    signType: 'RSA',
    paySign: suite.sign(ownKey, message),
  }
}
