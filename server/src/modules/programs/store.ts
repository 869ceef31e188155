/** The SQL of products and their versions. */
import type {
  BookId,
  Channel,
  Fen,
  Instant,
  MerchantId,
  ProductId,
  StoreId,
  SubBalance,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, textArray, uuidArray } from '../../platform/db-array.ts'
import { rowTogether } from '../../platform/together.ts'
import type { FaceValues, Hours, Product, ProductVersion, Terms } from './model.ts'

export interface ProductFilter {
  readonly reference?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

interface VersionRow {
  readonly name: string
  readonly kind: Terms['kind']
  readonly registered: boolean
  readonly carrier: Terms['carrier']
  readonly faces: readonly Fen[] | null
  readonly faceMin: Fen | null
  readonly faceMax: Fen | null
  readonly validityMonths: number | null
  readonly renewalMonths: number | null
  readonly reloadable: boolean
  readonly coolingOffHours: number | null
  readonly model: Terms['model']
  readonly merchants: readonly MerchantId[]
  readonly stores: readonly StoreId[]
  readonly categories: readonly string[]
  readonly channels: readonly Channel[]
  readonly hours: readonly Hours[]
  readonly minAmount: Fen | null
  readonly consumeOrder: readonly SubBalance[]
}

type ProductRow = VersionRow & Omit<Product, 'terms'>

/** undefined: inserted as a draft with its first version; else the product that has the reference already. */
export async function insertProduct(sql: Sql, product: Product): Promise<ProductId | undefined> {
  const { terms } = product
  const made = await sql`
    with made as (
      insert into product (id, book_id, version, status, reference, metadata, created_at)
      values (
        ${product.id}, ${product.book}, ${product.version}, ${product.status}, ${product.reference},
        ${JSON.stringify(product.metadata)}::text::jsonb, ${product.createdAt}
      )
      on conflict on constraint uq_product_reference do nothing
      returning id, version, book_id, created_at
    )
    insert into product_version (
      product_id, version, book_id, name, kind, registered, carrier, faces, face_min, face_max,
      validity_months, renewal_months, reloadable, cooling_off_hours, model, merchants, stores, categories, channels, hours,
      min_amount, consume_order, created_at
    )
    select
      made.id, made.version, made.book_id, ${terms.name}, ${terms.kind}, ${terms.registered}::boolean,
      ${terms.carrier}, ${facesArray(terms.faces)}::bigint[], ${faceMin(terms.faces)}::bigint,
      ${faceMax(terms.faces)}::bigint, ${terms.validityMonths}::int,
      ${terms.renewalMonths ?? null}::int, ${terms.reloadable}::boolean,
      ${terms.coolingOffHours ?? null}::int, ${terms.model},
      ${uuidArray(terms.acceptance.merchants)}::uuid[], ${uuidArray(terms.acceptance.stores)}::uuid[],
      ${textArray(terms.acceptance.categories)}::text[], ${textArray(terms.acceptance.channels)}::text[],
      ${JSON.stringify(terms.acceptance.hours)}::text::jsonb, ${terms.acceptance.minAmount}::bigint,
      ${textArray(terms.consumeOrder)}::text[],
      made.created_at
    from made`
  if (made.count > 0) return undefined
  const [existing] = await sql<{ id: ProductId }[]>`
    select id
    from product
    where book_id = ${product.book}
      and reference = ${product.reference}`
  return existing?.id
}

/** Adds the version after `product.version`. False: the product was revised or published meanwhile. */
export async function insertVersion(
  sql: Sql,
  product: Pick<Product, 'id' | 'version' | 'status' | 'metadata' | 'terms'>,
  now: Instant,
): Promise<boolean> {
  const { terms } = product
  const made = await sql`
    with moved as (
      update product
      set version = version + 1,
        metadata = ${JSON.stringify(product.metadata)}::text::jsonb
      where id = ${product.id}
        and version = ${product.version}
        and status = ${product.status}
      returning id, version, book_id
    )
    insert into product_version (
      product_id, version, book_id, name, kind, registered, carrier, faces, face_min, face_max,
      validity_months, renewal_months, reloadable, cooling_off_hours, model, merchants, stores, categories, channels, hours,
      min_amount, consume_order, created_at
    )
    select
      moved.id, moved.version, moved.book_id, ${terms.name}, ${terms.kind}, ${terms.registered}::boolean,
      ${terms.carrier}, ${facesArray(terms.faces)}::bigint[], ${faceMin(terms.faces)}::bigint,
      ${faceMax(terms.faces)}::bigint, ${terms.validityMonths}::int,
      ${terms.renewalMonths ?? null}::int, ${terms.reloadable}::boolean,
      ${terms.coolingOffHours ?? null}::int, ${terms.model},
      ${uuidArray(terms.acceptance.merchants)}::uuid[], ${uuidArray(terms.acceptance.stores)}::uuid[],
      ${textArray(terms.acceptance.categories)}::text[], ${textArray(terms.acceptance.channels)}::text[],
      ${JSON.stringify(terms.acceptance.hours)}::text::jsonb, ${terms.acceptance.minAmount}::bigint,
      ${textArray(terms.consumeOrder)}::text[],
      ${now}::timestamptz
    from moved`
  return made.count > 0
}

/** False: it has another version by now, whose terms nobody has checked yet. */
export async function markPublished(sql: Sql, id: ProductId, version: number): Promise<boolean> {
  const done = await sql`
    update product
    set status = 'published'
    where id = ${id}
      and version = ${version}`
  return done.count > 0
}

/** With the latest version of its terms. Whoever asks at the same time asks in one statement. */
export const productById = rowTogether(
  async (sql, ids: readonly ProductId[]) => {
    const rows = await sql<ProductRow[]>`
      ${latestProducts(sql)}
      where product.id = any(${uuidArray(ids)}::uuid[])`
    return rows.map(productFrom)
  },
  ({ id }) => id,
)

/** The newest first. */
export async function selectProducts(
  sql: Sql,
  book: BookId,
  filter: ProductFilter,
): Promise<readonly Product[]> {
  const rows = await sql<ProductRow[]>`
    ${latestProducts(sql)}
    where product.book_id = ${book}
      and (${filter.reference ?? null}::text is null or product.reference = ${filter.reference ?? null}::text)
      and (${filter.before ?? null}::uuid is null or product.id < ${filter.before ?? null}::uuid)
    order by product.id desc
    limit ${filter.limit}`
  return rows.map(productFrom)
}

function latestProducts(sql: Sql) {
  return sql`
    select
      product.id,
      product.book_id as book,
      product.version,
      product.status,
      product.reference,
      product.metadata,
      product.created_at as "createdAt",
      latest.name,
      latest.kind,
      latest.registered,
      latest.carrier,
      latest.faces,
      latest.face_min as "faceMin",
      latest.face_max as "faceMax",
      latest.validity_months as "validityMonths",
      latest.renewal_months as "renewalMonths",
      latest.reloadable,
      latest.cooling_off_hours as "coolingOffHours",
      latest.model,
      latest.merchants,
      latest.stores,
      latest.categories,
      latest.channels,
      latest.hours,
      latest.min_amount as "minAmount",
      latest.consume_order as "consumeOrder"
    from product
    join product_version as latest
      on latest.product_id = product.id
      and latest.version = product.version`
}

function productFrom(row: ProductRow): Product {
  return {
    id: row.id,
    book: row.book,
    version: row.version,
    status: row.status,
    reference: row.reference,
    metadata: row.metadata,
    createdAt: row.createdAt,
    terms: termsFrom(row),
  }
}

export async function selectVersion(
  sql: Sql,
  id: ProductId,
  version: number,
): Promise<ProductVersion | undefined> {
  const [row] = await sql<(VersionRow & { book: BookId })[]>`
    select
      book_id as book,
      name,
      kind,
      registered,
      carrier,
      faces,
      face_min as "faceMin",
      face_max as "faceMax",
      validity_months as "validityMonths",
      renewal_months as "renewalMonths",
      reloadable,
      cooling_off_hours as "coolingOffHours",
      model,
      merchants,
      stores,
      categories,
      channels,
      hours,
      min_amount as "minAmount",
      consume_order as "consumeOrder"
    from product_version
    where product_id = ${id}
      and version = ${version}`
  return row && { productId: id, version, book: row.book, terms: termsFrom(row) }
}

function termsFrom(row: VersionRow): Terms {
  return {
    name: row.name,
    kind: row.kind,
    registered: row.registered,
    carrier: row.carrier,
    faces: facesFrom(row),
    validityMonths: row.validityMonths,
    renewalMonths: row.renewalMonths,
    reloadable: row.reloadable,
    coolingOffHours: row.coolingOffHours,
    model: row.model,
    acceptance: {
      merchants: row.merchants,
      stores: row.stores,
      categories: row.categories,
      channels: row.channels,
      hours: row.hours,
      minAmount: row.minAmount,
    },
    consumeOrder: row.consumeOrder,
  }
}

function facesFrom({ faces, faceMin: min, faceMax: max }: VersionRow): FaceValues {
  if (faces !== null) return { values: faces }
  if (min === null || max === null) throw new Error('a product version has neither faces nor range')
  return { min, max }
}

function facesArray(faces: FaceValues): string | null {
  return 'values' in faces ? bigintArray(faces.values) : null
}

function faceMin(faces: FaceValues): Fen | null {
  return 'values' in faces ? null : faces.min
}

function faceMax(faces: FaceValues): Fen | null {
  return 'values' in faces ? null : faces.max
}

/** Every version whose cards are prolonged by themselves. */
export function selectRenewing(sql: Sql): Promise<RenewingVersion[]> {
  return sql<RenewingVersion[]>`
    select product_id as "productId", version, renewal_months as "renewalMonths"
    from product_version
    where renewal_months is not null`
}

export interface RenewingVersion {
  readonly productId: ProductId
  readonly version: number
  readonly renewalMonths: number
}
