/**
 * Sessions of the wallet: an opaque token that says nothing, kept as a digest. Short-lived and ended at once on every
 * server, since each request asks for it; a new login is the only way to another one.
 */
import {
  type BookId,
  type Instant,
  issuerOfBook,
  type MemberId,
  modeOfBook,
  type WechatAppId,
} from '@lika/contract'
import { realNow } from '../../platform/clock.ts'
import { digestToken, walletToken } from '../../platform/crypto/tokens.ts'
import type { Database, Sql } from '../../platform/db.ts'
import type { MemberCaller } from './model.ts'

const hourMs = 3_600_000
/** Of somebody who logged in: WeChat logs in again without a word. */
const memberForMs = 2 * hourMs
/** A guest has nothing else by which to come back to a card that was bought. */
const guestForMs = 30 * 24 * hourMs

export interface NewSession {
  readonly book: BookId
  readonly memberId: MemberId
  readonly appId: WechatAppId
  readonly isGuest: boolean
}

export interface Sessions {
  /** The token is in the answer, and nowhere afterwards. */
  begin(session: NewSession): Promise<{ readonly token: string; readonly expiresAt: Instant }>
  /** undefined: unknown, over or ended. */
  memberOf(token: string): Promise<MemberCaller | undefined>
  end(token: string): Promise<void>
  /** True the first time that somebody comes back from WeChat with this state. */
  useLogin(stateDigest: Uint8Array, expiresAt: Instant): Promise<boolean>
  /** Forgets what has been over for a while. */
  sweep(): Promise<void>
}

export function openSessions({ sql }: Pick<Database, 'sql'>): Sessions {
  return {
    begin: async (session) => {
      const { token, digest } = walletToken()
      const now = realNow()
      const expiresAt = now + (session.isGuest ? guestForMs : memberForMs)
      await insertSession(sql, session, digest, now, expiresAt)
      return { token, expiresAt }
    },
    memberOf: async (token) => {
      if (!tokenPattern.test(token)) return undefined
      const row = await selectSession(sql, digestToken(token), realNow())
      if (row === undefined) return undefined
      const { book, memberId, appId } = row
      const issuerId = issuerOfBook(book)
      return { kind: 'member', memberId, appId, issuerId, mode: modeOfBook(book), book }
    },
    end: async (token) => endSession(sql, digestToken(token), realNow()),
    useLogin: (digest, expiresAt) => insertLogin(sql, digest, expiresAt),
    sweep: () => deleteOld(sql, realNow()),
  }
}

const tokenPattern = /^lika_wallet_[\w-]{32}$/

async function insertSession(
  sql: Sql,
  { book, memberId, appId }: NewSession,
  digest: Uint8Array,
  now: Instant,
  expiresAt: Instant,
): Promise<void> {
  await sql`
    insert into wallet_session (digest, book_id, member_id, app_id, created_at, expires_at)
    values (
      ${digest}, ${book}, ${memberId}, ${appId}, ${new Date(now)}::timestamptz,
      ${new Date(expiresAt)}::timestamptz
    )`
}

interface SessionRow {
  readonly book: BookId
  readonly memberId: MemberId
  readonly appId: WechatAppId
}

async function selectSession(
  sql: Sql,
  digest: Uint8Array,
  now: Instant,
): Promise<SessionRow | undefined> {
  const [row] = await sql<SessionRow[]>`
    select book_id as book, member_id as "memberId", app_id as "appId"
    from wallet_session
    where digest = ${digest}
      and expires_at > ${new Date(now)}::timestamptz
      and ended_at is null`
  return row
}

async function endSession(sql: Sql, digest: Uint8Array, now: Instant): Promise<void> {
  await sql`
    update wallet_session
    set ended_at = ${new Date(now)}::timestamptz
    where digest = ${digest}
      and ended_at is null`
}

async function insertLogin(sql: Sql, digest: Uint8Array, expiresAt: Instant): Promise<boolean> {
  const inserted = await sql`
    insert into wallet_login (digest, expires_at)
    values (${digest}, ${new Date(expiresAt)}::timestamptz)
    on conflict do nothing`
  return inserted.count === 1
}

async function deleteOld(sql: Sql, now: Instant): Promise<void> {
  await sql`
    delete from wallet_session
    where expires_at < ${new Date(now - hourMs)}::timestamptz`
  await sql`
    delete from wallet_login
    where expires_at < ${new Date(now - hourMs)}::timestamptz`
}
