/** Buyers, recorded as the law wants it: what they said of themselves lies encrypted under a key per person. */
import type { BookId, Instant, Uuid } from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Sql } from '../../platform/db.ts'

/** The documents by which buyers identify themselves. */
export const idTypes = [
  'resident_id',
  'household_register',
  'military_id',
  'passport',
  'foreigner_residence_permit',
  'hong_kong_macau_permit',
  'taiwan_permit',
  'business_licence',
  'organisation_code',
  'social_credit_code',
  'other',
] as const
export type IdType = (typeof idTypes)[number]

export interface Buyer {
  readonly kind: 'person' | 'unit'
  readonly name?: string | undefined
  readonly idType?: IdType | undefined
  readonly idNumber?: string | undefined
  readonly phone?: string | undefined
}

/**
 * Records the buyer of a purchase under the id of its command: a repeat of the command finds the record in place. Lies
 * outside of lanes, so it is written before the round, also for a purchase that is then refused.
 */
export async function recordBuyer(
  sql: Sql,
  keyring: Pick<Keyring, 'sealPerson'>,
  record: { id: Uuid; bookId: BookId; buyer: Buyer; at: Instant },
): Promise<void> {
  const { id, bookId, buyer, at } = record
  const { name, idNumber, phone } = buyer
  const plain = Buffer.from(JSON.stringify({ name, idNumber, phone }))
  const { sealedKey, sealed } = keyring.sealPerson(id, plain)
  await sql`
    insert into person (id, book_id, sealed_key, sealed, kind, id_type, created_at)
    values (
      ${id}, ${bookId}, ${sealedKey}, ${sealed}, ${buyer.kind}, ${buyer.idType ?? null},
      ${new Date(at)}::timestamptz
    )
    on conflict (id) do nothing`
}
