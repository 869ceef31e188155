/**
 * The SQL that adds up transfers on unsettled takings. The last four digits of an account's id are its kind and lane, so
 * all unsettled accounts of a lane end alike.
 */
import { type Fen, type Lane, withKindAndLane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { type AccountKindName, accountKinds } from '../ledger/index.ts'
import type { LineKind, LineSource } from './lines.ts'

/** Of the entries that settle: their moves are no lines. */
export const settledKind = 'settlement.created'

/** The last four digits of every account of the kind in a lane. */
export function digitsOf(kind: AccountKindName, lane: Lane): string {
  return withKindAndLane('', accountKinds[kind].number, lane)
}

/**
 * What came from guarded accounts onto unsettled takings, by the kind of the account that it came from. This is nearly
 * every transfer of a busy lane, and touches no other table.
 */
export async function sumFromCards(
  sql: Sql,
  lane: Lane,
  after: bigint,
  until: bigint,
): Promise<{ accountId: string; kindBits: number; amount: Fen }[]> {
  const rows = await sql<{ accountId: string; kindByte: number; amount: Fen }[]>`
    select
      credit_account as "accountId",
      get_byte(uuid_send(debit_account), 14) as "kindByte",
      sum(amount)::bigint as amount
    from transfer
    where lane = ${lane}
      and seq > ${after}
      and seq <= ${until}
      and credit_balance is null
      and debit_balance is not null
      and substr(uuid_send(credit_account), 15) = decode(${digitsOf('merchant_unsettled', lane)}, 'hex')
    group by 1, 2`
  return rows.map(({ kindByte, ...row }) => ({ ...row, kindBits: kindByte >> 2 }))
}

/** What else moved there, but for settling: what went back to cards, crossed lanes, or was adjusted. */
export function sumOthers(
  sql: Sql,
  lane: Lane,
  after: bigint,
  until: bigint,
): Promise<{ accountId: string; kind: LineKind; source: LineSource | null; amount: Fen }[]> {
  return sql`
    with line as (${linesBesideCards(sql, lane, after, until)}), told as (
      select account_id, ${kindOfLine(sql, lane)} as kind, ${sourceOfLine(sql, lane)} as source, line.amount
      from line
      join journal on journal.lane = ${lane} and journal.seq = line.seq and journal.month = line.month
      where journal.kind <> ${settledKind}
    )
    select account_id as "accountId", kind, source, sum(amount)::bigint as amount
    from told
    group by account_id, kind, source`
}

/** Transfers on unsettled takings that are not simply from a card. */
function linesBesideCards(sql: Sql, lane: Lane, after: bigint, until: bigint) {
  const unsettled = digitsOf('merchant_unsettled', lane)
  return sql`
    select debit_account as account_id, credit_account as other_id, -amount as amount, seq, line, month
    from transfer
    where lane = ${lane}
      and seq > ${after}
      and seq <= ${until}
      and debit_balance is null
      and substr(uuid_send(debit_account), 15) = decode(${unsettled}, 'hex')
    union all
    select credit_account, debit_account, amount, seq, line, month
    from transfer
    where lane = ${lane}
      and seq > ${after}
      and seq <= ${until}
      and credit_balance is null
      and debit_balance is null
      and substr(uuid_send(credit_account), 15) = decode(${unsettled}, 'hex')`
}

/**
 * Of `line` and its `journal`: by the account on the other side. What comes from a card or another lane is a payment,
 * what goes there a cancellation or a refund; all else is an adjustment.
 */
export function kindOfLine(sql: Sql, lane: Lane) {
  const digits = sql`right(line.other_id::text, 4)`
  const back = ['card_principal', 'card_bonus', 'voucher', 'transit'] as const
  const [principal, bonus, voucher, transit] = back.map((kind) => digitsOf(kind, lane))
  return sql`
    case
      when ${digits} not in (${principal ?? ''}, ${bonus ?? ''}, ${voucher ?? ''}, ${transit ?? ''}) then 'adjustment'
      when line.amount > 0 then 'payment'
      when journal.kind = 'payment.cancelled' then 'cancellation'
      else 'refund'
    end`
}

/**
 * Of `line` and its `journal`. Of what crossed lanes the entry tells it: its allocations are in the order of its lines
 * on the merchant's account. What an entry does not tell counts as principal.
 */
export function sourceOfLine(sql: Sql, lane: Lane) {
  return sql`
    case right(line.other_id::text, 4)
      when ${digitsOf('card_principal', lane)} then 'principal'
      when ${digitsOf('card_bonus', lane)} then 'bonus'
      when ${digitsOf('voucher', lane)} then 'voucher'
      when ${digitsOf('transit', lane)} then coalesce(
        journal.body -> 'allocations' -> (
          select count(*)::int
          from transfer as earlier
          where earlier.lane = ${lane}
            and earlier.seq = line.seq
            and earlier.month = line.month
            and earlier.line < line.line
            and line.account_id in (earlier.debit_account, earlier.credit_account)
        ) ->> 'subBalance',
        'principal'
      )
    end`
}
