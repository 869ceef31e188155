/** Card products: what their terms say, when terms contradict each other, and what they mean at a sale and at a till. */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  type Channel,
  type Fen,
  fenToJson,
  formatYuan,
  type Instant,
  type MerchantId,
  ok,
  type ProductId,
  type Refusal,
  type Result,
  refusal,
  refused,
  type StoreId,
  type SubBalance,
  startOfDay,
  subBalances,
} from '@lika/contract'

export const productKinds = ['gift', 'stored_value', 'membership'] as const
export const carriers = ['virtual', 'physical'] as const

/** In fen: one of these values, or anything within the range. They bind the principal of a new card. */
export type FaceValues =
  | { readonly values: readonly Fen[] }
  | { readonly min: Fen; readonly max: Fen }

/** Whose merchants take its cards: the issuer's own, those of partners, or both. */
export const acceptanceModels = ['closed', 'alliance', 'mixed'] as const
export type AcceptanceModel = (typeof acceptanceModels)[number]

/** From a time of day until before another, `HH:MM` in Shanghai, on these days of the week: 1 is Monday, 7 is Sunday. */
export interface Hours {
  readonly days: readonly number[]
  readonly from: string
  /** At the latest `24:00`. */
  readonly to: string
}

/**
 * Merchants, stores and categories all empty: everywhere; otherwise any list that names the till serves. The others
 * hold beside that; where they are empty or null they do not restrict.
 */
export interface Acceptance {
  readonly merchants: readonly MerchantId[]
  readonly stores: readonly StoreId[]
  readonly categories: readonly string[]
  readonly channels: readonly Channel[]
  readonly hours: readonly Hours[]
  /** Of a payment, whichever part of it the card pays. */
  readonly minAmount: Fen | null
}

/** The acceptance that restricts nothing. */
export const acceptedEverywhere: Acceptance = {
  merchants: [],
  stores: [],
  categories: [],
  channels: [],
  hours: [],
  minAmount: null,
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
  /** For how long a card that was sold by an order is sealed, so that its buyer may change his mind; null: as usual. */
  readonly coolingOffHours?: number | null
  readonly model: AcceptanceModel
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
  return checkScope(acceptance)
}

function checkScope(acceptance: Acceptance): Result<void> {
  for (const list of ['merchants', 'stores', 'categories', 'channels'] as const) {
    const names: readonly string[] = acceptance[list]
    if (new Set(names).size < names.length)
      return contradiction(`acceptance.${list}`, `acceptance.${list} names something twice.`)
  }
  for (const [index, { days, from, to }] of acceptance.hours.entries()) {
    const path = `acceptance.hours.${index}`
    if (new Set(days).size < days.length)
      return contradiction(`${path}.days`, `${path}.days names a day twice.`)
    if (from >= to)
      return contradiction(
        `${path}.to`,
        `${path} ends before it begins: what goes past midnight is two entries.`,
      )
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

/** What a till asks for, as far as the scope of a product looks at it. */
export interface Asked {
  readonly till: {
    readonly merchantId: MerchantId
    readonly storeId?: StoreId | undefined
    readonly category: string
    readonly ownership: 'own' | 'partner'
  }
  readonly channel: Channel | undefined
  /** Of the whole payment. */
  readonly amount: Fen
}

/**
 * Whether a card under these terms is taken at that till, now. Refusals, with what is allowed: `merchant.not_in_scope`
 * (the model, then the lists), `channel.not_in_scope`, `time.not_in_scope`, `amount.out_of_range`.
 */
export function checkAcceptance(
  { model, acceptance }: Pick<Terms, 'model' | 'acceptance'>,
  { till, channel, amount }: Asked,
  now: Instant,
): Result<void> {
  if (model !== 'mixed' && (model === 'closed') !== (till.ownership === 'own'))
    return refused(model === 'closed' ? onlyOwn : onlyPartners)
  if (!isNamed(acceptance, till)) return refused(notNamed)
  const { channels, hours, minAmount } = acceptance
  if (channels.length > 0 && (channel === undefined || !channels.includes(channel)))
    return refused(wrongChannel(channels))
  if (hours.length > 0 && !isWithin(hours, now)) return refused(wrongTime(hours))
  if (minAmount !== null && amount < minAmount) return refused(tooLittle(minAmount))
  return ok(undefined)
}

const onlyOwn = refusal(
  'merchant.not_in_scope',
  "The product of this card is closed: only the issuer's own merchants accept it.",
  { data: { model: 'closed' } },
)
const onlyPartners = refusal(
  'merchant.not_in_scope',
  "The product of this card is an alliance of partners: the issuer's own merchants do not accept it.",
  { data: { model: 'alliance' } },
)
const notNamed = refusal(
  'merchant.not_in_scope',
  'The product of this card is not accepted at this till.',
)

function isNamed({ merchants, stores, categories }: Acceptance, till: Asked['till']): boolean {
  if (merchants.length === 0 && stores.length === 0 && categories.length === 0) return true
  return (
    merchants.includes(till.merchantId) ||
    (till.storeId !== undefined && stores.includes(till.storeId)) ||
    categories.includes(till.category)
  )
}

function wrongChannel(channels: readonly Channel[]): Refusal {
  return refusal(
    'channel.not_in_scope',
    `The product of this card is accepted over ${channels.join(', ')}; the payment must say so in channel.`,
    { data: { allowed_channels: [...channels] } },
  )
}

function wrongTime(hours: readonly Hours[]): Refusal {
  const times = hours.map(({ days, from, to }) => `${from}–${to} on days ${days.join(', ')}`)
  return refusal(
    'time.not_in_scope',
    `The product of this card is accepted ${times.join('; ')} (1 is Monday, Shanghai time).`,
    { data: { allowed_hours: hours.map(({ days, from, to }) => ({ days: [...days], from, to })) } },
  )
}

function tooLittle(minAmount: Fen): Refusal {
  return refusal(
    'amount.out_of_range',
    `Cards of this product pay from ${formatYuan(minAmount)} yuan on.`,
    { data: { allowed: { min: fenToJson(minAmount) } } },
  )
}

function isWithin(hours: readonly Hours[], now: Instant): boolean {
  const today = businessDateOf(now)
  const day = dayOfWeek(today)
  const minutes = Math.floor((now - startOfDay(today)) / 60_000)
  return hours.some(
    ({ days, from, to }) =>
      days.includes(day) && minutesOf(from) <= minutes && minutes < minutesOf(to),
  )
}

/** 1 is Monday. */
function dayOfWeek(day: BusinessDate): number {
  return new Date(`${day}T00:00:00.000Z`).getUTCDay() || 7
}

/** Of a time of day, since midnight. */
function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
}
