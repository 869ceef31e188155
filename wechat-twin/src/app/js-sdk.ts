/** What the WeChat app checks before it lets a page of an account do something: the page's own signature. */
import { WechatRefusal } from '../kernel/refusal.ts'
import type { App } from '../kernel/users.ts'
import { particularsOf } from './app-record.ts'
import { type Body, needText, needWhole } from './fields.ts'
import { isSameSignature, pageSignature } from './signatures.ts'
import type { World } from './world.ts'

/**
 * `page`: `{url, timestamp, nonceStr, signature}` as the page gave them to `wx.config`, with the address that the browser
 * shows. Refuses as the JS-SDK does, in words: another host, or a signature that is not of this page and ticket.
 */
export function checkPage({ tickets }: World, app: App, page: Body): void {
  const url = needText(page, 'url')
  const address = URL.canParse(url) ? new URL(url) : undefined
  const { redirect_hosts } = app
  const { js_hosts = redirect_hosts } = particularsOf(app)
  const isOurs =
    address !== undefined &&
    (js_hosts.includes(address.host) || js_hosts.includes(address.hostname))
  if (!isOurs) throw new WechatRefusal(400, 'INVALID_URL_DOMAIN', 'config:invalid url domain')
  const ticket = tickets.valid(app.appid, 'jsapi')
  const expected =
    ticket === undefined
      ? ''
      : pageSignature({
          ticket,
          url,
          nonceStr: needText(page, 'nonceStr'),
          timestamp: needWhole(page, 'timestamp'),
        })
  if (ticket === undefined || !isSameSignature(expected, needText(page, 'signature')))
    throw new WechatRefusal(400, 'INVALID_SIGNATURE', 'config:invalid signature')
}
