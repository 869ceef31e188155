/**
 * The movements of cards for the turnover: a page of cards of a lane with those that their money came from, so that a
 * split or replaced card knows how old its money is. Every statement is short; the book is read page by page.
 */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  endOfDay,
  type Fen,
  type Instant,
  type Lane,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import { type AccountKindName, accountId, kindOfAccount, ownerOf } from '../ledger/index.ts'
import type { PrincipalMove } from './turnover.ts'

/** Cards of a book, in the order of their ids. */
export function selectCardsAfter(
  sql: Sql,
  lane: Lane,
  bookId: BookId,
  after: string,
  limit: number,
): Promise<{ id: string }[]> {
  return sql`
    select id
    from card
    where lane = ${lane}
      and book_id = ${bookId}
      and id > ${after}
    order by id
    limit ${limit}`
}

/** These cards and all from which their money may have come: parents of splits, predecessors of replacements. */
export async function withAncestors(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    with recursive family as (
      select id, parent_id, replaces
      from card
      where lane = ${lane}
        and id = any(${uuidArray(ids)}::uuid[])
      union
      select card.id, card.parent_id, card.replaces
      from family
      join card
        on card.lane = ${lane}
        and card.id in (family.parent_id, family.replaces)
    )
    select distinct id
    from family`
  return rows.map(({ id }) => id)
}

interface Row {
  readonly debit: string
  readonly credit: string
  readonly amount: Fen
  readonly at: Instant
}

/** Every movement of their principal up to the end of `until`, in the order of the lane. */
export async function selectMoves(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
  until: BusinessDate,
): Promise<Row[]> {
  const principals = uuidArray(ids.map((id) => accountId(id, 'card_principal', lane)))
  return sql<Row[]>`
    select debit_account as debit, credit_account as credit, amount, at
    from (
      select seq, line, month, debit_account, credit_account, amount
      from transfer
      where lane = ${lane}
        and debit_account = any(${principals}::uuid[])
        and debit_balance is not null
      union
      select seq, line, month, debit_account, credit_account, amount
      from transfer
      where lane = ${lane}
        and credit_account = any(${principals}::uuid[])
        and credit_balance is not null
    ) as moved
    join journal
      on journal.lane = ${lane}
      and journal.seq = moved.seq
      and journal.month = moved.month
    where at < ${new Date(endOfDay(until))}
    order by moved.seq, moved.line`
}

/** Transit: to a merchant who is owed in another lane. */
const spending: readonly AccountKindName[] = ['merchant_unsettled', 'transit']

/**
 * A transfer as something that happened to a card. A spend counts when the card is measured and the day lies in the
 * stretch.
 */
export function moveOf(
  { debit, credit, amount, at }: Row,
  measured: ReadonlySet<string>,
  from: BusinessDate,
): PrincipalMove {
  const day = businessDateOf(at)
  const [debitKind, creditKind] = [kindOfAccount(debit), kindOfAccount(credit)]
  if (debitKind === 'card_principal' && creditKind === 'card_principal')
    return { kind: 'move', card: ownerOf(debit), to: ownerOf(credit), day, amount }
  const counts = (card: string) => measured.has(card) && day >= from
  if (debitKind === 'card_principal') {
    const card = ownerOf(debit)
    const isSpent = creditKind !== undefined && spending.includes(creditKind)
    return isSpent
      ? { kind: 'spend', card, day, amount, counts: counts(card) }
      : { kind: 'leave', card, day, amount }
  }
  const card = ownerOf(credit)
  const isRefund = debitKind !== undefined && spending.includes(debitKind)
  return isRefund
    ? { kind: 'refund', card, day, amount, counts: counts(card) }
    : { kind: 'load', card, day, amount }
}
