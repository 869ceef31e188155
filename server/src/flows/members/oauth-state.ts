/**
 * What travels through WeChat's page of authorisation and back: which app, until when, and a MAC over that and over a
 * cookie that stays in the browser, so that nobody is logged in by a link that somebody else began. Pure.
 */
import { asId, type Instant, type WechatAppId } from '@lika/contract'

export type LoginMac = (text: string) => Uint8Array

export interface OauthState {
  readonly appId: WechatAppId
  readonly expiresAt: Instant
}

const macLength = 16
const bodyLength = 22

/** 51 characters of base64url; WeChat carries 128. `cookie`: what stays in the browser. */
export function writeState(
  { appId, expiresAt }: OauthState,
  cookie: string,
  mac: LoginMac,
): string {
  const body = Buffer.alloc(bodyLength)
  Buffer.from(appId.replaceAll('-', ''), 'hex').copy(body)
  body.writeUIntBE(expiresAt, 16, 6)
  return Buffer.concat([body, mac(signed(body, cookie))]).toString('base64url')
}

/** undefined: not begun here, begun in another browser, or over. */
export function readState(
  text: string,
  cookie: string,
  mac: LoginMac,
  now: Instant,
  isSame: (one: Uint8Array, other: Uint8Array) => boolean,
): OauthState | undefined {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== bodyLength + macLength || bytes.toString('base64url') !== text)
    return undefined
  const body = bytes.subarray(0, bodyLength)
  if (!isSame(mac(signed(body, cookie)), bytes.subarray(bodyLength))) return undefined
  const expiresAt = body.readUIntBE(16, 6)
  const hex = body.toString('hex', 0, 16)
  const parts = [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ].map(([from, to]) => hex.slice(from, to))
  return expiresAt <= now ? undefined : { appId: asId(parts.join('-')), expiresAt }
}

function signed(body: Buffer, cookie: string): string {
  return `${body.toString('base64url')} ${cookie}`
}

/** A page of ours and nothing else: what `return_to` may be. */
export const ownPath = '^(?!.*//)/(h5|wallet)/[A-Za-z0-9_./?=&%~-]{0,300}$'

/** The page with one more member in its query. */
export function withMember(path: string, name: string, value: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}${name}=${value}`
}
