/** The SQL of single lines: a merchant's transfers in a lane between two places, with what they belong to. */
import type {
  CommandId,
  Fen,
  Instant,
  Lane,
  PaymentId,
  RefundId,
  SettlementAdjustmentId,
  StoreId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import type { LineKind, LineSource } from './lines.ts'
import { kindOfLine, settledKind, sourceOfLine } from './sums-store.ts'

export interface FoundLine {
  readonly seq: bigint
  readonly line: number
  readonly at: Instant
  readonly kind: LineKind
  readonly commandId: CommandId
  readonly source: LineSource | null
  readonly amount: Fen
  readonly paymentId: PaymentId | null
  readonly refundId: RefundId | null
  readonly adjustmentId: SettlementAdjustmentId | null
  readonly reference: string | null
  readonly storeId: StoreId | null
}

export interface Stretch {
  /** Not included. */
  readonly after: { readonly seq: bigint; readonly line: number }
  readonly until: bigint
  readonly limit: number
}

/** Up to `limit` lines on an account of unsettled takings, in the order of the lane. */
export function readLines(
  sql: Sql,
  lane: Lane,
  accountId: string,
  { after, until, limit }: Stretch,
): Promise<FoundLine[]> {
  return sql<FoundLine[]>`
    with line as (
      select
        case when debit_account = ${accountId} then debit_account else credit_account end as account_id,
        case when debit_account = ${accountId} then credit_account else debit_account end as other_id,
        case when debit_account = ${accountId} then -amount else amount end as amount,
        seq, line, month
      from transfer
      where lane = ${lane}
        and seq >= ${after.seq}
        and (seq > ${after.seq} or line > ${after.line})
        and seq <= ${until}
        and (debit_account = ${accountId} or credit_account = ${accountId})
    ), told as (
      select
        line.seq, line.line, line.amount, journal.at, journal.command_id,
        ${kindOfLine(sql, lane)} as kind,
        ${sourceOfLine(sql, lane)} as source,
        (journal.body ->> 'paymentId')::uuid as payment_id,
        (journal.body ->> 'refundId')::uuid as refund_id,
        (journal.body ->> 'settlementAdjustmentId')::uuid as adjustment_id
      from line
      join journal on journal.lane = ${lane} and journal.seq = line.seq and journal.month = line.month
      where journal.kind <> ${settledKind}
      order by line.seq, line.line
      limit ${limit}
    )
    select
      told.seq, told.line, told.at, told.kind, told.command_id as "commandId", told.source, told.amount,
      told.payment_id as "paymentId", told.refund_id as "refundId", told.adjustment_id as "adjustmentId",
      coalesce(refund.reference, adjustment.reference, payment.reference) as reference,
      payment.store_id as "storeId"
    from told
    left join payment on payment.lane = ${lane} and payment.id = told.payment_id
    left join refund on refund.lane = ${lane} and refund.id = told.refund_id
    left join settlement_adjustment as adjustment
      on adjustment.lane = ${lane}
      and adjustment.id = told.adjustment_id
    order by told.seq, told.line`
}
