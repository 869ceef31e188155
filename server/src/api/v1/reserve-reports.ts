/** Routes of what the authority and the board are told: the quarterly set, the balance ledger, turnover of capital. */
import { fenToJson, refused } from '@lika/contract'
import {
  type BalanceDay,
  balanceLedger,
  presentFlow,
  type QuarterlySet,
  quarterlySet,
} from '../../flows/reserve/quarterly.ts'
import { turnoverBetween } from '../../flows/reserve/turnover.ts'
import { parseQuarter, turnoverDays } from '../../modules/reserve/index.ts'
import type { CsvCell } from '../../platform/csv.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { csvFile, wantsCsv } from '../http/csv-answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  AmountOrZero,
  Currency,
  closed,
  DateText,
  nullable,
  oneOf,
  SignedAmount,
  Type,
} from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'

const Format = Type.Optional(oneOf(['json', 'csv']))
const QuarterName = Type.String({ pattern: '^\\d{4}Q[1-4]$', description: 'such as 2026Q3' })

const flowMembers = {
  issued: AmountOrZero,
  migrated: SignedAmount,
  spent: AmountOrZero,
  refunded: AmountOrZero,
  redeemed: AmountOrZero,
  other: SignedAmount,
}

const Quarterly = closed({
  quarter: QuarterName,
  from: DateText,
  to: DateText,
  issuer_class: nullable(Type.String()),
  opening: SignedAmount,
  ...flowMembers,
  closing: SignedAmount,
  adds_up: Type.Boolean(),
  bonus_closing: SignedAmount,
  customer_money: SignedAmount,
  required: nullable(AmountOrZero),
  rule: nullable(Type.String()),
  custody: SignedAmount,
  guaranteed: nullable(AmountOrZero),
  shortfall: nullable(AmountOrZero),
  report_due: nullable(DateText),
  report_rule: nullable(Type.String()),
  due_calendar_known: nullable(Type.Boolean()),
  currency: Currency,
})

const BalanceLedger = closed({
  from: DateText,
  to: DateText,
  currency: Currency,
  data: Type.Array(
    closed({ day: DateText, opening: SignedAmount, ...flowMembers, closing: SignedAmount }),
  ),
})

const TurnoverBody = closed({
  from: DateText,
  to: DateText,
  spent: SignedAmount,
  fen_days: Type.String({ pattern: '^-?\\d+$', description: 'fen times the days they lay' }),
  days: nullable(
    Type.String({ pattern: '^\\d+\\.\\d\\d$', description: 'on average, half a hundredth up' }),
  ),
  currency: Currency,
})

/** Each call reads through the whole book. */
const wholeBook = { calls: 60, perSeconds: 60 }

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/reserve/quarters',
      summary: 'The quarterly set for the authority: what was issued, spent, left and set aside',
      access: 'reserve:read',
      query: closed({ quarter: QuarterName, format: Format }),
      responses: { 200: Quarterly },
      files: ['text/csv'],
      refusals: ['day.not_closed', 'reserve.not_ready'],
    },
    async ({ caller, query, request }) => {
      const quarter = parseQuarter(query.quarter)
      if (quarter === undefined)
        return refused(shapeRefusal([{ path: 'quarter', message: 'is not the name of one' }]))
      const set = await quarterlySet(flows, caller.book, quarter)
      if (!set.ok) return set
      return wantsCsv(query.format, request.headers.accept)
        ? csvFile(`quarter-${quarter.name}.csv`, ['项目', '值'], quarterRows(set.value))
        : okay(presentQuarter(set.value))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/reserve/balance_ledger',
      summary: 'The balance ledger: what was on cards, day by day, and what came and went',
      access: 'reserve:read',
      query: closed({ from: DateText, to: DateText, format: Format }),
      responses: { 200: BalanceLedger },
      files: ['text/csv'],
      refusals: ['date.out_of_range', 'day.not_closed'],
    },
    async ({ caller, query, request }) => {
      const { from, to } = query
      const days = await balanceLedger(flows, caller.book, from, to)
      if (!days.ok) return days
      if (wantsCsv(query.format, request.headers.accept))
        return csvFile(`balances-${from}-${to}.csv`, ledgerHeader, days.value.map(ledgerRow))
      return okay({ from, to, currency: 'CNY' as const, data: days.value.map(presentDay) })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/reserve/turnover',
      summary: 'How many days money lies on cards from being paid in to being spent, on average',
      access: 'reserve:read',
      query: closed({ from: DateText, to: DateText }),
      rate: wholeBook,
      responses: { 200: TurnoverBody },
      refusals: [],
    },
    async ({ caller, query }) => {
      const { from, to } = query
      const turnover = await turnoverBetween(flows, caller.book, from, to)
      return okay({
        from,
        to,
        spent: fenToJson(turnover.spent),
        fen_days: String(turnover.fenDays),
        days: turnoverDays(turnover) ?? null,
        currency: 'CNY' as const,
      })
    },
  )
}

