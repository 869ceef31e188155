/** The SQL of merchant numbers; what is secret comes and goes sealed. */
import type { BookId, Instant, WechatAccountId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { textArray, uuidArray } from '../../platform/db-array.ts'
import { codeOf } from '../../platform/db-faults.ts'
import { together } from '../../platform/together.ts'
import type { KeyMode, PayAlgorithm } from './pay-account-keys.ts'

export const payAccountStatuses = ['active', 'disabled'] as const
export type PayAccountStatus = (typeof payAccountStatuses)[number]

/** What may be seen of a merchant number. */
export interface PayAccount {
  readonly id: WechatAccountId
  readonly book: BookId
  readonly mchid: string
  readonly appids: readonly string[]
  readonly algorithm: PayAlgorithm
  readonly keyMode: KeyMode
  readonly certificateSerial: string
  readonly privateKeyFingerprint: Uint8Array
  readonly publicKeyId: string | null
  readonly publicKeyPem: string | null
  readonly apiV3KeyLast4: string
  readonly apiV2KeyLast4: string | null
  readonly hasClientCertificate: boolean
  readonly status: PayAccountStatus
  /** Counts the changes, from 1. */
  readonly version: number
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
  readonly changedAt: Instant
}

export interface StoredPayAccount extends PayAccount {
  readonly credentials: Uint8Array
}

/** What stands in the way of keeping it. */
export type Taken = 'reference' | 'mchid'

/** Undefined: kept. */
export async function insertPayAccount(
  sql: Sql,
  account: StoredPayAccount,
): Promise<Taken | undefined> {
  const done = sql`
    insert into wechat_account (
      id, book_id, mchid, appids, algorithm, key_mode, certificate_serial, private_key_fingerprint,
      public_key_id, public_key_pem, credentials, api_v3_key_last4, api_v2_key_last4,
      has_client_certificate, status, version, reference, metadata, created_at, changed_at
    )
    values (
      ${account.id}, ${account.book}, ${account.mchid}, ${textArray(account.appids)}::text[],
      ${account.algorithm}, ${account.keyMode}, ${account.certificateSerial},
      ${account.privateKeyFingerprint}::bytea, ${account.publicKeyId}::text,
      ${account.publicKeyPem}::text, ${account.credentials}::bytea, ${account.apiV3KeyLast4},
      ${account.apiV2KeyLast4}::text, ${account.hasClientCertificate}, ${account.status},
      ${account.version}, ${account.reference}::text, ${JSON.stringify(account.metadata)}::text::jsonb,
      ${account.createdAt}::timestamptz, ${account.changedAt}::timestamptz
    )`
  return takenBy(done)
}

/** False: somebody else changed it meanwhile, or it is not active any more. */
export async function updatePayAccount(
  sql: Sql,
  account: StoredPayAccount,
  seen: number,
): Promise<boolean> {
  const done = await sql`
    update wechat_account
    set
      appids = ${textArray(account.appids)}::text[],
      algorithm = ${account.algorithm},
      key_mode = ${account.keyMode},
      certificate_serial = ${account.certificateSerial},
      private_key_fingerprint = ${account.privateKeyFingerprint}::bytea,
      public_key_id = ${account.publicKeyId}::text,
      public_key_pem = ${account.publicKeyPem}::text,
      credentials = ${account.credentials}::bytea,
      api_v3_key_last4 = ${account.apiV3KeyLast4},
      api_v2_key_last4 = ${account.apiV2KeyLast4}::text,
      has_client_certificate = ${account.hasClientCertificate},
      version = version + 1,
      changed_at = ${account.changedAt}::timestamptz
    where id = ${account.id}
      and version = ${seen}
      and status = 'active'`
  return done.count === 1
}

/** Again is no harm. */
export async function disablePayAccount(
  sql: Sql,
  book: BookId,
  id: WechatAccountId,
  at: Instant,
): Promise<void> {
  await sql`
    update wechat_account
    set
      status = 'disabled',
      version = version + 1,
      changed_at = ${at}::timestamptz
    where book_id = ${book}
      and id = ${id}
      and status = 'active'`
}

export interface PayAccountFilter {
  readonly id?: WechatAccountId | undefined
  readonly mchid?: string | undefined
  readonly status?: PayAccountStatus | undefined
  readonly reference?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export async function selectPayAccounts(
  sql: Sql,
  book: BookId,
  filter: PayAccountFilter,
): Promise<readonly StoredPayAccount[]> {
  return sql<StoredPayAccount[]>`
    select ${columns(sql)}
    from wechat_account
    where book_id = ${book}
      and (${filter.id ?? null}::uuid is null or id = ${filter.id ?? null}::uuid)
      and (${filter.mchid ?? null}::text is null or mchid = ${filter.mchid ?? null}::text)
      and (${filter.status ?? null}::text is null or status = ${filter.status ?? null}::text)
      and (${filter.reference ?? null}::text is null or reference = ${filter.reference ?? null}::text)
      and (${filter.before ?? null}::uuid is null or id < ${filter.before ?? null}::uuid)
    order by id desc
    limit ${filter.limit}`
}

/** Those that take new orders, the newest first. Whoever asks at the same time asks in one statement. */
export const activePayAccounts: (sql: Sql, book: BookId) => Promise<readonly StoredPayAccount[]> =
  together(async (sql, books) => {
    const rows = await sql<StoredPayAccount[]>`
    select ${columns(sql)}
    from wechat_account
    where book_id = any(${uuidArray(books)}::uuid[])
      and status = 'active'
    order by id desc`
    const byBook = Map.groupBy(rows, ({ book }) => book)
    return (book: BookId) => byBook.get(book) ?? []
  })

/** Of every book, disabled ones too: what was sold over them is still billed. */
export function selectEveryPayAccount(sql: Sql): Promise<StoredPayAccount[]> {
  return sql<StoredPayAccount[]>`
    select ${columns(sql)}
    from wechat_account
    order by id`
}

/** Of whatever book: callbacks name nothing but the account. */
export async function selectPayAccountById(
  sql: Sql,
  id: WechatAccountId,
): Promise<StoredPayAccount | undefined> {
  const [row] = await sql<StoredPayAccount[]>`
    select ${columns(sql)}
    from wechat_account
    where id = ${id}`
  return row
}

function columns(sql: Sql) {
  return sql`
      id, book_id as book, mchid, appids, algorithm, key_mode as "keyMode",
      certificate_serial as "certificateSerial", private_key_fingerprint as "privateKeyFingerprint",
      public_key_id as "publicKeyId", public_key_pem as "publicKeyPem",
      credentials, api_v3_key_last4 as "apiV3KeyLast4", api_v2_key_last4 as "apiV2KeyLast4",
      has_client_certificate as "hasClientCertificate", status, version, reference, metadata,
      created_at as "createdAt", changed_at as "changedAt"`
}

/** Which unique name of the table stood in the way. */
async function takenBy(statement: PromiseLike<unknown>): Promise<Taken | undefined> {
  try {
    await statement
    return undefined
  } catch (error) {
    const name = codeOf(error) === '23505' ? constraintOf(error) : undefined
    if (name === 'uq_wechat_account_reference') return 'reference'
    if (name === 'uq_wechat_account_mchid') return 'mchid'
    throw error
  }
}

function constraintOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('constraint_name' in error)) return undefined
  return typeof error.constraint_name === 'string' ? error.constraint_name : undefined
}
