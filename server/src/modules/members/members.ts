/**
 * Members by what WeChat said of them. An OpenID stands for one member: of two logins at once one makes it, the other
 * finds it. What two members have in common joins them by a pointer, see links.ts.
 */
import {
  asId,
  type BookId,
  type Instant,
  type Lane,
  laneOfId,
  type MemberId,
  type Mode,
  modeOfBook,
} from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Database, Sql } from '../../platform/db.ts'
import { newId } from '../../platform/ids.ts'
import { selectCanonical, selectGroup, selectMerges } from './links.ts'
import { type KnownBy, type Member, type MergeRow, maskedOpenid, type Secrets } from './model.ts'
import {
  insertMember,
  insertName,
  lockMember,
  type MemberName,
  memberById,
  type StoredMember,
  selectByUnion,
  selectMembers,
  selectName,
  updatePhone,
  updateUnion,
} from './store.ts'

/** A member as staff see it. */
export type ShownMember = Member & { readonly openidMasked: string | null }

type PageFilter = { readonly before?: string | undefined; readonly limit: number }

export interface Members {
  isThere(book: BookId, id: MemberId): Promise<boolean>
  find(book: BookId, id: MemberId): Promise<ShownMember | undefined>
  /** The newest first. */
  list(book: BookId, filter: PageFilter): Promise<ShownMember[]>
  /** The member of an OpenID that WeChat itself has named; undefined: nobody has come with it yet. */
  memberOf(book: BookId, appid: string, openid: string): Promise<MemberId | undefined>
  /** The same, made where there is none. Two at once get the same one. */
  enter(book: BookId, known: KnownBy): Promise<MemberId>
  /** Somebody without a name. */
  makeGuest(book: BookId): Promise<MemberId>
  /**
   * By which WeChat knows this person in an app: of the member itself, else of one that is the same person. Only for
   * calls to WeChat; it is never answered, logged or journaled. undefined: this person never came by that app.
   */
  openidOf(book: BookId, id: MemberId, appid: string): Promise<string | undefined>
  /** Whether nobody at WeChat has named this member: such a one is made anew by whoever asks. */
  isGuest(book: BookId, id: MemberId): Promise<boolean>
  /** As whom the member is read now: itself, where it was never merged. */
  canonical(id: MemberId): Promise<MemberId>
  /** Everybody who is one person with this member, the canonical one first: whose cards and orders are theirs. */
  groupOf(id: MemberId): Promise<readonly MemberId[]>
  /** Others who came with the same UnionID. */
  sameUnion(book: BookId, id: MemberId): Promise<readonly Pick<Member, 'id' | 'appid'>[]>
  /** What joined and parted this person, the newest first. */
  merges(book: BookId, id: MemberId, filter: PageFilter): Promise<MergeRow[]>
  /** @throws where there is no such member. */
  setPhone(book: BookId, id: MemberId, phone: string): Promise<void>
}

export interface MemberNeeds {
  readonly database: Database
  readonly keyring: Pick<Keyring, 'nameDigest' | 'sealPerson' | 'openPerson'>
  /** In the books of the mode. */
  readonly now: (mode: Mode) => Instant
  readonly laneForNew: (mode: Mode) => Lane
  /** Kinds of names, each stored: in the directory, and of the digests beside the member. */
  readonly nameKinds: { readonly openid: number; readonly phone: number; readonly unionid: number }
}

