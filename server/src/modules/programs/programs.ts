/** Makes, revises, publishes and finds products; keeps the terms of versions, which never change, in memory. */
import {
  asId,
  type BookId,
  type Instant,
  ok,
  type ProductId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { Database } from '../../platform/db.ts'
import { newId } from '../../platform/ids.ts'
import { checkTerms, type Product, type ProductVersion, type Terms } from './model.ts'
import * as store from './store.ts'

export interface Programs {
  /** As a draft. Refusals: `product.terms_invalid`; `existing` where the reference is taken. */
  make(
    product: Pick<Product, 'book' | 'reference' | 'metadata' | 'createdAt' | 'terms'>,
  ): Promise<Result<{ made: Product } | { existing: ProductId }>>
  /**
   * A new version, with what `change` makes of the latest. A draft stays one; of a published product the new version
   * is sold from now on. `change` may be asked again when somebody else was faster.
   * Refusals: `product.not_found`, those of `change`, `product.terms_invalid`.
   */
  revise(
    book: BookId,
    id: ProductId,
    change: (latest: Product) => Promise<Result<Pick<Product, 'metadata' | 'terms'>>>,
    now: Instant,
  ): Promise<Result<Product>>
  /** Once published it stays so; again is no harm. Refusals: `product.not_found`, those of `check`. */
  publish(
    book: BookId,
    id: ProductId,
    check: (latest: Product) => Promise<Result<void>>,
  ): Promise<Result<Product>>
  find(book: BookId, id: ProductId): Promise<Product | undefined>
  /** The newest first. */
  list(book: BookId, filter: store.ProductFilter): Promise<readonly Product[]>
  /** The terms of a version; undefined: not in this book. Kept for good. */
  termsOf(book: BookId, id: ProductId, version: number): Promise<Terms | undefined>
  /** The same without waiting; undefined also where `termsOf` was not asked before. */
  knownTerms(book: BookId, id: ProductId, version: number): Terms | undefined
  /** The versions of all books whose cards are prolonged by themselves. */
  renewing(): Promise<readonly store.RenewingVersion[]>
}

const attempts = 20

export function openPrograms({ sql }: Database): Programs {
  const versions = new Map<string, ProductVersion>()

  async function find(book: BookId, id: ProductId): Promise<Product | undefined> {
    const product = await store.productById(sql, id)
    return product?.book === book ? product : undefined
  }

  function known(book: BookId, id: ProductId, version: number): Terms | undefined {
    const kept = versions.get(`${id} ${version}`)
    return kept?.book === book ? kept.terms : undefined
  }

  return {
    find,
    knownTerms: known,
    termsOf: async (book, id, version) => {
      const kept = known(book, id, version)
      if (kept !== undefined) return kept
      const found = await store.selectVersion(sql, id, version)
      if (found !== undefined) versions.set(`${id} ${version}`, found)
      return known(book, id, version)
    },
    renewing: () => store.selectRenewing(sql),
    list: (book, filter) => store.selectProducts(sql, book, filter),
    make: async (wanted) => {
      const sound = checkTerms(wanted.terms)
      if (!sound.ok) return sound
      const id = asId<'product'>(newId())
      const product: Product = { ...wanted, id, version: 1, status: 'draft' }
      const existing = await store.insertProduct(sql, product)
      return ok(existing === undefined ? { made: product } : { existing })
    },
    revise: async (book, id, change, now) => {
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const latest = await find(book, id)
        if (latest === undefined) return refused(notFound)
        const changed = await change(latest)
        if (!changed.ok) return changed
        const sound = checkTerms(changed.value.terms)
        if (!sound.ok) return sound
        if (await store.insertVersion(sql, { ...latest, ...changed.value }, now))
          return ok({ ...latest, ...changed.value, version: latest.version + 1 })
      }
      throw new Error(`product ${id} changes too fast`)
    },
    publish: async (book, id, check) => {
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const latest = await find(book, id)
        if (latest === undefined) return refused(notFound)
        if (latest.status === 'published') return ok(latest)
        const checked = await check(latest)
        if (!checked.ok) return checked
        if (await store.markPublished(sql, id, latest.version))
          return ok({ ...latest, status: 'published' })
      }
      throw new Error(`product ${id} changes too fast`)
    },
  }
}

const notFound = refusal('product.not_found', 'No product has this id here (prod_…).')
