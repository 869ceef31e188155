/**
 * A merchant's statement (结算单) as a document: what is on it and in which order, the same in every format. Words are
 * Chinese, as its readers are; amounts are fen until they are written as yuan.
 */
import { type Fen, formatYuan, type Instant } from '@lika/contract'

export const documentFormats = ['csv', 'xlsx', 'pdf'] as const
export type DocumentFormat = (typeof documentFormats)[number]

/** Where a line stands in the ledger. */
export interface EntryPlace {
  readonly lane: number
  readonly seq: bigint
  readonly line: number
}

export interface StatementHead {
  /** The merchant's own number, else its id. */
  readonly merchantNumber: string
  readonly merchantName: string
  readonly fromDay: string
  readonly toDay: string
  readonly contractVersion: number
  /** null: nothing is to be paid. */
  readonly payOn: string | null
  /** null: nothing was withheld. */
  readonly marginReleaseOn: string | null
}

export const lineKinds = {
  payment: '消费',
  refund: '退款',
  cancellation: '撤销',
  adjustment: '调整',
}
export const moneySources = { principal: '本金', bonus: '赠送', voucher: '代金券', wechat: '微信' }

export interface StatementLine {
  readonly at: Instant
  readonly kind: keyof typeof lineKinds
  /** The order's number, the refund's, the adjustment's. */
  readonly reference: string
  /** Of the payment, refund or adjustment, as the interface shows it. */
  readonly documentId: string
  readonly source: keyof typeof moneySources | undefined
  /** Negative where it is taken back. */
  readonly amount: Fen
  readonly entry: EntryPlace
}

/** The totals in their fixed order, shown also where they are zero; `ownSales` only of the issuer's own merchants. */
export const totalNames = {
  taken: '消费',
  refunded: '退款',
  cancelled: '撤销',
  net: '净额',
  commission: '佣金',
  bonusShare: '赠送分担',
  voucherShare: '代金券分担',
  adjusted: '调整',
  due: '应结金额',
  setOff: '偿还欠款',
  marginWithheld: '留存保证金',
  marginUsed: '保证金抵扣',
  receivableAdded: '转为欠款',
  marginReleased: '释放保证金',
  ownSales: '转自营收入',
  payable: '应付金额',
} as const
export type TotalName = keyof typeof totalNames

export interface StatementTotal {
  /** Of payments, refunds, cancellations, adjustments. */
  readonly count?: number | undefined
  /** With its sign: what lowers what is paid is negative. */
  readonly amount: Fen
  /** Of the transfer that moved it, where there is one. */
  readonly entry?: EntryPlace | undefined
}

export interface StatementPayee {
  readonly name: string
  /** The payee's own number, else its id. */
  readonly number: string
  readonly amount: Fen
  readonly entry?: EntryPlace | undefined
}

export type StatementTotals = Readonly<Record<Exclude<TotalName, 'ownSales'>, StatementTotal>> & {
  readonly ownSales?: StatementTotal | undefined
}

/** What stands under the lines. */
export interface StatementEnd {
  readonly kind: 'end'
  readonly totals: StatementTotals
  readonly payees: readonly StatementPayee[]
}

/** A document as it is read: lines, some at a time and in their order, and what they come to last. */
export type StatementPart =
  | { readonly kind: 'lines'; readonly lines: readonly StatementLine[] }
  | StatementEnd

export type StatementParts = AsyncIterable<StatementPart>

/** Amounts stay fen, so that each format writes them as numbers of its own. */
export type Cell = string | number | Fen

export interface Block {
  readonly header: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

/** Over the one column that has amounts. */
export const amountHeader = '金额（元）'

export const lineHeader = [
  '序号',
  '时间',
  '类型',
  '订单号',
  '单据号',
  '资金来源',
  amountHeader,
  '分录',
] as const

export function headBlock(head: StatementHead): Block {
  return {
    header: ['商户号', '商户名称', '账期起', '账期止', '合同版本', '应付日', '保证金释放日'],
    rows: [
      [
        head.merchantNumber,
        head.merchantName,
        head.fromDay,
        head.toDay,
        head.contractVersion,
        head.payOn ?? '',
        head.marginReleaseOn ?? '',
      ],
    ],
  }
}

/** `number` counts the lines of the statement from 1. */
export function lineRow(line: StatementLine, number: number): readonly Cell[] {
  return [
    number,
    shanghaiTime(line.at),
    lineKinds[line.kind],
    line.reference,
    line.documentId,
    line.source === undefined ? '' : moneySources[line.source],
    line.amount,
    placeText(line.entry),
  ]
}

export function totalsBlock({ totals, payees }: StatementEnd): Block {
  const names = Object.keys(totalNames).filter(isTotal)
  return {
    header: ['项目', '笔数', amountHeader, '分录'],
    rows: [
      ...names.flatMap((name) => {
        const total = totals[name]
        if (total === undefined) return []
        const { count, amount, entry } = total
        return [
          [totalNames[name], count ?? '', amount, entry === undefined ? '' : placeText(entry)],
        ]
      }),
      ...payees.map(({ name, number, amount, entry }) => [
        `付给 ${name}（${number}）`,
        '',
        amount,
        entry === undefined ? '' : placeText(entry),
      ]),
    ],
  }
}

function isTotal(name: string): name is TotalName {
  return Object.hasOwn(totalNames, name)
}

/** As text, for formats that have no numbers. */
export function cellText(cell: Cell): string {
  return typeof cell === 'bigint' ? formatYuan(cell) : String(cell)
}

/** `601-4-0` */
function placeText({ lane, seq, line }: EntryPlace): string {
  return `${lane}-${seq}-${line}`
}

const shanghaiOffsetMs = 8 * 3_600_000

/** `2026-11-02 09:15:00`, in Shanghai whatever the time zone of the machine. */
function shanghaiTime(at: Instant): string {
  return new Date(at + shanghaiOffsetMs).toISOString().slice(0, 19).replace('T', ' ')
}
