/**
 * Merchant numbers of WeChat Pay that an issuer has given Lika: kept with their keys sealed, shown without them, opened
 * for the connector alone.
 */
import {
  asId,
  type BookId,
  type Instant,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
  type WechatAccountId,
} from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import { keyFingerprint, readPrivateKey } from '../../platform/crypto/pem-keys.ts'
import type { Database, Sql } from '../../platform/db.ts'
import { newId } from '../../platform/ids.ts'
import { keyProblems, keysRefused, type PayKeys } from './pay-account-keys.ts'
import {
  activePayAccounts,
  disablePayAccount,
  insertPayAccount,
  type PayAccount,
  type PayAccountFilter,
  type StoredPayAccount,
  selectEveryPayAccount,
  selectPayAccountById,
  selectPayAccounts,
  type Taken,
  updatePayAccount,
} from './pay-account-store.ts'

export interface NewPayAccount extends PayKeys {
  readonly book: BookId
  readonly mchid: string
  readonly appids: readonly string[]
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly at: Instant
}

/** What is left out stays as it is. */
export type PayAccountChange = { readonly [K in keyof PayKeys]?: PayKeys[K] | undefined } & {
  readonly appids?: readonly string[] | undefined
}

/** A merchant number with its keys open: for the connector, never for an answer or a log. */
export interface PayCredentials extends PayKeys {
  readonly account: WechatAccountId
  readonly book: BookId
  readonly mchid: string
  readonly appids: readonly string[]
  readonly isActive: boolean
  /** Another one says that something of this changed. */
  readonly version: number
}

export interface PayAccounts {
  /** Refusals: `wechat_account.keys_invalid`; then the account that has the reference or the merchant number. */
  create(account: NewPayAccount): Promise<Result<{ made: PayAccount } | AlreadyThere>>
  list(book: BookId, filter: PayAccountFilter): Promise<readonly PayAccount[]>
  /** Those that take new orders, the newest first. */
  active(book: BookId): Promise<readonly PayAccount[]>
  /** Of every book, disabled ones too. */
  every(): Promise<readonly PayAccount[]>
  find(book: BookId, id: WechatAccountId): Promise<PayAccount | undefined>
  /** Refusals: `wechat_account.not_found`, `wechat_account.disabled`, `wechat_account.keys_invalid`. */
  change(
    book: BookId,
    id: WechatAccountId,
    change: PayAccountChange,
    at: Instant,
  ): Promise<Result<PayAccount>>
  /** For good; what was begun over it is still asked about, paid back and told of. Undefined: there is none. */
  disable(book: BookId, id: WechatAccountId, at: Instant): Promise<PayAccount | undefined>
  credentials(id: WechatAccountId): Promise<PayCredentials | undefined>
  /** Whose it is, which never changes. Undefined: there is none. */
  bookOf(id: WechatAccountId): Promise<BookId | undefined>
}

export interface AlreadyThere {
  readonly existing: WechatAccountId
  readonly taken: Taken
}

export interface PayAccountNeeds {
  readonly database: Pick<Database, 'sql'>
  readonly keyring: Pick<Keyring, 'seal' | 'open'>
}

/** How often a change that was overtaken by another one is tried again. */
const attempts = 5

export function openPayAccounts({ database: { sql }, keyring }: PayAccountNeeds): PayAccounts {
  const seal = (keys: PayKeys, id: WechatAccountId) => sealedBy(keyring, keys, id)
  const books = new Map<WechatAccountId, BookId>()
  const find = async (book: BookId, id: WechatAccountId) => {
    const [account] = await selectPayAccounts(sql, book, { id, limit: 1 })
    return account
  }
  return {
    create: async (account) => {
      const problems = keyProblems(account)
      if (problems.length > 0) return refused(keysRefused(problems))
      const id: WechatAccountId = asId(newId())
      const stored: StoredPayAccount = {
        id,
        book: account.book,
        mchid: account.mchid,
        appids: account.appids,
        reference: account.reference,
        metadata: account.metadata,
        createdAt: account.at,
        changedAt: account.at,
        status: 'active',
        version: 1,
        ...seal(account, id),
      }
      const taken = await insertPayAccount(sql, stored)
      if (taken === undefined) return ok({ made: stored })
      return ok({ taken, existing: await takenFrom(sql, account, taken) })
    },
    list: (book, filter) => selectPayAccounts(sql, book, filter),
    active: (book) => activePayAccounts(sql, book),
    every: () => selectEveryPayAccount(sql),
    find,
    change: async (book, id, change, at) => {
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const before = await find(book, id)
        if (before === undefined) return refused(notThere)
        if (before.status === 'disabled') return refused(isDisabled)
        const keys = changed(openedBy(keyring, before), change)
        const problems = keyProblems(keys)
        if (problems.length > 0) return refused(keysRefused(problems))
        const appids = change.appids ?? before.appids
        const after = { ...before, appids, ...seal(keys, id), changedAt: at }
        if (await updatePayAccount(sql, after, before.version))
          return ok({ ...after, version: before.version + 1 })
      }
      throw new Error('a WeChat Pay account is changed by others without end')
    },
    disable: async (book, id, at) => {
      await disablePayAccount(sql, book, id, at)
      return find(book, id)
    },
    bookOf: async (id) => {
      const book = books.get(id) ?? (await selectPayAccountById(sql, id))?.book
      if (book !== undefined) books.set(id, book)
      return book
    },
    credentials: async (id) => {
      const account = await selectPayAccountById(sql, id)
      if (account === undefined) return undefined
      const { book, mchid, appids, version } = account
      const isActive = account.status === 'active'
      return { ...openedBy(keyring, account), account: id, book, mchid, appids, version, isActive }
    },
  }
}

