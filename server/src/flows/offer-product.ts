/**
 * Bringing a product to market: its terms name merchants and stores that exist, and follow the law that binds the
 * issuer from the moment in which it is sold.
 */
import {
  type BookId,
  type Instant,
  issuerOfBook,
  ok,
  type ProductId,
  type Result,
} from '@lika/contract'
import type { Issuers } from '../modules/issuers/index.ts'
import type { Merchants } from '../modules/merchants/index.ts'
import { checkValidity } from '../modules/policy/index.ts'
import type { Product, Programs, Terms } from '../modules/programs/index.ts'

export interface OfferContext {
  readonly issuers: Issuers
  readonly merchants: Merchants
  readonly programs: Programs
}

/** A draft. Refusals: `merchant.not_found`, `store.not_found` (acceptance), `product.terms_invalid`. */
export async function draftProduct(
  { merchants, programs }: OfferContext,
  product: Parameters<Programs['make']>[0],
): Promise<Result<{ made: Product } | { existing: ProductId }>> {
  const known = await merchants.assertKnown(product.book, product.terms.acceptance)
  return known.ok ? programs.make(product) : known
}

export interface ProductChange {
  readonly terms: (latest: Terms) => Terms
  readonly metadata: Readonly<Record<string, string>> | undefined
}

/**
 * A new version; where the product is published it is sold at once, so the law is asked now.
 * Refusals: `product.not_found`, `merchant.not_found`, `store.not_found`, `policy.*` as in `publishProduct`,
 * `product.terms_invalid`.
 */
export async function reviseProduct(
  context: OfferContext,
  book: BookId,
  id: ProductId,
  change: ProductChange,
  now: Instant,
): Promise<Result<Product>> {
  return context.programs.revise(
    book,
    id,
    async (latest) => {
      const terms = change.terms(latest.terms)
      const known = await context.merchants.assertKnown(book, terms.acceptance)
      if (!known.ok) return known
      if (latest.status === 'published') {
        const lawful = await checkLaw(context, book, terms, now)
        if (!lawful.ok) return lawful
      }
      return ok({ terms, metadata: change.metadata ?? latest.metadata })
    },
    now,
  )
}

/** Refusals: `product.not_found`, `policy.expiry_not_allowed`, `policy.validity_too_short`. */
export async function publishProduct(
  context: OfferContext,
  book: BookId,
  id: ProductId,
  now: Instant,
): Promise<Result<Product>> {
  return context.programs.publish(book, id, ({ terms }) => checkLaw(context, book, terms, now))
}

async function checkLaw(
  { issuers }: OfferContext,
  book: BookId,
  terms: Terms,
  now: Instant,
): Promise<Result<void>> {
  return checkValidity(await issuers.policyOf(issuerOfBook(book), now), terms)
}
