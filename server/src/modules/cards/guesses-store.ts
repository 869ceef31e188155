/** The statements of guesses.ts: wrong attempts by subject and minute of real time, as PostgreSQL reads it. */
import type { Sql } from '../../platform/db.ts'
import { byteaArray } from '../../platform/db-array.ts'

/** `minute` of the count; `now` is the minute in which the statement ran. Subjects are hex. */
export type GuessCount = { subject: string; minute: number; wrong: number; now: number }

/** The counts of the last `minutes` minutes, this one included. */
export function selectGuesses(
  sql: Sql,
  subjects: readonly Uint8Array[],
  minutes: number,
): Promise<GuessCount[]> {
  return sql<GuessCount[]>`
    select
      encode(subject, 'hex') as subject,
      minute,
      wrong,
      now.minute_now as now
    from (select floor(extract(epoch from lika.real_time()) / 60)::int as minute_now) as now
    join lika.guess on minute > now.minute_now - ${minutes}::int
    where subject = any(${byteaArray(subjects)}::bytea[])`
}

/** Counts one wrong attempt for each subject, now, and answers as `selectGuesses`, these included. */
export function countGuesses(
  sql: Sql,
  subjects: readonly Uint8Array[],
  minutes: number,
): Promise<GuessCount[]> {
  // In one order, so that two of these never wait for each other.
  const ordered = subjects.toSorted((a, b) => Buffer.compare(a, b))
  return sql<GuessCount[]>`
    with now as materialized (
      select floor(extract(epoch from lika.real_time()) / 60)::int as minute_now
    ),
    counted as (
      insert into lika.guess as guess (subject, minute, wrong)
      select given.subject, now.minute_now, 1
      from unnest(${byteaArray(ordered)}::bytea[]) as given (subject)
      cross join now
      on conflict (subject, minute) do update
      set wrong = guess.wrong + 1
      returning subject, minute, wrong
    )
    select encode(subject, 'hex') as subject, minute, wrong, minute as now
    from counted
    union all
    select encode(earlier.subject, 'hex'), earlier.minute, earlier.wrong, now.minute_now
    from now
    join lika.guess as earlier
      on earlier.minute > now.minute_now - ${minutes}::int
      and earlier.minute < now.minute_now
    where earlier.subject = any(${byteaArray(subjects)}::bytea[])`
}

/** Takes back one attempt of that minute for each subject. */
export async function uncountGuesses(
  sql: Sql,
  subjects: readonly Uint8Array[],
  minute: number,
): Promise<void> {
  await sql`
    with locked as (
      select subject
      from lika.guess
      where subject = any(${byteaArray(subjects)}::bytea[])
        and minute = ${minute}
      order by subject
      for update
    )
    update lika.guess
    set wrong = greatest(wrong - 1, 0)
    from locked
    where guess.subject = locked.subject
      and guess.minute = ${minute}`
}

/** Removes what is older than the last `minutes` minutes. */
export async function deleteOldGuesses(sql: Sql, minutes: number): Promise<void> {
  await sql`
    delete from lika.guess
    where minute <= floor(extract(epoch from lika.real_time()) / 60)::int - ${minutes}::int`
}
