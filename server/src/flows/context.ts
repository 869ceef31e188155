/** What flows work with: handed in by the composition root, so that a flow names everything it touches. */
import type { Uuid } from '@lika/contract'
import type { Guesses, MintedCard, MintRequest } from '../modules/cards/index.ts'
import type { Issuers } from '../modules/issuers/index.ts'
import type { Loyalty } from '../modules/loyalty/index.ts'
import type { Members, Sessions } from '../modules/members/index.ts'
import type { Merchants } from '../modules/merchants/index.ts'
import type { Packs, Tables } from '../modules/policy/index.ts'
import type { Programs } from '../modules/programs/index.ts'
import type { PayAccounts, WechatApp, WechatApps, WechatPay } from '../modules/wechat/index.ts'
import type { Keyring } from '../platform/crypto/keyring.ts'
import type { Database } from '../platform/db.ts'
import type { Engine } from '../platform/lanes/index.ts'

export interface FlowContext {
  readonly engine: Engine
  /** For reads outside rounds. */
  readonly database: Database
  readonly newId: (lane?: number) => Uuid
  readonly keyring: Keyring
  readonly packs: Packs
  /** Rates and rest days that rules count with. */
  readonly tables: Tables
  readonly issuers: Issuers
  readonly programs: Programs
  readonly merchants: Merchants
  /** Campaigns in force. */
  readonly loyalty: Loyalty
  readonly guesses: Guesses
  readonly members: Members
  /** Who is logged in to the wallet. */
  readonly sessions: Sessions
  /** Merchant numbers of WeChat Pay. */
  readonly payAccounts: PayAccounts
  readonly wechatPay: WechatPay
  /** Official accounts and mini-programs. */
  readonly wechatApps: WechatApps
  /** Speaks to WeChat for one of them. */
  readonly wechatApp: WechatApp
  /** What callbacks and pages are reached by; without a slash at the end. */
  readonly publicUrl: () => string
  /** Numbers and secrets for new cards. */
  readonly mintCards: (request: MintRequest) => MintedCard[]
  /** Says to the local WeChat how far ahead the clock of test mode is; never rejects. */
  readonly tellTestClock: (offsetMs: number) => Promise<void>
}
