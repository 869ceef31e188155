/** The job of an import: reads the file chunk by chunk, judges its rows, makes cards of the good ones. */
import { type Fen, fenToJson, formatId, issuerOfBook, laneOfId } from '@lika/contract'
import {
  type ErrorRow,
  type FileChunk,
  type ImportCounts,
  type ImportRow,
  insertErrors,
  isImportedNumberTaken,
  noCounts,
  type RowError,
  readCardFile,
  readUpload,
  rowError,
  saveCounts,
  selectImport,
} from '../../modules/imports/index.ts'
import type { Job, JobHandler, JobRun } from '../../platform/jobs/index.ts'
import type { Executed, Json } from '../../platform/lanes/index.ts'
import { type Body, fenIn, listIn, membersOf } from '../cards/facts.ts'
import { lawOf } from '../cards/law.ts'
import { resultJson } from '../jobs/asked.ts'
import type { JobContext } from '../jobs/context.ts'
import { inOrder } from '../jobs/in-order.ts'
import { insist } from '../jobs/insist.ts'
import { nameKinds } from '../names.ts'
import { type Bench, judge } from './judge.ts'
import { type ImportWork, type Load, loadChunk, takenAmong } from './load-chunk.ts'

const width = 3

/** A chunk with everything that came of it. */
interface Taken extends Omit<ImportCounts, 'rejected'> {
  readonly chunk: number
  readonly errors: readonly RowError[]
  readonly isUnreadable: boolean
}

/**
 * Resumes behind the last chunk that it recorded: the file is read from its beginning, for its duplicates are known
 * only then. A chunk that ran already is found to have run. Fails with `import.bad_file` where there is no header, or
 * the file is none; what is wrong with rows fails nothing.
 */
export function importJob(context: JobContext): JobHandler {
  return async (run) => {
    const work = await openImport(context, run.job)
    const { row } = work
    let { counts, next } = progressOf(run.job)
    let isUnreadable = false
    await inOrder(chunksOf(context, work, run, next), width, async (taken) => {
      await insertErrors(context.database.sql, row.id, errorRows(taken.errors))
      counts = addTo(counts, taken)
      next = taken.chunk + 1
      isUnreadable ||= taken.isUnreadable
      await saveCounts(context.database.sql, laneOfId(row.id), row.id, counts)
      await run.checkpoint(progressJson(counts, next), counts.rows)
    })
    if (isUnreadable)
      return {
        failed: {
          code: 'import.bad_file',
          detail: 'The file has no rows that could be read: see the errors of the import.',
        },
      }
    await run.checkpoint(progressJson(counts, next), counts.rows, counts.rows)
    const { accepted, rejected, totalAmount } = counts
    return {
      result: resultJson({
        import_id: formatId('import', row.id),
        accepted,
        rejected,
        total_amount: fenToJson(totalAmount),
      }),
    }
  }
}

interface OpenImport extends ImportWork {
  readonly bench: Bench
}

async function openImport(context: JobContext, job: Job): Promise<OpenImport> {
  const { database, programs } = context
  const row = await selectImport(database.sql, laneOfId(job.id), job.bookId, job.id)
  if (row === undefined) throw new Error(`there is no import ${job.id}`)
  const terms = await programs.termsOf(row.bookId, row.productId, row.productVersion)
  if (terms === undefined) throw new Error(`import ${row.id} has no terms`)
  const law = await lawOf(context, issuerOfBook(row.bookId))
  const { registered } = terms
  const { numberPrefix } = law.issuer
  return { row, terms, bench: { policy: law.at(row.createdAt), registered, numberPrefix } }
}

async function* chunksOf(
  context: JobContext,
  work: OpenImport,
  { signal }: JobRun,
  from: number,
): AsyncGenerator<() => Promise<Taken>> {
  const { keyring, database } = context
  const { bookId, encoding, lanes, uploadId } = work.row
  const start = {
    book: bookId,
    encoding,
    lanes,
    cardSecrets: keyring.cardKeyMaterial().digest,
    names: keyring.nameKeyMaterial(),
    nameKind: nameKinds.cardNumber,
    from,
  }
  const piece = (number: number) => readUpload(database.sql, keyring, uploadId, number)
  for await (const chunk of readCardFile(start, piece)) {
    signal.throwIfAborted()
    yield () => takeChunk(context, work, chunk, signal)
  }
}

