/** Who is asked to pay at WeChat: kept as a digest beside what is to be paid; the OpenID itself is looked up. */
import type { BookId, MemberId } from '@lika/contract'
import type { FlowContext } from './context.ts'
import { nameKinds } from './names.ts'

export interface Payer {
  /** Holds within its app. */
  readonly openid: string
  readonly digest: Uint8Array
}

export function payerDigestOf(
  { keyring }: Pick<FlowContext, 'keyring'>,
  book: BookId,
  appid: string,
  openid: string,
): Uint8Array {
  return keyring.nameDigest(book, nameKinds.payer, `${appid} ${openid}`)
}

/** undefined: nobody is named, or WeChat never told us who he is in this app. */
export async function payerIn(
  context: Pick<FlowContext, 'members' | 'keyring'>,
  book: BookId,
  memberId: MemberId | null,
  appid: string,
): Promise<Payer | undefined> {
  const openid =
    memberId === null ? undefined : await context.members.openidOf(book, memberId, appid)
  if (openid === undefined) return undefined
  return { openid, digest: payerDigestOf(context, book, appid, openid) }
}

/** Whether he is who was asked. */
export function isPayer(digest: Uint8Array, asked: Uint8Array): boolean {
  return Buffer.compare(digest, asked) === 0
}
