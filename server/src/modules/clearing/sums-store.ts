/**
 * The SQL that adds up transfers on unsettled takings. The last four digits of an account's id are its kind and lane, so
 * all unsettled accounts of a lane end alike.
 */
import { type Fen, type Lane, type MerchantId, withKindAndLane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import { type AccountKindName, accountKinds } from '../ledger/index.ts'
import type { LineKind, LineSource } from './lines.ts'

/** Of the entries that settle: their moves are no lines. */
export const settledKind = 'settlement.created'

/** The last four digits of every account of the kind in a lane. */
function digitsOf(kind: AccountKindName, lane: Lane): string {
  return withKindAndLane('', accountKinds[kind].number, lane)
}

/**
 * What came from guarded accounts onto accounts without a row in (after, until], by the kind of account that it came
 * from: nearly all of a busy lane, in one pass and from no other table. There is no condition but the range, so that
 * PostgreSQL reads along the primary key: with `debit_balance is not null` it takes the index of guarded accounts and
 * jumps about, at four times the cost. What is not on unsettled takings is for the caller to leave out.
 */
export async function sumFromGuarded(
  sql: Sql,
  lane: Lane,
  after: bigint,
  until: bigint,
): Promise<{ accountId: string; kindBits: number; amount: Fen }[]> {
  const rows = await sql<{ accountId: string | null; kindByte: number | null; amount: Fen }[]>`
    select
      case when credit_balance is null then credit_account end as "accountId",
      case when debit_balance >= 0 then get_byte(uuid_send(debit_account), 14) end as "kindByte",
      sum(amount)::bigint as amount
    from transfer
    where lane = ${lane}
      and seq > ${after}
      and seq <= ${until}
    group by 1, 2`
  return rows.flatMap(({ accountId, kindByte, amount }) =>
    accountId === null || kindByte === null ? [] : [{ accountId, kindBits: kindByte >> 2, amount }],
  )
}

/** What settling moved is told apart: it is no line. */
export interface SummedApart {
  readonly accountId: string
  readonly kind: LineKind | 'settled'
  readonly source: LineSource | null
  /** What came, or, below 0, what left. */
  readonly amount: Fen
}

/**
 * What did not come from a guarded account onto unsettled takings: what went back to cards, crossed lanes, was adjusted,
 * and most of what settling moved. What came and what left is summed up apart.
 */
export function sumOthers(
  sql: Sql,
  lane: Lane,
  after: bigint,
  until: bigint,
): Promise<SummedApart[]> {
  const { number } = accountKinds.merchant_unsettled
  const unsettled = digitsOf('merchant_unsettled', lane)
  return sql`
    with moved as (
      select debit_account, credit_account, credit_balance, amount, seq, line, month
      from transfer
      where lane = ${lane}
        and seq > ${after}
        and seq <= ${until}
        and debit_balance is null
        and (
          get_byte(uuid_send(debit_account), 14) >> 2 = ${number}
          or (credit_balance is null and get_byte(uuid_send(credit_account), 14) >> 2 = ${number})
        )
    ), line as (
      select debit_account as account_id, credit_account as other_id, -amount as amount, seq, line, month
      from moved
      where right(debit_account::text, 4) = ${unsettled}
      union all
      select credit_account, debit_account, amount, seq, line, month
      from moved
      where credit_balance is null
        and right(credit_account::text, 4) = ${unsettled}
    ), told as (
      select
        account_id,
        case when journal.kind = ${settledKind} then 'settled' else ${kindOfLine(sql, lane)} end as kind,
        ${sourceOfLine(sql, lane)} as source,
        line.amount
      from line
      join journal on journal.lane = ${lane} and journal.seq = line.seq and journal.month = line.month
    )
    select account_id as "accountId", kind, source, sum(amount)::bigint as amount
    from told
    group by account_id, kind, source, amount > 0`
}

/**
 * What settling moved from margins, which are guarded, onto unsettled takings: statements say it, and a statement of the
 * lane is an entry of the lane.
 */
export function marginsBack(
  sql: Sql,
  lane: Lane,
  merchantIds: readonly MerchantId[],
  until: bigint,
): Promise<{ merchantId: MerchantId; seq: bigint; amount: Fen }[]> {
  return sql`
    select merchant_id as "merchantId", seq, margin_used + margin_released as amount
    from statement
    where lane = ${lane}
      and merchant_id = any(${uuidArray(merchantIds)}::uuid[])
      and seq <= ${until}
      and margin_used + margin_released > 0`
}

/**
 * Of `line` and its `journal`: by the account on the other side. What comes from a card, from WeChat or another lane is a
 * payment, what goes there (to a payer at WeChat by way of suspense) a cancellation or a refund; all else is an adjustment.
 */
export function kindOfLine(sql: Sql, lane: Lane) {
  const digits = sql`right(line.other_id::text, 4)`
  const from = ['card_principal', 'card_bonus', 'voucher', 'transit', 'wechat'] as const
  const [principal, bonus, voucher, transit, wechat] = from.map((kind) => digitsOf(kind, lane))
  const suspense = digitsOf('order_suspense', lane)
  return sql`
    case
      when ${digits} not in (
        ${principal ?? ''}, ${bonus ?? ''}, ${voucher ?? ''}, ${transit ?? ''}, ${wechat ?? ''}, ${suspense}
      ) then 'adjustment'
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
      when ${digitsOf('wechat', lane)} then 'wechat'
      when ${digitsOf('order_suspense', lane)} then 'wechat'
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
