/** Where WeChat is, for each mode, and where WeChat finds us: the part of the settings that begins with LIKA_WECHAT_. */
import type { Mode } from '@lika/contract'
import { CannotStart } from './cannot-start.ts'

export interface WechatUrls {
  /** Of WeChat Pay, without a slash at the end. */
  readonly pay: string
  /** Of official accounts and mini-programs. */
  readonly api: string
  /** Where browsers log in. */
  readonly open: string
}

export type WechatConfig = {
  /** LIKA_WECHAT_PAY_URL, LIKA_WECHAT_API_URL, LIKA_WECHAT_OPEN_URL: what is set holds for both modes. */
  readonly given: Partial<WechatUrls>
  /** LIKA_TWIN_PORT; absent: a local WeChat runs beside a demo only, where there is room for it. */
  readonly twinPort: number | undefined
  /** LIKA_PUBLIC_URL: what callbacks and pages are reached by; absent: our own address. */
  readonly publicUrl: string | undefined
}

/** `text`: a variable's value; undefined: it is not set. @throws CannotStart `config.invalid` */
export function readWechat(text: (name: string) => string | undefined): WechatConfig {
  const pay = readUrl('LIKA_WECHAT_PAY_URL', text)
  const api = readUrl('LIKA_WECHAT_API_URL', text)
  const open = readUrl('LIKA_WECHAT_OPEN_URL', text)
  return {
    given: {
      ...(pay !== undefined && { pay }),
      ...(api !== undefined && { api }),
      ...(open !== undefined && { open }),
    },
    twinPort: readPort('LIKA_TWIN_PORT', text),
    publicUrl: readUrl('LIKA_PUBLIC_URL', text),
  }
}

function readUrl(name: string, text: (name: string) => string | undefined): string | undefined {
  const value = text(name)
  if (value === undefined) return undefined
  if (/^https?:\/\//.test(value) && URL.canParse(value)) return value.replace(/\/+$/, '')
  throw invalid(name, `"${value}" is not a URL that begins with http:// or https://`)
}

function readPort(name: string, text: (name: string) => string | undefined): number | undefined {
  const value = text(name)
  if (value === undefined) return undefined
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value)
  throw invalid(name, `"${value}" is not a whole number from 0 to 65535`)
}

function invalid(name: string, why: string): CannotStart {
  return new CannotStart('config.invalid', `${name} cannot be used: ${why}.`)
}

const wechat: WechatUrls = {
  pay: 'https://api.mch.weixin.qq.com',
  api: 'https://api.weixin.qq.com',
  open: 'https://open.weixin.qq.com',
}

/**
 * Test mode talks to the local WeChat where one runs, live mode to WeChat; what is set in the environment goes before
 * both. Without a local WeChat test mode has nobody to talk to.
 */
export function wechatUrls(
  { given }: Pick<WechatConfig, 'given'>,
  mode: Mode,
  twinUrl: string | undefined,
): WechatUrls {
  const nowhere = 'http://127.0.0.1:9'
  const local = twinUrl ?? nowhere
  const standard = mode === 'live' ? wechat : { pay: local, api: local, open: local }
  return { ...standard, ...given }
}
