/** The job of a batch: issues its chunks, then makes the file for the printer, then destroys the seals. */
import {
  asId,
  businessDateOf,
  fenToJson,
  formatId,
  issuerOfBook,
  type Lane,
  laneOfId,
  modeOfBook,
} from '@lika/contract'
import {
  type BatchRow,
  cardsPerChunk,
  chunksOf,
  type PrintPage,
  printFile,
  selectBatch,
} from '../../modules/batches/index.ts'
import { beforeFirstCard, seals, selectSealedCards } from '../../modules/cards/index.ts'
import type { Job, JobHandler, JobRun } from '../../platform/jobs/index.ts'
import { type Command, read } from '../../platform/lanes/index.ts'
import { membersOf } from '../cards/facts.ts'
import { lawOf } from '../cards/law.ts'
import { resultJson } from '../jobs/asked.ts'
import type { JobContext } from '../jobs/context.ts'
import { inOrder } from '../jobs/in-order.ts'
import { insist } from '../jobs/insist.ts'
import { issueChunk } from './issue-chunk.ts'

/** Chunks under way: while one is written the next are minted. */
const width = 4
const cardsPerPage = 1_000

/** Resumes behind the last chunk that it recorded; a chunk that ran after that is found to have run. */
export function batchJob(context: JobContext): JobHandler {
  return async (run) => {
    const batch = await batchOf(context, run.job)
    await issueAll(context, batch, run)
    if (batch.ageRecipient !== null) {
      const keys = context.keyring.cardKeyMaterial()
      await run.writeFile(printFile(keys, batch.ageRecipient, printPages(context, batch, run)))
    }
    const result = resultJson({
      batch_id: formatId('batch', batch.id),
      issued: batch.count,
      total_amount: fenToJson(batch.amount * BigInt(batch.count)),
      ...(batch.ageRecipient !== null && { file: true }),
    })
    return { result }
  }
}

async function batchOf({ database }: JobContext, job: Job): Promise<BatchRow> {
  const batch = await selectBatch(database.sql, laneOfId(job.id), job.bookId, job.id)
  if (batch === undefined) throw new Error(`there is no batch ${job.id}`)
  return batch
}

async function issueAll(context: JobContext, batch: BatchRow, run: JobRun): Promise<void> {
  const { programs } = context
  const terms = await programs.termsOf(batch.bookId, batch.productId, batch.productVersion)
  if (terms === undefined) throw new Error(`batch ${batch.id} has no terms`)
  const { issuer } = await lawOf(context, issuerOfBook(batch.bookId))
  const work = { batch, terms, numberPrefix: issuer.numberPrefix }
  const from = nextChunk(run.job)
  const chunks = Array.from({ length: chunksOf(batch) - from }, (_, index) => from + index)
  const steps = chunks.map((chunk) => async () => {
    await insist(context, issueChunk(context, work, chunk), run.signal)
    return chunk
  })
  await inOrder(steps, width, async (chunk) => {
    const done = Math.min((chunk + 1) * cardsPerChunk, batch.count)
    await run.checkpoint({ next: chunk + 1 }, done, batch.count)
  })
}

function nextChunk({ progress }: Job): number {
  const next = progress === null ? 0 : membersOf(progress)['next']
  return typeof next === 'number' ? next : 0
}

async function* printPages(
  context: JobContext,
  batch: BatchRow,
  { signal }: JobRun,
): AsyncGenerator<PrintPage, undefined> {
  for await (const page of pagesOf(context, batch)) {
    signal.throwIfAborted()
    yield {
      ids: page.cards.map(({ id }) => id),
      numbers: page.cards.map(({ number }) => number),
      seals: page.cards.map(({ sealed }) => sealed),
      expiresOn: page.cards.map(({ expiresAt }) =>
        expiresAt === null ? null : businessDateOf(expiresAt - 1),
      ),
    }
  }
  return undefined
}

type SealedCards = Awaited<ReturnType<typeof selectSealedCards>>

/** The same pages whenever they are asked for: a batch that was issued gets no more cards. */
async function* pagesOf(
  { engine, database }: JobContext,
  batch: BatchRow,
): AsyncGenerator<{ lane: Lane; number: number; cards: SealedCards }> {
  for (const lane of engine.lanesOf(modeOfBook(batch.bookId))) {
    let after: string = beforeFirstCard
    for (let number = 0; ; number += 1) {
      const page = { after, limit: cardsPerPage }
      const cards = await selectSealedCards(database.sql, lane, batch.id, page)
      const last = cards.at(-1)
      if (last === undefined) break
      yield { lane, number, cards }
      after = last.id
    }
  }
}

/**
 * Destroys the seals of a batch whose file is kept, page by page through the lanes. Goes on where it was left, for a
 * page that ran before is found to have run.
 */
export async function destroySeals(context: JobContext, job: Job): Promise<void> {
  const batch = await batchOf(context, job)
  if (batch.ageRecipient === null || job.status !== 'succeeded') return
  const steps = async function* () {
    for await (const { lane, number, cards } of pagesOf(context, batch)) {
      const sealed = cards.flatMap((card) => (card.sealed === null ? [] : [card.id]))
      if (sealed.length === 0) continue
      yield () => insist(context, destroyPage(batch, lane, number, sealed))
    }
  }
  await inOrder(steps(), width, async () => undefined)
}

function destroyPage(
  batch: BatchRow,
  lane: Lane,
  page: number,
  cardIds: readonly string[],
): Command {
  return {
    book: batch.bookId,
    operation: 'batch.printed',
    key: `batch:${batch.id}:seals:${lane}:${page}`,
    input: { batchId: batch.id, lane, page },
    homeLane: () => lane,
    weight: 'bulk',
    size: cardIds.length,
    plan: () => ({
      lanes: [lane],
      reads: cardIds.map((id) => read(seals, lane, id)),
      decide: (view) => {
        for (const id of cardIds) view.remove(seals, id)
        const body = { batchId: asId(batch.id), page, count: cardIds.length }
        return { ok: true, value: { kind: 'batch.printed', version: 1, body } }
      },
    }),
  }
}
