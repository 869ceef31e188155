/** The SQL of issuers. */
import type { IssuerId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { textArray } from '../../platform/db-array.ts'
import type { Issuer, IssuerFilter } from './model.ts'

/**
 * The next number prefix with which it was inserted; undefined: its reference is taken. Two at once may come to the
 * same prefix: then one of them fails on uq_issuer_number_prefix.
 */
export async function insertIssuer(
  sql: Sql,
  issuer: Omit<Issuer, 'numberPrefix'>,
): Promise<string | undefined> {
  const [row] = await sql<{ numberPrefix: string }[]>`
    insert into issuer (id, name, legal_name, packs, number_prefix, reference, metadata, created_at)
    select
      ${issuer.id}::uuid, ${issuer.name}, ${issuer.legalName}, ${textArray(issuer.packs)}::text[],
      lpad((coalesce(max(number_prefix)::int, 0) + 1)::text, 4, '0'),
      ${issuer.reference}, ${JSON.stringify(issuer.metadata)}::text::jsonb, ${issuer.createdAt}::timestamptz
    from issuer
    on conflict on constraint uq_issuer_reference do nothing
    returning number_prefix as "numberPrefix"`
  return row?.numberPrefix
}

export async function selectIssuerByReference(
  sql: Sql,
  reference: string | null,
): Promise<IssuerId | undefined> {
  const [row] = await sql<{ id: IssuerId }[]>`
    select id
    from issuer
    where reference = ${reference}`
  return row?.id
}

export async function selectIssuer(sql: Sql, id: IssuerId): Promise<Issuer | undefined> {
  const [row] = await sql<Issuer[]>`
    select
      id,
      name,
      legal_name as "legalName",
      packs,
      number_prefix as "numberPrefix",
      reference,
      metadata,
      created_at as "createdAt"
    from issuer
    where id = ${id}`
  return row
}

export async function selectIssuers(sql: Sql, filter: IssuerFilter): Promise<readonly Issuer[]> {
  return sql<Issuer[]>`
    select
      id,
      name,
      legal_name as "legalName",
      packs,
      number_prefix as "numberPrefix",
      reference,
      metadata,
      created_at as "createdAt"
    from issuer
    where (${filter.reference ?? null}::text is null or reference = ${filter.reference ?? null}::text)
      and (${filter.before ?? null}::uuid is null or id < ${filter.before ?? null}::uuid)
    order by id desc
    limit ${filter.limit}`
}
