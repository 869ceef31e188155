/** The SQL of what the bank said, and of the desk at which one process at a time talks to it. */
import type { Fen, Instant, Mode, PayoutBatchId, PayoutId, Uuid } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, intArray, textArray, uuidArray } from '../../platform/db-array.ts'
import type { BankAnswer, BankState } from './channel.ts'
import type { Verdict } from './model.ts'

export interface JudgedAnswer {
  readonly answer: BankAnswer
  readonly payoutId: PayoutId | undefined
  readonly verdict: Verdict
}

/** Keeps what a file said. What is on record already stays: a file that is read again brings nothing new. */
export async function recordAnswers(
  sql: Sql,
  {
    mode,
    fileName,
    fileDigest,
    at,
  }: { mode: Mode; fileName: string; fileDigest: string; at: Instant },
  judged: readonly JudgedAnswer[],
): Promise<void> {
  await sql`
    insert into bank_answer
      (mode, file_name, file_digest, line, batch, reference, state, amount, bank_serial, reason, payout_id, verdict, received_at)
    select
      ${mode}, ${fileName}, ${fileDigest}, line, batch, reference, state, amount, bank_serial, reason, payout_id, verdict,
      ${new Date(at)}::timestamptz
    from unnest(
      ${intArray(judged.map((_, index) => index + 1))}::int[],
      ${textArray(judged.map(({ answer }) => answer.batch))}::text[],
      ${textArray(judged.map(({ answer }) => answer.reference))}::text[],
      ${textArray(judged.map(({ answer }) => answer.state))}::text[],
      ${bigintArray(judged.map(({ answer }) => answer.amount ?? null))}::bigint[],
      ${textArray(judged.map(({ answer }) => answer.serial ?? null))}::text[],
      ${textArray(judged.map(({ answer }) => answer.reason ?? null))}::text[],
      ${uuidArray(judged.map(({ payoutId }) => payoutId ?? null))}::uuid[],
      ${textArray(judged.map(({ verdict }) => verdict))}::text[]
    ) as said (line, batch, reference, state, amount, bank_serial, reason, payout_id, verdict)
    on conflict on constraint pk_bank_answer do nothing`
}

export interface RecordedAnswer {
  readonly fileName: string
  readonly line: number
  readonly state: BankState
  readonly amount: Fen | null
  readonly bankSerial: string | null
  readonly reason: string | null
  readonly verdict: Verdict
  readonly receivedAt: Instant
}

/** What the bank said about a payout, in the order in which it was read; the first two hundred. */
export function selectAnswers(sql: Sql, payoutId: PayoutId): Promise<RecordedAnswer[]> {
  return sql<RecordedAnswer[]>`
    select
      file_name as "fileName", line, state, amount, bank_serial as "bankSerial", reason, verdict,
      received_at as "receivedAt"
    from bank_answer
    where payout_id = ${payoutId}
    order by received_at, file_name collate "C", line
    limit 200`
}

/** Whether the bank ever spoke of a payout of the batch otherwise than that it does not know it. */
export async function wasHeardOf(sql: Sql, batchId: PayoutBatchId): Promise<boolean> {
  const [row] = await sql<{ heard: boolean }[]>`
    select exists (
      select
      from payout
      join bank_answer
        on bank_answer.payout_id = payout.id
      where payout.batch_id = ${batchId}
        and bank_answer.state <> 'not_found'
    ) as heard`
  return row?.heard ?? false
}

/** True: `holder` alone talks to the bank for the next `forMs`. By the database's clock, which all processes share. */
export async function takeDesk(
  sql: Sql,
  mode: Mode,
  holder: Uuid,
  forMs: number,
): Promise<boolean> {
  const taken = await sql`
    insert into payout_desk (mode, holder, until)
    values (${mode}, ${holder}, clock_timestamp() + make_interval(secs => ${forMs / 1000}))
    on conflict on constraint pk_payout_desk do update
      set holder = excluded.holder, until = excluded.until
      where payout_desk.holder = excluded.holder
        or payout_desk.until < clock_timestamp()`
  return taken.count > 0
}

/** So that another process need not wait. */
export async function leaveDesk(sql: Sql, mode: Mode, holder: Uuid): Promise<void> {
  await sql`
    update payout_desk
    set until = clock_timestamp()
    where mode = ${mode}
      and holder = ${holder}`
}