const notThere = refusal('wechat_account.not_found', 'No WeChat Pay account has this id here.')
const isDisabled: Refusal = refusal(
  'wechat_account.disabled',
  'The account is disabled for good; give its merchant number again as a new one.',
)

function changed(keys: PayKeys, change: PayAccountChange): PayKeys {
  return {
    algorithm: change.algorithm ?? keys.algorithm,
    keyMode: change.keyMode ?? keys.keyMode,
    certificateSerial: change.certificateSerial ?? keys.certificateSerial,
    privateKeyPem: change.privateKeyPem ?? keys.privateKeyPem,
    apiV3Key: change.apiV3Key ?? keys.apiV3Key,
    apiV2Key: change.apiV2Key ?? keys.apiV2Key,
    publicKeyId: change.publicKeyId ?? keys.publicKeyId,
    publicKeyPem: change.publicKeyPem ?? keys.publicKeyPem,
    clientCertificatePem: change.clientCertificatePem ?? keys.clientCertificatePem,
  }
}

/** The members of a row that keys make. */
function sealedBy(keyring: Pick<Keyring, 'seal'>, keys: PayKeys, id: WechatAccountId) {
  const own = readPrivateKey(keys.privateKeyPem)
  if (own === undefined) throw new Error('a private key was not checked before it is kept')
  const { privateKeyPem, apiV3Key, apiV2Key, clientCertificatePem } = keys
  const secret = JSON.stringify({ privateKeyPem, apiV3Key, apiV2Key, clientCertificatePem })
  return {
    algorithm: keys.algorithm,
    keyMode: keys.keyMode,
    certificateSerial: keys.certificateSerial.toUpperCase(),
    privateKeyFingerprint: keyFingerprint(own.key),
    publicKeyId: keys.publicKeyId,
    publicKeyPem: keys.publicKeyPem,
    credentials: keyring.seal('wechat-credentials', id, Buffer.from(secret)),
    apiV3KeyLast4: apiV3Key.slice(-4),
    apiV2KeyLast4: apiV2Key === null ? null : apiV2Key.slice(-4),
    hasClientCertificate: clientCertificatePem !== null,
  }
}

/** @throws when the row was moved or changed, or the master key is another one. */
function openedBy(keyring: Pick<Keyring, 'open'>, account: StoredPayAccount): PayKeys {
  const plain = keyring.open('wechat-credentials', account.id, account.credentials).toString()
  const secret: unknown = JSON.parse(plain)
  const { algorithm, keyMode, certificateSerial, publicKeyId, publicKeyPem } = account
  return {
    algorithm,
    keyMode,
    certificateSerial,
    publicKeyId,
    publicKeyPem,
    privateKeyPem: textOf(secret, 'privateKeyPem') ?? '',
    apiV3Key: textOf(secret, 'apiV3Key') ?? '',
    apiV2Key: textOf(secret, 'apiV2Key'),
    clientCertificatePem: textOf(secret, 'clientCertificatePem'),
  }
}

function textOf(value: unknown, name: string): string | null {
  if (typeof value !== 'object' || value === null) return null
  const member: unknown = new Map<string, unknown>(Object.entries(value)).get(name)
  return typeof member === 'string' ? member : null
}

async function takenFrom(sql: Sql, account: NewPayAccount, taken: Taken): Promise<WechatAccountId> {
  const filter =
    taken === 'reference'
      ? { reference: account.reference ?? undefined, limit: 1 }
      : { mchid: account.mchid, status: 'active' as const, limit: 1 }
  const [existing] = await selectPayAccounts(sql, account.book, filter)
  if (existing === undefined) throw new Error('what stood in the way of an account is gone again')
  return existing.id
}
