/**
 * What stands on a statement: the transfers on its merchant's unsettled takings that lie in its cut, and the postings by
 * which it was settled. Nothing of it is kept twice: lines and postings are read from the journal.
 */
import type {
  CommandId,
  Fen,
  Instant,
  Lane,
  MerchantId,
  PaymentId,
  RefundId,
  SettlementAdjustmentId,
  StoreId,
} from '@lika/contract'
import type { AccountKindName } from '../ledger/index.ts'
import type { PortionRow, StatementRow } from './model.ts'

export const lineKinds = ['payment', 'refund', 'cancellation', 'adjustment'] as const
export type LineKind = (typeof lineKinds)[number]

/** What the money had been before it came to the merchant. */
export const lineSources = ['principal', 'bonus', 'voucher', 'wechat'] as const
export type LineSource = (typeof lineSources)[number]

/** Where a transfer stands in the journal. */
export interface Place {
  readonly lane: Lane
  readonly seq: bigint
  readonly line: number
}

/** One transfer. A payment out of two sub-balances has two lines. */
export interface StatementLine extends Place {
  readonly at: Instant
  readonly kind: LineKind
  readonly commandId: CommandId
  /** Of payments, refunds and cancellations. */
  readonly paymentId: PaymentId | null
  readonly refundId: RefundId | null
  readonly adjustmentId: SettlementAdjustmentId | null
  /** The caller's own number of the payment, refund or adjustment. */
  readonly reference: string | null
  readonly storeId: StoreId | null
  /** null: an adjustment. */
  readonly source: LineSource | null
  /** Above 0: the merchant gets it. */
  readonly amount: Fen
}

export const postingItems = [
  'commission',
  'bonus_share',
  'voucher_share',
  'set_off',
  'margin_withheld',
  'margin_used',
  'receivable_added',
  'margin_released',
  'own_sales',
  'portion',
] as const
export type PostingItem = (typeof postingItems)[number]

/** What the entry of a statement moves beside gathering the lanes, in this order. Items of zero have no posting. */
export interface Posting {
  readonly item: PostingItem
  /** The payee of a portion. */
  readonly merchantId: MerchantId | null
  /** The account on the other side of the merchant's unsettled takings. */
  readonly kind: AccountKindName
  /** What it does to the amount that is paid out; of own sales and portions, which end it, the amount itself. */
  readonly amount: Fen
  /** What leaves the unsettled takings; below 0 it comes onto them. */
  readonly leaves: Fen
}

type Amounts = Pick<
  StatementRow,
  | 'commission'
  | 'bonusShare'
  | 'voucherShare'
  | 'setOff'
  | 'marginWithheld'
  | 'marginUsed'
  | 'receivableAdded'
  | 'marginReleased'
  | 'ownSales'
>

export function postingsOf(
  statement: Amounts,
  portions: readonly Pick<PortionRow, 'merchantId' | 'amount'>[],
): Posting[] {
  const of = (item: PostingItem, kind: AccountKindName, leaves: Fen): Posting => ({
    item,
    merchantId: null,
    kind,
    amount: item === 'own_sales' ? leaves : -leaves,
    leaves,
  })
  const all = [
    of('commission', 'commission_income', statement.commission),
    of('bonus_share', 'bonus_expense', statement.bonusShare),
    of('voucher_share', 'rebate_expense', statement.voucherShare),
    of('set_off', 'merchant_receivable', statement.setOff),
    of('margin_withheld', 'merchant_margin', statement.marginWithheld),
    of('margin_used', 'merchant_margin', -statement.marginUsed),
    of('receivable_added', 'merchant_receivable', -statement.receivableAdded),
    of('margin_released', 'merchant_margin', -statement.marginReleased),
    of('own_sales', 'own_sales', statement.ownSales),
    ...portions.map(
      ({ merchantId, amount }): Posting => ({
        item: 'portion',
        merchantId,
        kind: 'merchant_payable',
        amount,
        leaves: amount,
      }),
    ),
  ]
  return all.filter(({ leaves }) => leaves !== 0n)
}
