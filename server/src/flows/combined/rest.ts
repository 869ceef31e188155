/** Through which merchant number and app the rest of a combined payment is asked for, and of whom. */
import {
  type BookId,
  type MemberId,
  ok,
  type Result,
  refusal,
  refused,
  type WechatAccountId,
  type WechatAppId,
} from '@lika/contract'
import type { CombinedScene } from '../../modules/combined/index.ts'
import type { FlowContext } from '../context.ts'
import { payerIn } from '../payer.ts'

/** As the caller says it. */
export interface RestAsked {
  readonly scene: CombinedScene
  readonly appId?: WechatAppId | undefined
  readonly memberId?: MemberId | undefined
}

/** By whom, and how, the rest is paid. */
export interface Rest {
  readonly scene: CombinedScene
  readonly accountId: WechatAccountId
  readonly appid: string
  readonly memberId?: MemberId | undefined
  /** Of the member, where WeChat is asked for one payer. */
  readonly payerDigest?: Uint8Array | undefined
}

/**
 * The newest account that is bound to the app; without an app, the newest account and the first app it is bound to. Its
 * OpenID is looked up when it is needed and goes nowhere else. Refusals: `wechat_app.not_found`,
 * `wechat_account.not_found`, `member.not_found`, `order.payer_unknown` for a member who never came by that app.
 */
export async function restOf(
  context: FlowContext,
  book: BookId,
  { scene, appId, memberId }: RestAsked,
): Promise<Result<Rest>> {
  const { payAccounts, wechatApps, members } = context
  const app = appId === undefined ? undefined : await wechatApps.find(book, appId)
  if (appId !== undefined && app === undefined)
    return refused(refusal('wechat_app.not_found', 'No WeChat app has this id here (wxapp_…).'))
  const accounts = await payAccounts.active(book)
  const account = accounts.find(({ appids }) => app === undefined || appids.includes(app.appid))
  const appid = app?.appid ?? account?.appids[0]
  if (account === undefined || appid === undefined)
    return refused(
      refusal('wechat_account.not_found', 'No merchant number of WeChat Pay is there for this.'),
    )
  const rest = { scene, accountId: account.id, appid }
  if (memberId === undefined) return ok(rest)
  if (!(await members.isThere(book, memberId)))
    return refused(refusal('member.not_found', 'No member has this id here (mem_…).'))
  // Whoever scans a code, or shows one, pays it.
  if (scene !== 'jsapi' && scene !== 'mini_program') return ok(rest)
  const payer = await payerIn(context, book, memberId, appid)
  if (payer === undefined)
    return refused(
      refusal('order.payer_unknown', 'The member has never come by this app: log in there first.'),
    )
  return ok({ ...rest, memberId, payerDigest: payer.digest })
}
