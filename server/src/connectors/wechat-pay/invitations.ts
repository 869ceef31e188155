/** How a buyer is asked to pay, made of what WeChat answers to an order. */
import type { Answer, Invitation, PayScene, Prepay } from '../../modules/wechat/index.ts'
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

/** What WeChat made of an order, still without our signature. */
export type Made =
  | { readonly scene: 'jsapi' | 'mini_program'; readonly prepayId: string }
  | Exclude<Invitation, { readonly parameters: unknown }>

/** Undefined: the answer lacks what the scene needs. */
export function madeIn(scene: PayScene, body: unknown): Made | undefined {
  switch (scene) {
    case 'jsapi':
    case 'mini_program': {
      const prepayId = textIn(body, 'prepay_id')
      return prepayId ? { scene, prepayId } : undefined
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

/** Signs what a page in WeChat asks its user with; links need no signature. */
export async function invited(
  client: PayClient,
  appid: string,
  made: Answer<Made>,
): Promise<Answer<Invitation>> {
  if (made.status !== 'done') return made
  const { value } = made
  if (!('prepayId' in value)) return { status: 'done', value }
  const nonce = randomBytes(16).toString('hex')
  const seconds = String(Math.floor(client.now() / 1000))
  const signed = await payParameters(client, appid, value.prepayId, seconds, nonce)
  // `wx.requestPayment` does not take the appid, although it is signed.
  const parameters = value.scene === 'jsapi' ? { appId: appid, ...signed } : signed
  return { status: 'done', value: { scene: value.scene, parameters } }
}

/** Signed with the merchant's key: app, time, nonce and `prepay_id=…`, a line feed behind each. */
export async function payParameters(
  { suite, ownKey }: Pick<PayClient, 'suite' | 'ownKey'>,
  appid: string,
  prepayId: string,
  timeStamp: string,
  nonceStr: string,
): Promise<Record<string, string>> {
  const packed = `prepay_id=${prepayId}`
  const message = `${appid}\n${timeStamp}\n${nonceStr}\n${packed}\n`
  const paySign = await suite.sign(ownKey, message)
  return { timeStamp, nonceStr, package: packed, signType: 'RSA', paySign }
}