async function takeChunk(
  context: JobContext,
  work: OpenImport,
  chunk: FileChunk,
  signal: AbortSignal,
): Promise<Taken> {
  const { cards, errors } = judge(chunk, work.bench)
  const load: Load = { chunk: chunk.chunk, lane: chunk.lane, cards }
  const loaded = work.row.dryRun
    ? await rehearse(context, work.row, load)
    : await runLoad(context, work, load, signal)
  const taken = loaded.taken.map((line) =>
    rowError('import.number_taken', line, chunk.columns.number),
  )
  return {
    chunk: chunk.chunk,
    rows: chunk.rows,
    accepted: loaded.count,
    totalAmount: loaded.amount,
    totalBonus: loaded.bonus,
    errors: [...chunk.errors, ...errors, ...taken],
    isUnreadable: !chunk.hasHeader,
  }
}

interface Loaded {
  readonly count: number
  readonly amount: Fen
  readonly bonus: Fen
  /** Lines whose number another card has. */
  readonly taken: readonly number[]
}

/** What the chunk would do. */
async function rehearse(
  { database }: JobContext,
  { bookId }: ImportRow,
  { cards }: Load,
): Promise<Loaded> {
  const taken = await takenAmong(database.sql, bookId, cards)
  const fresh = cards.filter((card) => !taken.has(card))
  return {
    count: fresh.length,
    amount: fresh.reduce((sum, { amount }) => sum + amount, 0n),
    bonus: fresh.reduce((sum, { bonusAmount }) => sum + bonusAmount, 0n),
    taken: [...taken].map(({ line }) => line),
  }
}

const attempts = 20

/** What the chunk did, now or in an earlier attempt. */
async function runLoad(
  context: JobContext,
  work: OpenImport,
  load: Load,
  signal: AbortSignal,
): Promise<Loaded> {
  if (load.cards.length === 0) return { count: 0, amount: 0n, bonus: 0n, taken: [] }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return loadedFrom(await insist(context, loadChunk(context, work, load), signal))
    } catch (error) {
      if (attempt === attempts || !isImportedNumberTaken(error)) throw error
    }
  }
}

function loadedFrom(executed: Executed): Loaded {
  if (executed.status === 'refused')
    throw new Error(`a chunk was refused: ${executed.refusal.code}`)
  const { body } = executed
  return {
    count: numberIn(body, 'count'),
    amount: fenIn(body, 'amountFen'),
    bonus: fenIn(body, 'bonusAmountFen'),
    taken: listIn(body, '_taken').map(Number),
  }
}

function addTo(counts: ImportCounts, taken: Taken): ImportCounts {
  return {
    rows: counts.rows + taken.rows,
    accepted: counts.accepted + taken.accepted,
    rejected: counts.rejected + taken.rows - taken.accepted,
    totalAmount: counts.totalAmount + taken.totalAmount,
    totalBonus: counts.totalBonus + taken.totalBonus,
  }
}

function errorRows(errors: readonly RowError[]): ErrorRow[] {
  const ofLine = new Map<number, number>()
  return errors.map((error) => {
    const position = ofLine.get(error.line) ?? 0
    ofLine.set(error.line, position + 1)
    return { ...error, position }
  })
}

function progressJson(counts: ImportCounts, next: number): Json {
  return {
    next,
    rows: counts.rows,
    accepted: counts.accepted,
    rejected: counts.rejected,
    amountFen: String(counts.totalAmount),
    bonusAmountFen: String(counts.totalBonus),
  }
}

/** How far the job came, and with what. */
export function progressOf({ progress }: Job): { next: number; counts: ImportCounts } {
  if (progress === null) return { next: 0, counts: noCounts }
  const members = membersOf(progress)
  return {
    next: numberIn(members, 'next'),
    counts: {
      rows: numberIn(members, 'rows'),
      accepted: numberIn(members, 'accepted'),
      rejected: numberIn(members, 'rejected'),
      totalAmount: fenIn(members, 'amountFen'),
      totalBonus: fenIn(members, 'bonusAmountFen'),
    },
  }
}

function numberIn(body: Body, name: string): number {
  const value = body[name]
  if (typeof value !== 'number') throw new Error(`the progress of the job has no ${name}`)
  return value
}
