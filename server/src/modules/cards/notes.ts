/** Why people did what they did to a card: free text beside the journal, which holds none. */
import type { BookId, CardId, CommandId, Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { instantArray, textArray, uuidArray } from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'

export interface NoteRow {
  /** Of the command that it explains. */
  readonly id: CommandId
  readonly bookId: BookId
  readonly cardId: CardId
  readonly kind: 'freeze' | 'unfreeze' | 'close' | 'adjustment'
  readonly reason: string
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly at: Instant
}

export const notes: Shelf<NoteRow> = {
  name: 'card_note',
  keyOf: (row) => row.id,
  load: async () => [],
  insert: insertNotes,
}

function insertNotes(sql: Sql, lane: Lane, rows: readonly NoteRow[]): Promise<unknown> {
  return sql`
    insert into card_note (lane, id, book_id, card_id, kind, reason, reference, metadata, at)
    select ${lane}, id, book_id, card_id, kind, reason, reference, metadata, at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${textArray(rows.map((row) => row.kind))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[],
      ${instantArray(rows.map((row) => row.at))}::timestamptz[]
    ) as fresh (id, book_id, card_id, kind, reason, reference, metadata, at)`
}
