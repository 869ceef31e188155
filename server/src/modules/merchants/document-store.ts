/** Files that merchants show of themselves: kept encrypted, each once, found by their digest. */
import { createHash } from 'node:crypto'
import type { BookId, DocumentId, Instant, MerchantId } from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Sql } from '../../platform/db.ts'
import type { By } from './merchant-store.ts'
import type { DocumentKind } from './onboarding.ts'

export const documentTypes = ['application/pdf', 'image/png', 'image/jpeg'] as const
export type DocumentType = (typeof documentTypes)[number]

export interface KeptDocument {
  readonly id: DocumentId
  readonly merchantId: MerchantId
  readonly kind: DocumentKind
  readonly name: string
  readonly mediaType: DocumentType
  /** SHA-256, hex. */
  readonly digest: string
  /** Bytes. */
  readonly size: number
  readonly createdAt: Instant
}

/** By its first bytes, whatever it calls itself; undefined: a kind of file that is not taken. */
export function documentTypeOf(file: Buffer): DocumentType | undefined {
  if (file.subarray(0, 5).toString('latin1') === '%PDF-') return 'application/pdf'
  if (file.subarray(0, 8).toString('hex') === '89504e470d0a1a0a') return 'image/png'
  return file.subarray(0, 3).toString('hex') === 'ffd8ff' ? 'image/jpeg' : undefined
}

interface NewDocument extends Omit<KeptDocument, 'digest' | 'size' | 'createdAt'> {
  readonly book: BookId
}

/** The same file of the same merchant again is the one that is there. */
export async function keepDocument(
  sql: Sql,
  keyring: Pick<Keyring, 'sealPerson'>,
  document: NewDocument,
  file: Buffer,
  by: By,
): Promise<KeptDocument> {
  const { id, merchantId, book, kind, name, mediaType } = document
  const digest = createHash('sha256').update(file).digest()
  const { sealedKey, sealed } = keyring.sealPerson(id, file)
  await sql`
    insert into merchant_document (
      id, merchant_id, book_id, kind, name, media_type, digest, size, document_key, document, key_id, owner,
      created_at
    )
    values (
      ${id}, ${merchantId}, ${book}, ${kind}, ${name}, ${mediaType}, ${digest}, ${file.length},
      ${sealedKey}, ${sealed}, ${by.keyId}, ${by.owner}, ${by.at}
    )
    on conflict on constraint uq_merchant_document_digest do nothing`
  const kept = await selectDocuments(sql, merchantId)
  const found = kept.find((one) => one.digest === digest.toString('hex'))
  if (found === undefined) throw new Error(`document ${id} is gone`)
  return found
}

/** The first one first. */
export async function selectDocuments(
  sql: Sql,
  merchantId: MerchantId,
): Promise<readonly KeptDocument[]> {
  return sql<KeptDocument[]>`
    select
      id,
      merchant_id as "merchantId",
      kind,
      name,
      media_type as "mediaType",
      encode(digest, 'hex') as digest,
      size,
      created_at as "createdAt"
    from merchant_document
    where merchant_id = ${merchantId}
    order by id`
}

/** undefined: there is none in that book. */
export async function openDocument(
  sql: Sql,
  keyring: Pick<Keyring, 'openPerson'>,
  book: BookId,
  id: DocumentId,
): Promise<{ readonly mediaType: DocumentType; readonly file: Buffer } | undefined> {
  const [row] = await sql<{ mediaType: DocumentType; sealedKey: Uint8Array; sealed: Uint8Array }[]>`
    select media_type as "mediaType", document_key as "sealedKey", document as sealed
    from merchant_document
    where id = ${id}
      and book_id = ${book}`
  return row && { mediaType: row.mediaType, file: keyring.openPerson(id, row) }
}
