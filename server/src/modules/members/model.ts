/** Members: who they are, and who of them is one person with whom. */
import type {
  BookId,
  CommandId,
  Instant,
  IssuerId,
  MemberId,
  Mode,
  WechatAppId,
} from '@lika/contract'

/** As readers see one; what it was known by lies encrypted and is opened only where it is used. */
export interface Member {
  readonly id: MemberId
  readonly bookId: BookId
  /** The app in which the OpenID holds; null: a guest, who has none. */
  readonly appid: string | null
  readonly hasUnion: boolean
  readonly phoneLast4: string | null
  readonly createdAt: Instant
}

/** A member, known by what only WeChat itself has said to this server. */
export interface KnownBy {
  readonly appid: string
  readonly openid: string
  readonly unionid?: string | undefined
}

/** What lies encrypted. */
export interface Secrets {
  readonly openid?: string | undefined
  readonly unionid?: string | undefined
  readonly phone?: string | undefined
}

/** A member in the wallet, by the token of a session. */
export interface MemberCaller {
  readonly kind: 'member'
  /** As logged in: not the one as whom it is read since a merge. */
  readonly memberId: MemberId
  /** The app by which it came. */
  readonly appId: WechatAppId
  readonly issuerId: IssuerId
  readonly mode: Mode
  readonly book: BookId
}

/** One merge or its undoing. */
export interface MergeRow {
  readonly id: CommandId
  readonly bookId: BookId
  readonly memberId: MemberId
  readonly intoId: MemberId
  /** The member whose login told it; null: a person did it. */
  readonly toldBy: MemberId | null
  /** The merge that this undoes; null: it is a merge. */
  readonly undoes: CommandId | null
  readonly at: Instant
}

/** As whom a member is read now. */
export interface LinkRow {
  readonly memberId: MemberId
  readonly bookId: BookId
  /** null: as itself, again. */
  readonly intoId: MemberId | null
  readonly mergeId: CommandId
}

/** Which of two stays: the one with an OpenID before a guest, then the older one. The same whoever asks. */
export function survivorFirst(
  one: Pick<Member, 'id' | 'appid'>,
  other: Pick<Member, 'id' | 'appid'>,
): boolean {
  if ((one.appid === null) !== (other.appid === null)) return one.appid !== null
  return one.id < other.id
}

/** `oLk3…9fQe`: enough to tell two apart, too little to use. */
export function maskedOpenid(openid: string): string {
  return openid.length < 12 ? '…' : `${openid.slice(0, 4)}…${openid.slice(-4)}`
}
