/** Buyers, recorded as the law wants it: what they said of themselves lies encrypted under a key per person. */
import type { BookId, Instant, Uuid } from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'

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

/** Where money is paid out to. */
export interface PayoutAccount {
  readonly name?: string | undefined
  readonly number?: string | undefined
}

/**
 * Records somebody whom the law wants known, a buyer under the id of its command: a repeat of the command finds the
 * record in place. Lies outside of lanes, so it is written before the round, also for a purchase that is then refused.
 */
export async function recordBuyer(
  sql: Sql,
  keyring: Pick<Keyring, 'sealPerson'>,
  record: { id: Uuid; bookId: BookId; buyer: Buyer; at: Instant; account?: PayoutAccount },
): Promise<void> {
  const { id, bookId, buyer, at, account } = record
  const { name, idNumber, phone } = buyer
  const plain = Buffer.from(JSON.stringify({ name, idNumber, phone, account }))
  const { sealedKey, sealed } = keyring.sealPerson(id, plain)
  await sql`
    insert into person (id, book_id, sealed_key, sealed, kind, id_type, created_at)
    values (
      ${id}, ${bookId}, ${sealedKey}, ${sealed}, ${buyer.kind}, ${buyer.idType ?? null},
      ${new Date(at)}::timestamptz
    )
    on conflict (id) do nothing`
}

interface PersonRow {
  readonly id: string
  readonly sealedKey: Uint8Array
  readonly sealed: Uint8Array
  readonly kind: Buyer['kind']
  readonly idType: IdType | null
}

/** What a buyer said of himself; undefined: nobody is on record, or was forgotten. */
export async function openBuyer(
  sql: Sql,
  keyring: Pick<Keyring, 'openPerson'>,
  id: string,
): Promise<Buyer | undefined> {
  const [row] = await sql<PersonRow[]>`
    select id, sealed_key as "sealedKey", sealed, kind, id_type as "idType"
    from person
    where id = ${id}`
  return row && buyerOf(keyring, row)
}

function buyerOf(keyring: Pick<Keyring, 'openPerson'>, row: PersonRow): Buyer {
  const said: unknown = JSON.parse(keyring.openPerson(row.id, row).toString())
  const member = (name: string) => textMember(said, name)
  return {
    kind: row.kind,
    idType: row.idType ?? undefined,
    name: member('name'),
    idNumber: member('idNumber'),
    phone: member('phone'),
  }
}

/** The same of several; who was forgotten is not in it. */
export async function openBuyers(
  sql: Sql,
  keyring: Pick<Keyring, 'openPerson'>,
  ids: readonly string[],
): Promise<Map<string, Buyer>> {
  const rows = await sql<PersonRow[]>`
    select id, sealed_key as "sealedKey", sealed, kind, id_type as "idType"
    from person
    where id = any(${uuidArray(ids)}::uuid[])`
  return new Map(rows.map((row) => [row.id, buyerOf(keyring, row)]))
}

function textMember(said: unknown, name: string): string | undefined {
  if (typeof said !== 'object' || said === null) return undefined
  const [, value] = Object.entries(said).find(([one]) => one === name) ?? []
  return typeof value === 'string' ? value : undefined
}
