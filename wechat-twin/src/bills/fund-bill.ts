/** The fund bill (资金账单) of a day: every movement of what the merchant has at WeChat, with the balance after it. */
import { formatSpaced } from '../kernel/time.ts'
import type { Movement } from '../kernel/trades.ts'
import { type BillTable, sumOf, yuan } from './csv.ts'

const fundBillHeader = [
  '记账时间',
  '微信支付业务单号',
  '资金流水单号',
  '业务名称',
  '业务类型',
  '收支类型',
  '收支金额(元)',
  '账户结余(元)',
  '资金变更提交申请人',
  '备注',
  '业务凭证号',
]

const fundBillSummary = ['资金流水总笔数', '收入笔数', '收入金额', '支出笔数', '支出金额']

/** Name and kind of business. */
const words: Record<Movement['kind'], readonly [string, string]> = {
  payment: ['交易', '交易'],
  fee: ['交易', '扣除交易手续费'],
  refund: ['退款', '退款'],
  fee_return: ['退款', '退款'],
  share: ['分账', '分账'],
  share_return: ['分账', '分账回退'],
  transfer: ['商家转账', '商家转账'],
  other: ['充值', '充值'],
}

interface FundRow extends Movement {
  remark: string
}

/** `movements` are one merchant's of one day, in the order in which they were made. */
export function fundBill(movements: readonly Movement[]): BillTable {
  const rows = joined(movements)
  const [gains, losses] = [
    rows.filter(({ amount }) => amount > 0),
    rows.filter(({ amount }) => amount < 0),
  ]
  return {
    header: fundBillHeader,
    rows: rows.map(rowOf),
    summaryHeader: fundBillSummary,
    summary: [
      String(rows.length),
      String(gains.length),
      yuan(sumOf(gains, ({ amount }) => amount)),
      String(losses.length),
      yuan(-sumOf(losses, ({ amount }) => amount)),
    ],
  }
}

/** A refund and the part of the fee that comes back with it are one movement of the bill. */
function joined(movements: readonly Movement[]): FundRow[] {
  const rows: FundRow[] = []
  for (const movement of movements) {
    const last = rows.at(-1)
    if (
      movement.kind === 'fee_return' &&
      last?.kind === 'refund' &&
      last.serial === movement.serial
    )
      rows[rows.length - 1] = {
        ...last,
        amount: last.amount + movement.amount,
        balance: movement.balance,
        remark: refundRemark(last.amount, movement.amount),
      }
    else
      rows.push({
        ...movement,
        remark: movement.kind === 'refund' ? refundRemark(movement.amount, 0) : '',
      })
  }
  return rows
}

function refundRemark(refund: number, fee: number): string {
  // A refund that was closed comes back.
  return refund > 0 ? '退款关闭' : `退款总金额${yuan(-refund)}元;含手续费${yuan(fee)}元`
}

function rowOf(row: FundRow, place: number): string[] {
  const { at, mchid, kind, amount, balance, serial, out_no, day, remark } = row
  const [name, type] = kind === 'other' && amount < 0 ? ['提现', '提现'] : words[kind]
  const isSystem = kind === 'payment' || kind === 'fee'
  return [
    formatSpaced(at),
    serial,
    `${mchid}${day.replaceAll('-', '')}${String(place + 1).padStart(10, '0')}`,
    name,
    type,
    amount > 0 ? '收入' : '支出',
    yuan(Math.abs(amount)),
    yuan(balance),
    isSystem ? 'system' : `${mchid}API`,
    remark,
    out_no,
  ]
}
