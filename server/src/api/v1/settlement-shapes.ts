/** Statements as callers see them. Amounts are fen; what is deducted is positive in a statement, and negative as a posting. */
import { fenToJson, formatId, formatInstant, laneOfId, withKindAndLane } from '@lika/contract'
import { currency } from '../../flows/cards/facts.ts'
import { netOfStatement, type PlacedPosting } from '../../flows/settle/document.ts'
import {
  lanesOf,
  lineKinds,
  lineSources,
  type PortionRow,
  portionStates,
  postingItems,
  type StatementLine,
  type StatementRow,
  seqIn,
  statementStates,
} from '../../modules/clearing/index.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  DateText,
  idOf,
  nullable,
  oneOf,
  SignedAmount,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const Place = {
  lane: Type.Integer(),
  seq: Type.Integer({ description: 'of the journal entry in its lane' }),
  line: Type.Integer({ description: 'of the transfer in its entry' }),
}

const Portion = closed({
  merchant_id: idOf('merchant'),
  amount: Amount,
  status: oneOf(portionStates),
  payout_id: nullable(Type.String()),
})

const members = {
  id: idOf('settlement'),
  merchant_id: idOf('merchant'),
  contract_version: Type.Integer({ description: '0: there was no contract' }),
  from_day: DateText,
  to_day: DateText,
  status: oneOf(statementStates),
  taken: AmountOrZero,
  refunded: AmountOrZero,
  cancelled: AmountOrZero,
  net: { ...SignedAmount, description: 'fen; taken − refunded − cancelled' },
  commission: SignedAmount,
  bonus_share: SignedAmount,
  voucher_share: SignedAmount,
  adjusted: SignedAmount,
  due: {
    ...SignedAmount,
    description: 'fen; net − commission − bonus_share − voucher_share + adjusted',
  },
  set_off: { ...AmountOrZero, description: 'fen; pays what the merchant owed' },
  margin_withheld: AmountOrZero,
  margin_used: { ...AmountOrZero, description: 'fen; margins that cover a due below 0' },
  receivable_added: { ...AmountOrZero, description: 'fen; what the merchant owes from now on' },
  margin_released: AmountOrZero,
  own_sales: { ...SignedAmount, description: "fen; of the issuer's own merchants" },
  payable: {
    ...AmountOrZero,
    description:
      'fen; due − own_sales − set_off − margin_withheld + margin_used + receivable_added + margin_released',
  },
  currency: Currency,
  margin_left: {
    ...AmountOrZero,
    description: 'fen; of margin_withheld, what was neither used nor released since',
  },
  margin_release_on: nullable(DateText),
  pay_on: nullable(DateText),
  lane: Place.lane,
  seq: Place.seq,
  created_at: Timestamp,
}

export const Statement = closed(members)
export const StatementWhole = closed({
  ...members,
  cut: Type.Array(
    closed({
      lane: Type.Integer(),
      after_seq: Type.Integer({ description: 'its lines lie behind this entry …' }),
      until_seq: Type.Integer({ description: '… up to this one' }),
    }),
  ),
  portions: Type.Array(Portion),
  postings: Type.Array(
    closed({
      item: oneOf(postingItems),
      merchant_id: nullable(idOf('merchant')),
      amount: { ...SignedAmount, description: 'fen; what it adds to the payable amount' },
      ...Place,
    }),
  ),
})

export const Line = closed({
  at: Timestamp,
  kind: oneOf(lineKinds),
  payment_id: nullable(idOf('payment')),
  refund_id: nullable(idOf('refund')),
  adjustment_id: nullable(idOf('settlement_adjustment')),
  entry_id: idOf('entry'),
  reference: nullable(Type.String()),
  store_id: nullable(idOf('store')),
  source: nullable(oneOf(lineSources)),
  amount: { ...SignedAmount, description: 'fen; above 0 the merchant gets it' },
  ...Place,
})

export const Position = closed({
  merchant_id: idOf('merchant'),
  unsettled: { ...SignedAmount, description: 'fen; taken and not yet on a statement' },
  payable: { ...AmountOrZero, description: 'fen; on statements, also as a party of a split' },
  in_flight: { ...AmountOrZero, description: 'fen; with the bank' },
  margin: { ...AmountOrZero, description: 'fen; withheld' },
  receivable: { ...AmountOrZero, description: 'fen; what the merchant owes' },
  currency: Currency,
  settled_through: nullable(DateText),
  cycle_from: { ...DateText, description: 'of the cycle that is under way' },
  cycle_to: DateText,
})

export function presentStatement(row: StatementRow) {
  return {
    id: formatId('settlement', row.id),
    merchant_id: formatId('merchant', row.merchantId),
    contract_version: row.contractVersion,
    from_day: row.fromDay,
    to_day: row.toDay,
    status: row.status,
    taken: fenToJson(row.taken),
    refunded: fenToJson(row.refunded),
    cancelled: fenToJson(row.cancelled),
    net: fenToJson(netOfStatement(row)),
    commission: fenToJson(row.commission),
    bonus_share: fenToJson(row.bonusShare),
    voucher_share: fenToJson(row.voucherShare),
    adjusted: fenToJson(row.adjusted),
    due: fenToJson(row.due),
    set_off: fenToJson(row.setOff),
    margin_withheld: fenToJson(row.marginWithheld),
    margin_used: fenToJson(row.marginUsed),
    receivable_added: fenToJson(row.receivableAdded),
    margin_released: fenToJson(row.marginReleased),
    own_sales: fenToJson(row.ownSales),
    payable: fenToJson(row.payable),
    currency,
    margin_left: fenToJson(row.marginLeft),
    margin_release_on: row.marginReleaseOn,
    pay_on: row.payOn,
    lane: laneOfId(row.id),
    seq: Number(row.seq),
    created_at: formatInstant(row.createdAt),
  }
}

export function presentPortion({ merchantId, amount, status, payoutId }: PortionRow) {
  return {
    merchant_id: formatId('merchant', merchantId),
    amount: fenToJson(amount),
    status,
    payout_id: payoutId === null ? null : formatId('payout', payoutId),
  }
}

export function presentPosting({ item, merchantId, amount, lane, seq, line }: PlacedPosting) {
  return {
    item,
    merchant_id: merchantId === null ? null : formatId('merchant', merchantId),
    amount: fenToJson(amount),
    lane,
    seq: Number(seq),
    line,
  }
}

export function presentLine(line: StatementLine) {
  const idOrNull = (
    kind: 'payment' | 'refund' | 'settlement_adjustment' | 'store',
    id: string | null,
  ) => (id === null ? null : formatId(kind, id))
  return {
    at: formatInstant(line.at),
    kind: line.kind,
    payment_id: idOrNull('payment', line.paymentId),
    refund_id: idOrNull('refund', line.refundId),
    adjustment_id: idOrNull('settlement_adjustment', line.adjustmentId),
    entry_id: formatId('entry', withKindAndLane(line.commandId, 0, line.lane)),
    reference: line.reference,
    store_id: idOrNull('store', line.storeId),
    source: line.source,
    amount: fenToJson(line.amount),
    lane: line.lane,
    seq: Number(line.seq),
    line: line.line,
  }
}

export function presentCut({ fromCut, toCut }: StatementRow) {
  return lanesOf(toCut).map((lane) => ({
    lane,
    after_seq: Number(seqIn(fromCut, lane)),
    until_seq: Number(seqIn(toCut, lane)),
  }))
}