function presentQuarter(set: QuarterlySet) {
  const { quarter, grounds, position, due } = set
  return {
    quarter: quarter.name,
    from: quarter.from,
    to: quarter.to,
    issuer_class: grounds.profile?.issuerClass ?? null,
    opening: fenToJson(set.opening),
    ...presentFlow(set.flow),
    closing: fenToJson(set.closing),
    adds_up: set.addsUp,
    bonus_closing: fenToJson(set.bonusClosing),
    customer_money: fenToJson(grounds.bases.daily.customers),
    required: position === undefined ? null : fenToJson(position.required),
    rule: position?.rule ?? null,
    custody: fenToJson(grounds.custody),
    guaranteed: position === undefined ? null : fenToJson(position.guarantees),
    shortfall: position === undefined ? null : fenToJson(position.shortfall),
    report_due: due?.day ?? null,
    report_rule: due?.rule ?? null,
    due_calendar_known: due?.isCalendarKnown ?? null,
    currency: 'CNY' as const,
  }
}

/** In yuan, under the words of the authority's form. */
function quarterRows(set: QuarterlySet): (readonly CsvCell[])[] {
  const { quarter, flow, grounds, position, due } = set
  return [
    ['报告期', quarter.name],
    ['发卡企业类型', grounds.profile?.issuerClass ?? ''],
    ['期初预收资金余额(元)', set.opening],
    ['本期发卡、充值金额(元)', flow.issued],
    ['本期迁入金额(元)', flow.migrated],
    ['本期兑付金额(元)', flow.spent],
    ['本期退货返还金额(元)', flow.refunded],
    ['本期退卡金额(元)', flow.redeemed],
    ['本期其他变动(元)', flow.other],
    ['期末预收资金余额(元)', set.closing],
    ['期末赠送余额(元)', set.bonusClosing],
    ['应存管资金(元)', position?.required],
    ['期末存管账户余额(元)', grounds.custody],
    ['担保冲抵金额(元)', position?.guarantees],
    ['存管缺口(元)', position?.shortfall],
    ['报送期限', due?.day ?? ''],
  ]
}

const ledgerHeader = [
  '日期',
  '期初余额(元)',
  '发卡、充值(元)',
  '迁入(元)',
  '兑付(元)',
  '退货返还(元)',
  '退卡(元)',
  '其他(元)',
  '期末余额(元)',
]

function ledgerRow({ day, opening, flow, closing }: BalanceDay): readonly CsvCell[] {
  const { issued, migrated, spent, refunded, redeemed, other } = flow
  return [day, opening, issued, migrated, spent, refunded, redeemed, other, closing]
}

function presentDay({ day, opening, flow, closing }: BalanceDay) {
  return {
    day,
    opening: fenToJson(opening),
    ...presentFlow(flow),
    closing: fenToJson(closing),
  }
}
