/** What the local WeChat knows about an app beside the members that every part of it needs. */
import type { App } from '../kernel/users.ts'
import type { CardRight } from './cards/card-shape.ts'

export type OauthScope = 'snsapi_base' | 'snsapi_userinfo'

export interface Particulars {
  /** The account's original number, `ToUserName` of everything that is posted to it. */
  readonly account_id: string
  readonly message_mode: 'plain' | 'compatible' | 'safe'
  readonly message_format: 'xml' | 'json'
  /** Where its pages may use the JS-SDK; the redirect hosts unless said. */
  readonly js_hosts?: readonly string[]
  /** Which the authorisation page lets it ask for. */
  readonly oauth_scopes: readonly OauthScope[]
  readonly card_rights: readonly CardRight[]
  /** `by_hand`: a new card waits until it is reviewed by the control API. */
  readonly card_review: 'at_once' | 'by_hand'
  /** Paths that it was never given (48001), and such that were taken from it (48004). */
  readonly unauthorized_paths: readonly string[]
  readonly banned_paths: readonly string[]
}

export function particularsOf(app: App): Particulars {
  const isSealed = app.encoding_aes_key !== undefined
  return {
    account_id: `gh_${app.appid.slice(-12).toLowerCase()}`,
    message_mode: isSealed ? 'safe' : 'plain',
    message_format: 'xml',
    oauth_scopes: ['snsapi_base', 'snsapi_userinfo'],
    card_rights: ['custom_code', 'stored_value'],
    card_review: 'at_once',
    unauthorized_paths: [],
    banned_paths: [],
    ...app.more,
  }
}
