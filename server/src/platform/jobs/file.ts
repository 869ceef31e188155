/**
 * The files of jobs, in pieces of the database. A job's file is encrypted before it comes here; it is fetched once and
 * then gone. Every attempt writes under its own number, so that one that lost the job spoils nothing.
 */
import { type BookId, ok, type Result, refusal, refused, type Uuid } from '@lika/contract'
import type { Sql } from '../db.ts'
import type { Held } from './store.ts'

const pieceLength = 1 << 20
/** A reader says with every piece that it is there; one that was killed in the middle cannot give the file back. */
const readerGoneMs = 120_000

/** Replaces what earlier attempts wrote. */
export async function writeFile(
  sql: Sql,
  held: Held,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  await deletePieces(sql, held)
  let piece = 0
  for await (const part of inPieces(bytes)) {
    await insertPiece(sql, held, piece, part)
    piece += 1
  }
}

/**
 * The bytes of the file; from now on nobody else gets them. Read to the end they are deleted; a reader that stops
 * before may fetch again, at once or, where its server died with it, two minutes later. Refusals: `job.not_found`, `job.not_ready`, `job.file_not_found`,
 * `job.file_already_fetched`.
 */
export async function takeFile(
  sql: Sql,
  bookId: BookId,
  id: Uuid,
): Promise<Result<AsyncIterableIterator<Uint8Array>>> {
  const attempt = await claimFile(sql, bookId, id)
  if (attempt !== undefined) return ok(readPieces(sql, { id, attempt }))
  const [job] = await sql<{ finished: boolean; has_file: boolean }[]>`
    select finished_at is not null as finished, file_attempt is not null as has_file
    from lika.job
    where id = ${id}
      and book_id = ${bookId}`
  if (job === undefined) return refused(refusal('job.not_found', 'There is no such job.'))
  if (!job.finished) return refused(refusal('job.not_ready', 'The job has not finished yet.'))
  if (!job.has_file) return refused(refusal('job.file_not_found', 'This job made no file.'))
  return refused(refusal('job.file_already_fetched', 'A file is given out once only.'))
}

/** Those of this attempt and the ones before it. */
export async function deletePieces(sql: Sql, held: Held): Promise<void> {
  await sql`
    delete from lika.job_file
    where job_id = ${held.id}
      and attempt <= ${held.attempt}`
}

/** Not a generator: the end of one that was never begun would go unnoticed, and the file stay claimed. */
function readPieces(sql: Sql, held: Held): AsyncIterableIterator<Uint8Array> {
  let piece = 0
  let open = true
  const end = async (complete: boolean): Promise<{ done: true; value: undefined }> => {
    if (open) await (complete ? deletePieces(sql, held) : unclaimFile(sql, held))
    open = false
    return { done: true, value: undefined }
  }
  return {
    next: async () => {
      const bytes = open ? await selectPiece(sql, held, piece) : undefined
      if (bytes === undefined) return end(true)
      piece += 1
      return { done: false, value: bytes }
    },
    return: () => end(false),
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function claimFile(sql: Sql, bookId: BookId, id: Uuid): Promise<number | undefined> {
  const [row] = await sql<{ file_attempt: number }[]>`
    update lika.job
    set file_fetched_at = now()
    where id = ${id}
      and book_id = ${bookId}
      and file_attempt is not null
      and (
        file_fetched_at is null
        or (
          file_fetched_at < now() - ${readerGoneMs} * interval '1 millisecond'
          and exists (
            select
            from lika.job_file
            where job_id = job.id
              and attempt = job.file_attempt
          )
        )
      )
    returning file_attempt`
  return row?.file_attempt
}

async function unclaimFile(sql: Sql, held: Held): Promise<void> {
  await sql`
    update lika.job
    set file_fetched_at = null
    where id = ${held.id}
      and file_attempt = ${held.attempt}`
}

async function selectPiece(sql: Sql, held: Held, piece: number): Promise<Uint8Array | undefined> {
  const [row] = await sql<{ bytes: Uint8Array }[]>`
    with reading as (
      update lika.job
      set file_fetched_at = now()
      where id = ${held.id}
        and file_attempt = ${held.attempt}
    )
    select bytes
    from lika.job_file
    where job_id = ${held.id}
      and attempt = ${held.attempt}
      and piece = ${piece}`
  return row?.bytes
}

async function insertPiece(sql: Sql, held: Held, piece: number, bytes: Uint8Array): Promise<void> {
  await sql`
    insert into lika.job_file (job_id, attempt, piece, bytes)
    values (${held.id}, ${held.attempt}, ${piece}, ${bytes})`
}

/** Fewer, larger pieces: each costs a statement. */
async function* inPieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const part of bytes) {
    parts.push(part)
    length += part.length
    if (length < pieceLength) continue
    yield Buffer.concat(parts)
    parts = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(parts)
}
