/** Route of WeChat's bills: which days were held against the books, and what came of it. */
import { fenToJson, formatId, formatInstant, parseBusinessDate } from '@lika/contract'
import { selectBills, type WechatBillRow } from '../../modules/bills/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  AmountOrZero,
  Currency,
  closed,
  DateText,
  idOf,
  oneOf,
  pageOf,
  paging,
  SignedAmount,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const dayPart = /^\d{4}-\d{2}-\d{2}$/
const Count = Type.Integer({ minimum: 0 })

const BillBody = closed({
  account_id: idOf('wechat_account'),
  day: DateText,
  status: oneOf(['reconciled', 'empty'], 'empty: WeChat says that nothing happened'),
  payments: Count,
  paid_amount: AmountOrZero,
  refunds: Count,
  refunded_amount: AmountOrZero,
  fees: SignedAmount,
  funds: { ...SignedAmount, description: 'fen; what the account gained by the bill of funds' },
  learnt: { ...Count, description: 'payments and refunds of which the books learned from it' },
  exceptions: { ...Count, description: 'cases that were opened' },
  currency: Currency,
  reconciled_at: Timestamp,
})

export function register(app: LikaApp, { database }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/wechat/bills',
      summary: 'Lists days of WeChat Pay that were held against the books, the latest first',
      access: 'wechat:read',
      query: closed({ ...paging, day: Type.Optional(DateText) }),
      responses: { 200: pageOf(BillBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('wechat_bills', [dayPart, uuidPart], query)
      if (!asked.ok) return asked
      const { limit, after } = asked.value
      const day = query.day === undefined ? undefined : parseBusinessDate(query.day)
      const before = positionOf(after)
      const rows = await selectBills(database.sql, caller.book, { day, before, limit: limit + 1 })
      return okay(
        presentPage('wechat_bills', asked.value, rows, (row) => [row.day, row.accountId], present),
      )
    },
  )
}

function positionOf(after: readonly (string | number)[] | undefined) {
  const day = parseBusinessDate(String(after?.[0]))
  return day === undefined ? undefined : { day, accountId: String(after?.[1]) }
}

function present(row: WechatBillRow) {
  return {
    account_id: formatId('wechat_account', row.accountId),
    day: row.day,
    status: row.state,
    payments: row.payments,
    paid_amount: fenToJson(row.paid),
    refunds: row.refunds,
    refunded_amount: fenToJson(row.refunded),
    fees: fenToJson(row.fees),
    funds: fenToJson(row.funds),
    learnt: row.learnt,
    exceptions: row.exceptions,
    currency: 'CNY' as const,
    reconciled_at: formatInstant(row.reconciledAt),
  }
}
