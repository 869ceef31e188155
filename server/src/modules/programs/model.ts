/** Card products: what their terms say, when terms contradict each other, and what they mean at a sale and at a till. */
import {
  type BookId,
  type Fen,
  fenToJson,
  formatYuan,
  type Instant,
  type MerchantId,
  ok,
  type ProductId,
  type Result,
  refusal,
  refused,
  type StoreId,
  type SubBalance,
  subBalances,
} from '@lika/contract'

export const productKinds = ['gift', 'stored_value', 'membership'] as const
export const carriers = ['virtual', 'physical'] as const

/** In fen: one of these values, or anything within the range. They bind the principal of a new card. */
export type FaceValues =
  | { readonly values: readonly Fen[] }
  | { readonly min: Fen; readonly max: Fen }

/** All three empty: everywhere; otherwise any list that names the till serves. */
export interface Acceptance {
  readonly merchants: readonly MerchantId[]
  readonly stores: readonly StoreId[]
  readonly categories: readonly string[]
}

export interface Terms {
  readonly name: string
  readonly kind: (typeof productKinds)[number]
  readonly registered: boolean
  readonly carrier: (typeof carriers)[number]
  readonly faces: FaceValues
  /** null: its cards do not expire. */
  readonly validityMonths: number | null
  /** By how much a card is prolonged by itself when its time is over; null: not at all. */
  readonly renewalMonths?: number | null
  readonly reloadable: boolean
  readonly acceptance: Acceptance
  readonly consumeOrder: readonly SubBalance[]
}

/** Terms as they were sold: never changed. */
export interface ProductVersion {
  readonly productId: ProductId
  readonly version: number
  readonly book: BookId
  readonly terms: Terms
}

export interface Product {
  readonly id: ProductId
  readonly book: BookId
  /** The latest; of a published product it is the one that is sold. */
  readonly version: number
  readonly status: 'draft' | 'published'
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
  /** Of the latest version. */
  readonly terms: Terms
}

/**
 * Whether the terms make sense together; the law is asked apart.
 * Refusals: `product.terms_invalid`, with the member that is in the way.
 */
export function checkTerms(terms: Terms): Result<void> {
  const { faces, consumeOrder, acceptance } = terms
  if ('min' in faces && faces.min > faces.max)
    return contradiction('face_range', 'face_range.min is larger than face_range.max.')
  if (terms.validityMonths === null && (terms.renewalMonths ?? null) !== null)
    return contradiction('renewal_months', 'What does not expire is not renewed.')
  if ('values' in faces && new Set(faces.values).size < faces.values.length)
    return contradiction('faces', 'faces names a value twice.')
  if (subBalances.some((one) => consumeOrder.filter((other) => other === one).length !== 1))
    return contradiction(
      'consume_order',
      `consume_order names ${subBalances.join(' and ')} once each.`,
    )
  for (const [list, names] of Object.entries(acceptance)) {
    const unique: Set<string> = new Set(names)
    if (unique.size < names.length)
      return contradiction(`acceptance.${list}`, `acceptance.${list} names something twice.`)
  }
  return ok(undefined)
}

function contradiction(path: string, detail: string): Result<void> {
  return refused(
    refusal('product.terms_invalid', detail, {
      errors: [{ path, message: 'contradicts the rest' }],
    }),
  )
}

/** Whether a card may be sold with that principal. Refusals: `amount.out_of_range` with what is allowed, in fen. */
export function checkFace(terms: Pick<Terms, 'faces'>, amount: Fen): Result<void> {
  const { faces } = terms
  if ('values' in faces) {
    if (faces.values.includes(amount)) return ok(undefined)
    return refused(
      refusal(
        'amount.out_of_range',
        `Cards of this product are sold with ${faces.values.map(formatYuan).join(', ')} yuan.`,
        { data: { allowed: { values: faces.values.map(fenToJson) } } },
      ),
    )
  }
  if (amount >= faces.min && amount <= faces.max) return ok(undefined)
  return refused(
    refusal(
      'amount.out_of_range',
      `Cards of this product are sold with ${formatYuan(faces.min)} to ${formatYuan(faces.max)} yuan.`,
      { data: { allowed: { min: fenToJson(faces.min), max: fenToJson(faces.max) } } },
    ),
  )
}

/** Whether a card under these terms is taken at that till. Refusals: `merchant.not_in_scope`. */
export function checkAcceptance(
  terms: Pick<Terms, 'acceptance'>,
  till: { merchantId: MerchantId; storeId?: StoreId | undefined; category: string },
): Result<void> {
  const { merchants, stores, categories } = terms.acceptance
  if (merchants.length === 0 && stores.length === 0 && categories.length === 0) return ok(undefined)
  const isNamed =
    merchants.includes(till.merchantId) ||
    (till.storeId !== undefined && stores.includes(till.storeId)) ||
    categories.includes(till.category)
  return isNamed
    ? ok(undefined)
    : refused(
        refusal('merchant.not_in_scope', 'The product of this card is not accepted at this till.'),
      )
}
