/** The job that takes an import back: freezes all of its cards, then lets them go; or makes them active again. */
import { type Fen, fenToJson, formatId, laneOfId } from '@lika/contract'
import { type ImportRow, selectImportOfReversal } from '../../modules/imports/index.ts'
import type { Job, JobHandler, JobRun } from '../../platform/jobs/index.ts'
import type { Command, Executed, Json } from '../../platform/lanes/index.ts'
import { fenIn, membersOf } from '../cards/facts.ts'
import { resultJson } from '../jobs/asked.ts'
import type { JobContext } from '../jobs/context.ts'
import { inOrder } from '../jobs/in-order.ts'
import { insist } from '../jobs/insist.ts'
import {
  beginPage,
  keepFromBeginning,
  type Reversal,
  reversePage,
  undoPage,
} from './reversal-commands.ts'
import { countInTheWay, type Page, pagesOf } from './reversal-pages.ts'
import { notReversible } from './reverse.ts'

const width = 3

type Phase = 'begin' | 'reverse' | 'undo'

/** Where it stands: pages done in the phase, and what went back so far. */
interface Progress {
  readonly phase: Phase
  readonly pages: number
  readonly reversed: number
  readonly amount: Fen
}

/** Resumes in its phase behind the last page that it recorded. Fails with `import.not_reversible`. */
export function reversalJob(context: JobContext): JobHandler {
  return async (run) => {
    const row = await selectImportOfReversal(context.database.sql, laneOfId(run.job.id), run.job.id)
    if (row === undefined) throw new Error(`there is no import for the reversal ${run.job.id}`)
    const work = { context, row, run, reversal: reversalOf(run.job, row) }
    let at = progressOf(run.job)
    if (at.phase === 'begin') at = await begin(work, at)
    if (at.phase === 'undo') {
      await undo(work, at)
      const { code, detail } = notReversible(await countInTheWay(context, row))
      return { failed: { code, detail } }
    }
    const { reversed, amount } = await reverse(work, at)
    return {
      result: resultJson({
        import_id: formatId('import', row.id),
        reversed,
        total_amount: fenToJson(amount),
      }),
    }
  }
}

interface Work {
  readonly context: JobContext
  readonly row: ImportRow
  readonly run: JobRun
  readonly reversal: Reversal
}

function reversalOf({ id, bookId }: Job, row: ImportRow): Reversal {
  return { id, bookId, importId: row.id }
}

async function begin(work: Work, from: Progress): Promise<Progress> {
  const { context, reversal } = work
  let isRefused = false
  const reached = await overPages(work, from, (page) => beginPage(context, reversal, page), {
    take: (at, executed) => {
      isRefused ||= executed.status === 'refused'
      return isRefused ? { ...at, phase: 'undo', pages: 0 } : at
    },
    isOver: () => isRefused,
  })
  if (reached.phase === 'undo') return reached
  const next: Progress = { ...reached, phase: 'reverse', pages: 0 }
  await checkpoint(work, next)
  return next
}

/** A page that was not begun by now is kept from it; one that was is undone. */
async function undo(work: Work, from: Progress): Promise<void> {
  const { context, reversal, run } = work
  await overPages(work, from, async (page) => {
    const keep = keepFromBeginning(context, reversal, page)
    const begun = await insist(context, keep, run.signal)
    return begun.status === 'done' ? undoPage(context, reversal, page) : begun
  })
}

function reverse(work: Work, from: Progress): Promise<Progress> {
  const { context, reversal } = work
  return overPages(work, from, (page) => reversePage(context, reversal, page), {
    take: (at, executed) => {
      if (executed.status === 'refused') throw new Error(executed.refusal.detail)
      const { body } = executed
      const count = Number(body['count'])
      return {
        ...at,
        reversed: at.reversed + count,
        amount: at.amount + fenIn(body, 'amountFen'),
      }
    },
  })
}

interface Taking {
  readonly take?: (at: Progress, executed: Executed) => Progress
  readonly isOver?: () => boolean
}

/** Runs a command on every page from where the phase stands, recording each. */
async function overPages(
  work: Work,
  from: Progress,
  commandOf: (page: Page) => Command | Promise<Command | Executed>,
  { take = (at) => at, isOver = () => false }: Taking = {},
): Promise<Progress> {
  const { context, row, run } = work
  let at = from
  const steps = async function* () {
    let number = 0
    for await (const page of pagesOf(context, row)) {
      number += 1
      if (number <= from.pages) continue
      if (isOver()) return
      yield async () => {
        const command = await commandOf(page)
        return 'plan' in command ? insist(context, command, run.signal) : command
      }
    }
  }
  await inOrder(steps(), width, async (executed) => {
    at = take({ ...at, pages: at.pages + 1 }, executed)
    await checkpoint(work, at)
  })
  return at
}

async function checkpoint({ run }: Work, at: Progress): Promise<void> {
  const progress: Json = { ...at, amount: String(at.amount) }
  await run.checkpoint(progress, at.reversed)
}

function progressOf({ progress }: Job): Progress {
  if (progress === null) return { phase: 'begin', pages: 0, reversed: 0, amount: 0n }
  const members = membersOf(progress)
  const phase = members['phase']
  return {
    phase: phase === 'undo' || phase === 'reverse' ? phase : 'begin',
    pages: Number(members['pages']),
    reversed: Number(members['reversed']),
    amount: fenIn(members, 'amount'),
  }
}
