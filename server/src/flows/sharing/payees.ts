/**
 * By what WeChat knows those who get a share: a merchant by its number, a member by the OpenID that he has in the app of
 * the request. An OpenID goes to WeChat and nowhere else.
 */
import type { BookId, WechatAccountId } from '@lika/contract'
import type { Payee } from '../../modules/sharing/index.ts'
import type { FlowContext } from '../context.ts'

export type PayeeContext = Pick<FlowContext, 'members' | 'payAccounts'>

/** One account for each payee, in order; undefined: WeChat does not know the member in this app. */
export interface KnownPayees {
  readonly appid: string
  readonly accounts: readonly (string | undefined)[]
}

/** In the app of the sale, or else in another of the merchant number in which every member of them is known. */
export async function payeesOf(
  context: PayeeContext,
  sale: {
    readonly bookId: BookId
    readonly accountId: WechatAccountId
    readonly appid: string
    readonly receivers: readonly Payee[]
  },
): Promise<KnownPayees> {
  const { bookId, accountId, appid, receivers } = sale
  const own = await payeesIn(context, bookId, appid, receivers)
  if (own.accounts.every((account) => account !== undefined)) return own
  const account = await context.payAccounts.find(bookId, accountId)
  for (const other of account?.appids ?? []) {
    const known = await payeesIn(context, bookId, other, receivers)
    if (known.accounts.every((one) => one !== undefined)) return known
  }
  return own
}

async function payeesIn(
  { members }: PayeeContext,
  book: BookId,
  appid: string,
  receivers: readonly Payee[],
): Promise<KnownPayees> {
  const accounts = receivers.map(
    async ({ mchid, memberId }) => mchid ?? (await members.openidOf(book, memberId, appid)),
  )
  return { appid, accounts: await Promise.all(accounts) }
}

export function payeeType({ mchid }: Payee): 'MERCHANT_ID' | 'PERSONAL_OPENID' {
  return mchid === undefined ? 'PERSONAL_OPENID' : 'MERCHANT_ID'
}
