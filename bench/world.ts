/** The book that is measured: an issuer in live mode with a product that is taken everywhere, a key, and merchants. */
import { asId, type BookId, bookOf, type Result, scopes } from '../contract/src/index.ts'
import { publishCharter } from '../server/src/modules/charters/index.ts'
import type { Issuer } from '../server/src/modules/issuers/index.ts'
import { acceptedEverywhere, type Product } from '../server/src/modules/programs/index.ts'
import { copyIn, row } from './copy.ts'
import type { Installation } from './installation.ts'
import { merchantAt, type Population } from './population.ts'

export interface World {
  readonly issuer: Issuer
  readonly book: BookId
  readonly product: Product
  readonly token: string
  /** Without cards yet: see `loadCards`. */
  readonly population: Population
}

/** Ids are of the last half hour: of the month that has its partitions. */
const bornBeforeMs = 1_800_000

export async function makeWorld({ owner, parts }: Installation, merchants: number): Promise<World> {
  const { issuers, programs, access, flows } = parts
  const createdAt = Date.now()
  const noted = { reference: null, metadata: {} }
  const names = { name: 'Bench', legalName: 'Bench Ltd', packs: [] }
  const issuer = value(await issuers.make({ ...names, ...noted, createdAt }))
  if ('existing' in issuer) throw new Error('the issuer is there already')
  const book = bookOf(issuer.id, 'live')
  await publishCharter(flows.database.sql, {
    id: asId(flows.newId()),
    bookId: book,
    title: 'Charter',
    digest: new Uint8Array(32),
    document: null,
    ...noted,
    publishedAt: createdAt,
  })
  const made = value(await programs.make({ book, ...noted, createdAt, terms }))
  if ('existing' in made) throw new Error('the product is there already')
  const product = value(
    await programs.publish(book, made.made.id, async () => ({ ok: true, value: undefined })),
  )
  const key = await access.makeKey({
    book,
    name: 'bench',
    owner: 'bench',
    scopes,
    expiresAt: null,
    ...noted,
  })
  if ('existing' in key) throw new Error('the key is there already')
  const population: Population = {
    bornAt: createdAt - bornBeforeMs,
    lanes: flows.engine.lanesOf('live'),
    cards: 0,
    merchants,
  }
  const at = new Date(createdAt).toISOString()
  const lines = Array.from({ length: merchants }, (_, index) =>
    row(
      merchantAt(population, index),
      book,
      `Shop ${index}`,
      'restaurant',
      String(population.lanes[index % population.lanes.length]),
      '{}',
      at,
    ),
  )
  const columns = '(id, book_id, name, category, settlement_lane, metadata, created_at)'
  await copyIn(owner.sql, `lika.merchant ${columns}`, lines.join(''))
  await owner.sql.unsafe('vacuum analyze lika.merchant')
  return { issuer, book, product, token: key.token, population }
}

const terms = {
  name: 'Gift card',
  kind: 'stored_value',
  registered: false,
  carrier: 'virtual',
  faces: { min: 1n, max: 500_000n },
  validityMonths: 36,
  reloadable: true,
  model: 'mixed',
  acceptance: acceptedEverywhere,
  consumeOrder: ['bonus', 'principal'],
} as const

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.refusal.detail)
  return result.value
}
