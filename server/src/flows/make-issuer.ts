/** A new issuer, with the model charter published in both of its books. */
import { createHash } from 'node:crypto'
import { asId, bookOf, type Instant, type Mode } from '@lika/contract'
import { modelCharter, publishCharter } from '../modules/charters/index.ts'
import type { Issuers } from '../modules/issuers/index.ts'
import type { Database } from '../platform/db.ts'
import { newId } from '../platform/ids.ts'

export interface MakesIssuers {
  readonly issuers: Issuers
  readonly database: Database
  readonly bookNow: (mode: Mode) => Instant
}

type Made = Awaited<ReturnType<Issuers['make']>>

/** Refusals: `policy.unknown_pack`. A reference that is taken answers the issuer that has it. */
export async function makeIssuer(
  { issuers, database, bookNow }: MakesIssuers,
  issuer: Parameters<Issuers['make']>[0],
): Promise<Made> {
  const made = await issuers.make(issuer)
  if (!made.ok || 'existing' in made.value) return made
  const { title, document } = modelCharter
  for (const mode of ['live', 'test'] as const) {
    await publishCharter(database.sql, {
      id: asId(newId()),
      bookId: bookOf(made.value.id, mode),
      title,
      digest: createHash('sha256').update(document).digest(),
      document,
      reference: null,
      metadata: {},
      publishedAt: bookNow(mode),
    })
  }
  return made
}
