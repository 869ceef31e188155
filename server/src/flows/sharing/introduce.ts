/** Tells WeChat who may get a share, before anybody does: each receiver at each active merchant number of the issuer. */
import { type BookId, ok, type Result, refusal, refused } from '@lika/contract'
import type { SharingReceiver } from '../../modules/sharing/index.ts'
import type { PayAccount } from '../../modules/wechat/index.ts'
import type { FlowContext } from '../context.ts'
import { payeeType } from './payees.ts'

type Context = Pick<FlowContext, 'members' | 'payAccounts' | 'wechatPay'>

/**
 * WeChat takes receivers as often as they are told. Refusals: `sharing.payee_unknown` for a member who has logged in to no
 * app of a merchant number, `wechat.refused` with WeChat's code, `busy` where it does not answer.
 */
export async function introduceReceivers(
  context: Context,
  book: BookId,
  receivers: readonly SharingReceiver[],
): Promise<Result<void>> {
  const accounts = await context.payAccounts.active(book)
  for (const account of accounts) {
    for (const receiver of receivers) {
      const known = await introduce(context, book, account, receiver)
      if (!known.ok) return known
    }
  }
  return ok(undefined)
}

async function introduce(
  context: Context,
  book: BookId,
  account: PayAccount,
  receiver: SharingReceiver,
): Promise<Result<void>> {
  const names = await namesOf(context, book, account, receiver)
  if (names.length === 0) return refused(payeeUnknown)
  const { name, relation } = receiver
  for (const { appid, id } of names) {
    const told = { type: payeeType(receiver), account: id, name, relation }
    const answer = await context.wechatPay.addReceiver(account.id, appid, told)
    if (answer.status === 'unknown')
      return refused(refusal('busy', 'WeChat does not answer.', { retryAfterSeconds: 2 }))
    if (answer.status === 'refused') return refused(notTaken(receiver, answer.code))
  }
  return ok(undefined)
}

const payeeUnknown = refusal(
  'sharing.payee_unknown',
  'The member has logged in to no app of a merchant number that sells, so WeChat cannot pay him.',
)

function notTaken({ mchid = 'the member' }: SharingReceiver, code: string) {
  return refusal('wechat.refused', `WeChat does not take ${mchid}: ${code}.`, { data: { code } })
}

/** A merchant has one name in every app; a person another in each in which he is known. */
async function namesOf(
  { members }: Context,
  book: BookId,
  { appids }: PayAccount,
  { mchid, memberId }: SharingReceiver,
): Promise<{ appid: string; id: string }[]> {
  if (mchid !== undefined) return [{ appid: appids[0] ?? '', id: mchid }]
  const names: { appid: string; id: string }[] = []
  for (const appid of appids) {
    const id = await members.openidOf(book, memberId, appid)
    if (id !== undefined) names.push({ appid, id })
  }
  return names
}