export function openMembers(needs: MemberNeeds): Members {
  const { database, keyring, nameKinds } = needs
  const { sql } = database

  const nameOf = (bookId: BookId, appid: string, openid: string): MemberName => ({
    bookId,
    kind: nameKinds.openid,
    digest: keyring.nameDigest(bookId, nameKinds.openid, `${appid} ${openid}`),
  })
  const unionDigestOf = (book: BookId, unionid: string | undefined) =>
    unionid === undefined ? null : keyring.nameDigest(book, nameKinds.unionid, unionid)
  const sealedOf = (id: MemberId, secrets: Secrets) =>
    keyring.sealPerson(id, Buffer.from(JSON.stringify(secrets)))
  const open = (member: StoredMember) => secretsIn(keyring.openPerson(member.id, member))
  const shown = (member: StoredMember): ShownMember => {
    const { openid } = open(member)
    return { ...member, openidMasked: openid === undefined ? null : maskedOpenid(openid) }
  }
  const load = async (book: BookId, id: MemberId) => {
    const member = await memberById(sql, id)
    return member?.bookId === book ? member : undefined
  }

  function insert(on: Sql, book: BookId, id: MemberId, known: KnownBy | undefined): Promise<void> {
    return insertMember(on, laneOfId(id), {
      id,
      bookId: book,
      appid: known?.appid ?? null,
      unionDigest: unionDigestOf(book, known?.unionid),
      ...sealedOf(id, { openid: known?.openid, unionid: known?.unionid }),
      createdAt: needs.now(modeOfBook(book)),
    })
  }

  const mintId = (book: BookId): MemberId => asId(newId(needs.laneForNew(modeOfBook(book))))

  /** The name and the member in one transaction: whoever finds the name finds the member. */
  function make(book: BookId, known: KnownBy): Promise<MemberId> {
    const name = nameOf(book, known.appid, known.openid)
    return database.transaction(async (on) => {
      const id = mintId(book)
      const owner = (await insertName(on, name, id)) ? id : await selectName(on, name)
      if (owner === undefined) throw new Error('the name of a member vanished while it was taken')
      await insert(on, book, owner, known)
      return owner
    })
  }

  /** A UnionID that the member did not come with before. */
  async function learnUnion(book: BookId, id: MemberId, unionid: string): Promise<void> {
    const unionDigest = keyring.nameDigest(book, nameKinds.unionid, unionid)
    await database.transaction(async (on) => {
      const member = await lockMember(on, laneOfId(id), book, id)
      if (member === undefined || sameDigest(member.unionDigest, unionDigest)) return
      const sealed = sealedOf(id, { ...open(member), unionid })
      await updateUnion(on, laneOfId(id), id, { unionDigest, ...sealed })
    })
  }

  async function enter(book: BookId, known: KnownBy): Promise<MemberId> {
    const found = await selectName(sql, nameOf(book, known.appid, known.openid))
    const member = found && (await load(book, found))
    if (member === undefined) return make(book, known)
    const union = unionDigestOf(book, known.unionid)
    if (known.unionid !== undefined && union !== null && !sameDigest(member.unionDigest, union))
      await learnUnion(book, member.id, known.unionid)
    return member.id
  }

  async function groupOf(id: MemberId): Promise<readonly MemberId[]> {
    return selectGroup(sql, await selectCanonical(sql, id))
  }

  async function openidOf(book: BookId, id: MemberId, appid: string): Promise<string | undefined> {
    const own = await load(book, id)
    if (own?.appid === appid) return open(own).openid
    for (const other of await groupOf(id)) {
      const member = await load(book, other)
      if (member?.appid === appid) return open(member).openid
    }
    return undefined
  }

  return {
    isThere: async (book, id) => (await load(book, id)) !== undefined,
    find: async (book, id) => {
      const member = await load(book, id)
      return member && shown(member)
    },
    list: async (book, filter) => (await selectMembers(sql, book, filter)).map(shown),
    memberOf: async (book, appid, openid) => {
      const id = await selectName(sql, nameOf(book, appid, openid))
      return (id && (await load(book, id)))?.id
    },
    enter,
    makeGuest: async (book) => {
      const id = mintId(book)
      await insert(sql, book, id, undefined)
      return id
    },
    openidOf,
    isGuest: async (book, id) => (await load(book, id))?.appid === null,
    canonical: (id) => selectCanonical(sql, id),
    groupOf,
    sameUnion: async (book, id) => {
      const member = await load(book, id)
      if (member === undefined || member.unionDigest === null) return []
      const all = await selectByUnion(sql, book, member.unionDigest)
      return all.filter((one) => one.id !== id)
    },
    merges: async (book, id, filter) => selectMerges(sql, book, await groupOf(id), filter),
    setPhone: (book, id, phone) =>
      database.transaction(async (on) => {
        const member = await lockMember(on, laneOfId(id), book, id)
        if (member === undefined) throw new Error('a member is gone whose phone came')
        await updatePhone(on, laneOfId(id), id, {
          phoneDigest: keyring.nameDigest(book, nameKinds.phone, phone),
          phoneLast4: phone.slice(-4),
          ...sealedOf(id, { ...open(member), phone }),
        })
      }),
  }
}

function sameDigest(one: Uint8Array | null, other: Uint8Array): boolean {
  return one !== null && Buffer.compare(one, other) === 0
}

function secretsIn(bytes: Buffer): Secrets {
  const said: unknown = JSON.parse(bytes.toString())
  const members = new Map<string, unknown>(Object.entries(Object(said)))
  const text = (name: string) => {
    const value = members.get(name)
    return typeof value === 'string' ? value : undefined
  }
  return { openid: text('openid'), unionid: text('unionid'), phone: text('phone') }
}
