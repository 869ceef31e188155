/** Asking for an import to be taken back: what stands in the way at this moment refuses it; the job looks again. */
import {
  asId,
  formatId,
  type Id,
  type Instant,
  laneOfId,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
  type Uuid,
} from '@lika/contract'
import {
  type ImportRow,
  imports,
  selectImport,
  statusOfImport,
} from '../../modules/imports/index.ts'
import { elapsedMs } from '../../platform/clock.ts'
import type { NewJob } from '../../platform/jobs/index.ts'
import { type Command, read } from '../../platform/lanes/index.ts'
import type { CardCaller } from '../cards/caller.ts'
import { type Body, textIn } from '../cards/facts.ts'
import type { FlowContext } from '../context.ts'
import { presentAsked, resultJson } from '../jobs/asked.ts'
import { countInTheWay } from './reversal-pages.ts'

/** Of the largest imports not every card is looked at before the job does. */
const lookMs = 5_000

/** Refusals: `import.not_found`, `import.already_reversed`, `import.not_reversible`. */
export async function reverseImport(
  context: FlowContext,
  caller: CardCaller,
  importId: Id<'import'>,
  key: string,
): Promise<Result<Command>> {
  const { engine, database } = context
  const lane = laneOfId(importId)
  if (!engine.lanesOf(caller.mode).includes(lane)) return refused(importNotFound)
  return ok({
    book: caller.book,
    operation: 'import.reversal_requested',
    key,
    input: { importId },
    homeLane: () => lane,
    plan: async () => {
      const row = await selectImport(database.sql, lane, caller.book, asId(importId))
      const until = elapsedMs() + lookMs
      const inTheWay = row ? await countInTheWay(context, row, () => elapsedMs() > until) : 0
      return {
        lanes: [lane],
        reads: [read(imports, lane, importId)],
        decide: (view) => {
          const now = view.get(imports, importId)
          if (now === undefined || now.bookId !== view.bookId)
            return { ok: false, final: false, refusal: importNotFound }
          const why = obstacleTo(now, inTheWay)
          if (why !== undefined) return refused(why)
          view.put(imports, lane, { ...now, reversalId: asId(view.commandId) })
          const body = { importId, reversalId: view.commandId, _accepted: now.accepted }
          return ok({ kind: 'import.reversal_requested', version: 1, body })
        },
      }
    },
  })
}

function obstacleTo(row: ImportRow, inTheWay: number): Refusal | undefined {
  const status = statusOfImport(row)
  if (status === 'reversed' || status === 'reversing')
    return refusal('import.already_reversed', `The import is ${status} already.`)
  if (row.dryRun) return refusal('import.not_reversible', 'A dry run has changed nothing.')
  if (status === 'running') return refusal('import.not_reversible', 'The import has not ended yet.')
  return inTheWay === 0 ? undefined : notReversible(inTheWay)
}

export function notReversible(inTheWay: number): Refusal {
  return refusal(
    'import.not_reversible',
    `Cards of this import that were used or are not active: ${inTheWay}.`,
    { data: { in_the_way: inTheWay } },
  )
}

const importNotFound = refusal('import.not_found', 'No import has this id here (imp_…).')

/** The job that takes it back; asking for it again does nothing. */
export function jobOfReversal(reversal: {
  id: Uuid
  bookId: CardCaller['book']
  importId: string
  total?: number
}): NewJob {
  return {
    id: reversal.id,
    bookId: reversal.bookId,
    kind: 'import_reversal',
    params: {},
    ...(reversal.total !== undefined && { total: reversal.total }),
    result: resultJson({ import_id: formatId('import', reversal.importId) }),
  }
}

/** What the outcome of the command says of the job. */
export function reversalFrom(body: Body): { id: Uuid; importId: string; total: number } {
  const total = body['_accepted']
  return {
    id: asId(textIn(body, 'reversalId')),
    importId: textIn(body, 'importId'),
    total: typeof total === 'number' ? total : 0,
  }
}

export function presentReversalJob(body: Body, at: Instant) {
  const { id, importId, total } = reversalFrom(body)
  const result = { import_id: formatId('import', importId) }
  return presentAsked(id, at, { kind: 'import_reversal', result, total })
}
