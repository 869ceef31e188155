/** Looks at everything that an issuer has at WeChat, or at one account or app of it, and says what is wrong and what to do. */
import {
  type BookId,
  formatId,
  ok,
  type Result,
  refusal,
  refused,
  type WechatAccountId,
  type WechatAppId,
} from '@lika/contract'
import type { App, CheckStep, PayAccount } from '../../modules/wechat/index.ts'
import type { FlowContext } from '../context.ts'

export interface DoctorAsked {
  /** Neither: all of them. */
  readonly account?: WechatAccountId | undefined
  readonly app?: WechatAppId | undefined
}

export interface Examined {
  readonly kind: 'pay_account' | 'app'
  readonly id: string
  /** Its merchant number or appid. */
  readonly name: string
  /** In the order in which they were taken. */
  readonly steps: readonly CheckStep[]
}

type Needs = Pick<
  FlowContext,
  'payAccounts' | 'wechatApps' | 'wechatPay' | 'wechatApp' | 'publicUrl'
>

const mostOfEach = 50
const atOnce = 8

/** Accounts before apps. Refusals: `wechat_account.not_found`, `wechat_app.not_found`. */
export async function examine(
  needs: Needs,
  book: BookId,
  asked: DoctorAsked,
): Promise<Result<readonly Examined[]>> {
  const isAll = asked.account === undefined && asked.app === undefined
  const accounts = await accountsOf(needs, book, asked, isAll)
  if (accounts === undefined)
    return refused(
      refusal('wechat_account.not_found', 'No WeChat Pay account has this id here (wxpay_…).'),
    )
  const apps = await appsOf(needs, book, asked, isAll)
  if (apps === undefined)
    return refused(refusal('wechat_app.not_found', 'No WeChat app has this id here (wxapp_…).'))
  const visits = [
    ...accounts.map((account) => () => ofAccount(needs, account)),
    ...apps.map((app) => () => ofApp(needs, app)),
  ]
  const examined: Examined[] = []
  for (let done = 0; done < visits.length; done += atOnce) {
    const some = visits.slice(done, done + atOnce)
    examined.push(...(await Promise.all(some.map((visit) => visit()))))
  }
  return ok(examined)
}

async function ofAccount(
  { wechatPay }: Needs,
  { id, mchid }: Pick<PayAccount, 'id' | 'mchid'>,
): Promise<Examined> {
  const steps = await wechatPay.check(id)
  return { kind: 'pay_account', id: formatId('wechat_account', id), name: mchid, steps }
}

async function ofApp(
  { wechatApp, publicUrl }: Needs,
  { id, appid }: Pick<App, 'id' | 'appid'>,
): Promise<Examined> {
  const text = formatId('wechat_app', id)
  const callbackUrl = `${publicUrl()}/wechat/apps/${text}/callbacks`
  return { kind: 'app', id: text, name: appid, steps: await wechatApp.check(id, { callbackUrl }) }
}

async function accountsOf(
  { payAccounts }: Needs,
  book: BookId,
  { account }: DoctorAsked,
  isAll: boolean,
): Promise<readonly PayAccount[] | undefined> {
  if (isAll) return payAccounts.list(book, { status: 'active', limit: mostOfEach })
  if (account === undefined) return []
  const found = await payAccounts.find(book, account)
  return found && [found]
}

async function appsOf(
  { wechatApps }: Needs,
  book: BookId,
  { app }: DoctorAsked,
  isAll: boolean,
): Promise<readonly App[] | undefined> {
  if (isAll) return wechatApps.list(book, { limit: mostOfEach })
  if (app === undefined) return []
  const found = await wechatApps.find(book, app)
  return found && [found]
}
