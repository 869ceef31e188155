/** Asking for an import: the file is kept already, sealed; its rows are read by the job of the same id. */
import {
  asId,
  formatId,
  type Instant,
  laneOfId,
  ok,
  type ProductId,
  type Result,
  refusal,
  refused,
  type Uuid,
} from '@lika/contract'
import { type ImportRow, imports, noCounts } from '../../modules/imports/index.ts'
import type { Product } from '../../modules/programs/index.ts'
import type { NewJob } from '../../platform/jobs/index.ts'
import type { Command, View } from '../../platform/lanes/index.ts'
import { type CardCaller, claimedInput } from '../cards/caller.ts'
import { type Body, textIn } from '../cards/facts.ts'
import type { FlowContext } from '../context.ts'
import { presentAsked, referenceRefusal, resultJson } from '../jobs/asked.ts'
import { nameKinds } from '../names.ts'

export interface ImportInput {
  readonly productId: ProductId
  readonly encoding: ImportRow['encoding']
  readonly dryRun: boolean
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

export interface Upload {
  readonly id: Uuid
  /** SHA-256 of the bytes, hex. */
  readonly digest: string
}

/** Refusals: `product.not_found`, `reference.already_used`, `product.not_published`. */
export async function createImport(
  context: FlowContext,
  caller: CardCaller,
  asked: { readonly input: ImportInput; readonly upload: Upload },
  key: string,
): Promise<Result<Command>> {
  const { engine, keyring, programs } = context
  const { input, upload } = asked
  const product = await programs.find(caller.book, input.productId)
  if (product === undefined)
    return refused(refusal('product.not_found', 'No product has this id here (prod_…).'))
  const { reference } = input
  // Keyed: a file of one row with a short secret could be guessed from a plain digest.
  const file = keyring.guessDigest(`file:${upload.digest}`).toString('hex')
  return ok({
    book: caller.book,
    operation: 'import.requested',
    key,
    input: claimedInput({ ...input, file }),
    homeLane: () => engine.laneForNew(caller.mode),
    ...(reference !== undefined && { name: { kind: nameKinds.import, name: reference } }),
    plan: (commandId, name) => {
      const taken = referenceRefusal(name, 'import')
      const lanes = engine.lanes
        .filter(({ pool, acceptsNew }) => pool === caller.mode && acceptsNew)
        .map(({ lane }) => lane)
      return {
        lanes: [laneOfId(commandId)],
        reads: [],
        decide: (view, now) => {
          if (taken !== undefined) return { ok: false, refusal: taken }
          if (product.status !== 'published')
            return refused(
              refusal('product.not_published', 'The product is a draft: publish it first.'),
            )
          const row = importOf(view, now, product, { input, uploadId: upload.id, lanes })
          view.put(imports, laneOfId(commandId), row)
          return ok({ kind: 'import.requested', version: 1, body: bodyOf(row) })
        },
      }
    },
  })
}

function importOf(
  view: View,
  now: Instant,
  product: Product,
  given: { input: ImportInput; uploadId: Uuid; lanes: readonly number[] },
): ImportRow {
  const { input, uploadId, lanes } = given
  return {
    ...noCounts,
    id: asId(view.commandId),
    bookId: view.bookId,
    productId: product.id,
    productVersion: product.version,
    encoding: input.encoding,
    dryRun: input.dryRun,
    uploadId,
    lanes,
    outcome: null,
    reversalId: null,
    reversedAt: null,
    reversed: 0,
    reference: input.reference ?? null,
    metadata: input.metadata ?? null,
    createdAt: now,
  }
}

function bodyOf(row: ImportRow): Body {
  return {
    importId: row.id,
    productId: row.productId,
    productVersion: row.productVersion,
    dryRun: row.dryRun,
    _upload: row.uploadId,
  }
}

/** The upload that the import reads: a repeat brings another one along, which nobody needs. */
export function uploadOf(body: Body): string {
  return textIn(body, '_upload')
}

/** The job that reads the file; asking for it again does nothing. */
export function jobOfImport(row: Pick<ImportRow, 'id' | 'bookId'>): NewJob {
  const result = resultJson({ import_id: formatId('import', row.id) })
  return { id: row.id, bookId: row.bookId, kind: 'import', params: {}, result }
}

export function presentImportJob(body: Body, at: Instant) {
  const id = textIn(body, 'importId')
  const result = { import_id: formatId('import', id) }
  return presentAsked(asId(id), at, { kind: 'import', result, total: null })
}
