/**
 * Who is one person with whom: one pointer for each member that was ever merged, and the log of what moved it. What a
 * member owns is read through the pointers and never rewritten. See docs/decisions/0014-merged-members.md.
 */
import type { BookId, Lane, MemberId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { instantArray, uuidArray } from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'
import { together } from '../../platform/together.ts'
import type { LinkRow, MergeRow } from './model.ts'

/** By the member that points, in its lane. */
export const memberLinks: Shelf<LinkRow> = {
  name: 'member_link',
  keyOf: (row) => row.memberId,
  load: (sql, lane, ids) => sql<LinkRow[]>`
    select member_id as "memberId", book_id as "bookId", into_id as "intoId", merge_id as "mergeId"
    from member_link
    where lane = ${lane}
      and member_id = any(${uuidArray(ids)}::uuid[])`,
  insert: (sql, lane, rows) => sql`
    insert into member_link (lane, member_id, book_id, into_id, merge_id)
    select ${lane}, member_id, book_id, into_id, merge_id
    from ${linkColumns(sql, rows)}`,
  update: (sql, lane, rows) => sql`
    update member_link
    set
      into_id = fresh.into_id,
      merge_id = fresh.merge_id
    from ${linkColumns(sql, rows)}
    where member_link.lane = ${lane}
      and member_link.member_id = fresh.member_id`,
}

function linkColumns(sql: Sql, rows: readonly LinkRow[]) {
  return sql`unnest(
      ${uuidArray(rows.map((row) => row.memberId))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.intoId))}::uuid[],
      ${uuidArray(rows.map((row) => row.mergeId))}::uuid[]
    ) as fresh (member_id, book_id, into_id, merge_id)`
}

/** Only ever added to. */
export const memberMerges: Shelf<MergeRow> = {
  name: 'member_merge',
  keyOf: (row) => row.id,
  load: async () => [],
  insert: (sql, lane, rows) => sql`
    insert into member_merge (lane, id, book_id, member_id, into_id, told_by, undoes, at)
    select ${lane}, id, book_id, member_id, into_id, told_by, undoes, at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.memberId))}::uuid[],
      ${uuidArray(rows.map((row) => row.intoId))}::uuid[],
      ${uuidArray(rows.map((row) => row.toldBy))}::uuid[],
      ${uuidArray(rows.map((row) => row.undoes))}::uuid[],
      ${instantArray(rows.map((row) => row.at))}::timestamptz[]
    ) as fresh (id, book_id, member_id, into_id, told_by, undoes, at)`,
}

/**
 * The member at the end of the pointers; itself where there is none. Whoever asks at the same time asks in one
 * statement.
 */
export const selectCanonical: (sql: Sql, id: MemberId) => Promise<MemberId> = together(
  async (sql, ids) => {
    const rows = await sql<{ start: MemberId; id: MemberId }[]>`
      with recursive way (start, id, steps) as (
        select start, start, 0
        from unnest(${uuidArray(ids)}::uuid[]) as start
        union all
        select start, into_id, steps + 1
        from way
        join member_link on member_id = way.id
        where into_id is not null
      )
      select distinct on (start) start, id
      from way
      order by start, steps desc`
    const ends = new Map(rows.map(({ start, id }) => [start, id]))
    return (id: MemberId) => ends.get(id) ?? id
  },
)

/** Everybody whose pointers end at this member, itself first. */
export async function selectGroup(sql: Sql, canonical: MemberId): Promise<MemberId[]> {
  const rows = await sql<{ id: MemberId }[]>`
    with recursive reached (id, steps) as (
      select ${canonical}::uuid, 0
      union all
      select member_id, steps + 1
      from reached
      join member_link on into_id = reached.id
    )
    select id
    from reached
    order by steps, id`
  return rows.map((row) => row.id)
}

/** What happened to these members, the newest first. */
export function selectMerges(
  sql: Sql,
  book: BookId,
  members: readonly MemberId[],
  filter: { readonly before?: string | undefined; readonly limit: number },
): Promise<MergeRow[]> {
  return sql<MergeRow[]>`
    select
      id, book_id as "bookId", member_id as "memberId", into_id as "intoId", told_by as "toldBy", undoes, at
    from member_merge
    where book_id = ${book}
      and (
        member_id = any(${uuidArray(members)}::uuid[])
        or into_id = any(${uuidArray(members)}::uuid[])
      )
      and (${filter.before ?? null}::uuid is null or id < ${filter.before ?? null}::uuid)
    order by id desc
    limit ${filter.limit}`
}

/** Whether the last that happened to the member itself was that a person set it apart. */
export async function wasSetApart(sql: Sql, lane: Lane, member: MemberId): Promise<boolean> {
  const [row] = await sql<{ apart: boolean }[]>`
    select undoes is not null as apart
    from member_merge
    where lane = ${lane}
      and member_id = ${member}
    order by id desc
    limit 1`
  return row?.apart === true
}
